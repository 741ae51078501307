"""Can the model read this text at all? In: a prepared text's model text and pieces. Out: yes or no.

The model learned from Chinese. What holds next to no Chinese (a number, a link, code, emoji, keyboard noise, another
language, one character over and over), or many characters the tokenizer does not know, still gets labels that look
sure; a person must look. Says nothing of readable Chinese about other trades: that is for the order type.
"""

import re
import unicodedata

from models.tokenization import TokenizedText

LEAST_HAN = 2  # different characters: 盗刷 is a complaint, 啊啊啊啊 is none
# Of the letters of a text, a run of Latin letters being one; of 7,414 corpus texts about banks one lies below.
LEAST_HAN_SHARE = 0.6
MOST_UNKNOWN = 0.2  # of the Chinese characters; corpus texts about banks have 0.10 at most
UNKNOWN_ID = 3  # <unk> of the tokenizer
PLACEHOLDER = re.compile(r"〔[^〔〕]*〕")
LATIN_RUN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+")


def is_out_of_scope(model_text: str, tokens: TokenizedText) -> bool:
    """Whether the text is none that the model can judge. Placeholders of personal data count for nothing."""
    text = LATIN_RUN.sub("a", PLACEHOLDER.sub("", model_text))
    han = [character for character in text if _is_han(character)]
    others = sum(unicodedata.category(character).startswith("L") for character in text) - len(han)
    if len(set(han)) < LEAST_HAN or len(han) < LEAST_HAN_SHARE * (len(han) + others):
        return True
    return _unknown_han(model_text, tokens) > MOST_UNKNOWN * len(han)


def _unknown_han(model_text: str, tokens: TokenizedText) -> int:
    """Chinese characters that the tokenizer has no piece for; neighbours share one unknown piece."""
    spans = [span for piece, span in zip(tokens.ids, tokens.offsets, strict=True) if piece == UNKNOWN_ID]
    return sum(_is_han(character) for start, end in spans for character in model_text[start:end])


def _is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf" or character >= "\U00020000"
