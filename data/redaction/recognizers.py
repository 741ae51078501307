"""Find personal data in normalised text. In: normalised text. Out: spans with a kind.

A recognizer is a pattern over text whose Chinese digits (一二三, 〇, 幺, 两) were turned into 0-9 one for one, so that
offsets stay, plus a check. Digits may be grouped by spaces, hyphens, dots or underscores. Patterns bound themselves by
digits, never by `\\b`: between 汉字 and a digit there is no `\\b`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from stdnum import luhn
from stdnum.cn import ric

CHINESE_DIGITS = str.maketrans("零〇一二三四五六七八九幺两", "0012345678912")
GAP = r"[ \-–—.·_]{0,2}"


@dataclass(frozen=True, kw_only=True)
class PiiSpan:
    """A piece of personal data: `start:end` in code points of the text it was found in."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Recognizer:
    """`pattern` proposes, `accepts` decides on the match and the text before it."""

    kind: str
    pattern: re.Pattern[str]
    accepts: Callable[[re.Match[str]], bool] = lambda _match: True


def _digits(count: str) -> str:
    """Digits with optional gaps between them, e.g. `_digits("{8}")`."""
    return rf"(?:{GAP}[0-9]){count}"


def _compact(match: re.Match[str]) -> str:
    return re.sub(r"[^0-9Xx]", "", match.group()).upper()


def _is_resident_id(match: re.Match[str]) -> bool:
    number = _compact(match)
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    # Not ric.validate: it rejects valid numbers of counties that were dissolved.
    return bool(ric.calc_check_digit(number) == number[-1]) or _follows(match, ID_CONTEXT)


def _is_bank_card(match: re.Match[str]) -> bool:
    return luhn.is_valid(_compact(match)) or _follows(match, CARD_CONTEXT)


# A number introduced as an ID or a card is masked even when its check digit is wrong: people mistype.
ID_CONTEXT = re.compile(r"身份证[^0-9]{0,8}$")
CARD_CONTEXT = re.compile(r"(?:卡号|账号|卡片号码|[用记行蓄]卡)[^0-9]{0,8}$")


def _follows(match: re.Match[str], context: re.Pattern[str]) -> bool:
    return bool(context.search(match.string[max(0, match.start() - 16) : match.start()]))


# In order of precedence: an earlier recognizer keeps a span that a later one also claims.
RECOGNIZERS: tuple[Recognizer, ...] = (
    Recognizer(
        kind="email",
        pattern=re.compile(
            r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}"
        ),
    ),
    Recognizer(
        kind="id_card",
        pattern=re.compile(rf"(?<![0-9])[1-9]{_digits('{16}')}{GAP}[0-9Xx](?![0-9A-Za-z])"),
        accepts=_is_resident_id,
    ),
    Recognizer(
        kind="bank_card",
        pattern=re.compile(rf"(?<![0-9])[3-6]{_digits('{15,18}')}(?![0-9])"),
        accepts=_is_bank_card,
    ),
    Recognizer(
        kind="mobile",
        pattern=re.compile(rf"(?<![0-9])(?:\+?86{GAP})?1{GAP}[3-9]{_digits('{9}')}(?![0-9])"),
    ),
    Recognizer(
        kind="landline",
        pattern=re.compile(
            rf"(?<![0-9])0(?:{GAP}10|{GAP}2{GAP}[0-9]|{GAP}[3-9]{_digits('{2}')}){GAP}[2-8]{_digits('{6,7}')}"
            rf"(?:(?:-|转)[0-9]{{1,6}})?(?![0-9])"
        ),
    ),
)


def find_pii(text: str) -> list[PiiSpan]:
    """Spans of personal data in a normalised text, in order, without overlap."""
    folded = text.translate(CHINESE_DIGITS)
    found: list[PiiSpan] = []
    for recognizer in RECOGNIZERS:
        for match in recognizer.pattern.finditer(folded):
            free = all(match.end() <= span.start or span.end <= match.start() for span in found)
            if free and recognizer.accepts(match):
                found.append(PiiSpan(kind=recognizer.kind, start=match.start(), end=match.end()))
    return sorted(found, key=lambda span: span.start)
