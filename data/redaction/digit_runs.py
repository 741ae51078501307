"""Runs of digits that could be one number. In: normalised text, and the same with digits folded. Out: candidates.

A number may be spaced out, grouped or dictated with words between (138然后0013, 三个八); it is bounded by characters
that are no digits, where one Chinese digit of a following word (一直, 两张) is none. What it is decides who asks.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from data.redaction.digits import FILLERS, GAPS, PUBLIC_BEHIND, PUBLIC_NUMBER, WIDEST_GAP, fold_digits

CONTEXT_WIDTH = 20  # characters before a number that may say what it is
MOST_GROUPS = 10
LISTING = frozenset(",、/~.")
"""What stands between numbers of a list, or within amounts."""
ANY_DIGIT = "0123456789"
# The last place of an ID as it is said: 最后一位是个叉, 大写的X, 艾克斯. In folded text 一 is 1.
SPOKEN_X = re.compile(
    r"[,、。 (]{0,2}(?:(?:最|末|后|尾)[后尾面数]?[是那]?(?:[1一某]?[位个])?[是为个]{0,2}|是[1一]?个?|[1一]个)?"
    r"(?:[大小]写?的?|字母的?|英文的?|[加带]个?){0,2}"
    r"(?:[艾爱埃诶欸][克可]斯|[XxⅩ×叉])(?![A-Za-z])\)?"
)
COUNTED = re.compile(
    r"[0-9一两二三四五六七八九十]{1,8} ?[年月日元块万笔个岁]|[一两二三四五六七八九十] ?[张次遍天位份户家本]"
)
SPOKEN_DIGITS = "幺洞"
BEFORE_X = frozenset({16, 17, 18})
"""Digits of an ID before its last place, one too few or too many included."""
CURRENCY = re.compile(r" ?[万亿]?(?:[韩日美港欧台]?元|块|円|日圆|卢布|盾|铢)")
ENDS_IN_DIGIT = re.compile(r"[0-9零〇○一二三四五六七八九幺两]$|(?<![0-9])[0-9]{4}[ -]$")
COUNTRY_CODE = re.compile(r"(?:\+86|0086|(?<![0-9])86)\)?[ -]{0,2}\(?$")
# Digits that gaps join: no number below has fewer than ten, so text without such a run is not looked at further.
FEWEST_DIGITS = 10
_DIGIT_RUN = re.compile(
    rf"[0-9](?:(?:[{re.escape(GAPS)}()\]]{{0,{WIDEST_GAP}}}(?:{FILLERS})?|个)[0-9]){{{FEWEST_DIGITS - 2},}}"
)
_FILLER = re.compile(rf"(?:{FILLERS})(?=[0-9])")
_FILLER_STARTS = frozenset("嗯呃啊哦额诶噢唉呀那这然再最后接跟中前的区空")  # looking is cheaper than matching
# 三个八 is 888 within a number.
_REPEATED = re.compile(r"[1-9]个[0-9]")

Groups = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Digits that could be one number: how they were grouped and what stood around them."""

    number: str
    written: str
    """As the text has it."""
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
    def is_list_of_amounts(self) -> bool:
        """All groups end with a nought."""
        return {self.number[sum(self.groups[: index + 1]) - 1] for index in range(len(self.groups))} == {"0"}

    @property
    def is_split(self) -> bool:
        """In groups as people split one number: by spaces or dashes, some of at least three digits, and no date."""
        is_date = self.groups[0] == 4 and self.number.startswith(("19", "20")) and self.groups[1:2] < (3,)
        is_one = max(self.groups) > 2 and len(self.groups) <= MOST_GROUPS and not is_date
        return is_one and not set(self.gaps) & LISTING

    @property
    def is_nearly_spelled_out(self) -> bool:
        """One or two digits at a time: 1 8 9 08 9 1 7 3 2 4."""
        return max(self.groups) <= 2 and len(self.groups) >= MOST_GROUPS // 2 and not set(self.gaps) & LISTING

    @property
    def is_dictated(self) -> bool:
        """With words between its groups, or with the digits of telephoning: 138然后0013, 幺洞两洞."""
        is_in_words = any("\u4e00" <= character <= "\u9fff" for character in self.gaps)
        return is_in_words or any(digit in self.written for digit in SPOKEN_DIGITS)

    @property
    def follows_digits(self) -> bool:
        """Behind digits of the same run, straight or in a group of four, which are no country code."""
        return bool(ENDS_IN_DIGIT.search(self.before)) and not COUNTRY_CODE.search(self.before)

    @property
    def precedes_digits(self) -> bool:
        """Before further digits of the same run."""
        return self.after[:1] in (" ", "-") and self.after[1:2].isdecimal()

    @property
    def is_public(self) -> bool:
        """Called an order, a serial number or the like, before it or behind it, or an amount."""
        after = self.after
        return bool(
            PUBLIC_NUMBER.search(fold_digits(self.before)) or PUBLIC_BEHIND.match(after) or CURRENCY.match(after)
        )

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


def starts(text: str, folded: str) -> list[int]:
    """Where a number may begin, within runs that are long enough."""
    return [
        start
        for run in _DIGIT_RUN.finditer(folded)
        for start in range(*run.span())
        if folded[start] in ANY_DIGIT and _starts_cleanly(text, folded, start)
    ]


def candidates(
    recognizer: NumberRecognizer, text: str, folded: str, start: int, *, taken_until: int
) -> Iterator[Candidate]:
    """The numbers of the wanted lengths that begin here, in the order of the lengths.

    `taken_until`: end of what was found before; what stands there says nothing about these.
    """
    taken = _take_digits(folded, start, recognizer)
    for length in recognizer.lengths:
        if length not in taken:
            continue
        end, number, groups, gaps = taken[length]
        if not _ends_cleanly(text, folded, end, is_id=recognizer.kind == "id_card"):
            continue
        if gaps and COUNTED.match(text, end - groups[-1]):
            continue  # the last group counts something: 账号0478190198321,1998年; 03 7715 2094 6 一张
        yield Candidate(
            number=number,
            written=text[start:end],
            groups=groups,
            gaps=gaps,
            before=text[max(taken_until, start - CONTEXT_WIDTH) : start],
            after=text[end : end + CONTEXT_WIDTH],
            start=start,
            end=end,
        )


def _take_digits(folded: str, start: int, recognizer: NumberRecognizer) -> dict[int, tuple[int, str, Groups, str]]:
    """Number of digits → (end, digits, group sizes, gaps) of so many digits from `start`, as far as there are any."""
    is_id, lengths = recognizer.kind == "id_card", recognizer.lengths
    brackets = ")]" if recognizer.kind == "landline" else "()"
    digits, groups, gaps, position, most = folded[start], [1], "", start + 1, max(lengths)
    taken: dict[int, tuple[int, str, Groups, str]] = {}
    while len(digits) < most:
        gap = position
        while gap < len(folded) and gap - position < WIDEST_GAP and folded[gap] in GAPS + brackets:
            gap += 1
        if folded[gap : gap + 1] in _FILLER_STARTS and (filler := _FILLER.match(folded, gap)):
            gap = filler.end()
        if is_id and len(digits) in BEFORE_X and (spoken_x := SPOKEN_X.match(folded, position)):
            taken[len(digits) + 1] = (spoken_x.end(), digits + "X", tuple(groups), gaps)
            break
        if gap >= len(folded) or folded[gap] not in ("0123456789Xx×叉" if is_id else "0123456789"):
            break
        end, read = gap + 1, folded[gap]
        if folded[end : end + 1] == "个" and (repeated := _REPEATED.match(folded, gap)):
            end, read = repeated.end(), folded[gap + 2] * int(folded[gap])
            gaps += "个"
        groups = [*groups, len(read)] if gap > position else [*groups[:-1], groups[-1] + len(read)]
        gaps += folded[position:gap]
        digits += "X" if read in "xX×叉" else read
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
    if is_id and folded[end - 1] in "XxⅩ×叉斯":
        return True
    if end >= len(folded) or not folded[end].isdecimal():
        return True
    # One Chinese digit that begins a word: 13800001234一直打不通; behind Chinese digits few words begin so
    begins_word = text[end] in "一两三" if not text[end - 1].isascii() else not text[end].isascii()
    return begins_word and not folded[end + 1 : end + 2].isdecimal()
