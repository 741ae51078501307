"""How much a run of 汉字 looks like a person's name where it stands. In: normalised text. Out: scored spans.

A candidate is a surname with one or two characters behind it. A logistic regression weighs its characters, the three
characters on either side, how common the pairs of characters in and around it are in complaints without names, which
words of a dictionary lie in it, beside it and across its ends, and how its given name is made (`name_weights.json`).
Of candidates that it does not rule out a small network reads the characters (`name_network`); the scores are added.
Both are fitted by `python -m training.fit_names`.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from data.redaction.characters import is_han
from data.redaction.name_network import NETWORK_PATH, NameNetwork, window

WEIGHTS_PATH = Path(__file__).with_name("name_weights.json")
START, END = "^", "$"
INTRODUCED = 3.0  # added to the score of a candidate behind 户名, 我叫 and the like
LONGEST_WORD = 4
RULED_OUT = -8.0
"""Score of the regression below which the network is not asked."""


@dataclass(frozen=True, kw_only=True)
class NameLexicon:
    """What features are made from."""

    surnames: frozenset[str]
    """Of one and of two characters."""
    given: frozenset[str]
    """Characters common in given names."""
    everyday: frozenset[str]
    """Those of them that are as common in other words."""
    pair_levels: dict[str, int]
    """Pair of characters → how common it is in texts without names, 1 to 4; a pair that is missing is rare."""
    words: dict[str, int]
    """Words of two to four characters that are no names → how common they are, 1 to 4."""
    odds: dict[str, tuple[int, int]]
    """Character → how much likelier it is first, and last, in a given name than elsewhere, in powers of e."""

    def to_json(self) -> dict[str, Any]:
        sets = {name: " ".join(sorted(getattr(self, name))) for name in ("surnames", "given", "everyday")}
        by_odds: dict[str, str] = {}
        for character, (first, last) in sorted(self.odds.items()):
            key = f"{first} {last}"
            by_odds[key] = by_odds.get(key, "") + character
        pairs = {str(level): "".join(found) for level, found in _by_level(self.pair_levels).items()}
        words = {str(level): " ".join(found) for level, found in _by_level(self.words).items()}
        return {**sets, "pair_levels": pairs, "words": words, "odds": by_odds}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "NameLexicon":
        levels = {
            pairs[position : position + 2]: int(level)
            for level, pairs in content["pair_levels"].items()
            for position in range(0, len(pairs), 2)
        }
        words = {word: int(level) for level, found in content["words"].items() for word in found.split()}
        odds = {
            character: (int(key.split()[0]), int(key.split()[1]))
            for key, characters in content["odds"].items()
            for character in characters
        }
        sets = {name: frozenset(content[name].split()) for name in ("surnames", "given", "everyday")}
        return cls(**sets, pair_levels=levels, words=words, odds=odds)


def _by_level(levels: dict[str, int]) -> dict[int, list[str]]:
    return {level: sorted(key for key, of in levels.items() if of == level) for level in sorted(set(levels.values()))}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """`start:middle` is a surname, `middle:end` may be a given name."""

    start: int
    middle: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A text and which words of the dictionary lie in it, looked up once a place."""

    text: str
    lexicon: NameLexicon
    _levels: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _crossings: dict[int, int] = field(default_factory=dict)

    def level(self, start: int, end: int) -> int:
        """How common the word of two to `LONGEST_WORD` characters is that stands there; 0 where none does."""
        return self._levels_at(start)[end - start - 2] if start >= 0 else 0

    def _levels_at(self, start: int) -> tuple[int, ...]:
        """How common the words of two characters and more are that begin there."""
        found = self._levels.get(start)
        if found is None:
            get, text = self.lexicon.words.get, self.text
            found = tuple(get(text[start : start + length], 0) for length in range(2, LONGEST_WORD + 1))
            self._levels[start] = found
        return found

    def crossing(self, position: int) -> int:
        """How common the commonest word is that goes over this place."""
        found = self._crossings.get(position)
        if found is None:
            first = max(0, position - LONGEST_WORD + 1)
            starts = range(first, position) if position < len(self.text) else ()
            found = max((max(self._levels_at(start)[position - start - 1 :]) for start in starts), default=0)
            self._crossings[position] = found
        return found

    def word_behind(self, position: int) -> str:
        """The longest word that begins there."""
        return next((self.text[position:end] for end in _ends(position) if self.level(position, end)), "")

    def word_before(self, position: int) -> str:
        """The longest word that ends there."""
        starts = (position - length for length in range(LONGEST_WORD, 1, -1))
        return next((self.text[start:position] for start in starts if self.level(start, position)), "")


def _ends(position: int) -> Iterator[int]:
    return (position + length for length in range(LONGEST_WORD, 1, -1))


@dataclass(frozen=True, kw_only=True)
class NameScorer:
    lexicon: NameLexicon
    weights: dict[str, float]
    network: NameNetwork | None = None
    threshold: float
    """Score from which a candidate is taken for a name."""

    def find(self, text: str, introduced: Collection[int] = ()) -> list[tuple[int, int]]:
        """Spans taken for names, the surest first, without overlap; a name is likelier where one is introduced."""
        chosen: list[tuple[int, int]] = []
        scored = [
            (score + INTRODUCED * (candidate.start in introduced), candidate) for score, candidate in self._scored(text)
        ]
        for score, candidate in sorted(scored, key=lambda pair: -pair[0]):
            if score < self.threshold:
                break
            if all(candidate.end <= start or end <= candidate.start for start, end in chosen):
                chosen.append((candidate.start, candidate.end))
        return chosen

    def _scored(self, text: str) -> list[tuple[float, Candidate]]:
        reading = Reading(text=text, lexicon=self.lexicon)
        found = [(self.regression(features(reading, each)), each) for each in candidates(text, self.lexicon)]
        possible = [(score, candidate) for score, candidate in found if score > RULED_OUT]
        if self.network is None or not possible:
            return possible
        further = self.network.scores([window(text, each.start, each.middle, each.end) for _, each in possible])
        return [(score + float(more), each) for (score, each), more in zip(possible, further, strict=True)]

    def regression(self, found: Iterable[str]) -> float:
        """Sum of the weights of features."""
        get = self.weights.get
        return sum(get(feature, 0.0) for feature in found)


@cache
def default_scorer() -> NameScorer:
    content = json.loads(WEIGHTS_PATH.read_text(encoding="utf-8"))
    return NameScorer(
        lexicon=NameLexicon.from_json(content["lexicon"]),
        weights=content["weights"],
        network=NameNetwork.load(NETWORK_PATH),
        threshold=content["threshold"],
    )


def candidates(text: str, lexicon: NameLexicon) -> Iterator[Candidate]:
    """Every surname with one or two 汉字 behind it."""
    surnames = lexicon.surnames
    for start in range(len(text)):
        for middle in (start + 1, start + 2):
            if text[start:middle] not in surnames:
                continue
            for end in (middle + 1, middle + 2):
                if end <= len(text) and all(map(is_han, text[middle:end])):
                    yield Candidate(start=start, middle=middle, end=end)


def features(reading: Reading, candidate: Candidate) -> list[str]:
    """Names of the features that hold; the first, `bias`, always does."""
    text, lexicon = reading.text, reading.lexicon
    start, middle, end = candidate.start, candidate.middle, candidate.end
    surname, given = text[start:middle], text[middle:end]
    left, right = text[max(0, start - 3) : start], text[end : end + 3]
    before, after = left[-1:] or START, right[:1] or END
    length = len(given)
    sides = f"{_kind(before)}{_kind(after)}"
    found = [
        "bias",
        f"n{len(surname)}{length}",
        f"s{surname}",
        f"l{before}",
        f"b{before}{after}",
        f"L{left[-2:]}",
        f"M{left}",
        f"r{length}{after}",
        f"R{right[:2]}",
        f"S{right}",
        f"c{sides}",
        f"C{length}{sides}",
        f"e{given[-1]}",
        f"G{length}{sum(character in lexicon.given for character in given)}",
        f"E{length}{sum(character in lexicon.everyday for character in given)}",
        *(f"g{character}" for character in given),
    ]
    levels = lexicon.pair_levels
    found += [
        f"1{levels.get(surname[-1] + given[0], 0)}",
        f"2{levels.get(given[-1] + after, 0)}",
        f"3{levels.get(before + surname[0], 0)}",
        f"5{length}{levels.get(right[:2], 0)}",
    ]
    if length == 2:
        found.append(f"4{levels.get(given, 0)}")
    return found + _of_words(reading, candidate) + _of_given(reading, candidate)


def _of_words(reading: Reading, candidate: Candidate) -> list[str]:
    """Features of the dictionary: words across its ends, in it and beside it."""
    start, middle, end = candidate.start, candidate.middle, candidate.end
    level, length = reading.level, end - middle
    over_start, over_end = reading.crossing(start), reading.crossing(end)
    found = [
        f"x{over_start}",
        f"y{length}{over_end}",
        f"z{over_start}{over_end}",
        f"w1{level(start, middle + 1)}",
        f"w2{level(end - 1, end + 1)}",
        f"w3{level(start - 1, start + 1)}",
        f"w7{length}{level(start, start + 3)}",
        f"w8{level(start, end)}",
        f"w9{level(end - 1, end + 2)}",
        f"wA{level(start, start + 4)}",
        f"wB{level(end, end + 2)}",
        f"wC{level(start - 2, start)}",
        f"wE{level(end, end + 3)}",
        f"wF{level(start - 3, start)}",
        f"a:{reading.word_behind(end)}",
        f"b:{reading.word_before(start)}",
    ]
    if length == 2:
        inside = level(middle, end)
        found += [f"w4{inside}", f"v{inside}{over_start}{over_end}"]
    return found


def _of_given(reading: Reading, candidate: Candidate) -> list[str]:
    """Features of the given name's characters: how much likelier they are in names than elsewhere."""
    odds, text = reading.lexicon.odds, reading.text
    middle, end = candidate.middle, candidate.end
    last = odds.get(text[end - 1], (0, 0))[1]
    if end - middle == 2:
        first = odds.get(text[middle], (0, 0))[0]
        return [f"oA{first}", f"oB{last}", f"oS{first + last}"]
    after = text[end : end + 1]
    behind = [f"oD{odds.get(after, (0, 0))[1]}"] if after and is_han(after) else []
    return [f"oC{last}", *behind]


def _kind(character: str) -> str:
    if character in (START, END):
        return character
    return "H" if is_han(character) else "D" if character.isdecimal() else "P"
