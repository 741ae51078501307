"""Pieces of digits, and the chains of them that may be one number. In: normalised and folded text. Out: chains.

Pieces belong together across marks, across what is said between the parts of a number (嗯, 然后, 后面是), across a
correction (不对, 不是) and another speaker's 好的. What ends a sentence, counts or begins another thing parts them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from data.redaction.characters import is_han

FEWEST_DIGITS, MOST_DIGITS, MOST_PIECES = 7, 44, 24
"""Of a chain; corrections are among them."""
WIDEST_GAP, MOST_WORDS, MOST_OF_A_REPLY = 18, 4, 3
"""Characters between two pieces, and 汉字 among them: the speaker's own, and another's."""
FEWEST_OF_AN_ID = 4
"""Digits of an ID before its birth date, which may be said as a date (一九五三年,零七月)."""
CHINESE_DIGITS = frozenset("零〇○一二三四五六七八九幺两洞拐勾")

# 3个8 is 888; in folded text 一 is 1.
_PIECE = re.compile(r"(?:[2-9]个[0-9]|[0-9])+")
_REPEATED = re.compile(r"([2-9])个([0-9])")
_BEGINS_A_WORD = "一两三"
"""Digits that often begin a word behind a number: 一直, 两次."""
_BEHIND_BEGUN_WORD = " ,、\n-"
_BEHIND_SAID = re.compile(r"[嗯呃啊哦额诶噢唉呀那然完接再后还中跟前是空区分转号不对错说等最]|[^\u4e00-\u9fff]|$")
"""What may stand straight behind a lone digit of a number, not behind that of 四川 or 每月二十号."""
_BEFORE_TYPED, _INTRODUCES = re.compile(r"[ ,、:(\[-]{0,3}[0-9]{3}"), "号是为码话机"
_FILLER = re.compile(
    r"[嗯呃啊哦额诶噢唉呀嘛哈呢喂哎]|[那这]个|然后是?|完了|接着|再|(?:最|然)?后[面头边]?(?:一[个位])?是?|还有|中间是?"
    r"|跟着|前[面头]是?|是|空格|区号|分机|转|号码"
)
CORRECTION = re.compile(r"不对|(?<!是)不是|不不|错了|[说念记报讲输]错|更正|重[念说报来]|应该")
ENDS = re.compile(r"[。;!?元块万亿十百千%年月日¥$点楼栋室门]|号(?!码)|[A-Za-z]{2,}")
_TURN = re.compile(r"(?:客服|客户|[坐座]席|来电人|投诉人|[接话][线务]员|工号|客|答|问|[AB甲乙男女]) ?:")
_OTHER_BEGINS = re.compile(r"电话|手机|座机|账|卡|证|余额|利息|地址|密码|开头|钱|每|共|只剩")
_MARKS = frozenset(" \n-‐–—−.·_~,、/*\"“”():[]…'|")
_MARK_CLASSES = str.maketrans("‐–—−_~·、[]", "------.,()")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Digits that stand together; `digits` with 三个八 as 888."""

    digits: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Pieces `first` to `last` of a text, that may be one number."""

    pieces: tuple[Piece, ...]
    """All of the text."""
    first: int
    last: int
    gaps: tuple[str, ...]
    """What stands between its pieces."""

    @property
    def start(self) -> int:
        return self.pieces[self.first].start

    @property
    def end(self) -> int:
        return self.pieces[self.last].end

    @property
    def groups(self) -> list[str]:
        return [piece.digits for piece in self.pieces[self.first : self.last + 1]]


def find_pieces(text: str, folded: str) -> tuple[Piece, ...]:
    """All pieces of digits, without the 一 of 一直."""
    return tuple(piece for match in _PIECE.finditer(folded) for piece in _pieces(text, folded, *match.span()))


def _pieces(text: str, folded: str, start: int, end: int) -> Iterator[Piece]:
    """Of one match: what 个 counts is no repetition where it has several digits (八个4999)."""
    for match in _REPEATED.finditer(folded, start, end):
        digit = match.end() - 1
        if text[digit].isascii() and (not text[match.start()].isascii() or folded[digit + 1 : digit + 2].isdecimal()):
            if digit - 2 > start:
                yield from _pieces(text, folded, start, digit - 2)
            start = digit
            break
    if _ends_in_a_word(text, start, end):
        end -= 1
    if _begins_in_a_name(text, start, end):
        start += 1
    if start < end and not _is_word(text, start, end):
        digits = _REPEATED.sub(lambda match: match[2] * int(match[1]), folded[start:end])
        yield Piece(digits=digits, start=start, end=end)


def _ends_in_a_word(text: str, start: int, end: int) -> bool:
    """一直; 13800001234一直."""
    is_alone = end - start == 1 or text[end - 2].isascii()
    return is_alone and text[end - 1] in _BEGINS_A_WORD and text[end : end + 1] not in _BEHIND_BEGUN_WORD


def _begins_in_a_name(text: str, start: int, end: int) -> bool:
    """赵六13800138000: one Chinese digit behind another word and before a number in 0-9."""
    is_other_script = text[start] in CHINESE_DIGITS and text[start + 1 : end].isascii()
    return is_other_script and end - start > FEWEST_DIGITS and _is_behind_word(text, start)


def _is_word(text: str, start: int, end: int) -> bool:
    """四 of 四川, 六 of 赵六(13800138000)."""
    if end - start > 1 or text[start] not in CHINESE_DIGITS:
        return False
    is_before_other_script = bool(_BEFORE_TYPED.match(text, end)) and _is_behind_word(text, start)
    return is_before_other_script or not _BEHIND_SAID.match(text, end)


def _is_behind_word(text: str, start: int) -> bool:
    return start > 0 and is_han(text[start - 1]) and text[start - 1] not in _INTRODUCES


def chains(text: str, pieces: tuple[Piece, ...]) -> Iterator[Chain]:
    """All that may be one number."""
    for first, piece in enumerate(pieces):
        digits, gaps = len(piece.digits), []
        for last in range(first, min(len(pieces), first + MOST_PIECES)):
            if last > first:
                gap = text[pieces[last - 1].end : pieces[last].start]
                if not _is_joined(gap, text, pieces[last - 1], pieces[last], is_begun=digits >= FEWEST_OF_AN_ID):
                    break
                gaps.append(gap)
                digits += len(pieces[last].digits)
            if digits > MOST_DIGITS:
                break
            if digits >= FEWEST_DIGITS:
                yield Chain(pieces=pieces, first=first, last=last, gaps=tuple(gaps))


def _is_joined(gap: str, text: str, left: Piece, right: Piece, *, is_begun: bool) -> bool:
    """Whether the digits on both sides may be of one number; a birth date may be said as one (一九五三年,零七月)."""
    is_said = text[left.end - 1] in CHINESE_DIGITS and text[right.start] in CHINESE_DIGITS
    if is_said and is_begun:
        gap = re.sub("[年月日]", ",", gap)
    if len(gap) > WIDEST_GAP or ENDS.search(gap):
        return False
    kind = gap_class(gap)
    if kind not in ("wrong", "words"):
        return True
    words = _count_han(CORRECTION.sub("", gap))
    return (is_said or kind == "wrong") and words <= MOST_WORDS and not _OTHER_BEGINS.search(gap)


@cache
def _mark(character: str) -> str:
    return character.translate(_MARK_CLASSES)


def gap_class(gap: str) -> str:
    """What stands between two pieces: marks by their kinds, else `fill`, `wrong`, `turn` (of speakers) or `words`."""
    if all(each in _MARKS for each in gap):
        return "".join(sorted(set(map(_mark, gap))))
    if CORRECTION.search(gap):
        return "wrong"
    if all(each in _MARKS for each in _FILLER.sub("", gap)):
        return "fill"
    said_between = _FILLER.sub("", _TURN.sub("", gap))
    return "turn" if _TURN.search(gap) and _count_han(said_between) <= MOST_OF_A_REPLY else "words"


def _count_han(text: str) -> int:
    return sum(map(is_han, text))
