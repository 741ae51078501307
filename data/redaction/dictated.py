"""Numbers said aloud, in pieces with words between. In: normalised text. Out: spans.

幺五九嗯两个七三二零后面是四五八幺: each piece is a few digits in 汉字, or so many of one digit; what stands between
may be any few words that neither count nor name another thing. The pieces are one number when together they have a
number's length, and begin as a mobile does or are introduced as a telephone, a card, an account or an ID.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from data.redaction.digit_runs import SPOKEN_X
from data.redaction.digits import PUBLIC_NUMBER, fold_digits
from data.redaction.spans import PiiSpan

FEWEST_PIECES = 3
MOST_PIECES = 24  # of one number; without an end a text of nothing else would take minutes
CONTEXT_WIDTH = 20
# A mobile or an ID with a province and a date: two pieces suffice, whatever stands between.
WELL_FORMED = re.compile(
    r"1[3-9][0-9]{9}|[1-8][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3,4}"
)
SAID = "零〇○一二三四五六七八九幺两洞拐勾"
# 再一个, 那一位, 一直 are no pieces of a number, nor are amounts: 两千五, 三十, 五百.
# 一直, 再一个, 一天: what makes a word of 一.
_WORD_GOES_ON = (
    "直些个下样起定般边共切方次天年月块元万百千十张家遍旦时辈种旁半再只会回段行条句笔位向致律概台份户名路楼号"
)
PIECE = re.compile(
    rf"(?:[一两二三四五六七八九]个[{SAID}]"
    rf"|(?!一[{_WORD_GOES_ON}]|[{SAID}]{{1,2}}[十百千万点])[{SAID}](?:[ 杠-](?=[{SAID}]))?)+"
)
# Digits that count: 前三位, 第二行, 停一下, 八个数; in their place stands what is no digit, as long.
COUNTING = re.compile(r"[一两二三四五六七八九](?=[位行段遍次下直些样]|个(?:[数字号 ,]|$))")
FOLLOWS_AN_AMOUNT = "十百千万第点"
# Another number begins, or this one was only talked about: 六二幺开头, 打不通就打我妈.
_BREAKS = r"(?!.*(?:开头|几|来着|电话|手机|座机|打|转|的那个|不是|对))"
# What was said before was wrong; what follows takes its place.
CORRECTED = (
    r"(?:[哦啊嗯呃诶唉]?[ ,、]{0,2}(?:不对|不是|不不|错了|[我又]?[说念记报讲输]错了?|更正)[了啊哈]?"
    r"[ ,、]{0,2}(?:应该)?是?)"
)
CORRECTION = re.compile(rf"[,、 …]{{0,3}}{CORRECTED}[,、 ]{{0,2}}")
# Two pieces are one number where they are well formed, or the second is announced: 三三六幺 最后四位是四零八八.
ANNOUNCED = re.compile(r"[,、 ]*(?:最?后|接着|然后|再|中间|等).*")
BETWEEN = re.compile(rf"{_BREAKS}[^0-9{SAID}A-Za-z。;!?元块万亿年月日号天岁楼路栋卡账户]{{0,9}}")
HAN = re.compile(r"[\u4e00-\u9fff]")
UNIT_BEHIND = re.compile(r"[万亿]?[多余几]?[元块年月日号天次位岁笔分秒%]")
MOBILE_LENGTH, MOBILE_START = 11, re.compile(r"1[3-9]")
LANDLINE_LENGTHS, LANDLINE_START = frozenset({10, 11, 12}), re.compile(r"0[1-9]")
LOCAL_LENGTHS = frozenset({7, 8})
PHONE_BEFORE = re.compile(r"(?:手机|电话|座机|固话|号码|打|拨|联系|找我|记|报)[^。;!?卡账]{0,8}$")
ID_BEFORE = re.compile(r"(?:身份证|证件|身份号)[^。;!?]{0,10}$")
ACCOUNT_BEFORE = re.compile(r"(?:卡|账|折|户头|存单)[^。;!?]{0,10}$")
FEWEST_UNNAMED = 13
"""Digits that nothing introduces, said in pieces."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Digits said together."""

    digits: str
    start: int
    end: int


def find_dictated(text: str, _folded: str) -> Iterator[PiiSpan]:
    """Spans of numbers in pieces with words between; what has none is left to `find_numbers`."""
    spoken = COUNTING.sub("某", text)
    pieces = [
        Piece(digits=_spelled(fold_digits(match.group())), start=match.start(), end=match.end())
        for match in PIECE.finditer(spoken)
        if text[match.start() - 1 : match.start()] not in FOLLOWS_AN_AMOUNT or match.start() == 0
    ]
    position = 0
    while position + 1 < len(pieces):
        chain = _chain(spoken, pieces[position : position + MOST_PIECES])
        span = _number(spoken, chain) if _is_said(spoken, chain) else None
        if span:
            yield span
            position += sum(piece.end <= span.end for piece in chain)
        else:
            position += 1


def _spelled(piece: str) -> str:
    """All digits of a piece: 3个8 is 888."""
    repeated = re.sub(r"([1-9])个([0-9])", lambda match: match[2] * int(match[1]), piece)
    return re.sub(r"[^0-9]", "", repeated)


def _chain(text: str, pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The first piece and those that follow it with few words between; what was corrected counts as corrected."""
    chain = [pieces[0]]
    for piece in pieces[1:]:
        if CORRECTION.fullmatch(text, chain[-1].end, piece.start):
            chain[-1] = replace(piece, start=chain[-1].start)
            continue
        if not BETWEEN.fullmatch(text, chain[-1].end, piece.start) or UNIT_BEHIND.match(text, piece.end):
            break
        chain.append(piece)
    while len(chain) > 1 and len(chain[-1].digits) == 1 and not _is_in_rhythm(text, chain):
        chain.pop()  # 上礼拜二
    return chain


def _is_in_rhythm(text: str, chain: Sequence[Piece]) -> bool:
    """Whether the last piece stands behind the same mark as the one before it: 〇五一·五."""
    gaps = [text[left.end : right.start] for left, right in pairwise(chain[-3:])]
    return len(gaps) > 1 and gaps[0] == gaps[1] and not HAN.search(gaps[0])


def _is_said(text: str, chain: Sequence[Piece]) -> bool:
    inside = text[chain[0].start : chain[-1].end]
    if len(chain) == FEWEST_PIECES - 1:
        is_announced = bool(ANNOUNCED.fullmatch(text, chain[0].end, chain[1].start))
        return is_announced or bool(WELL_FORMED.fullmatch("".join(piece.digits for piece in chain)))
    return len(chain) >= FEWEST_PIECES and bool(HAN.search(inside))


def _number(text: str, chain: Sequence[Piece]) -> PiiSpan | None:
    before = text[max(0, chain[0].start - CONTEXT_WIDTH) : chain[0].start]
    if PUBLIC_NUMBER.search(fold_digits(before)):
        return None
    first = chain[0].digits
    if MOBILE_START.match(first) and (span := _of_length(text, chain, frozenset({MOBILE_LENGTH}), "mobile")):
        return span
    if LANDLINE_START.match(first) and (span := _of_length(text, chain, LANDLINE_LENGTHS, "landline")):
        return span
    count = sum(len(piece.digits) for piece in chain)
    whole = (chain[0].start, chain[-1].end)
    if ID_BEFORE.search(before) and 15 <= count <= 19:
        spoken_x = SPOKEN_X.match(text, whole[1])
        return PiiSpan(kind="id_card", start=whole[0], end=spoken_x.end() if spoken_x else whole[1])
    if PHONE_BEFORE.search(before) and (count in LOCAL_LENGTHS or MOBILE_LENGTH - 1 <= count <= MOBILE_LENGTH + 1):
        return PiiSpan(kind="mobile", start=whole[0], end=whole[1])
    if count >= FEWEST_UNNAMED or (ACCOUNT_BEFORE.search(before) and count >= 10):
        return PiiSpan(kind="account", start=whole[0], end=whole[1])
    return None


def _of_length(text: str, chain: Sequence[Piece], lengths: frozenset[int], kind: str) -> PiiSpan | None:
    """The longest beginning of the chain that has such a length, words within."""
    count, found = 0, None
    for index, piece in enumerate(chain):
        count += len(piece.digits)
        if count in lengths and _is_said(text, chain[: index + 1]):
            found = PiiSpan(kind=kind, start=chain[0].start, end=piece.end)
    return found
