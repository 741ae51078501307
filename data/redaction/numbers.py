"""IDs, cards, accounts and telephone numbers. In: normalised text, and the same with digits folded. Out: spans.

A number may be spaced out or grouped in the ways people group such numbers; dates and lists of amounts are not. It
must be bounded by characters that are no digits, where one Chinese digit of a following word (一直, 两张) is no digit.
People mistype: a number that is introduced as an ID, a card or an account is masked even when its check digit is
wrong, while an order, serial, policy or contract number is not.
"""

import re
from collections.abc import Iterator
from datetime import date

from stdnum import luhn

from data.redaction.digit_runs import ANY_DIGIT, Candidate, NumberRecognizer, candidates, starts
from data.redaction.phones import (
    MISSAID,
    find_landlines,
    is_landline,
    is_mistyped_mobile,
    is_mobile,
    is_taiwan_mobile,
    with_its_ends,
)
from data.redaction.spans import PiiSpan

JOINED = re.compile(
    r"(?<![0-9])(?:(?P<id_card>[1-8][0-9]{5}(?:19"
    r"|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9Xx])(?P<mobile_behind>1[3-9][0-9]{9})"
    r"|(?P<mobile>1[3-9][0-9]{9})(?:(?P<id_card_behind>[1-8][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9Xx])"
    r"|(?P<bank_card_behind>62[0-9]{14}(?:[0-9]{3})?)))(?![0-9])"
)
# A province, then a year of birth.
PROVINCE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])[0-9]{4}"
RESIDENT = re.compile(rf"{PROVINCE}(?:19|20[0-2])")
FEWEST_GROUPED, FEWEST_UNNAMED, FEWEST_DICTATED = 17, 12, 10
SENDER = "106"
"""Short messages of banks and others come from such numbers."""
SERVICE_GROUPS = frozenset({5})
"""95588 12378: numbers of hotlines, one beside the other."""
# What else has a long number: 联行号, 券码, 配号. That of a card, an account or a person's papers is called so.
CALLED_OTHERWISE = re.compile(
    r"(?:[号码单票券据证]|编号|号码|ID|id|ISBN|端口|凭证|Code|code|No\.?)"
    r"(?:上|的|号|码|[是为:# (【]){0,4}[A-Za-z]{0,6}-?$"
)
CALLED_PERSONAL = re.compile(r"(?:卡|账|户|折|存单|手机|电话|身份|证件|护照|微信|扣扣|QQ)[^,。;]{0,8}$")
# Behind these words fewer digits suffice than elsewhere; where no 号 is said, so many that they are hardly an amount.
SHORT_ACCOUNT = re.compile(
    r"(?:(?:(?:存折|折子|账|户)号码?|存折|折子)(?:[是为: ]|No\.?){0,3}(?P<value>[0-9]{6,9})"
    r"|(?:卡号|(?:社保|医保)卡号?|一卡通号?|一本通号?)[是为: ]{0,3}(?P<card>[0-9]{8,11})"
    r"|(?:账户|户头|户口(?:号码)?|对公户|基本户|一般户|A/C)[是为: ]{0,3}(?P<bare>[0-9]{8,9}(?<!0000)))"
    r"(?![ .·/|*_…—–(),、~嗯呃啊-]{0,3}[0-9]{1,12}(?![0-9]*[年月日元块万])|[0-9]|[万亿]?[元块])"
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
    r"|(?:户|定期|活期|存款|转账|汇款|[转打汇退划存还](?:入|到|回|给|进|至|往)|股东[卡号]|资金号|进账|一折通|(?<!打)折)"
    r"[^0-9,。;]{0,3})$",
    re.IGNORECASE,
)
CARD_WORD = re.compile(r"卡(?:是|为)?[: ]{0,2}$")
CARD_NUMBER_WORD = re.compile(rf"卡号(?:[^0-9,。;]{{0,6}}|{MISSAID})$")


def _is_date(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def _is_resident_id(candidate: Candidate) -> bool:
    """A province and a date; not the check digit: people mistype, and nothing else is formed so."""
    number = candidate.number
    is_formed_so = bool(RESIDENT.match(number)) and _is_date(number[6:14])
    return _is_called_id(candidate) or (is_formed_so and not candidate.is_public)


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
    if candidate.is_public or ("、" in candidate.gaps and not (candidate.is_in_fours or candidate.is_spelled_out)):
        return False
    if candidate.number.startswith("62") and len(candidate.number) in (16, 19):
        return True
    if luhn.is_valid(candidate.number) or ACCOUNT_BEHIND.match(candidate.after):
        return True
    if not CARD_CONTEXT.search(candidate.before):
        return False
    return (
        candidate.is_plain
        or (candidate.is_in_fours and not candidate.is_list_of_amounts)
        or bool(CARD_BRAND.search(candidate.before))
    )


def _is_amex(candidate: Candidate) -> bool:
    if candidate.groups not in ((15,), (4, 6, 5)) or candidate.number[1] not in "47":
        return False
    if candidate.is_public:
        return False
    return luhn.is_valid(candidate.number) or bool(CARD_CONTEXT.search(candidate.before))


def _is_account(candidate: Candidate) -> bool:
    if candidate.is_public:
        return False
    if not (candidate.is_grouped or candidate.is_spelled_out):
        return False
    if ACCOUNT_WORD.search(candidate.before) or ACCOUNT_BEHIND.match(candidate.after):
        return True
    if not (candidate.is_plain or candidate.is_spelled_out or candidate.is_split):
        return False
    if ACCOUNT_CONTEXT.search(candidate.before):
        return True
    # Nobody groups or spells out so many digits of anything else.
    is_long = len(candidate.number) >= FEWEST_GROUPED
    return is_long and (candidate.is_spelled_out or candidate.is_in_fours) and not candidate.is_list_of_amounts


def _is_unnamed_account(candidate: Candidate) -> bool:
    """So many digits that nothing calls a number of another kind; serial numbers often begin with a date."""
    number = candidate.number
    fewest = FEWEST_DICTATED if candidate.is_dictated else FEWEST_UNNAMED
    if candidate.is_public or candidate.follows_digits or len(number) < fewest:
        return False
    if number.startswith(SENDER) or (number.startswith("20") and _is_date(number[:8])):
        return False
    if CALLED_OTHERWISE.search(candidate.before) and not CALLED_PERSONAL.search(candidate.before):
        return False
    if SERVICE_GROUPS.issuperset(candidate.groups):
        return False
    if candidate.is_plain or candidate.is_spelled_out or candidate.is_dictated:
        return True
    return candidate.is_split and not candidate.precedes_digits and not candidate.is_list_of_amounts


def _is_mistyped_card(candidate: Candidate) -> bool:
    """A number of a card's form with a digit too few or too many."""
    if candidate.is_plain and CARD_WORD.search(candidate.before):
        return True
    return candidate.is_grouped and bool(CARD_NUMBER_WORD.search(candidate.before))


# In order of precedence: an earlier recognizer keeps digits that a later one also claims.
NUMBERS: tuple[NumberRecognizer, ...] = (
    NumberRecognizer(kind="id_card", lengths=(18,), first="123456789", accepts=_is_resident_id),
    NumberRecognizer(kind="id_card", lengths=(19, 17, 16, 15), first="12345678", accepts=_is_old_or_mistyped_id),
    NumberRecognizer(kind="account", lengths=tuple(range(30, 19, -1)), first=ANY_DIGIT, accepts=_is_account),
    NumberRecognizer(kind="bank_card", lengths=(19, 18, 17, 16), first="3456", accepts=_is_bank_card),
    NumberRecognizer(kind="bank_card", lengths=(15,), first="3", accepts=_is_amex),
    NumberRecognizer(kind="account", lengths=tuple(range(19, 11, -1)), first=ANY_DIGIT, accepts=_is_account),
    NumberRecognizer(kind="mobile", lengths=(11,), first="1", accepts=is_mobile),
    NumberRecognizer(kind="landline", lengths=(12, 11, 10), first="0", accepts=is_landline),
    NumberRecognizer(kind="mobile", lengths=(10,), first="0", accepts=is_taiwan_mobile),
    NumberRecognizer(kind="account", lengths=tuple(range(30, 9, -1)), first=ANY_DIGIT, accepts=_is_unnamed_account),
    NumberRecognizer(kind="mobile", lengths=(12, 10), first="1", accepts=is_mistyped_mobile),
    NumberRecognizer(kind="account", lengths=(11, 10), first=ANY_DIGIT, accepts=_is_account),
    NumberRecognizer(kind="bank_card", lengths=(20, 15, 14, 13, 12), first="3456", accepts=_is_mistyped_card),
)


def find_numbers(text: str, folded: str) -> Iterator[PiiSpan]:
    """Spans of IDs, bank cards, accounts, mobile and landline numbers, the surer kind first."""
    yield from find_landlines(folded)
    for match in JOINED.finditer(folded):
        yield from _joined(match)
    for match in SHORT_ACCOUNT.finditer(folded):
        yield PiiSpan(kind="account", start=match.start(match.lastgroup or 0), end=match.end())
    yield from _in_runs(text, folded)


def _joined(match: re.Match[str]) -> Iterator[PiiSpan]:
    """An ID or a card and a mobile number written without anything between them."""
    for kind in ("id_card", "bank_card", "mobile"):
        for group in (kind, f"{kind}_behind"):
            if group in match.re.groupindex and match[group]:
                yield PiiSpan(kind=kind, start=match.start(group), end=match.end(group))


def _in_runs(text: str, folded: str) -> Iterator[PiiSpan]:
    found: list[PiiSpan] = []
    possible = starts(text, folded)
    for recognizer in NUMBERS if possible else ():
        for start in possible:
            if folded[start] not in recognizer.first or any(span.start <= start < span.end for span in found):
                continue
            taken_until = max((span.end for span in found if span.end <= start), default=0)
            span = _recognize(recognizer, text, folded, start, taken_until)
            if span and not any(span.overlaps(other) for other in found):
                found.append(span)
                yield span


def _recognize(recognizer: NumberRecognizer, text: str, folded: str, start: int, taken_until: int) -> PiiSpan | None:
    for candidate in candidates(recognizer, text, folded, start, taken_until=taken_until):
        if recognizer.accepts(candidate):
            first, last = candidate.start, candidate.end
            if recognizer.kind in ("mobile", "landline"):
                is_landline = recognizer.kind == "landline"
                first, last = with_its_ends(folded, first, last, may_have_extension=is_landline)
            return PiiSpan(kind=recognizer.kind, start=first, end=last)
    return None
