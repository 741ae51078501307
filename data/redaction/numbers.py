"""IDs, cards, accounts and telephone numbers. In: normalised text, and the same with digits folded. Out: spans.

A number may be spaced out or grouped in the ways people group such numbers; dates and lists of amounts are not. It
must be bounded by characters that are no digits, where one Chinese digit of a following word (一直, 两张) is no digit.
People mistype: a number that is introduced as an ID, a card or an account is masked even when its check digit is
wrong, while an order, serial, policy or contract number is not.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from stdnum import luhn
from stdnum.cn import ric

from data.redaction.digits import FILLERS, GAPS, PUBLIC_BEHIND, PUBLIC_NUMBER, WIDEST_GAP
from data.redaction.spans import PiiSpan

CONTEXT_WIDTH = 20  # characters before a number that may say what it is

MOST_GROUPS = 10

Groups = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Digits that could be one number: how they were grouped and what stood around them."""

    number: str
    groups: Groups
    gaps: str
    before: str
    after: str
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

    @property
    def is_grouped(self) -> bool:
        """In a few groups, not as a date is written."""
        return len(self.groups) <= MOST_GROUPS and self.groups[:2] not in ((4, 2), (4, 1))

    @property
    def is_no_list_of_amounts(self) -> bool:
        """In fours that do not all end with a nought."""
        ends = self.number[3::4]
        return self.is_in_fours and set(ends) != {"0"}

    @property
    def is_in_fours(self) -> bool:
        return set(self.groups[:-1]) == {4} and self.groups[-1] <= 4


@dataclass(frozen=True, kw_only=True)
class NumberRecognizer:
    """`lengths` are tried in order; `first` are the digits the number may start with; `accepts` decides."""

    kind: str
    lengths: tuple[int, ...]
    first: str
    accepts: Callable[[Candidate], bool]


# Digits that gaps join: no number below has fewer than ten, so text without such a run is not looked at further.
FEWEST_DIGITS = 10
DIGIT_RUN = re.compile(
    rf"[0-9](?:(?:[{re.escape(GAPS)}()\]]{{0,{WIDEST_GAP}}}(?:{FILLERS})?|个)[0-9]){{{FEWEST_DIGITS - 2},}}"
)
FILLER = re.compile(rf"(?:{FILLERS})(?=[0-9])")
FILLER_STARTS = frozenset("嗯呃啊哦额诶然后接")  # looking is cheaper than matching
# 三个八 is 888 within a number.
REPEATED = re.compile(r"[2-9]个[0-9]")
JOINED = re.compile(
    r"(?<![0-9])(?:(?P<id_card>[1-8][0-9]{5}(?:19"
    r"|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9Xx])(?P<mobile_behind>1[3-9][0-9]{9})"
    r"|(?P<mobile>1[3-9][0-9]{9})(?:(?P<id_card_behind>[1-8][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9Xx])"
    r"|(?P<bank_card_behind>62[0-9]{14}(?:[0-9]{3})?)))(?![0-9])"
)
# Abroad the zero of the area code is dropped.
INTERNATIONAL_LANDLINE = re.compile(
    r"(?<![0-9])(?:\+|00)?86[ -]{0,2}(?:10|2[0-9]"
    r"|[3-9][0-9]{2})[ -]{0,2}[2-8][0-9]{3}[ -]?[0-9]{3,4}(?:[ -]{0,2}(?:ext\.?|转|分机)? ?[0-9]{2,6})?(?![0-9])"
)
FOREIGN_PHONE = re.compile(
    r"\+(?!86)(?=(?:[ ()-]{0,2}[0-9]){8})[1-9][0-9]{0,2}(?:[ -]?\(?[0-9]{1,5}\)?){2,4}(?<=[0-9]{2})(?![0-9])"
)
TAIWAN_LANDLINE = re.compile(r"(?<![0-9])(?<![0-9]-)\(?0[2-8]\)?[ -][0-9]{3,4}[ -]?[0-9]{4}(?![0-9])")
HONG_KONG_PHONE = re.compile(r"(?<![0-9])(?:\+|00)?(?:852|853)[ -]{0,2}[2-9][0-9]{3}[ -]?[0-9]{4}(?![0-9])")
# A subscriber's number without its area code is only one where something says so.
LOCAL_PHONE = re.compile(
    r"(?:座机|固话|固定电话|宅电|传真|办公室|(?:联系|联络|家庭|住宅|家里|家中|单位|办公|店里|回拨|公司|铺头"
    r"|屋企)?电话|致电|whatsapp)"
    r"(?:号码?)?[是为:, ]{0,3}((?!400|800|95|96|12)[2-9][0-9]{2,3}[ -]?[0-9]{4})(?![0-9])",
    re.IGNORECASE,
)
LOCAL_PHONE_BEHIND = re.compile(
    r"(?<![0-9)\- ])([2-8][0-9]{6,7})(?=,?(?:这个|是)?(?:我|本地|家里|家|单位)?的?(?:座机|固话|固定电话))"
)
LANDLINES = (
    INTERNATIONAL_LANDLINE,
    FOREIGN_PHONE,
    TAIWAN_LANDLINE,
    HONG_KONG_PHONE,
    LOCAL_PHONE,
    LOCAL_PHONE_BEHIND,
)
ID_CONTEXT = re.compile(
    r"(?:身份证|证件|居住证|[一二]代证|ID|(?<![可权格书产业婚考作照凭签])证号|[老旧]证|身份号码?|sfz)"
    r"[^0-9。;]{0,8}(?:1[58]位[^0-9。;]{0,6})?$"
    r"|(?:15|十五)位的?[老旧](?:号|证)[^0-9。;]{0,6}$"
)
ID_BEHIND = re.compile(r"[^0-9。;,]{0,4}(?:是|个|的|\()[^0-9。;,]{0,3}(?:15位|18位)?(?:身份证|证件号|居住证)")
CARD_NUMBER_CONTEXT = re.compile(r"(?:卡号[^0-9,。;]{0,14}|(?:账号|账户|户头)[^0-9,。;]{0,8})$")
CARD_BRAND = re.compile(r"(?:Visa|VISA|visa|万事达|Mastercard|银联|运通|Amex|JCB)卡?[ :]{0,2}$")
# 6214…这是我的账号, 6214…这个账户: the word may come after the number
ACCOUNT_BEHIND = re.compile(
    r"[^0-9。;]{0,4}(?:这?是|就是)[^0-9。;,]{0,8}(?:账号|账户|户头|卡号|存折|资金)"
    r"|[^0-9。;,]{0,2}(?:[这那]个|的|\()[^0-9。;,]{0,4}(?:账号|账户|户头|存折|折子)"
)
_ACCOUNT = r"(?:账号|账户|户头|户口|户号|存折|折子|存单号?|折号)"
# 账号报错了,报成6214…; 账户我念给你听,6214…
ACCOUNT_WORD = re.compile(
    rf"{_ACCOUNT}(?:[^0-9,。;]{{0,10}}|[是为:]?,"
    r"|[^0-9。;]{0,10}(?:[报写填输念打记错抄录听]|应该|完整)[^0-9。;]{0,6})$"
)
CARD_CONTEXT = re.compile(
    r"(?:[用记行蓄主副银]卡|[这那]张|(?:Visa|VISA|visa|万事达|Mastercard|银联|运通|Amex|JCB)卡?)[^0-9,。;]{0,8}$"
)
ACCOUNT_CONTEXT = re.compile(
    rf"(?:(?:{_ACCOUNT}|存管|保险箱|a/c|account(?: no)?)[^0-9,。;]{{0,10}}"
    r"|(?:户|定期|活期|存款|转账|汇款|[转打汇退划存](?:入|到|回|给|进|至|往)|进账|一折通|(?<!打)折)[^0-9,。;]{0,3})$",
    re.IGNORECASE,
)
MOBILE_GROUPS: frozenset[Groups] = frozenset(
    {
        (11,),
        (3, 4, 4),
        (4, 4, 3),
        (3, 3, 5),
        (3, 8),
        (7, 4),
        (5, 6),
        (4, 3, 4),
        (3, 2, 2, 2, 2),
        (3, 2, 6),
        (3, 3, 3, 2),
        (2, 2, 2, 2, 2, 1),
    }
)
TAIWAN_MOBILE_GROUPS: frozenset[Groups] = frozenset({(4, 3, 3), (4, 6)})
SUBSCRIBER_GROUPS: frozenset[Groups] = frozenset({(7,), (8,), (4, 4), (3, 4), (4, 3)})
# The country code and an opening bracket belong to the number that follows.
PHONE_PREFIX = re.compile(r"(?:\(?(?:\+86|0086|86)\)?[ -]{0,2})?[(\[]?$")
COUNTRY_CODE = re.compile(r"(?:\+86|0086|(?<![0-9])86)\)?[ -]{0,2}\(?$")
EXTENSION = re.compile(r"(?:-|[ ,]?转(?:分机)? ?| ?分机号? ?| ?ext\.? ?)[0-9]{1,6}(?![0-9])")
CARD_WORD = re.compile(r"卡(?:是|为)?[: ]{0,2}$")
_MISSAID = r"[^0-9。;]{0,4}[少漏缺多错][^0-9。;]{0,8}"  # 少一位,写成
CARD_NUMBER_WORD = re.compile(rf"卡号(?:[^0-9,。;]{{0,6}}|{_MISSAID})$")
MOBILE_WORD = re.compile(
    rf"(?:手机|电话)(?:号码?)?(?:(?:是|为)?[: ]{{0,2}}|{_MISSAID}|[^0-9,。;]{{0,4}}[录写填报输]成了?:?)$"
)
CURRENCY = re.compile(r" ?[万亿]?(?:[韩日美港欧台]?元|块|円|日圆|卢布|盾|铢)")
PHONE_CONTEXT = re.compile(r"(?:电话|座机|手机|手提|联络|联系|致电|来电|拨打|打给?|TEL|Tel|tel)[^0-9,。;]{0,6}$")


def _is_date(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def _is_resident_id(candidate: Candidate) -> bool:
    number = candidate.number
    # Not ric.validate: it rejects valid numbers of counties that were dissolved.
    if _is_date(number[6:14]) and ric.calc_check_digit(number) == number[-1]:
        return True
    return _is_called_id(candidate)


def _is_called_id(candidate: Candidate) -> bool:
    return bool(ID_CONTEXT.search(candidate.before) or ID_BEHIND.match(candidate.after))


def _is_old_or_mistyped_id(candidate: Candidate) -> bool:
    """15 digits with a date of the last century, or a digit too few or too many, introduced as an ID."""
    if not _is_called_id(candidate):
        return False
    return len(candidate.number) != 15 or _is_date("19" + candidate.number[6:12])


def _is_bank_card(candidate: Candidate) -> bool:
    groups = candidate.groups
    if candidate.is_grouped and CARD_NUMBER_CONTEXT.search(candidate.before):
        return True
    usual = candidate.is_in_fours or groups[0] == 6 or (candidate.number.startswith("62") and candidate.is_grouped)
    if not (candidate.is_plain or candidate.is_spelled_out or usual):
        return False
    if _is_public(candidate):
        return False
    if candidate.number.startswith("62") and len(candidate.number) in (16, 19):
        return True
    if luhn.is_valid(candidate.number) or ACCOUNT_BEHIND.match(candidate.after):
        return True
    if not CARD_CONTEXT.search(candidate.before):
        return False
    return candidate.is_plain or candidate.is_no_list_of_amounts or bool(CARD_BRAND.search(candidate.before))


def _is_amex(candidate: Candidate) -> bool:
    if candidate.groups not in ((15,), (4, 6, 5)) or candidate.number[1] not in "47":
        return False
    if _is_public(candidate):
        return False
    return luhn.is_valid(candidate.number) or bool(CARD_CONTEXT.search(candidate.before))


def _is_public(candidate: Candidate) -> bool:
    """Called an order, a serial number or the like, before it or behind it, or an amount."""
    after = candidate.after
    return bool(PUBLIC_NUMBER.search(candidate.before) or PUBLIC_BEHIND.match(after) or CURRENCY.match(after))


def _is_account(candidate: Candidate) -> bool:
    if _is_public(candidate):
        return False
    if not (candidate.is_grouped or candidate.is_spelled_out):
        return False
    if ACCOUNT_WORD.search(candidate.before) or ACCOUNT_BEHIND.match(candidate.after):
        return True
    if not (candidate.is_plain or candidate.is_spelled_out or candidate.is_in_fours):
        return False
    if ACCOUNT_CONTEXT.search(candidate.before):
        return True
    # Nobody groups or spells out so many digits of anything else.
    return not candidate.is_plain and len(candidate.number) > 16


def _is_mistyped_card(candidate: Candidate) -> bool:
    """A number of a card's form with a digit too few or too many."""
    if candidate.is_plain and CARD_WORD.search(candidate.before):
        return True
    return candidate.is_grouped and bool(CARD_NUMBER_WORD.search(candidate.before))


def _is_mobile(candidate: Candidate) -> bool:
    if candidate.number[1] not in "3456789" or _is_public(candidate):
        return False
    return candidate.is_spelled_out or candidate.groups in MOBILE_GROUPS


def _is_mistyped_mobile(candidate: Candidate) -> bool:
    """A digit too few or too many, straight after the word for it."""
    return candidate.number[1] in "3456789" and bool(MOBILE_WORD.search(candidate.before))


def _is_taiwan_mobile(candidate: Candidate) -> bool:
    if not candidate.number.startswith("09"):
        return False
    return candidate.groups in TAIWAN_MOBILE_GROUPS or bool(PHONE_CONTEXT.search(candidate.before))


def _is_landline(candidate: Candidate) -> bool:
    """Area code 010, 02x or 03xx–09xx, then seven or eight digits that do not start with 0, 1 or 9."""
    if ("." in candidate.gaps and not PHONE_CONTEXT.search(candidate.before)) or PUBLIC_NUMBER.search(candidate.before):
        return False
    number = candidate.number
    area = 3 if number[1] in "12" else 4
    if len(number) - area not in (7, 8) or number[area] in "019" or (number[1] == "1" and number[2] != "0"):
        return False
    if candidate.is_plain or candidate.is_spelled_out:
        return True
    groups = candidate.groups
    if groups[0] == area:
        return groups[1:] in SUBSCRIBER_GROUPS or set(groups[1:]) == {2}
    return candidate.is_in_fours


SPOKEN_X = ("艾克斯", "爱克斯")
COUNTED = "年月日元块万笔个岁"
ANY_DIGIT = "0123456789"
# In order of precedence: an earlier recognizer keeps digits that a later one also claims.
NUMBERS: tuple[NumberRecognizer, ...] = (
    NumberRecognizer(kind="id_card", lengths=(18,), first="123456789", accepts=_is_resident_id),
    NumberRecognizer(kind="id_card", lengths=(19, 17, 16, 15), first="12345678", accepts=_is_old_or_mistyped_id),
    NumberRecognizer(kind="account", lengths=tuple(range(30, 19, -1)), first=ANY_DIGIT, accepts=_is_account),
    NumberRecognizer(kind="bank_card", lengths=(19, 18, 17, 16), first="3456", accepts=_is_bank_card),
    NumberRecognizer(kind="bank_card", lengths=(15,), first="3", accepts=_is_amex),
    NumberRecognizer(kind="account", lengths=tuple(range(19, 11, -1)), first=ANY_DIGIT, accepts=_is_account),
    NumberRecognizer(kind="mobile", lengths=(11,), first="1", accepts=_is_mobile),
    NumberRecognizer(kind="landline", lengths=(12, 11, 10), first="0", accepts=_is_landline),
    NumberRecognizer(kind="mobile", lengths=(10,), first="0", accepts=_is_taiwan_mobile),
    NumberRecognizer(kind="mobile", lengths=(12, 10), first="1", accepts=_is_mistyped_mobile),
    NumberRecognizer(kind="account", lengths=(11, 10), first=ANY_DIGIT, accepts=_is_account),
    NumberRecognizer(kind="bank_card", lengths=(20, 15, 14, 13, 12), first="3456", accepts=_is_mistyped_card),
)


def find_numbers(text: str, folded: str) -> Iterator[PiiSpan]:
    """Spans of IDs, bank cards, accounts, mobile and landline numbers, the surer kind first."""
    for pattern in LANDLINES:
        for match in pattern.finditer(folded):
            yield PiiSpan(kind="landline", start=match.start(match.lastindex or 0), end=match.end())
    for match in JOINED.finditer(folded):
        yield from _joined(match)
    runs = [match.span() for match in DIGIT_RUN.finditer(folded)]
    if runs:
        yield from _in_runs(text, folded, runs)


def _joined(match: re.Match[str]) -> Iterator[PiiSpan]:
    """An ID or a card and a mobile number written without anything between them."""
    for kind in ("id_card", "bank_card", "mobile"):
        for group in (kind, f"{kind}_behind"):
            if group in match.re.groupindex and match[group]:
                yield PiiSpan(kind=kind, start=match.start(group), end=match.end(group))


def _in_runs(text: str, folded: str, runs: Sequence[tuple[int, int]]) -> Iterator[PiiSpan]:
    found: list[PiiSpan] = []
    starts = [
        start
        for first, last in runs
        for start in range(first, last)
        if folded[start] in ANY_DIGIT and _starts_cleanly(text, folded, start)
    ]
    for recognizer in NUMBERS:
        for start in starts:
            if folded[start] not in recognizer.first or any(span.start <= start < span.end for span in found):
                continue
            span = _recognize(recognizer, text, folded, start)
            if span and not any(span.overlaps(other) for other in found):
                found.append(span)
                yield span


def _recognize(recognizer: NumberRecognizer, text: str, folded: str, start: int) -> PiiSpan | None:
    for candidate in _candidates(recognizer, text, folded, start):
        if recognizer.accepts(candidate):
            first, last = candidate.start, candidate.end
            if recognizer.kind in ("mobile", "landline"):
                prefix = PHONE_PREFIX.search(folded[max(0, first - CONTEXT_WIDTH) : first])
                first -= len(prefix.group()) if prefix else 0
                extension = EXTENSION.match(folded, last) if recognizer.kind == "landline" else None
                last = extension.end() if extension else last
            return PiiSpan(kind=recognizer.kind, start=first, end=last)
    return None


def _candidates(recognizer: NumberRecognizer, text: str, folded: str, start: int) -> Iterator[Candidate]:
    taken = _take_digits(folded, start, recognizer)
    for length in recognizer.lengths:
        if length not in taken:
            continue
        end, number, groups, gaps = taken[length]
        if not _ends_cleanly(text, folded, end, is_id=recognizer.kind == "id_card"):
            continue
        if gaps and text[end : end + 1] in COUNTED and text[end : end + 1]:
            continue  # the last group counts something: 账号0478190198321,1998年
        yield Candidate(
            number=number,
            groups=groups,
            gaps=gaps,
            before=text[max(0, start - CONTEXT_WIDTH) : start],
            after=text[end : end + CONTEXT_WIDTH],
            start=start,
            end=end,
        )


def _take_digits(folded: str, start: int, recognizer: NumberRecognizer) -> dict[int, tuple[int, str, Groups, str]]:
    """Number of digits → (end, digits, group sizes, gaps) of so many digits from `start`, as far as there are any."""
    is_id, lengths = recognizer.kind == "id_card", recognizer.lengths
    brackets = {"landline": ")]", "mobile": "()"}.get(recognizer.kind, "")
    digits, groups, gaps, position, most = folded[start], [1], "", start + 1, max(lengths)
    taken: dict[int, tuple[int, str, Groups, str]] = {}
    while len(digits) < most:
        gap = position
        while gap < len(folded) and gap - position < WIDEST_GAP and folded[gap] in GAPS + brackets:
            gap += 1
        if folded[gap : gap + 1] in FILLER_STARTS and (filler := FILLER.match(folded, gap)):
            gap = filler.end()
        if is_id and folded.startswith(SPOKEN_X, gap):
            taken[len(digits) + 1] = (gap + len(SPOKEN_X[0]), digits + "X", tuple(groups), gaps)
            break
        if gap >= len(folded) or folded[gap] not in ("0123456789Xx叉" if is_id else "0123456789"):
            break
        end, read = gap + 1, folded[gap]
        if folded[end : end + 1] == "个" and (repeated := REPEATED.match(folded, gap)):
            end, read = repeated.end(), folded[gap + 2] * int(folded[gap])
        groups = [*groups, len(read)] if gap > position else [*groups[:-1], groups[-1] + len(read)]
        gaps += folded[position:gap]
        digits += "X" if read in "xX叉" else read
        position = end
        if len(digits) in lengths:
            taken[len(digits)] = (end, digits, tuple(groups), gaps)
        if digits[-1] == "X":
            break
    return taken


def _starts_cleanly(text: str, folded: str, start: int) -> bool:
    if start == 0 or not folded[start - 1].isdecimal():
        return True
    if COUNTRY_CODE.search(folded[max(0, start - CONTEXT_WIDTH) : start]):
        return True
    # a Chinese digit that ends a word, before a number in other digits: 有两13800001234
    is_word = not text[start - 1].isascii() and text[start].isascii()
    return is_word and not folded[max(0, start - 2) : start - 1].isdecimal()


def _ends_cleanly(text: str, folded: str, end: int, *, is_id: bool) -> bool:
    if is_id and folded[end - 1] in "Xx叉斯":
        return True
    if end >= len(folded) or not folded[end].isdecimal():
        return True
    # One Chinese digit that begins a word: 13800001234一直打不通
    return not text[end].isascii() and not folded[end + 1 : end + 2].isdecimal()
