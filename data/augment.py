"""More of a training text than its writer wrote. In: a `LabelledText` and a seed. Out: another one, labels kept true.

At training time only, never on texts that measure. Each kind changes one thing that real streams vary: personal data,
scripts of digits, homophones of dictation and pinyin typing, punctuation, traditional script, an agent's wrapping, a
lost ending, two matters in one text. Evidence follows the words it quotes. Needs the extra `train` (pypinyin).
"""

import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import opencc
from pypinyin import Style, pinyin
from stdnum import luhn
from stdnum.cn import ric

from data.schema import EvidenceSpan, LabelledText

FULL_WIDTH = {ord(digit): 0xFF10 + int(digit) for digit in string.digits}
HAN_DIGITS = dict(zip(map(ord, string.digits), "零幺二三四五六七八九", strict=True))
PUNCTUATION = frozenset("，。！？；：、,.!?;:…~～—")
HOMOPHONE_SHARE = 0.03  # of the characters of a text
LONGEST_JOINED = 900  # characters
WRAPPERS = (
    ("客户来电反映：", "。请核实处理。"),
    ("来电人称，", "，望尽快回复。"),
    ("【投诉】", ""),
    ("投诉内容：", "（工单已派发）"),
    ("您好，", "，谢谢。"),
    ("客户诉求如下：", "。请相关部门跟进。"),
    ("", "（来自手机客户端）"),
    ("接转办件：", "。请按期办结。"),
    ("用户留言：", ""),
    ("", " 求助各位"),
)
CONNECTORS = ("\n另外，", "。还有一件事，", "。再说一个，", "\n二、", "。同时", "\n")


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Replace `start:end` of a text by other words."""

    start: int
    end: int
    words: str


def augment(
    text: LabelledText, *, seed: int, others: Sequence[LabelledText] = (), kinds: Mapping[str, float]
) -> LabelledText:
    """Apply each kind of `KINDS` (or `join`, which takes a text of `others`) with its probability.

    The same seed gives the same text. A kind that does not fit a text leaves it as it is.
    """
    dice = random.Random(f"{seed}:{text.id}")
    result = text
    if others and dice.random() < kinds.get("join", 0.0):
        result = join(text, dice.choice(others), dice)
    is_joined = result is not text
    for name, change in KINDS.items():
        # The second matter of a joined text has few quotes to guard it: its end is never cut off.
        if dice.random() < kinds.get(name, 0.0) and not (is_joined and name == "truncate"):
            result = change(result, dice)
    return result


def rewrite(text: LabelledText, edits: Sequence[Edit]) -> LabelledText:
    """Apply edits that do not overlap; evidence moves with the words, personal data is read anew."""
    edits = sorted(edits, key=lambda edit: edit.start)
    pieces: list[str] = []
    position = 0
    for edit in edits:
        pieces += [text.text[position : edit.start], edit.words]
        position = edit.end
    pieces.append(text.text[position:])
    evidence = {
        code: tuple(
            EvidenceSpan(start=_moved(s.start, edits, end=False), end=_moved(s.end, edits, end=True)) for s in spans
        )
        for code, spans in text.evidence.items()
    }
    return replace(text, text="".join(pieces), evidence=evidence)


def _moved(position: int, edits: Sequence[Edit], *, end: bool) -> int:
    """Where a boundary goes; one inside replaced words goes to their outer edge."""
    shift = 0
    for edit in edits:
        if edit.end <= position and not (edit.start == edit.end == position and end):
            shift += len(edit.words) - (edit.end - edit.start)
        elif edit.start < position:
            return edit.start + shift + (len(edit.words) if end else 0)
    return position + shift


def fresh_pii(text: LabelledText, dice: random.Random) -> LabelledText:
    """Every quoted personal value that is a number becomes another one of its kind, in any spelling."""
    edits: list[Edit] = []
    for pii in text.pii:
        start = text.text.find(pii.value)
        if pii.kind in PII_MAKERS and start >= 0 and not _overlaps(edits, start, start + len(pii.value)):
            edits.append(Edit(start=start, end=start + len(pii.value), words=_spell(PII_MAKERS[pii.kind](dice), dice)))
    return rewrite(text, edits)


def _overlaps(edits: Sequence[Edit], start: int, end: int) -> bool:
    return any(edit.start < end and start < edit.end for edit in edits)


def _digits(dice: random.Random, number: int) -> str:
    return "".join(dice.choice(string.digits) for _ in range(number))


def _id_card(dice: random.Random) -> str:
    county = f"{dice.choice(('11', '32', '37', '44', '51'))}0{dice.randint(1, 9)}99"
    birth = f"{dice.randint(1938, 2006)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}"
    body = county + birth + _digits(dice, 3)
    return body + str(ric.calc_check_digit(body + "0"))


def _bank_card(dice: random.Random) -> str:
    body = dice.choice(("629997", "409999", "519999")) + _digits(dice, dice.choice((9, 12)))
    return body + str(luhn.calc_check_digit(body))


# Numbers that belong to nobody: counties and issuers that do not exist, mobile segments not given to subscribers.
PII_MAKERS: dict[str, Callable[[random.Random], str]] = {
    "id_card": _id_card,
    "bank_card": _bank_card,
    "mobile": lambda dice: dice.choice(("160", "161", "164", "168", "179")) + _digits(dice, 8),
    "account": lambda dice: _digits(dice, dice.choice((15, 17, 19, 21))),
    "qq": lambda dice: dice.choice("123456789") + _digits(dice, 8),
}


def _spell(number: str, dice: random.Random) -> str:
    """A number as people write it: plain, in groups, full-width, in Chinese digits, digit by digit."""
    groups = [number[i : i + 4] for i in range(0, len(number), 4)]
    ways = (number, number, number, " ".join(groups), "-".join(groups), number.translate(FULL_WIDTH))
    return dice.choice((*ways, number.translate(HAN_DIGITS), " ".join(number)))


def digit_script(text: LabelledText, dice: random.Random) -> LabelledText:
    """All digits full-width: what some input methods and old systems give."""
    return replace(text, text=text.text.translate(FULL_WIDTH))


def homophones(text: LabelledText, dice: random.Random) -> LabelledText:
    """A few characters become others of the same sound, as dictation and hasty pinyin typing do."""
    letters = list(text.text)
    for i in dice.sample(range(len(letters)), max(1, round(len(letters) * HOMOPHONE_SHARE))):
        if same := _same_sound(letters[i]):
            letters[i] = dice.choice(same)
    return replace(text, text="".join(letters))


@cache
def _sounds() -> dict[str, str]:
    """Sound without tone → the common characters (GB 2312 level 1) that have it."""
    common = bytes(b for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF) for b in (high, low)).decode(
        "gb2312", "ignore"
    )
    sounds: dict[str, str] = {}
    for character, (sound,) in zip(common, pinyin(list(common), style=Style.NORMAL), strict=True):
        sounds[sound] = sounds.get(sound, "") + character
    return sounds


@cache
def _same_sound(character: str) -> str:
    if not "\u4e00" <= character <= "\u9fff":
        return ""
    return _sounds().get(pinyin(character, style=Style.NORMAL)[0][0], "").replace(character, "")


def drop_punctuation(text: LabelledText, dice: random.Random) -> LabelledText:
    """Marks vanish, all of them or about half, but never inside a number."""
    keep = dice.choice((0.0, 0.0, 0.5))
    edits = [
        Edit(start=i, end=i + 1, words=dice.choice(("", "", " ")))
        for i, character in enumerate(text.text)
        if character in PUNCTUATION and dice.random() >= keep and not text.text[i + 1 : i + 2].isdigit()
    ]
    return rewrite(text, edits)


def traditional(text: LabelledText, dice: random.Random) -> LabelledText:
    """Traditional script of Hong Kong, Taiwan or the general standard; texts that would change length stay."""
    converted = _converter(dice.choice(("s2t", "s2hk", "s2tw"))).convert(text.text)
    return replace(text, text=converted) if len(converted) == len(text.text) else text


@cache
def _converter(name: str) -> opencc.OpenCC:
    return opencc.OpenCC(name)


def wrap(text: LabelledText, dice: random.Random) -> LabelledText:
    """An agent's or a system's words around the text."""
    before, after = dice.choice(WRAPPERS)
    size = len(text.text)
    return rewrite(text, [Edit(start=0, end=0, words=before), Edit(start=size, end=size, words=after)])


def truncate(text: LabelledText, dice: random.Random) -> LabelledText:
    """The ending is lost, never before the last quote of evidence nor before half of the text."""
    least = max([len(text.text) // 2, *(span.end for spans in text.evidence.values() for span in spans)])
    end = dice.randint(least, len(text.text))
    return rewrite(text, [Edit(start=end, end=len(text.text), words="")])


def join(first: LabelledText, second: LabelledText, dice: random.Random) -> LabelledText:
    """Two complaints in one: the first gives the primary labels, the second's cause and flags are added."""
    both = (first, second)
    if first.id == second.id:
        return first
    if any(text.order_type != "complaint" for text in both) or sum(len(text.text) for text in both) > LONGEST_JOINED:
        return first
    start = first.text.rstrip("。！!.") + dice.choice(CONNECTORS)
    evidence = {code: tuple(spans) for code, spans in first.evidence.items()}
    for code in second.flags:
        moved = tuple(EvidenceSpan(start=s.start + len(start), end=s.end + len(start)) for s in second.evidence[code])
        evidence[code] = (*evidence.get(code, ()), *moved)
    further = [code for code in (*first.causes2, second.cause, *second.causes2) if code and code != first.cause]
    return replace(
        first,
        text=start + second.text,
        causes2=tuple(dict.fromkeys(further)),
        flags=tuple(dict.fromkeys((*first.flags, *second.flags))),
        evidence={code: _within(spans, len(start + second.text)) for code, spans in evidence.items()},
        pii=(*first.pii, *second.pii),
        hard_negatives=(),
    )


def _within(spans: Sequence[EvidenceSpan], size: int) -> tuple[EvidenceSpan, ...]:
    return tuple(EvidenceSpan(start=min(span.start, size), end=min(span.end, size)) for span in spans)


KINDS: dict[str, Callable[[LabelledText, random.Random], LabelledText]] = {
    "truncate": truncate,
    "fresh_pii": fresh_pii,
    "wrap": wrap,
    "homophones": homophones,
    "drop_punctuation": drop_punctuation,
    "digit_script": digit_script,
    "traditional": traditional,
}
