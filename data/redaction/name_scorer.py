"""How much a run of 汉字 looks like a person's name where it stands. In: normalised text. Out: scored spans.

A candidate is a surname with one or two characters behind it. A logistic regression weighs its characters, the three
characters on either side and how common the pairs of characters in and around it are in complaints without names
(`name_weights.json`, fitted by `python -m training.fit_names`).
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

WEIGHTS_PATH = Path(__file__).with_name("name_weights.json")
START, END = "^", "$"
INTRODUCED = 3.0  # added to the score of a candidate behind 户名, 我叫 and the like


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

    def to_json(self) -> dict[str, Any]:
        by_level = {str(level): "" for level in range(1, 5)}
        for pair, level in sorted(self.pair_levels.items()):
            by_level[str(level)] += pair
        words = {name: " ".join(sorted(getattr(self, name))) for name in ("surnames", "given", "everyday")}
        return {**words, "pair_levels": by_level}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "NameLexicon":
        levels = {
            pairs[position : position + 2]: int(level)
            for level, pairs in content["pair_levels"].items()
            for position in range(0, len(pairs), 2)
        }
        words = {name: frozenset(content[name].split()) for name in ("surnames", "given", "everyday")}
        return cls(**words, pair_levels=levels)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """`start:middle` is a surname, `middle:end` may be a given name."""

    start: int
    middle: int
    end: int


@dataclass(frozen=True, kw_only=True)
class NameScorer:
    lexicon: NameLexicon
    weights: dict[str, float]
    threshold: float
    """Sum of weights from which a candidate is taken for a name."""

    def find(self, text: str, introduced: Collection[int] = ()) -> list[tuple[int, int]]:
        """Spans taken for names, the surest first, without overlap; a name is likelier where one is introduced."""
        scored = [
            (self.score(text, candidate) + INTRODUCED * (candidate.start in introduced), candidate)
            for candidate in candidates(text, self.lexicon)
        ]
        chosen: list[tuple[int, int]] = []
        for score, candidate in sorted(scored, key=lambda pair: -pair[0]):
            if score < self.threshold:
                break
            if all(candidate.end <= start or end <= candidate.start for start, end in chosen):
                chosen.append((candidate.start, candidate.end))
        return chosen

    def score(self, text: str, candidate: Candidate) -> float:
        weights = self.weights
        return sum(weights.get(feature, 0.0) for feature in features(text, candidate, self.lexicon))


@cache
def default_scorer() -> NameScorer:
    content = json.loads(WEIGHTS_PATH.read_text(encoding="utf-8"))
    return NameScorer(
        lexicon=NameLexicon.from_json(content["lexicon"]), weights=content["weights"], threshold=content["threshold"]
    )


def is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


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


def features(text: str, candidate: Candidate, lexicon: NameLexicon) -> list[str]:
    """Names of the features that hold; the first, `bias`, always does."""
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
    return found


def _kind(character: str) -> str:
    if character in (START, END):
        return character
    return "H" if is_han(character) else "D" if character.isdecimal() else "P"
