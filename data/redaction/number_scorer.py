"""Numbers that no pattern describes. In: normalised text, and the same with digits folded. Out: spans.

Patterns (`numbers`, `phones`, `dictated`) know how numbers are usually written. People also write them otherwise:
0471 65 40 238, 138.1294.0077, 结算户是三二零幺,嗯,九零幺八. Here a regression over what a chain of digits looks like
and what stands around it says whether it is one personal number, wholly (`python -m training.fit_numbers`).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

from stdnum import luhn

from data.redaction.continued import with_its_ends
from data.redaction.digit_chains import (
    CHINESE_DIGITS,
    CORRECTION,
    ENDS,
    FEWEST_DIGITS,
    WIDEST_GAP,
    Chain,
    chains,
    find_pieces,
    gap_class,
)
from data.redaction.digits import IP_ADDRESS, PUBLIC_BEHIND, PUBLIC_NUMBER
from data.redaction.numbers import CALLED_OTHERWISE, CALLED_PERSONAL, PROVINCE
from data.redaction.spans import PiiSpan

WEIGHTS_PATH = Path(__file__).with_name("number_weights.json")
KIND = "account"
"""Of a number that nothing else says more of; all kinds are masked."""
MOST_CHAINS = 4_000
"""Of one text: a text of 20,000 lone digits would take seconds."""
COMPLETE = frozenset({"id", "mobile", "landline", "card", "luhn"})
"""Forms of what stands beside a chain that are a number by themselves."""
FORMED = COMPLETE | {"id15", "card?", "id?"}
"""Forms that speak against a serial number and a list."""
LISTING = frozenset({",", "/", ".", " ,", " /"})
"""Classes of gaps between numbers of a list."""
MOST_BESIDE, MOST_OF_AN_ID = 11, 19
WIDTH_BEFORE, WIDTH_NEAR, WIDTH_AFTER, WIDTH_BEHIND, WIDTH_PUBLIC = 12, 6, 8, 4, 20
FEWEST_UNNAMED = 10
"""Digits that nothing introduces; fewer are as often an amount, a serial number or a saying (一二三四五六七)."""

_PHONE = re.compile(
    r"电话|手机|座机|手提|联[系络]|致电|来电|回电|打|拨|TEL|tel|Tel|固话|号码|找我|传真|办公室|家里|店里|whatsapp|分机"
    r"|宅电"
)
_ACCOUNT = re.compile(r"账|卡|折|户|存单|汇|转")
_PAPERS = re.compile(r"身份|证|ID|id")
_OTHER = re.compile(
    r"单号|编号|流水|工单|合同|保单|序列|序号|订单|凭证|批次|参考|设备|机具|文号|案号|号单|受理|登记|发票|票|批|期|热线"
    r"|客服|第|基金|代码|产品|金额|元|¥|净值|余额"
)
_WORDS = {"P": _PHONE, "A": _ACCOUNT, "I": _PAPERS, "N": _OTHER}
_UNIT = re.compile(r" ?[万亿]?[多余几]?[元块年月日天次位岁笔分秒%万亿点号平楼栋]")
_COUNTED = re.compile(r" ?[万亿]?[多余几]?(?:[韩日美港欧台]?[元块]|[年月日天次位岁笔分秒%万亿]|日元)")
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_RESIDENT = re.compile(rf"{PROVINCE}(?:19|20)[0-9]{{2}}{_DAY}")
_OLD_RESIDENT = re.compile(rf"{PROVINCE}[0-9]{{2}}{_DAY}")
_MOBILE, _DATE = re.compile(r"1[3-9]"), re.compile(rf"20[0-2][0-9]{_DAY}")
_LANDLINE = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}")
_LETTERS_BEFORE = re.compile(r"(?<![A-Za-z])[A-Za-z]{1,3}-?$")  # LN0088-2207, H44867546
_SERIAL = re.compile(r"(?<!户)(?<![账折])(?<![账户折][号是:])(?<![A-Za-z])[A-Za-z]{2,3}-?$")
"""Letters before what is a number of a thing, not of an account."""
_LISTED = re.compile(r"(?:[0-9]{4,}[、,/和及 ]{1,2})+$")
"""Numbers of a list before this one."""
_SERVICE = re.compile(r"(?:400|800)[0-9]{7}|106[0-9]{7,}|(?:(?:95|12)[0-9]{3})+")
"""Numbers of hotlines and of senders of short messages."""
_NAMED = re.compile(
    r"(?:(?:账号|账户|户头|[卡折户]号|号码|电话|手机号?|手提|座机|固话|传真|身份证|证件|证号)[^0-9,。;]{0,8}"
    r"|[户折账][是为: (]{0,3})$"
)
"""Words for a number, behind which even a list is one."""
_CERTIFICATE = re.compile(r"存单(?:编?号码?)?[是为: ]{0,3}$")
"""Of a deposit: its serial number is that of a paper."""
_SPOKEN = frozenset("幺洞个")


def form(digits: str) -> str:
    """What a number of these digits could be."""
    length = len(digits)
    if 16 <= length <= 19 and _RESIDENT.match(digits):
        return "id" if length in (17, 18) else "id?"
    if length == 15 and _OLD_RESIDENT.match(digits):
        return "id15"
    if _MOBILE.match(digits) and 10 <= length <= 12:
        return "mobile" if length == 11 else "mobile?"
    if _LANDLINE.match(digits):
        return "landline" if _LANDLINE.fullmatch(digits) else "landline+"
    if length >= 16 and digits[0] == "6" and length <= 19:
        return "card" if digits[1] == "2" and length in (16, 19) else "card?"
    if length in (16, 19) and digits[0] in "3459" and luhn.is_valid(digits):
        return "luhn"
    if _DATE.match(digits):
        return "date"
    if length in (7, 8):
        return "local" if digits[0] in "2345678" else "short"
    return str(min(length, 22))


def corrected(chain: Chain) -> str:
    """The digits with what was said wrong left out."""
    said: list[str] = []
    for group, gap in zip(chain.groups, ("", *chain.gaps), strict=True):
        if said and CORRECTION.search(gap):
            said.pop()
        said.append(group)
    return "".join(said)


def features(text: str, folded: str, chain: Chain) -> list[str]:
    """Names of the features that hold; the first, `bias`, always does."""
    start, end, groups = chain.start, chain.end, chain.groups
    letters = _LETTERS_BEFORE.search(text[max(0, start - 5) : start])
    start -= len(letters.group()) if letters else 0
    digits, classes = "".join(groups), sorted(set(map(gap_class, chain.gaps)))
    shape = form(corrected(chain))
    before, after = text[max(0, start - WIDTH_BEFORE) : start], text[end : end + WIDTH_AFTER]
    words, near, behind = _words(before), _words(before[-WIDTH_NEAR:]), _words(after)
    left, right = _neighbour(text, chain, -1), _neighbour(text, chain, +1)
    is_public = _is_public(folded[max(0, start - WIDTH_PUBLIC) : start], after)
    style = _style(text[chain.start : end], len(digits), classes)
    unit, gaps = "u" if _UNIT.match(after) else "", "|".join(classes)
    found = ["bias"]
    found += [f"f{form(digits)}", f"F{shape}", f"n{len(digits)}", f"p{shape}{int(is_public)}", f"p{int(is_public)}"]
    found += [f"w{words}", f"W{shape}{words}", f"v{near}", f"V{shape}{near}", f"x{behind}"]
    found += [f"u{unit}", f"U{shape}{unit}", f"y{style}", f"Y{shape}{style}"]
    found += [f"g{gaps}", f"G{shape}{gaps}", *(f"c{each}" for each in classes)]
    found += [f"q{letters.group() if letters else ''}", f"Q{shape}{bool(letters)}"]
    found += _of_neighbours(chain, shape, left, right) + _of_groups(groups, shape, left, right)
    found += [f"b{before[-length:]}" for length in (1, 2, 3)] + [f"a{after[:length]}" for length in (1, 2, 3)]
    found += [f"B{one}{two}" for one, two in pairwise(before)] + [f"A{one}{two}" for one, two in pairwise(after)]
    return found


def _is_public(before: str, after: str) -> bool:
    """Called an order, a serial number or the like; `before` with digits folded."""
    return bool(PUBLIC_NUMBER.search(_LISTED.sub("", before)) or PUBLIC_BEHIND.match(after))


def _words(text: str) -> str:
    """Which kinds of words are in it."""
    return "".join(letter for letter, pattern in _WORDS.items() if pattern.search(text))


def _style(written: str, digits: int, classes: list[str]) -> str:
    """In 汉字, in 0-9 or both, and whether said aloud."""
    in_words = sum(each in CHINESE_DIGITS for each in written)
    style = "c" if in_words >= 0.7 * digits else "m" if in_words else "0"
    is_said = any(each in _SPOKEN for each in written) or "fill" in classes or "wrong" in classes
    return style + "s" * is_said


def _of_neighbours(chain: Chain, shape: str, left: str, right: str) -> list[str]:
    before, behind = _complete(chain, -1), _complete(chain, +1)
    beside = [f"l{left}", f"L{shape}{left}", f"r{right}", f"R{shape}{right}"]
    return [*beside, f"e{before}", f"E{behind}", f"h{shape}{before}{behind}"]


def _of_groups(groups: list[str], shape: str, left: str, right: str) -> list[str]:
    sizes = list(map(len, groups))
    sums = "0" * (all(group.endswith("0") for group in groups) and len(groups) > 1)
    return [
        f"s{'-'.join(map(str, sizes))}",
        f"S{shape}{min(len(sizes), 9)}",
        f"m{max(sizes)}",
        f"i{min(sizes)}",
        f"1{sizes[0]}{left}",
        f"2{sizes[-1]}{right}",
        f"d{groups[0][:1]}",
        f"D{''.join(groups[:2])[:2]}",
        f"z{sums}",
    ]


def _neighbour(text: str, chain: Chain, step: int) -> str:
    """Whether more digits follow that could belong to it, behind which gap and how many; what the whole would be."""
    index = chain.last + 1 if step > 0 else chain.first - 1
    if not 0 <= index < len(chain.pieces):
        return ""
    other = chain.pieces[index]
    gap = text[chain.end : other.start] if step > 0 else text[other.end : chain.start]
    kind = gap_class(gap) if len(gap) <= WIDEST_GAP and not ENDS.search(gap) else "words"
    return f"{kind}{min(len(other.digits), 9)}" if kind != "words" else ""


def _complete(chain: Chain, step: int) -> str:
    """What the pieces beside it are, if they are a whole number by themselves."""
    digits = ""
    edge = chain.last if step > 0 else chain.first
    for distance in range(1, MOST_BESIDE + 1):
        index = edge + step * distance
        if not 0 <= index < len(chain.pieces):
            break
        digits = digits + chain.pieces[index].digits if step > 0 else chain.pieces[index].digits + digits
        if len(digits) > MOST_OF_AN_ID:
            break
        if (found := form(digits)) in COMPLETE:
            return found
    return ""


@dataclass(frozen=True, kw_only=True)
class NumberScorer:
    weights: Mapping[str, float]
    threshold: float
    """Score from which a chain is taken for a number."""

    def score(self, text: str, folded: str, chain: Chain) -> float:
        get = self.weights.get
        return sum(get(feature, 0.0) for feature in features(text, folded, chain))

    def find(self, text: str, folded: str, known: Sequence[PiiSpan] = ()) -> list[PiiSpan]:
        """Spans of numbers of which some character is not known yet, the surest first, without overlap."""
        scored: list[tuple[float, int, int]] = []
        taken = taken_by(known, len(text))
        for number, chain in enumerate(chains(text, find_pieces(text, folded))):
            if number == MOST_CHAINS:
                break
            is_known = all(taken[chain.start : chain.end])
            if not is_known and _is_possible(text, folded, chain) and not _holds_a_whole(folded, chain, known):
                score = self.score(text, folded, chain)
                if score >= self.threshold:
                    scored.append((-score, chain.start, chain.end))
        chosen: list[PiiSpan] = []
        for _, start, end in sorted(scored):
            span = PiiSpan(kind=KIND, start=start, end=end)
            if not any(span.overlaps(other) for other in chosen):
                chosen.append(span)
        return [_with_letters(text, folded, span, taken) for span in chosen]


def taken_by(spans: Iterable[PiiSpan], length: int) -> bytearray:
    """1 for each character of a text that a span holds."""
    taken = bytearray(length)
    for span in spans:
        taken[span.start : span.end] = b"\1" * (span.end - span.start)
    return taken


def _holds_a_whole(folded: str, chain: Chain, known: Sequence[PiiSpan]) -> bool:
    """Whether a known number at its beginning is whole: what stands behind is a date, an amount or another number."""
    if any(CORRECTION.search(gap) for gap in chain.gaps):
        return False
    parts = (span for span in known if chain.start == span.start and span.end < chain.end)
    return any(form("".join(filter(str.isdecimal, folded[part.start : part.end]))) in COMPLETE for part in parts)


def _is_possible(text: str, folded: str, chain: Chain) -> bool:
    """Whether nothing says that it is no personal number: a serial's letters, a unit, a list, a service's number."""
    before, after = text[max(0, chain.start - WIDTH_BEFORE) : chain.start], text[chain.end : chain.end + WIDTH_AFTER]
    written, digits, is_formed = text[chain.start : chain.end], corrected(chain), form(corrected(chain)) in FORMED
    if _SERIAL.search(before) or _COUNTED.match(after) or _SERVICE.fullmatch(digits) or IP_ADDRESS.fullmatch(written):
        return False
    behind = re.split("[,。;]", after[:WIDTH_BEHIND], maxsplit=1)[0]
    is_introduced = any(_WORDS[kind].search(near) for kind in "PAI" for near in (before, behind))
    if len(digits) < (FEWEST_DIGITS if is_introduced and not _CERTIFICATE.search(before) else FEWEST_UNNAMED):
        return False
    is_said = text[chain.start] in CHINESE_DIGITS and text[chain.end - 1] in CHINESE_DIGITS
    if not is_said and _is_list(chain) and not (is_formed and is_introduced) and not _NAMED.search(before):
        return False
    if _is_public(folded[max(0, chain.start - WIDTH_PUBLIC) : chain.start], after):
        return False
    return is_formed or not CALLED_OTHERWISE.search(before) or bool(CALLED_PERSONAL.search(before))


def _is_list(chain: Chain) -> bool:
    """Amounts, small numbers or what stands between commas, but for what is formed as a personal number is."""
    sizes, classes = set(map(len, chain.groups)), set(map(gap_class, chain.gaps))
    is_of_amounts = len(chain.groups) > 1 and all(group.endswith("0") for group in chain.groups)
    is_formed = form("".join(chain.groups)) in FORMED
    is_of_small = max(sizes) < 3 and sizes != {1}
    return is_of_amounts or is_of_small or (bool(classes & LISTING) and not is_formed)


def _with_letters(text: str, folded: str, span: PiiSpan, taken: bytearray) -> PiiSpan:
    """With the letters straight before it, and what else of it no other span has."""
    before = _LETTERS_BEFORE.search(text[max(0, span.start - 5) : span.start])
    start = span.start - len(before.group()) if before else span.start
    start = start if not any(taken[start : span.start]) else span.start
    return with_its_ends(replace(span, start=start), text, folded, taken)


@cache
def default_scorer() -> NumberScorer:
    content = json.loads(WEIGHTS_PATH.read_text(encoding="utf-8"))
    return NumberScorer(weights=content["weights"], threshold=content["threshold"])
