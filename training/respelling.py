"""The same sentence with other numbers, written otherwise. In: redaction cases. Out: more of them.

What tells a personal number is where it stands and how it is formed, not how somebody happened to write it: copies
carry every spelling into every surrounding. Numbers that are no personal data are respelled too, so that a spelling
itself says nothing. These copies fit weights (`training.fit_numbers`); they are no corpus texts and measure nothing.
"""

import random
import re
from collections.abc import Sequence

from data.normalize import normalize_text
from data.redaction.digits import fold_digits
from data.redaction.spans import PiiSpan
from eval.redaction.cases import RedactionCase
from eval.redaction.measure import NUMERIC_KINDS

OTHER_NUMBER = re.compile(r"[0-9]{7,24}")
FEWEST_DIGITS = 7
PROVINCES = (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 81, 82, 83)
AREA_CODES = (
    "010", "020", "021", "022", "023", "024", "025", "027", "028", "029", "0311", "0312", "0335", "0351", "0355",
    "0371", "0379", "0393", "0394", "0411", "0431", "0451", "0470", "0471", "0512", "0530", "0531", "0536", "0551",
    "0558", "0571", "0574", "0591", "0592", "0595", "0716", "0728", "0731", "0738", "0746", "0755", "0769", "0771",
    "0791", "0817", "0831", "0851", "0871", "0872", "0898", "0917", "0931", "0951", "0971", "0991", "0997",
)  # fmt: skip
CARD_STARTS = ("62", "62", "62", "60", "43", "52", "95")
ALL = "0123456789"
FILLERS = ("嗯", "那个", "然后", "后面是", "再", "完了", "啊", "呃", "接着", "然后是", "后头", "这个")
CORRECTIONS = (
    "不对", "不是", "错了", "哦不对", "不对不对", "等等,不是", "啊不", "说错了", "我重说", "哎不是"
)  # fmt: skip
PAUSES = ("等我戴上眼镜啊", "我再看看", "等一下啊", "我重念一遍")
TURNS = ("\n客服:嗯\n客户:", "\n坐席:嗯\n客户:", "\n坐席:您继续\n来电人:")
WAYS = ("plain", "spaced", "dashed", "odd", "chinese", "spoken", "spoken", "mixed", "mixed")
SEPARATORS = {
    "spaced": (" ", "  "),
    "dashed": ("-", "－", "—", "–"),
    "odd": (".", "·", ",", "、", "/", "\n", " - ", "_", "，", " . "),
}
SPOKEN = {"1": "幺", "0": "零", "7": "七", "2": "二"}
RARER = {"0": "洞", "7": "拐", "2": "两"}
DIGITS = dict(zip(ALL, "零一二三四五六七八九", strict=True))


def respelled(cases: Sequence[RedactionCase], *, copies: int, seed: int) -> list[RedactionCase]:
    """So many copies of each case that holds a number."""
    speller = _Speller(random.Random(seed))
    return [speller.copy(case) for case in cases for _ in range(copies) if _has_numbers(case)]


def _has_numbers(case: RedactionCase) -> bool:
    return any(span.kind in NUMERIC_KINDS for span in case.pii) or bool(OTHER_NUMBER.search(case.text))


class _Speller:
    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def copy(self, case: RedactionCase) -> RedactionCase:
        """The case with other numbers in its places."""
        others = (PiiSpan(kind="", start=match.start(), end=match.end()) for match in OTHER_NUMBER.finditer(case.text))
        places = [*case.pii, *(other for other in others if not any(other.overlaps(span) for span in case.pii))]
        text, position = "", 0
        pii: list[PiiSpan] = []
        for place in sorted(places, key=lambda span: span.start):
            text += case.text[position : place.start]
            new = self._instead(place.kind, case.text[place.start : place.end])
            if place.kind:
                pii.append(PiiSpan(kind=place.kind, start=len(text), end=len(text) + len(new)))
            text, position = text + new, place.end
        return RedactionCase(text=text + case.text[position:], pii=tuple(pii), spelling=case.spelling)

    def _instead(self, kind: str, old: str) -> str:
        digits = re.sub("[^0-9Xx]", "", fold_digits(normalize_text(old).text))
        if kind and (kind not in NUMERIC_KINDS or len(digits) < FEWEST_DIGITS):
            return old
        return self._spell(self._number(kind, digits), kind)

    def _digits(self, length: int, first: str = ALL) -> str:
        return self._draw.choice(first) + "".join(self._draw.choices(ALL, k=length - 1))

    def _number(self, kind: str, old: str) -> str:
        """Another number of the kind; of what is no personal data often the same."""
        draw = self._draw
        if kind == "mobile":
            return "1" + draw.choice("3456789") + self._digits(9) if len(old) > 9 else self._digits(8, "25669")
        if kind == "landline" and draw.random() < 0.85:
            area = draw.choice(AREA_CODES)
            return area + self._digits(draw.choice((7, 8)) if len(area) == 4 else 8, "2345678")
        if kind == "landline":
            return self._digits(draw.choice((7, 8)), "2345678")
        if kind == "id_card":
            return self._id_card(is_old=len(old) == 15)
        if kind == "bank_card":
            return draw.choice(CARD_STARTS) + self._digits(max(10, len(old)) - 2)
        return self._digits(len(old)) if kind or draw.random() < 0.5 else old

    def _id_card(self, *, is_old: bool) -> str:
        draw = self._draw
        place = f"{draw.choice(PROVINCES)}{draw.randint(0, 30):02d}{draw.randint(1, 31):02d}"
        year, day = draw.randint(1935, 2006), f"{draw.randint(1, 12):02d}{draw.randint(1, 28):02d}"
        if is_old:
            return f"{place}{year % 100:02d}{day}{self._digits(3)}"
        return f"{place}{year}{day}{self._digits(3)}{draw.choice('0123456789X')}"

    def _spell(self, number: str, kind: str) -> str:
        way, groups = self._draw.choice(WAYS), self._groups(number, kind)
        if way == "plain":
            return number
        if way in SEPARATORS:
            return self._separated(groups if len(groups) > 1 else [number[:4], *self._cut(number[4:])], kind, way)
        if way == "chinese":
            mark = self._draw.choice((" ", "-", ",", "·", "—", "、", *[""] * 9))
            return mark.join(self._in_words(group) for group in groups)
        return self._mixed(number, groups) if way == "mixed" else self._said(number, groups)

    def _groups(self, number: str, kind: str) -> list[str]:
        if kind == "landline" and number[0] == "0" and self._draw.random() < 0.8:
            area = 3 if number[1] in "12" else 4
            return [number[:area], *self._cut(number[area:])]
        return self._cut(number)

    def _cut(self, number: str) -> list[str]:
        """In groups as people cut numbers."""
        size = self._draw.choice((0, 0, 4, 4, 1, 2, 3, -1, -1, -1))
        groups: list[str] = []
        while number:
            length = size if size > 0 else self._draw.choice((1, 2, 2, 3, 3, 3, 4, 4, 5, 6)) if size else len(number)
            groups.append(number[:length])
            number = number[length:]
        return groups

    def _separated(self, groups: list[str], kind: str, way: str) -> str:
        draw = self._draw
        marks = [draw.choice(SEPARATORS[way])] * (len(groups) - 1)
        if draw.random() < 0.15:
            marks = [mark if draw.random() < 0.7 else draw.choice((" ", "-", "  ")) for mark in marks]
        if kind == "landline" and len(groups[0]) in (3, 4) and groups[0][0] == "0":
            chance = draw.random()
            if chance < 0.35:
                groups[0] = draw.choice(("({})", "( {} )", "（{}）", "[{}]")).format(groups[0])
                marks[0] = draw.choice(("", "", "", " ", "-"))
            elif chance < 0.45:
                return f"{groups[0]}({''.join(groups[1:])})"
        spelled = groups[0] + "".join(mark + group for mark, group in zip(marks, groups[1:], strict=True))
        return spelled.replace("0", draw.choice("Oo")) if draw.random() < 0.06 else spelled

    def _mixed(self, number: str, groups: list[str]) -> str:
        mark = self._draw.choice(("", " ", "-", " ", "-", "."))
        parts = groups if len(groups) > 1 else self._cut(number)
        return mark.join(self._in_words(each) if self._draw.random() < 0.5 else each for each in parts)

    def _said(self, number: str, groups: list[str]) -> str:
        """As speech recognition writes what somebody reads out, with pauses, slips and questions between."""
        draw = self._draw
        if len(groups) == 1 or draw.random() < 0.4:
            groups = self._cut(number) if draw.random() < 0.5 else re.findall(".{1,3}", number)
        mark, has_turns = draw.choice((" ", ",", ",", ",", "，", "、", "...", "……")), draw.random() < 0.3
        said = self._aloud(groups[0])
        for group in groups[1:]:
            chance = draw.random()
            if chance < 0.12:
                said += mark + draw.choice(FILLERS) + draw.choice(("", mark, " "))
            elif chance < 0.17:
                slip = self._aloud(self._digits(max(1, len(group) + draw.choice((-1, 0, 0, 1)))))
                said += mark + slip + self._correction(("", " ", "是", ",是"))
            else:
                said += draw.choice(TURNS) if has_turns and chance < 0.3 else mark
            said += self._aloud(group)
        if draw.random() < 0.08:
            start = self._aloud(number[: draw.choice((3, 4, 6, 7))])
            said = start + self._correction((",", "...", " "), (*CORRECTIONS, *PAUSES)) + said
        return said

    def _correction(self, behind: Sequence[str], words: Sequence[str] = CORRECTIONS) -> str:
        draw = self._draw
        return draw.choice((",", "", " ", "...")) + draw.choice(words) + draw.choice(behind)

    def _aloud(self, group: str) -> str:
        """幺三八, 三个八, 俩五."""
        draw, said = self._draw, ""
        while group:
            alike = len(group) - len(group.lstrip(group[0]))
            digit = group[0]
            if digit == "X":
                said, taken = said + draw.choice(("X", "叉", "x", "艾克斯", ",叉", ",最后是个叉")), 1
            elif alike >= 3 and draw.random() < 0.7:
                said, taken = f"{said}三个{DIGITS[digit]}", 3
            elif alike >= 2 and draw.random() < 0.3:
                said, taken = said + draw.choice(("两个", "俩")) + DIGITS[digit], 2
            else:
                usual = SPOKEN.get(digit, DIGITS[digit])
                said, taken = said + (RARER.get(digit, usual) if draw.random() < 0.08 else usual), 1
            group = group[taken:]
        return said

    def _in_words(self, group: str) -> str:
        nought = self._draw.choice("零〇〇○")
        return "".join(nought if digit == "0" else DIGITS.get(digit, digit) for digit in group)
