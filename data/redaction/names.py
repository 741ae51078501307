"""Names of customers, staff and relatives. In: normalised text. Out: spans of kind `name`.

A name is a surname with a given name of one or two characters, a name of another people with a middle dot, or a Latin
name, where the words before or behind say that a name stands there. A surname alone (王先生, 李经理) identifies nobody
and stays. Where a name ends is told from the characters it holds and the words that follow it. A name found once is
found again wherever the text repeats it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from data.redaction.spans import PiiSpan

TABLE_PATH = Path(__file__).with_name("names.yaml")


@dataclass(frozen=True, kw_only=True)
class NameTable:
    """The words and characters of `names.yaml`, made into patterns."""

    surnames: frozenset[str]
    common_surnames: frozenset[str]
    """Those that begin few other words."""
    compound_surnames: frozenset[str]
    given: frozenset[str]
    """Characters common in given names."""
    everyday: frozenset[str]
    """Those of them that are as common in other words."""
    frequent: frozenset[str]
    """Characters frequent in complaints and rare in names."""
    pairs: frozenset[str]
    """Given names of two everyday characters."""
    never_given: frozenset[str]
    transliterated: re.Pattern[str]
    """A name of another people in 汉字 by their sound: 扎西顿珠, 其其格."""
    places: re.Pattern[str]
    """What makes a place or a product of the same characters: 石桥镇."""
    titles: re.Pattern[str]
    """Words that make a surname into an address: 王先生."""
    not_names: re.Pattern[str]
    sure: re.Pattern[str]
    """Words after which a name stands, with what links them to it."""
    likely: re.Pattern[str]
    """Words after which a name may stand: it must hold common characters."""
    follow: re.Pattern[str]
    """Words and signs that may follow a name."""
    strong: re.Pattern[str]
    """Words that nearly always follow a name: titles, "called to say"."""


@cache
def _table() -> NameTable:
    data = yaml.safe_load(TABLE_PATH.read_text(encoding="utf-8"))
    words = {key: _alternatives(data[key]) for key in ("sure", "likely", "link", "follow", "strong", "not_names", "titles", "places")}
    link = rf"(?:{words['link']}|[:(\"“‘'「『、 ]){{0,3}}"
    never = frozenset(data["never_given"])
    return NameTable(
        surnames=frozenset(_characters(data["surnames"])),
        common_surnames=frozenset(_characters(data["common_surnames"])) | frozenset(data["compound_surnames"].split()),
        compound_surnames=frozenset(data["compound_surnames"].split()),
        given=frozenset(_characters(data["given"])) - never,
        everyday=frozenset(_characters(data["everyday"])),
        frequent=frozenset(_characters(data["frequent"])) | never,
        pairs=frozenset(data["pairs"].split()),
        never_given=never,
        transliterated=re.compile(rf"[{_characters(data['transliterated'])}]{{3,6}}"),
        places=re.compile(words["places"]),
        titles=re.compile(words["titles"]),
        not_names=re.compile(words["not_names"]),
        sure=re.compile(rf"(?:{words['sure']}){link}"),
        likely=re.compile(rf"(?:{words['likely']}){link}"),
        follow=re.compile(rf"{words['follow']}|[^\u4e00-\u9fff]|$"),
        strong=re.compile(words["strong"]),
    )


def _characters(text: str) -> str:
    return text.replace(" ", "").replace("\n", "")


def _alternatives(words: str) -> str:
    """A pattern for the longest of these words, grouped by first character: three times as fast as a flat list."""
    rests: dict[str, list[str]] = {}
    for word in sorted(words.split(), key=len, reverse=True):
        rests.setdefault(word[0], []).append(re.escape(word[1:]))
    return "|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in rests.items())


DOTS = "·•・"
# 阿依古丽·买买提, with the words before it cut off later; 约翰·史密斯
DOTTED = re.compile(r"[\u4e00-\u9fff]{1,8}(?:[·•・][\u4e00-\u9fff]{1,8}){1,3}")
_CAPITALIZED = r"[A-ZÀ-Þ][a-zA-ZÀ-ÿ'’-]+"
LATIN = re.compile(rf"{_CAPITALIZED}(?: {_CAPITALIZED}){{1,3}}")
LATIN_INTRODUCTION = re.compile(r"(?:name is|named|拼音(?:是|为|写的?)?|英文名(?:是|为|叫)?|I am|I'm)[ :]{0,2}$", re.IGNORECASE)
TITLED_LATIN = re.compile(r"(?:Mr|Mrs|Ms|Miss|Dr)\.? ?([A-Z][a-z]+(?: [A-Z][a-z]+){0,2})")
OPENING = re.compile(r"(?:^|(?<=[^\u4e00-\u9fff0-9]))(?=[\u4e00-\u9fff]{2})")
# 老王(王砚青), 姓彭,彭树德, 董小姐董婉如: a surname told, then the name
TOLD = re.compile(
    r"(?:[老小姓阿](?P<told>[\u4e00-\u9fff])|(?P<titled>[\u4e00-\u9fff])(?:先生|女士|小姐|太太|阿姨|经理|师傅|老师|主任))"
    r"[^\u4e00-\u9fff]{0,2}(?:[\u4e00-\u9fff]{0,2})?(?P<name>(?:(?P=told)|(?P=titled))(?=[\u4e00-\u9fff]))"
)
LIST_JOINT = re.compile(r"、|,|和|与|及|跟|还有|同")
SPACED = re.compile(r"(?P<surname>[\u4e00-\u9fff]{1,2}) (?P<given>[\u4e00-\u9fff]{1,2})(?![\u4e00-\u9fff])")
SIGNED = re.compile(r"[。!?, ]([\u4e00-\u9fff]{2,4})(?= ?(?:敬上|谨上|拜上|手书|上|启|$|(?:20)?[12][0-9]年))")


def find_names(text: str, folded: str) -> Iterator[PiiSpan]:
    """Spans of names; a name may be given twice."""
    table = _table()
    found = set(_introduced(text, table)) | set(_titled(text, table)) | set(_written_otherwise(text, table))
    found |= set(_repeated(text, {text[start:end] for start, end in found}))
    found = {(start, end) for start, end in found if not table.places.match(text, end)}
    longest_first = sorted(found, key=lambda span: span[0] - span[1])
    return (PiiSpan(kind="name", start=start, end=end) for start, end in longest_first)


def _introduced(text: str, table: NameTable) -> Iterator[tuple[int, int]]:
    for pattern, is_sure in ((table.sure, True), (table.likely, False)):
        for match in pattern.finditer(text):
            yield from _listed(text, match.end(), table, is_sure=is_sure)
    for match in OPENING.finditer(text):
        end = _name_end(text, match.end(), table, is_sure=False)
        if end and _opens_with_name(text, match.end(), end, table):
            yield match.end(), end
    for match in TOLD.finditer(text):
        end = _name_end(text, match.start("name"), table, is_sure=False)
        if end and end - match.start("name") > 1:
            yield match.start("name"), end
    for match in SIGNED.finditer(text):
        if _name_end(match[1], 0, table, is_sure=False) == len(match[1]) > 2:
            yield match.span(1)


def _listed(text: str, start: int, table: NameTable, *, is_sure: bool) -> Iterator[tuple[int, int]]:
    """The name that starts here and those that follow it in a list: 侯丽丽、孟祥瑞、廖一凡."""
    end = _name_end(text, start, table, is_sure=is_sure) or (_sounded_end(text, start, table) if is_sure else None)
    while end:
        yield start, end
        joint = LIST_JOINT.match(text, end)
        if not joint:
            break
        start = joint.end()
        end = _name_end(text, start, table, is_sure=False)


def _sounded_end(text: str, start: int, table: NameTable) -> int | None:
    match = table.transliterated.match(text, start)
    if not match or table.not_names.match(text, start) or len(set(match.group())) == 1:
        return None
    return match.end() if table.follow.match(text, match.end()) else None


def _opens_with_name(text: str, start: int, end: int, table: NameTable) -> bool:
    """A name at the head of a clause: of a common surname, or of a given name without everyday characters."""
    surname = start + _surname_length(text, start, table)
    if end - start < 3 and text[end : end + 1] != ":":
        return False
    if text[start:surname] in table.common_surnames:
        return True
    is_ended = not _is_han(text[end : end + 1]) or bool(table.strong.match(text, end))
    return is_ended and not table.everyday & set(text[surname:end])


def _name_end(text: str, start: int, table: NameTable, *, is_sure: bool) -> int | None:
    """Where the name that starts here ends; None if there is none."""
    surname = _surname_length(text, start, table)
    given = start + surname
    if surname == 0 or table.titles.match(text, given):
        return None
    spaced = SPACED.match(text, start)
    if is_sure and spaced and spaced["surname"] == text[start:given] and _could_be_given(spaced["given"], len(spaced["given"]), table):
        return spaced.end()
    if table.not_names.match(text, start):
        is_whole = is_sure and not _is_han(text[given + 2 : given + 3])
        return given + 2 if is_whole and table.given.issuperset(text[given : given + 2]) and len(text) >= given + 2 else None
    married = text[given : given + 1]
    if surname == 1 and married in table.surnames and _is_given(text[given + 1 : given + 3], 2, table):
        if table.strong.match(text, given + 3) or (is_sure and table.follow.match(text, given + 3)):
            return given + 3  # 张廖美惠: her husband's name before her own
    can_be_given = _could_be_given if is_sure else _is_given
    one, two = (can_be_given(text[given : given + length], length, table) for length in (1, 2))
    if one and table.strong.match(text, given + 1):
        return given + 1
    if two and table.follow.match(text, given + 2):
        return given + 2
    is_common = text[start:given] in table.common_surnames
    if one and (followed := table.follow.match(text, given + 1)):
        said = is_sure or is_common or len(followed.group()) > 1
        if said or _is_set_off(text, start, given + 1):
            return given + 1
    pair = text[given : given + 2]
    is_likely = is_common or (is_sure and not table.everyday & set(pair))
    return given + 2 if is_likely and _is_given(pair, 2, table) else None


def _surname_length(text: str, start: int, table: NameTable) -> int:
    if text[start : start + 2] in table.compound_surnames:
        return 2
    return int(text[start : start + 1] in table.surnames)


def _could_be_given(given: str, length: int, table: NameTable) -> bool:
    return len(given) == length and all(map(_is_han, given)) and not table.never_given & set(given)


def _is_given(given: str, length: int, table: NameTable) -> bool:
    """Of characters common in given names or rare in complaints, not all of them as common elsewhere."""
    if len(given) != length or not all(map(_is_han, given)) or table.frequent & set(given):
        return False
    return given in table.pairs or not table.everyday.issuperset(given)


def _is_set_off(text: str, start: int, end: int) -> bool:
    """Signs on both sides: 客户:王芳,"""
    return not _is_han(text[start - 1 : start]) and not _is_han(text[end : end + 1])


def _is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


def _titled(text: str, table: NameTable) -> Iterator[tuple[int, int]]:
    """Names before a title or before "called to say": 王小明先生, 李秀兰来电."""
    for match in table.strong.finditer(text):
        end = len(text[: match.start()].rstrip("(, "))
        for length in (4, 3, 2):
            start = end - length
            is_bounded = not _is_han(text[start - 1 : start])
            if start >= 0 and _is_common_name(text[start:end], table, is_bounded=is_bounded):
                yield start, end
                break


def _is_common_name(name: str, table: NameTable, *, is_bounded: bool) -> bool:
    surname = _surname_length(name, 0, table)
    given = name[surname:]
    if surname == 0 or not (is_bounded or name[:surname] in table.common_surnames):
        return False
    if table.not_names.match(name) or table.titles.match(given):
        return False
    return _is_given(given, min(2, max(1, len(given))), table)


def _written_otherwise(text: str, table: NameTable) -> Iterator[tuple[int, int]]:
    """Names with a middle dot, and Latin names that are introduced or titled."""
    for match in DOTTED.finditer(text) if any(dot in text for dot in DOTS) else ():
        start = _after_introduction(text, match.start(), match.start() + _first_dot(match.group()), table)
        end = _dotted_end(text, match.end(), table)
        if start is not None or table.strong.match(text, end):
            yield match.start() if start is None else start, end
    for match in LATIN.finditer(text):
        is_told = LATIN_INTRODUCTION.search(text[max(0, match.start() - 12) : match.start()])
        if is_told or _after_introduction(text, match.start(), match.start(), table) is not None:
            yield match.span()
    for match in TITLED_LATIN.finditer(text):
        yield match.span(1)


def _first_dot(text: str) -> int:
    return min(position for position, character in enumerate(text) if character in DOTS)


def _after_introduction(text: str, start: int, end: int, table: NameTable) -> int | None:
    """Where the words that introduce a name end, if they end between `start` and `end`."""
    ends = [
        match.end()
        for pattern in (table.sure, table.likely)
        for match in pattern.finditer(text, max(0, start - 12), end)
        if match.end() >= start and len(match.group()) > 1
    ]
    return max(ends, default=None)


def _dotted_end(text: str, end: int, table: NameTable) -> int:
    """Cut off the words that a run of 汉字 took along behind the name: 买买提来电 → 买买提."""
    last_dot = max(text.rfind(dot, 0, end) for dot in DOTS)
    for position in range(last_dot + 2, end):
        if table.strong.match(text, position) or text[position] in table.never_given:
            return position
    return end


def _repeated(text: str, names: set[str]) -> Iterator[tuple[int, int]]:
    for name in names:
        if len(name) > 2:
            yield from (match.span() for match in re.finditer(re.escape(name), text))
