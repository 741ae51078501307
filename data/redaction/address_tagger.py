"""Which characters of a text belong to an address. In: normalised text. Out: spans.

A linear chain over characters: each is outside an address, or its first, an inner or its last one. What speaks for
each label is weighed from the characters around it, their classes (digit, end of a road's name, word of a sentence …),
how common pairs of them are in complaints, and whether a city's or a district's name stands there
(`address_weights.json`, fitted by `python -m training.fit_addresses`). Only windows around something that addresses
are made of are read.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from data.redaction.characters import is_han
from data.redaction.name_scorer import default_scorer

WEIGHTS_PATH = Path(__file__).with_name("address_weights.json")
OUTSIDE, FIRST, INNER, LAST = range(4)
LABELS = 4
# (label, the one behind it): all pairs that may stand
STEPS = (
    (OUTSIDE, OUTSIDE),
    (OUTSIDE, FIRST),
    (FIRST, INNER),
    (FIRST, LAST),
    (INNER, INNER),
    (INNER, LAST),
    (LAST, OUTSIDE),
    (LAST, FIRST),
)
Weights = tuple[float, float, float, float]
Span = tuple[int, int]

TRIGGER = re.compile(
    r"(?<=[0-9零〇一二三四五六七八九十幺两甲乙丙丁 ])号(?!码)"
    r"|[区县镇乡旗村屯庄寨路街巷弄栋幢室楼层苑园府邨组坊胡寓厦舍店铺]"
    r"|(?<![知渠难通])道(?![歉理])|社(?![保会])|(?<!法)院|(?<!排)队|座(?![机席位])"
    r"|(?<![卡家这哪那统手公信行话店厅群同字在,])里(?![的面头有没写])|单元|广场|新城"
    r"|公馆|住|址|寄|家在|[0-9]-[0-9]|Road|Street|Avenue"
)
BEFORE, BEHIND = 20, 26  # characters of a window around a trigger; 523 of 526 addresses lie within their windows
CLASSES = {
    "d": "区县旗",
    "t": "镇乡",
    "v": "村屯庄寨邨",
    "r": "路街道巷弄坊胡同",
    "n": "号栋幢座",
    "u": "室楼层户门铺房元单",
    "g": "组队社排",
    "e": "苑园府城厦寓舍院里湾居郡庭轩阁",
    "s": "的了我你他她在到是有被把说还和与就都也为给从去寄住址来向往至叫送搬",
    "o": "东南西北中上下前后旁边侧对面内",
    "c": "零〇一二三四五六七八九十百幺两甲乙丙丁",
    "m": "市省州盟",
    "b": "行点卡款",
}
CLASS_OF = {character: name for name, characters in CLASSES.items() for character in characters}
ANCHORS = frozenset("dtvrnugesm0")  # classes that tell how far off an address's next part is
PAUSES = frozenset(",。;!?:、\n")
PAD = "^" * 6
LONGEST_PLACE = 4


@dataclass(frozen=True, kw_only=True)
class AddressLexicon:
    """What features are made from, beside characters."""

    places: Mapping[str, str]
    """Name without its ending → C for a province or city, D for a district or county."""
    pair_levels: Mapping[str, int]
    """Pair of characters → how common it is in texts without names, 1 to 4."""


@dataclass(frozen=True, kw_only=True)
class AddressTagger:
    lexicon: AddressLexicon
    weights: Mapping[str, Weights]
    """Feature → weight of each label."""
    steps: Sequence[float]
    """Weight of each pair of `STEPS`."""
    entry: float
    """What the first character of an address costs: the lower, the more is found."""

    def find(self, text: str) -> Iterator[Span]:
        """Spans taken for addresses, from district, county, town or road on."""
        for window in windows(text):
            labels = self._best_labels(self._emissions(text, window))
            yield from spans(labels, window[0])

    def _emissions(self, text: str, window: Span) -> list[Weights]:
        """For each character of the window, what speaks for each label."""
        weight_of, found = self.weights.get, []
        for row in features(text, window, self.lexicon):
            outside, first, inner, last = 0.0, -self.entry, 0.0, 0.0
            for feature in row:
                weights = weight_of(feature)
                if weights:
                    outside += weights[0]
                    first += weights[1]
                    inner += weights[2]
                    last += weights[3]
            found.append((outside, first, inner, last))
        return found

    def _best_labels(self, emissions: Sequence[Weights]) -> list[int]:
        """The likeliest sequence of labels (Viterbi's algorithm)."""
        out_out, out_first, first_inner, first_last, inner_inner, inner_last, last_out, last_first = self.steps
        outside, first = emissions[0][:2]
        inner = last = float("-inf")
        behind: list[tuple[int, int, int, int]] = []
        for to_outside, to_first, to_inner, to_last in emissions[1:]:
            stays, leaves = outside + out_out, last + last_out
            enters, follows = outside + out_first, last + last_first
            begins, goes_on = first + first_inner, inner + inner_inner
            is_short, closes = first + first_last, inner + inner_last
            behind.append(
                (
                    OUTSIDE if stays >= leaves else LAST,
                    OUTSIDE if enters >= follows else LAST,
                    FIRST if begins >= goes_on else INNER,
                    FIRST if is_short >= closes else INNER,
                )
            )
            outside, first = to_outside + max(stays, leaves), to_first + max(enters, follows)
            inner, last = to_inner + max(begins, goes_on), to_last + max(is_short, closes)
        scores = (outside, first, inner, last)
        labels = [scores.index(max(scores))]
        for previous in reversed(behind):
            labels.append(previous[labels[-1]])
        return labels[::-1]


@cache
def default_tagger() -> AddressTagger:
    content = json.loads(WEIGHTS_PATH.read_text(encoding="utf-8"))
    return from_json(content, default_scorer().lexicon.pair_levels)


def to_json(tagger: AddressTagger) -> dict[str, Any]:
    """A line for each feature; without the levels of pairs, which stand with the names."""
    places = {kind: " ".join(sorted(n for n, of in tagger.lexicon.places.items() if of == kind)) for kind in "CD"}
    weights = {feature: " ".join(map(str, weights)) for feature, weights in tagger.weights.items()}
    return {"places": places, "entry": tagger.entry, "steps": " ".join(map(str, tagger.steps)), "weights": weights}


def from_json(content: Mapping[str, Any], pair_levels: Mapping[str, int]) -> AddressTagger:
    places = {name: kind for kind, names in content["places"].items() for name in names.split()}
    return AddressTagger(
        lexicon=AddressLexicon(places=places, pair_levels=pair_levels),
        weights={feature: _weights(numbers) for feature, numbers in content["weights"].items()},
        steps=tuple(map(float, content["steps"].split())),
        entry=content["entry"],
    )


def _weights(numbers: str) -> Weights:
    outside, first, inner, last = map(float, numbers.split())
    return outside, first, inner, last


def windows(text: str) -> Iterator[Span]:
    """The pieces of a text where an address may stand, apart from one another."""
    start = end = -1
    for match in TRIGGER.finditer(text):
        first = max(0, match.start() - BEFORE)
        if first > end:
            if end > 0:
                yield start, end
            start = first
        end = min(len(text), match.end() + BEHIND)
    if end > 0:
        yield start, end


def spans(labels: Sequence[int], offset: int) -> Iterator[Span]:
    """Where the labels say that addresses stand; the first label is that of the character at `offset`."""
    start = 0
    for position, label in enumerate(labels):
        if label == FIRST:
            start = position
        if label == LAST or (label == INNER and position == len(labels) - 1):
            yield offset + start, offset + position + 1


def features(text: str, window: Span, lexicon: AddressLexicon) -> Iterator[list[str]]:
    """Names of the features that hold, for each character of the window; a letter, then what holds."""
    first, last = window
    width = len(PAD)
    piece = PAD[: max(0, width - first)] + text[max(0, first - width) : last + width]
    piece += PAD[: last - first + 2 * width - len(piece)]
    kinds = "".join(map(_class, piece))
    chars = "".join("0" if kind == "0" else char for kind, char in zip(kinds, piece, strict=True))
    level_of = lexicon.pair_levels.get
    levels = "".join(str(level_of(chars[p : p + 2], 0)) for p in range(len(chars)))
    marks = _marks(chars, lexicon.places)
    left = _distances(kinds, chars)
    right = _distances(kinds[::-1], chars[::-1])[::-1]
    for p in range(width, width + last - first):
        yield [
            "a" + chars[p - 3],
            "b" + chars[p - 2],
            "c" + chars[p - 1],
            "d" + chars[p],
            "e" + chars[p + 1],
            "f" + chars[p + 2],
            "g" + chars[p + 3],
            "h" + chars[p - 2 : p],
            "i" + chars[p - 1 : p + 1],
            "j" + chars[p : p + 2],
            "k" + chars[p + 1 : p + 3],
            "l" + chars[p - 1 : p + 2],
            "m" + chars[p - 3 : p],
            "n" + chars[p + 1 : p + 4],
            "o" + kinds[p - 2 : p + 3],
            "p" + kinds[p - 4 : p],
            "q" + kinds[p + 1 : p + 5],
            "r" + kinds[p - 1 : p + 2],
            "s" + kinds[p : p + 2] + kinds[p + 2 : p + 6].replace("H", ""),
            "t" + levels[p - 2 : p + 2],
            "u" + levels[p - 1 : p + 1] + kinds[p - 1 : p + 1],
            "v" + marks[p - 1 : p + 2],
            "w" + marks[p - 1] + kinds[p - 1 : p + 2],
            "x" + left[p],
            "y" + right[p],
            "z" + left[p] + right[p],
        ]


def _class(character: str) -> str:
    if is_han(character):
        return CLASS_OF.get(character, "H")
    if character.isdecimal():
        return "0"
    if character.isascii() and character.isalpha():
        return "A"
    return character if character in "^-—#()" else "," if character in PAUSES else "P"


def _marks(chars: str, places: Mapping[str, str]) -> str:
    """C and D where names of cities and districts begin, c and d where they go on, - elsewhere."""
    marks = ["-"] * len(chars)
    for start in range(len(chars) - 1):
        if marks[start] != "-":
            continue
        for length in range(LONGEST_PLACE, 1, -1):
            kind = places.get(chars[start : start + length])
            if kind:
                marks[start : start + length] = [kind] + [kind.lower()] * (length - 1)
                break
    return "".join(marks)


def _distances(kinds: str, chars: str) -> list[str]:
    """For each position, the nearest part of an address before it in the sentence, and how far off."""
    found, word, distance = [], "", 0
    for kind, char in zip(kinds, chars, strict=True):
        found.append(f"{word}{min(distance, 9)}" if word else "")
        distance += 1
        if kind in ANCHORS:
            word, distance = (char if kind == "s" else kind), 0
        elif kind == ",":
            word = ""
    return found
