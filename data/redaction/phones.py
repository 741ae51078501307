"""Telephone numbers. In: candidates, folded text. Out: which candidates are mobiles or landlines; spans of landlines.

Landlines that stand in brackets, abroad or without their area code are found by patterns of their own.
"""

import re
from collections.abc import Iterator

from data.redaction.digit_runs import Candidate, Groups
from data.redaction.digits import IP_ADDRESS, PUBLIC_NUMBER
from data.redaction.spans import PiiSpan

MISSAID = r"[^0-9。;]{0,4}[少漏缺多错][^0-9。;]{0,8}"
"""Between a word and its number: 少一位,写成."""
# Abroad the zero of the area code is dropped.
INTERNATIONAL_LANDLINE = re.compile(
    r"(?<![0-9])(?:\+|00)?86[ -]{0,2}(?:10|2[0-9]"
    r"|[3-9][0-9]{2})[ -]{0,2}[2-8][0-9]{3}[ -]?[0-9]{3,4}(?:[ -]{0,2}(?:ext\.?|转|分机)? ?[0-9]{2,6})?(?![0-9])"
)
FOREIGN_PHONE = re.compile(
    r"\+(?!86)(?=(?:[ ()-]{0,2}[0-9]){8})[1-9][0-9]{0,2}(?:[ -]?\(?[0-9]{1,5}\)?){2,4}(?<=[0-9]{2})(?![0-9])"
)
TAIWAN_LANDLINE = re.compile(
    r"(?<![0-9])(?<![0-9]-)(?:0[2-8][ -]|\(0[2-8]\)[ -]?)[0-9]{3,4}[ -]?[0-9]{4}(?![ -]?[0-9])"
)
HONG_KONG_PHONE = re.compile(r"(?<![0-9])(?:\+|00)?(?:852|853)[ -]{0,2}[2-9][0-9]{3}[ -]?[0-9]{4}(?![0-9])")
# A subscriber's number without its area code is only one where something says so.
LOCAL_PHONE = re.compile(
    r"(?:座机|固话|固定电话|手机|宅电|传真|办公室|(?:联系|联络|家庭|住宅|家里|家中|单位|办公|店里|回拨|公司|铺头"
    r"|屋企)?电话|致电|(?<![十百千两几万一])打|拨打?|whatsapp)"
    r"(?:号码?)?[是为:, ]{0,3}((?!400|800|95|96|12)[2-9][0-9]{2,3}[ -]?[0-9]{4})(?![0-9]{2}|[0-9]$)",
    re.IGNORECASE,
)
LOCAL_PHONE_BEHIND = re.compile(
    r"(?<![0-9)\- ])([2-8][0-9]{6,7})"
    r"(?=,?(?:这个|是)?(?:我|本地|家里|家|单位)?的?(?:座机|固话|固定电话)|给我打|打给我|打来)"
)
LANDLINES = (
    INTERNATIONAL_LANDLINE,
    FOREIGN_PHONE,
    TAIWAN_LANDLINE,
    HONG_KONG_PHONE,
    LOCAL_PHONE,
    LOCAL_PHONE_BEHIND,
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
LONGEST_PREFIX = 10
PHONE_PREFIX = re.compile(r"(?:\(?(?:\+86|0086|86)\)?[ -]{0,2})?[(\[]?$")
EXTENSION = re.compile(r"\(分机 ?[0-9]{1,6}\)|(?:-|[ ,]?转(?:分机)? ?| ?分机号? ?| ?ext\.? ?)[0-9]{1,6}(?![0-9])")
MOBILE_WORD = re.compile(
    rf"(?:手机|电话)(?:号码?)?(?:(?:是|为)?[: ]{{0,2}}|{MISSAID}|[^0-9,。;]{{0,4}}[录写填报输]成了?:?)$"
)
PHONE_CONTEXT = re.compile(
    r"(?:电话|座机|手机|手提|联络|联系|致电|来电|回电|回[个一]?电话|拨打|打给?|TEL|Tel|tel)[^0-9,。;]{0,6}$"
)


def find_landlines(folded: str) -> Iterator[PiiSpan]:
    """Spans of landlines that their form or a word tells."""
    for pattern in LANDLINES:
        for match in pattern.finditer(folded):
            yield PiiSpan(kind="landline", start=match.start(match.lastindex or 0), end=match.end())


def with_its_ends(folded: str, start: int, end: int, *, may_have_extension: bool) -> tuple[int, int]:
    """The span with the country code before a telephone number and the extension behind it."""
    prefix = PHONE_PREFIX.search(folded[max(0, start - LONGEST_PREFIX) : start])
    extension = EXTENSION.match(folded, end) if may_have_extension else None
    return start - len(prefix.group()) if prefix else start, extension.end() if extension else end


def is_mobile(candidate: Candidate) -> bool:
    """Eleven digits that begin with 13 to 19, unless something else has such a number."""
    if candidate.number[1] not in "3456789" or candidate.is_public:
        return False
    if IP_ADDRESS.fullmatch(candidate.written) and not PHONE_CONTEXT.search(candidate.before):
        return False
    if candidate.is_plain or candidate.is_spelled_out or candidate.is_dictated:
        return True
    if candidate.is_split or (candidate.groups in MOBILE_GROUPS and "、" not in candidate.gaps):
        return not candidate.follows_digits
    return candidate.is_nearly_spelled_out and bool(PHONE_CONTEXT.search(candidate.before))


def is_mistyped_mobile(candidate: Candidate) -> bool:
    """A digit too few or too many, straight after the word for it."""
    return candidate.number[1] in "3456789" and bool(MOBILE_WORD.search(candidate.before))


def is_taiwan_mobile(candidate: Candidate) -> bool:
    """Ten digits that begin with 09."""
    if not candidate.number.startswith("09"):
        return False
    return candidate.groups in TAIWAN_MOBILE_GROUPS or bool(PHONE_CONTEXT.search(candidate.before))


def is_landline(candidate: Candidate) -> bool:
    """Area code 010, 02x or 03xx–09xx, then seven or eight digits that do not start with 0, 1 or 9."""
    if ("." in candidate.gaps and not PHONE_CONTEXT.search(candidate.before)) or PUBLIC_NUMBER.search(candidate.before):
        return False
    number = candidate.number
    area = 3 if number[1] in "12" else 4
    if number[1] == "0" or len(number) - area not in (7, 8) or number[area] in "019":
        return False
    if number[1] == "1" and number[2] != "0":
        return False
    if candidate.is_plain or candidate.is_spelled_out:
        return True
    if candidate.follows_digits:
        return False
    groups = candidate.groups
    if groups[0] == area:
        return groups[1:] in SUBSCRIBER_GROUPS or set(groups[1:]) == {2}
    return candidate.is_in_fours
