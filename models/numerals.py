"""Read numbers as people write them. In: a numeral such as 3.5万, 三万五, 二十多万, 1,234.56, 5k. Out: `Number`.

Half of 三万五 is unsaid: a digit right behind 百, 千, 万 or 亿 counts tenths of it. `几` and `数` are read as 5; two
neighbouring digits (三五万) are a range. Our own instead of `cn2an`: docs/decisions/0004-rules-amounts-windows.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_DIGIT_SIGNS = ("零〇", "一壹幺", "二贰两俩", "三叁仨", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
DIGITS = {sign: value for value, signs in enumerate(_DIGIT_SIGNS) for sign in signs}
SOME = dict.fromkeys("几数", 5)
MAGNITUDES = {
    "十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "万": 10_000, "亿": 100_000_000,
    "k": 1000, "K": 1000, "w": 10_000, "W": 10_000,
}  # fmt: skip
VAGUE = "多余来把"
LONGEST_NUMERAL = 24
LARGEST = 1e13  # no complaint is about more
PLACES = 4  # 0.07万 is 700, not 700.0000000000001
_HAN = "".join(DIGITS) + "几数"
# Thousands with commas, groups of three, single spaced digits, then plain numbers.
ARABIC = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9](?: [0-9]){2,}(?: ?\. ?[0-9](?: [0-9])?)?|[0-9]+(?:\.[0-9]+)?)"
# 三点五 before 万 or 亿, but not behind 下午: elsewhere 点 is more often a time of day, with a sum behind it.
_SPOKEN = "零一二三四五六七八九"
SPOKEN_DECIMAL = (
    rf"(?<![上下中]午)(?<!凌晨|早上|晚上|半夜|夜里)[{_SPOKEN}十百]{{1,4}}点[{_SPOKEN}]{{1,3}}(?=[百千]?万|亿)"
)
NUMERAL = re.compile(
    rf"(?:{ARABIC}|{SPOKEN_DECIMAL}|[{_HAN}十拾廿卅]|上(?=[百千万])|好(?=几[十百千万])|百(?=[千万来把十])|[千万](?=[来把]))"
    rf"(?:[{_HAN}十拾廿卅百佰千仟万亿{VAGUE}]|(?<=[百佰千仟万亿]){ARABIC}|(?<=[百千万])半|[kKwW](?![A-Za-z0-9]))*"
)
_TOKEN = re.compile(rf"{ARABIC}|{SPOKEN_DECIMAL}|.")


@dataclass(frozen=True, kw_only=True)
class Number:
    """`high` is the upper end of a range, else null; `magnitude` is the largest unit written (1 for 199 or 二)."""

    value: float
    high: float | None
    is_vague: bool
    magnitude: int


def read_number(numeral: str) -> Number | None:
    """The number that a numeral says, or None if it says none (万万) or more than any complaint is about."""
    if len(numeral) > LONGEST_NUMERAL:
        return None
    bare = numeral.removeprefix("上").removeprefix("好")
    tokens = _TOKEN.findall(bare.replace("廿", "二十").replace("卅", "三十"))
    is_vague = bare != numeral or any(token in SOME or token in VAGUE for token in tokens)
    tokens = [token for token in tokens if token not in VAGUE]
    magnitude = max((MAGNITUDES.get(token, 1) for token in tokens), default=1)
    low, high = _ends_of_range(tokens)
    if magnitude == 1 and len(tokens) > 2 and all(token in DIGITS for token in tokens):
        return Number(value=float(_spelled_out(tokens)), high=None, is_vague=False, magnitude=1)
    value, upper = _evaluate(low), _evaluate(high) if high else None
    if value is None or (high and upper is None) or (upper or value) > LARGEST:
        return None
    return Number(
        value=round(value, PLACES),
        high=None if upper is None else round(upper, PLACES),
        is_vague=is_vague or bool(high),
        magnitude=magnitude,
    )


def _ends_of_range(tokens: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """三五万 → 三万 and 五万; other numerals stay as they are."""
    for i in range(len(tokens) - 1):
        first, second = DIGITS.get(tokens[i]), DIGITS.get(tokens[i + 1])
        if first and second and first < second:
            return [*tokens[: i + 1], *tokens[i + 2 :]], [*tokens[:i], *tokens[i + 1 :]]
    return list(tokens), None


def _spelled_out(tokens: Sequence[str]) -> str:
    return "".join(str(DIGITS[token]) for token in tokens)


def _evaluate(tokens: Sequence[str]) -> float | None:
    """Sum of digits times units; None for what is no number."""
    total = section = 0.0
    pending: float | None = None
    last = 1
    for token in tokens:
        if unit := MAGNITUDES.get(token):
            if unit >= 10_000:
                whole = total + section + (pending or 0.0) if unit > 10_000 else section + (pending or 0.0)
                total = whole * unit if unit > 10_000 else total + (whole or 1.0) * unit
                section = 0.0
            else:
                section += (1.0 if pending is None else pending) * unit
            pending, last = None, unit
        elif token in "零〇":
            last = 1  # 三万零五: the five counts ones
        elif pending is not None:
            return None
        else:
            pending = 0.5 * last if token == "半" else _digit(token)
            last = 1 if token == "半" else last
    return total + section + _tail(pending, last, tokens)


def _digit(token: str) -> float:
    whole, point, decimals = token.partition("点")
    if point:
        return float(f"{_evaluate(whole) or 0:.0f}.{_spelled_out(decimals)}")
    known = DIGITS.get(token, SOME.get(token))
    return float(token.replace(",", "").replace(" ", "")) if known is None else float(known)


def _tail(pending: float | None, last: int, tokens: Sequence[str]) -> float:
    """What follows the last unit: 三万五 counts thousands, 3万500 and 二十五 count ones."""
    if pending is None:
        return 0.0
    return pending * last / 10 if last >= 100 and len(tokens) > 1 and len(tokens[-1]) == 1 else pending
