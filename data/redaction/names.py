"""Names of customers, staff and relatives. In: normalised text. Out: spans of kind `name`.

Names of a surname and a given name are scored where they stand (`name_scorer`); words that introduce a name (户名,
我叫) speak for it. Names of other peoples are told by a middle dot, by the characters that spell sounds, or by Latin
capitals behind such words. A surname alone (王先生, 李经理) identifies nobody and stays. A name found once is found
again wherever the text repeats it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.redaction.name_scorer import default_scorer
from data.redaction.spans import PiiSpan
from data.yaml_files import read_yaml

TABLE_PATH = Path(__file__).with_name("names.yaml")
DOTS = "·•・"
# 阿依古丽·买买提, perhaps with words before and behind that are cut off
DOTTED = re.compile(rf"[\u4e00-\u9fff]{{1,8}}(?:[{DOTS}][\u4e00-\u9fff]{{1,8}}){{1,3}}")
_CAPITALIZED = r"[A-ZÀ-Þ][a-zA-ZÀ-ÿ'’-]{1,30}"  # bounded: a text of 20,000 letters took seconds
_NO_PRODUCT = r"(?!(?i:[A-Za-z ]*(?:pay|card|visa|app|bank|store|plus|pro|gold|platinum|master|unionpay)\b))"
LATIN = re.compile(rf"(?<![A-Za-z]){_NO_PRODUCT}{_CAPITALIZED}(?: {_CAPITALIZED}){{1,3}}")
LATIN_INTRODUCTION = re.compile(
    r"(?:name is|named|拼音(?:是|为|写的?)?|英文名(?:是|为|叫)?|I am|I'm|本人|客[户服]|经理|[柜职专]员|当事人"
    r"|[收汇付]款[人方]|持卡人|户主|学生|外[教籍]|我是|我?叫|姓名|同事|署名|签名)[ :,]{0,2}$",
    re.IGNORECASE,
)
TITLED_LATIN = re.compile(r"(?:Mr|Mrs|Ms|Miss|Dr)\.? ?([A-Z][a-z]+(?: [A-Z][a-z]+){0,2})")
LATIN_TITLED = re.compile(
    rf"(?<![A-Za-z])({_CAPITALIZED}(?: {_CAPITALIZED}){{1,3}})(?:先生|女士|小姐|太太|老师|教授|博士)"
)
SPACED = re.compile(r"[\u4e00-\u9fff]{1,2} [\u4e00-\u9fff]{1,2}(?![\u4e00-\u9fff])")
# YU JIAQI, Chen Xiaoyun: a surname, and two syllables or more in the same letters.
_SURNAME = (
    "wang|li|zhang|liu|chen|yang|huang|zhao|wu|zhou|xu|sun|ma|zhu|hu|guo|he|lin|gao|luo|zheng|liang|xie|song|tang|han"
    "|feng|deng|cao|peng|zeng|xiao|tian|dong|yuan|pan|jiang|cai|yu|du|ye|cheng|su|wei|lv|lu|ding|ren|shen|yao|cui|zhong"
    "|tan|fan|liao|shi|jin|jia|xia|fu|fang|bai|zou|meng|xiong|qin|qiu|yin|xue|yan|duan|lei|hou|long|tao|gu|mao|hao|gong"
    "|shao|wan|qian|dai|mo|kong|xiang|ouyang"
)
_SYLLABLE = (
    "(?:[bpmfdtnlgkhjqxrzcsyw]|zh|ch|sh)"
    "(?:iang|iong|uang|ang|eng|ing|ong|iao|ian|uai|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|ua|uo|ui|ue|ve|a|o|e|i|u|v)|er|an|ai|ao|en"
)
_GIVEN = rf"(?:{_SYLLABLE})[-' ]?(?:{_SYLLABLE})"
# In capitals or with capitals first. Given names may come first (Xiaoyun Chen).
_WRITTEN_SO = r"(?:(?=[A-Z]{2})|(?=[A-Z][a-z]+ [A-Z][a-z]))"
PINYIN = re.compile(rf"(?<![A-Za-z]){_WRITTEN_SO}(?i:(?:{_SURNAME}) {_GIVEN}|{_GIVEN} (?:{_SURNAME}))(?![A-Za-z])")
# CHAN TAI LOK, Lau Wing Kei: as Hong Kong and Macao spell.
_CANTONESE = (
    "chan|wong|lam|cheung|leung|lau|ng|yip|chow|tsang|tse|kwok|fung|mak|poon|lui|kwan|szeto|au|yeung|cheng|tang|law|lai|choi"
    "|hui|kong|ip|siu|tam|yuen|mok|kwong|pang|shum|chu|chiu|hung|tong|tsui|yau|fong|tsoi|leong|lei"
)
CANTONESE = re.compile(rf"(?<![A-Za-z]){_WRITTEN_SO}(?i:{_CANTONESE})(?: [A-Z][A-Za-z-]{{1,9}}){{1,2}}(?![A-Za-z])")
FEWEST_SOUNDS = 2
CONTEXT_WIDTH = 12

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class NameTable:
    """The words of `names.yaml`, made into patterns."""

    introduction: re.Pattern[str]
    """Words after which a name stands, with what links them to it."""
    behind: re.Pattern[str]
    """Words that follow a name: titles, "called to say"."""
    sounded: re.Pattern[str]
    """A name of another people in 汉字 by their sound: 扎西顿珠, 其其格."""
    composed: re.Pattern[str]
    """Two or more parts of such names in a row, which need no word before them: 萨仁高娃."""
    sounds: frozenset[str]


@cache
def _table() -> NameTable:
    data = read_yaml(TABLE_PATH)
    introductions, links, behind = (_alternatives(data[key]) for key in ("introductions", "links", "behind"))
    sounds, elements = "".join(data["sounds"].split()), _alternatives(data["elements"])
    return NameTable(
        introduction=re.compile(rf"(?:{introductions})(?:{links}|[:(\"“‘'「『、 ]){{0,3}}"),
        behind=re.compile(behind),
        sounded=re.compile(rf"[{sounds}]{{3,6}}(?![{sounds}])"),
        composed=re.compile(rf"(?:{elements}){{2,4}}"),
        sounds=frozenset(sounds),
    )


def _alternatives(words: str) -> str:
    """A pattern for the longest of these words, grouped by first character: three times as fast as a flat list."""
    rests: dict[str, list[str]] = {}
    for word in sorted(words.split(), key=len, reverse=True):
        rests.setdefault(word[0], []).append(re.escape(word[1:]))
    return "|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in rests.items())


def find_names(text: str, folded: str) -> Iterator[PiiSpan]:
    """Spans of names; a name may be given twice."""
    table = _table()
    introduced = {match.end() for match in table.introduction.finditer(text)}
    found = set(default_scorer().find(text, introduced))
    found |= set(_of_other_peoples(text, introduced, table))
    found |= {span for start in introduced if (span := _spaced(text, start))}
    found |= set(_repeated(text, {text[start:end] for start, end in found}))
    longest_first = sorted(found, key=lambda span: span[0] - span[1])
    return (PiiSpan(kind="name", start=start, end=end) for start, end in longest_first)


def _of_other_peoples(text: str, introduced: set[int], table: NameTable) -> Iterator[Span]:
    for start in introduced:
        for pattern in (table.sounded, LATIN):
            if match := pattern.match(text, start):
                yield match.span()
    for match in LATIN.finditer(text):
        if LATIN_INTRODUCTION.search(text[max(0, match.start() - CONTEXT_WIDTH) : match.start()]):
            yield match.span()
    for pattern in (TITLED_LATIN, LATIN_TITLED):
        for match in pattern.finditer(text):
            yield match.span(1)
    for pattern in (PINYIN, CANTONESE):
        yield from (match.span() for match in pattern.finditer(text))
    for match in table.composed.finditer(text):
        yield match.span()
    if any(dot in text for dot in DOTS):
        yield from _dotted(text, introduced, table)


def _dotted(text: str, introduced: set[int], table: NameTable) -> Iterator[Span]:
    """Names with a middle dot that are introduced or followed as names are; 信用卡·还款 is none."""
    for match in DOTTED.finditer(text):
        first_dot = next(position for position in range(*match.span()) if text[position] in DOTS)
        starts = [start for start in introduced if match.start() <= start < first_dot]
        last_dot = max(position for position in range(*match.span()) if text[position] in DOTS)
        behind = table.behind.search(text, last_dot + 2, match.end() + 4)
        end = min(behind.start(), match.end()) if behind else match.end()
        if starts or behind:
            yield max(starts, default=match.start()), end
        else:
            yield from _by_sound(match, table.sounds)


def _by_sound(match: re.Match[str], sounds: frozenset[str]) -> Iterator[Span]:
    """What surrounds the dot as far as it is made of the characters that spell sounds; 还款·信用卡 is none."""
    text = match.string
    dots = [position for position in range(*match.span()) if text[position] in DOTS]
    start, end = dots[0], dots[-1] + 1
    while start > match.start() and (text[start - 1] in sounds or text[start - 2 : start] == "阿不"):
        start -= 1
    while end < match.end() and text[end] in sounds:
        end += 1
    if dots[0] - start >= FEWEST_SOUNDS and end - dots[-1] > FEWEST_SOUNDS:
        yield start, end


def _spaced(text: str, start: int) -> Span | None:
    """王 芳, as forms and signatures space short names, at the end of a run of 汉字."""
    match = SPACED.match(text, start)
    surnames = default_scorer().lexicon.surnames
    return match.span() if match and match.group().split(" ")[0] in surnames else None


def _repeated(text: str, names: set[str]) -> Iterator[Span]:
    for name in names:
        if len(name) > 2:
            yield from (match.span() for match in re.finditer(re.escape(name), text))
