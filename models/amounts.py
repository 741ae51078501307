"""Money in a text, and which of it is in dispute. In: model text. Out: `Money` spans in text order.

A number is money if a currency stands before or behind it (3,000元, HK$50, 六块九), if it is as large as people
write only money (四万二) and counts nothing (人, 天, 克), or if a word of paying stands right before it (扣了199).
Dates, times, rates, numbers of cards, orders and phones are not.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from models.evidence import BOUNDARY
from models.money_words import (
    ASIDE,
    COUNTED,
    DISPUTED,
    IDIOM,
    JOINED,
    MENTIONED,
    NUMBERED,
    PAYING,
    PREFIX,
    RANGE,
    RANGE_HEAD,
    ROUGH_YUAN,
    SERVICE_NUMBER,
    SUFFIX,
    TOGETHER,
    TOTAL,
    currency_code,
)
from models.numerals import NUMERAL, Number, read_number

MOST_AMOUNTS = 20
CUE_REACH = 14


@dataclass(frozen=True, kw_only=True)
class Money:
    """`value` in units of `currency` (ISO 4217) behind `start:end` of the model text; a range ends at `high`."""

    value: float
    high: float | None
    currency: str
    is_approximate: bool
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    money: Money
    number: Number
    is_money: bool


def find_amounts(text: str) -> list[Money]:
    """All sums of money in text order, at most `MOST_AMOUNTS`."""
    candidates = _with_ranges(list(_candidates(text)), text)
    accepted = _spread_along_lists(candidates, text)
    return [candidate.money for candidate, holds in zip(candidates, accepted, strict=True) if holds][:MOST_AMOUNTS]


def disputed_amount(text: str, amounts: Sequence[Money]) -> Money | None:
    """The sum the text is about: by the words around it, then a total, then the largest."""
    return max(amounts, key=lambda money: (_dispute(text, money), _in_yuan(money)), default=None)


def _candidates(text: str) -> Iterator[_Candidate]:
    position = 0
    for match in NUMERAL.finditer(text):
        start, end = match.start(), _end_of_numeral(text, *match.span())
        if start >= position and (number := read_number(text[start:end])) and number.value > 0:
            candidate = _candidate(text, start, end, number, floor=position)
            position = candidate.money.end
            yield candidate


def _end_of_numeral(text: str, start: int, end: int) -> int:
    """扣3000来电 ends before 来, 三十来块 does not; of 一千二一回 the last digit belongs to what follows."""
    while end > start + 1 and text[end - 1] in "来余把数" and text[end : end + 1] not in ("块", "元", "万"):
        end -= 1
    return end if end == start + 1 or read_number(text[start:end]) else end - 1


def _candidate(text: str, start: int, end: int, number: Number, *, floor: int) -> _Candidate:
    before, suffix = text[max(floor, start - 20) : start], SUFFIX.match(text, end)
    prefix = PREFIX.search(before)
    if suffix and _is_no_money(text, start, suffix):
        suffix = None
    money = Money(
        value=number.value,
        high=number.high,
        currency="CNY",
        is_approximate=number.is_vague,
        start=start - (len(prefix.group()) if prefix else 0),
        end=end,
    )
    if suffix:
        return _Candidate(money=_with_suffix(money, suffix, prefix), number=number, is_money=True)
    if prefix:
        named = replace(money, currency=currency_code(prefix.group()))
        return _Candidate(money=named, number=number, is_money=not COUNTED.match(text, end))
    return _Candidate(money=money, number=number, is_money=_is_bare_money(text, start, end, number))


def _is_no_money(text: str, start: int, suffix: re.Match[str]) -> bool:
    """一块 is also «together», 一分钱没有 is no sum."""
    whole = text[start : suffix.end()]
    if whole in ("一分钱", "一毛钱", "一毛") and IDIOM.match(text, suffix.end()):
        return True
    return bool(TOGETHER.match(text, start)) and not PAYING.search(text[max(0, start - 20) : start])


def _with_suffix(money: Money, suffix: re.Match[str], prefix: re.Match[str] | None) -> Money:
    small, more = suffix["small"], suffix["more"]
    name = suffix["second"] or (prefix.group() if prefix else suffix["first"])
    if small:
        value = money.value * (0.01 if small.startswith("分") else 0.1) + 0.1 * _coins((suffix["cents"] or "")[:1])
    else:
        value = money.value + _coins(more)
    return replace(
        money,
        value=round(value, 2),
        currency="CNY" if small else currency_code(name),
        is_approximate=money.is_approximate or bool(suffix["vague"] or suffix["vague2"]),
        end=suffix.end(),
    )


def _coins(more: str | None) -> float:
    """What stands behind 块: 四, 五毛, 五毛二分, 半."""
    if not more:
        return 0.0
    if more == "半":
        return 0.5
    digits = [number.value for sign in more if sign not in "毛角分" and (number := read_number(sign))]
    return sum((digit * 0.1**place for place, digit in enumerate(digits, 1)), 0.0)


def _is_bare_money(text: str, start: int, end: int, number: Number) -> bool:
    """Money without a currency: large, or right behind a word of paying, and counting nothing."""
    before = text[max(0, start - 20) : start]
    if number.magnitude >= 100:
        before = RANGE_HEAD.sub("", before)
    if COUNTED.match(text, end) or NUMBERED.search(before):
        return False
    written = text[start:end]
    if SERVICE_NUMBER.fullmatch(written):
        return False
    paid = bool(PAYING.search(before))
    if number.magnitude >= 100:
        return paid or written[-1] in "kKwW" or len(written) > 1
    if written[0] in "0123456789":
        whole, _, decimals = written.partition(".")
        return paid and 2 <= len(whole.replace(",", "")) + bool(decimals) <= 8 and len(decimals) <= 2
    return paid and number.magnitude == 10


def _with_ranges(candidates: list[_Candidate], text: str) -> list[_Candidate]:
    """Join 3到5万, 2000-3000元 into one candidate."""
    joined: list[_Candidate] = []
    for candidate in candidates:
        last = joined[-1] if joined else None
        if last and candidate.is_money and last.money.high is None and _is_range(last, candidate, text):
            scale = candidate.number.magnitude if last.number.magnitude == 1 and last.money.value < 1000 else 1
            if last.number.value * scale < candidate.money.value:
                low, upper = last.number.value * scale, candidate.money
                money = replace(upper, value=low, high=upper.value, is_approximate=True, start=last.money.start)
                joined[-1] = replace(candidate, money=money)
                continue
        joined.append(candidate)
    return joined


def _is_range(first: _Candidate, second: _Candidate, text: str) -> bool:
    between = text[first.money.end : second.money.start]
    return bool(RANGE.fullmatch(between)) and not NUMBERED.search(
        text[max(0, first.money.start - 20) : first.money.start]
    )


def _spread_along_lists(candidates: Sequence[_Candidate], text: str) -> list[bool]:
    """In 9,860、9,860、4,120元 every member is money as soon as its neighbour is."""
    accepted = [candidate.is_money for candidate in candidates]
    order = range(len(candidates) - 1)
    for i, j in [*((i, i + 1) for i in order), *((i + 1, i) for i in reversed(order))]:
        if accepted[i] and not accepted[j] and _are_listed(candidates[min(i, j)], candidates[max(i, j)], text):
            accepted[j] = _may_be_listed(candidates[j], text)
    return accepted


def _are_listed(first: _Candidate, second: _Candidate, text: str) -> bool:
    return bool(JOINED.fullmatch(text[first.money.end : second.money.start]))


def _may_be_listed(candidate: _Candidate, text: str) -> bool:
    start, end = candidate.money.start, candidate.money.end
    is_digits = text[start] in "0123456789" and candidate.money.value >= 10 and end - start <= 9
    return is_digits and not COUNTED.match(text, end) and not NUMBERED.search(text[max(0, start - 20) : start])


def _dispute(text: str, money: Money) -> int:
    """How much the words of the clause say that this sum is the one in dispute."""
    before, behind = text[max(0, money.start - CUE_REACH) : money.start], text[money.end : money.end + CUE_REACH]
    clause = (_last_clause(before), _first_clause(behind))
    score = 3 * any(DISPUTED.search(part) for part in clause)
    score += any(MENTIONED.search(part) for part in clause)
    score += 2 * bool(TOTAL.search(clause[0]))
    return score - 2 * any(ASIDE.search(part) for part in clause)


def _last_clause(before: str) -> str:
    return BOUNDARY.split(before)[-1]


def _first_clause(behind: str) -> str:
    return BOUNDARY.split(behind)[0]


def _in_yuan(money: Money) -> float:
    return float((money.high or money.value) * ROUGH_YUAN.get(money.currency, 1.0))
