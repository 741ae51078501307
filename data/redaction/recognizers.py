"""Find personal data in normalised text. In: normalised text. Out: spans with a kind.

Numbers are read from a copy of the text whose Chinese digits (一二三, 〇, 幺, 两) were turned into 0-9 one for one, so
that offsets stay. A number may be spaced out or grouped in the ways people group such numbers; dates and lists of
amounts are not. It must be bounded by characters that are no digits, where one Chinese digit of a following word (一直,
两张) is no digit. `\\b` is never used: between 汉字 and a digit there is none.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from stdnum import luhn
from stdnum.cn import ric

CHINESE_DIGITS = str.maketrans("零〇○一二三四五六七八九幺两", "00012345678912")
GAPS = " -‐–—−.·_~"
WIDEST_GAP = 2
CONTEXT_WIDTH = 16  # characters before a number that may say what it is

Groups = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class PiiSpan:
    """A piece of personal data: `start:end` in code points of the text it was found in."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Digits that could be one number: how they were grouped and what stood before them."""

    number: str
    groups: Groups
    gaps: str
    before: str
    start: int
    end: int

    @property
    def is_plain(self) -> bool:
        """Written without gaps."""
        return len(self.groups) == 1

    @property
    def is_spelled_out(self) -> bool:
        """Written digit by digit."""
        return set(self.groups) == {1}


@dataclass(frozen=True, kw_only=True)
class NumberRecognizer:
    """`lengths` are tried in order; `first` are the digits the number may start with; `accepts` decides."""

    kind: str
    lengths: tuple[int, ...]
    first: str
    accepts: Callable[[Candidate], bool]


# Digits that gaps join: no number below has fewer than ten, so text without such a run is not looked at further.
FEWEST_DIGITS = 10
DIGIT_RUN = re.compile(rf"[0-9](?:[{re.escape(GAPS)})]{{0,{WIDEST_GAP}}}[0-9]){{{FEWEST_DIGITS - 1},}}")
EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}")
# Abroad the zero of the area code is dropped.
INTERNATIONAL_LANDLINE = re.compile(
    r"\+86[ -]{0,2}(?:10|2[0-9]|[3-9][0-9]{2})[ -]{0,2}[2-8][0-9]{3}[ -]?[0-9]{3,4}(?![0-9])"
)
# A number introduced as an ID or a card is masked even when its check digit is wrong: people mistype.
ID_CONTEXT = re.compile(r"身份证[^0-9]{0,8}$")
CARD_NUMBER_CONTEXT = re.compile(r"(?:卡号|账号)[^0-9]{0,8}$")
CARD_CONTEXT = re.compile(r"[用记行蓄]卡[^0-9]{0,8}$")
MOBILE_GROUPS: frozenset[Groups] = frozenset(
    {(11,), (3, 4, 4), (4, 4, 3), (3, 3, 5), (3, 8), (7, 4), (5, 6), (4, 3, 4)}
)
SUBSCRIBER_GROUPS: frozenset[Groups] = frozenset({(7,), (8,), (4, 4), (3, 4), (4, 3)})
# The country code and an opening bracket belong to the number that follows.
PHONE_PREFIX = re.compile(r"(?:\(?(?:\+86|0086|86)\)?[ -]{0,2})?\(?$")
COUNTRY_CODE = re.compile(r"(?:\+86|0086)\)?[ -]{0,2}\(?$")
EXTENSION = re.compile(r"(?:-|转)[0-9]{1,6}(?![0-9])")


def _is_resident_id(candidate: Candidate) -> bool:
    number = candidate.number
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    # Not ric.validate: it rejects valid numbers of counties that were dissolved.
    return bool(ric.calc_check_digit(number) == number[-1]) or bool(ID_CONTEXT.search(candidate.before))


def _is_bank_card(candidate: Candidate) -> bool:
    groups = candidate.groups
    in_fours = set(groups[:-1]) == {4} and groups[-1] <= 4
    if not (candidate.is_plain or candidate.is_spelled_out or in_fours or (groups[0] == 6 and len(groups) == 2)):
        return False
    if luhn.is_valid(candidate.number) or CARD_NUMBER_CONTEXT.search(candidate.before):
        return True
    return candidate.is_plain and bool(CARD_CONTEXT.search(candidate.before))


def _is_mobile(candidate: Candidate) -> bool:
    if candidate.number[1] not in "3456789":
        return False
    return candidate.is_spelled_out or candidate.groups in MOBILE_GROUPS


def _is_landline(candidate: Candidate) -> bool:
    """Area code 010, 02x or 03xx–09xx, then seven or eight digits that do not start with 0, 1 or 9."""
    if "." in candidate.gaps:
        return False
    number = candidate.number
    area = 3 if number[1] in "12" else 4
    if len(number) - area not in (7, 8) or number[area] in "019" or (number[1] == "1" and number[2] != "0"):
        return False
    if candidate.is_plain or candidate.is_spelled_out:
        return True
    groups = candidate.groups
    if groups[0] == area:
        return groups[1:] in SUBSCRIBER_GROUPS
    return set(groups[:-1]) == {4} and groups[-1] <= 4


# In order of precedence: an earlier recognizer keeps digits that a later one also claims.
NUMBERS: tuple[NumberRecognizer, ...] = (
    NumberRecognizer(kind="id_card", lengths=(18,), first="123456789", accepts=_is_resident_id),
    NumberRecognizer(kind="bank_card", lengths=(19, 18, 17, 16), first="3456", accepts=_is_bank_card),
    NumberRecognizer(kind="mobile", lengths=(11,), first="1", accepts=_is_mobile),
    NumberRecognizer(kind="landline", lengths=(12, 11, 10), first="0", accepts=_is_landline),
)


def find_pii(text: str) -> list[PiiSpan]:
    """Spans of personal data in a normalised text, in order, without overlap."""
    found: list[PiiSpan] = []
    if "@" in text:
        found += [PiiSpan(kind="email", start=match.start(), end=match.end()) for match in EMAIL.finditer(text)]
    folded = text.translate(CHINESE_DIGITS)
    runs = [match.span() for match in DIGIT_RUN.finditer(folded)]
    if runs:
        _find_numbers(text, folded, runs, found)
    return sorted(found, key=lambda span: span.start)


def _find_numbers(text: str, folded: str, runs: Sequence[tuple[int, int]], found: list[PiiSpan]) -> None:
    """Add to `found` the numbers that lie in the given runs of digits."""
    found += [
        PiiSpan(kind="landline", start=match.start(), end=match.end())
        for match in INTERNATIONAL_LANDLINE.finditer(folded)
    ]
    starts = [
        start
        for first, last in runs
        for start in range(first, last)
        if folded[start] in "0123456789" and _starts_cleanly(text, folded, start)
    ]
    for recognizer in NUMBERS:
        for start in starts:
            if folded[start] not in recognizer.first or any(span.start <= start < span.end for span in found):
                continue
            span = _recognize(recognizer, text, folded, start)
            if span and all(span.end <= other.start or other.end <= span.start for other in found):
                found.append(span)


def _recognize(recognizer: NumberRecognizer, text: str, folded: str, start: int) -> PiiSpan | None:
    for candidate in _candidates(recognizer, text, folded, start):
        if recognizer.accepts(candidate):
            first, last = candidate.start, candidate.end
            if recognizer.kind in ("mobile", "landline"):
                prefix = PHONE_PREFIX.search(folded[:first][-CONTEXT_WIDTH:])
                first -= len(prefix.group()) if prefix else 0
                extension = EXTENSION.match(folded, last) if recognizer.kind == "landline" else None
                last = extension.end() if extension else last
            return PiiSpan(kind=recognizer.kind, start=first, end=last)
    return None


def _candidates(recognizer: NumberRecognizer, text: str, folded: str, start: int) -> Iterator[Candidate]:
    for length in recognizer.lengths:
        taken = _take_digits(folded, start, length, recognizer.kind)
        if taken and _ends_cleanly(text, folded, taken[0], is_id=recognizer.kind == "id_card"):
            end, number, groups, gaps = taken
            yield Candidate(
                number=number,
                groups=groups,
                gaps=gaps,
                before=folded[max(0, start - CONTEXT_WIDTH) : start],
                start=start,
                end=end,
            )


def _take_digits(folded: str, start: int, length: int, kind: str) -> tuple[int, str, Groups, str] | None:
    """(end, digits, group sizes, gaps) of `length` digits from `start`, or None if there are not as many."""
    digits, groups, gaps, position = folded[start], [1], "", start + 1
    brackets = ")" if kind == "landline" else ""
    while len(digits) < length:
        gap = position
        while gap < len(folded) and gap - position < WIDEST_GAP and folded[gap] in GAPS + brackets:
            gap += 1
        is_check_digit = kind == "id_card" and len(digits) == length - 1
        if gap >= len(folded) or folded[gap] not in ("0123456789Xx" if is_check_digit else "0123456789"):
            return None
        if gap > position:
            gaps += folded[position:gap]
            groups.append(1)
        else:
            groups[-1] += 1
        digits += folded[gap].upper()
        position = gap + 1
    return position, digits, tuple(groups), gaps


def _starts_cleanly(text: str, folded: str, start: int) -> bool:
    if start == 0 or not folded[start - 1].isdecimal():
        return True
    if COUNTRY_CODE.search(folded[:start][-CONTEXT_WIDTH:]):
        return True
    return not text[start - 1].isascii() and not folded[max(0, start - 2) : start - 1].isdecimal()


def _ends_cleanly(text: str, folded: str, end: int, *, is_id: bool) -> bool:
    if is_id and folded[end - 1] in "Xx":
        return True
    if end >= len(folded) or not folded[end].isdecimal():
        return True
    # One Chinese digit that begins a word: 13800001234一直打不通
    return not text[end].isascii() and not folded[end + 1 : end + 2].isdecimal()
