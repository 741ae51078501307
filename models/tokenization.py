"""Turn model text into pieces. In: model text. Out: `TokenizedText` with character offsets, cut at the model's length.

One `tokenizers.Tokenizer`, its truncation set once: changing it per call from several threads raises
«Already borrowed» (huggingface/tokenizers issue 537).
"""

from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from data.errors import BundleError

# A piece covers 1.4 characters on average and rarely more than four; reading further would be wasted.
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, kw_only=True)
class TokenizedText:
    """`offsets[i]` is the half-open span of model text behind `ids[i]`; special pieces have empty spans."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    truncated: bool


class TextTokenizer:
    def __init__(self, file: Path, max_tokens: int) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # tokenizers raises a bare Exception
            raise BundleError(f"{file.name} cannot be read as a tokenizer: {error}") from error
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()
        self.max_tokens = max_tokens

    def tokenize(self, model_text: str) -> TokenizedText:
        """Pieces of one text, `<s>` and `</s>` included."""
        head = model_text[: self.max_tokens * CHARACTERS_PER_TOKEN]
        encoding = self._tokenizer.encode(head)
        return TokenizedText(
            ids=encoding.ids,
            offsets=encoding.offsets,
            truncated=len(head) < len(model_text) or bool(encoding.overflowing),
        )
