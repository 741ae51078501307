"""Fit what names look like in complaints. In: hand-written cases, the corpus. Out: two files in `data/redaction`.

    python -m training.fit_names [--output FOLDER]

Positives are the names of `eval/redaction/developed.jsonl` and of the corpus's training texts, also with other names
put in their place, so that the surroundings are learned and not the names. Negatives are all other candidates; of
corpus texts those are left out that a fit on the cases alone takes for names, since writers did not mark every name.
Words and the make of given names come from jieba's dictionary (MIT), whose own names teach the latter.
The threshold gives the wanted precision in five folds over the cases. `frozen.jsonl` is never read. Needs the extra
`train`.
"""

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import log, log2, log10, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from data.dataset import read_corpus
from data.normalize import normalize_text
from data.redaction.characters import is_han
from data.redaction.name_network import NETWORK_PATH, NameNetwork, window
from data.redaction.name_scorer import (
    LONGEST_WORD,
    RULED_OUT,
    WEIGHTS_PATH,
    NameLexicon,
    NameScorer,
    Reading,
    candidates,
    features,
)
from data.redaction.names import TABLE_PATH
from data.splits import read_splits
from data.taxonomy import default_taxonomy
from data.yaml_files import read_yaml
from eval.redaction.cases import read_cases
from training.fit_name_network import fit_network

SEED = 20261130
PRECISION = 0.93  # over cases full of traps
INVERSE_PENALTY = 1.0
FOLDS = 5
CASE_COPIES, CORPUS_COPIES = 6, 4
CASE_WEIGHT, COPY_WEIGHT = 3.0, 0.5
CORPUS_TEXTS = 6_000
FEWEST_OF_A_PAIR = 3
SMALLEST_WEIGHT = 0.02
LEAST_FREQUENCY = 20  # of a word of the dictionary, which then has 63,000
NAME_TAGS = frozenset({"nr", "nrt", "nrfg"})
COMMON_NAME = 50  # from this frequency on a pair tagged as a name is a word as well (高明)
UNSEEN_GIVEN, SMOOTHING = 3_000, 50
MOST_ODDS = 4
NEAR = 14  # characters around a name from which copies with other names take candidates
COMMON_SHARE, GIVEN_SHARE, PAIR_SHARE = 0.55, 0.93, 0.72  # of invented names: common surname, usual character, two

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A normalised text and where its names stand."""

    text: str
    names: frozenset[Span]


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Candidates as features, whether each is a name, and how much it counts."""

    rows: list[dict[str, float]]
    windows: list[str]
    """The characters around each, for the network."""
    labels: list[bool]
    weights: list[float]

    def __add__(self, other: "Examples") -> "Examples":
        return Examples(
            rows=self.rows + other.rows,
            windows=self.windows + other.windows,
            labels=self.labels + other.labels,
            weights=self.weights + other.weights,
        )

    def scores(self, weights: Mapping[str, float]) -> list[float]:
        """Of the regression."""
        return [sum(weights.get(feature, 0.0) for feature in row) for row in self.rows]

    def undecided(self, weights: Mapping[str, float]) -> "Examples":
        """Those that the regression does not rule out."""
        kept = [index for index, score in enumerate(self.scores(weights)) if score > RULED_OUT]
        return Examples(
            rows=[self.rows[index] for index in kept],
            windows=[self.windows[index] for index in kept],
            labels=[self.labels[index] for index in kept],
            weights=[self.weights[index] for index in kept],
        )


def marked(text: str, values: Sequence[str]) -> Marked:
    """Normalise a text and find all places of its names in the normal form."""
    normalized = normalize_text(text)
    spans: set[Span] = set()
    for value in values:
        form = normalize_text(value).text
        start = normalized.text.find(form) if form else -1
        while start >= 0:
            spans.add((start, start + len(form)))
            start = normalized.text.find(form, start + 1)
    return Marked(text=normalized.text, names=frozenset(spans))


def pair_levels(texts: Sequence[Marked]) -> dict[str, int]:
    """How common pairs of 汉字 are outside names: 1 for a few, one more for each fourfold, at most 4."""
    counts: Counter[str] = Counter()
    for item in texts:
        named = {position for start, end in item.names for position in range(start, end)}
        for position in range(len(item.text) - 1):
            pair = item.text[position : position + 2]
            if all(map(is_han, pair)) and not named & {position, position + 1}:
                counts[pair] += 1
    return {
        pair: min(4, max(1, int(log2(count + 1) / 2))) for pair, count in counts.items() if count >= FEWEST_OF_A_PAIR
    }


@dataclass(frozen=True, kw_only=True)
class DictionaryWord:
    """An entry of jieba's dictionary."""

    text: str
    frequency: int
    is_name: bool


def dictionary() -> list[DictionaryWord]:
    """jieba's dictionary."""
    lines = files("jieba").joinpath("dict.txt").read_text(encoding="utf-8").splitlines()
    rows = (line.split() for line in lines)
    return [
        DictionaryWord(text=text, frequency=int(frequency), is_name=tag in NAME_TAGS) for text, frequency, tag in rows
    ]


def word_levels(entries: Sequence[DictionaryWord]) -> dict[str, int]:
    """How common the words are that are no names, by powers of ten, 1 to 4."""
    return {
        entry.text: min(4, int(log10(entry.frequency + 1)))
        for entry in entries
        if 2 <= len(entry.text) <= LONGEST_WORD
        and entry.frequency >= LEAST_FREQUENCY
        and not (entry.is_name and (entry.frequency < COMMON_NAME or len(entry.text) == 3))
    }


def given_odds(entries: Sequence[DictionaryWord], surnames: frozenset[str]) -> dict[str, tuple[int, int]]:
    """Characters of given names first and last, against how common they are in all words; 0 for both is left out."""
    everywhere: dict[str, float] = defaultdict(float)
    first: Counter[str] = Counter()
    last: Counter[str] = Counter()
    for entry in entries:
        for character in entry.text:
            everywhere[character] += sqrt(entry.frequency)
        if entry.is_name and len(entry.text) == 3 and entry.text[0] in surnames:
            first[entry.text[1]] += 1
            last[entry.text[2]] += 1
    size = sum(everywhere.values()) + SMOOTHING * len(everywhere)

    def power(counts: Counter[str], character: str) -> int:
        share = (counts[character] + 0.5) / (counts.total() + UNSEEN_GIVEN)
        exact = log(share * size / (everywhere[character] + SMOOTHING))
        return max(-MOST_ODDS, min(MOST_ODDS, round(exact)))

    found = {character: (power(first, character), power(last, character)) for character in everywhere}
    return {character: odds for character, odds in found.items() if is_han(character) and odds != (0, 0)}


class NameMaker:
    """Invents names, many of them rare."""

    def __init__(self, lexicon: NameLexicon, common: str, seed: int) -> None:
        self._random = random.Random(seed)
        self._common, self._surnames, self._given = common, sorted(lexicon.surnames), sorted(lexicon.given)

    def __call__(self) -> str:
        draw = self._random
        surname = draw.choice(self._common) if draw.random() < COMMON_SHARE else draw.choice(self._surnames)
        length = 2 if draw.random() < PAIR_SHARE else 1
        return surname + "".join(self._character() for _ in range(length))

    def _character(self) -> str:
        if self._random.random() < GIVEN_SHARE:
            return self._random.choice(self._given)
        return chr(self._random.randint(0x4E00, 0x9FA5))


def with_other_names(item: Marked, make: NameMaker) -> Marked:
    """The same text with invented names in place of its Han names of two to four characters."""
    pieces: list[str] = []
    spans: set[Span] = set()
    position = length = 0
    for start, end in sorted(item.names):
        if start < position:
            continue
        is_replaced = 2 <= end - start <= 4 and all(map(is_han, item.text[start:end]))
        name = make() if is_replaced else item.text[start:end]
        pieces += [item.text[position:start], name]
        length += start - position
        spans.add((length, length + len(name)))
        length += len(name)
        position = end
    return Marked(text="".join([*pieces, item.text[position:]]), names=frozenset(spans))


def examples(
    item: Marked,
    lexicon: NameLexicon,
    *,
    weight: float = 1.0,
    near_names: bool = False,
    doubtful: frozenset[int] = frozenset(),
) -> Examples:
    """All candidates of a text, or those near its names; candidates on doubtful positions are left out."""
    near = {p for start, end in item.names for p in range(start - NEAR, end + NEAR)} if near_names else None
    kept = [
        candidate
        for candidate in candidates(item.text, lexicon)
        if (near is None or candidate.start in near)
        and not doubtful.intersection(range(candidate.start, candidate.end))
    ]
    reading = Reading(text=item.text, lexicon=lexicon)
    return Examples(
        rows=[dict.fromkeys(features(reading, candidate), 1.0) for candidate in kept],
        windows=[window(item.text, candidate.start, candidate.middle, candidate.end) for candidate in kept],
        labels=[(candidate.start, candidate.end) in item.names for candidate in kept],
        weights=[weight] * len(kept),
    )


def _joined(parts: Iterator[Examples]) -> Examples:
    total = Examples(rows=[], windows=[], labels=[], weights=[])
    for part in parts:
        total.rows.extend(part.rows)
        total.windows.extend(part.windows)
        total.labels.extend(part.labels)
        total.weights.extend(part.weights)
    return total


def fit(found: Examples) -> dict[str, float]:
    """Weight of each feature."""
    vectorizer = DictVectorizer()
    matrix: csr_matrix = vectorizer.fit_transform(found.rows)
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)  # liblinear's
    model = LogisticRegression(
        C=INVERSE_PENALTY, solver="liblinear", fit_intercept=False, max_iter=300, random_state=SEED
    ).fit(matrix, np.array(found.labels), sample_weight=np.array(found.weights))
    names, values = vectorizer.get_feature_names_out(), model.coef_[0]
    return {
        str(name): round(float(value), 3)
        for name, value in zip(names, values, strict=True)
        if abs(value) >= SMALLEST_WEIGHT
    }


def threshold_for(precision: float, scores: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> float:
    """The lowest score from which on at least this share are names."""
    order = np.argsort(-scores)
    right = np.cumsum(labels[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(right >= precision)
    return float(scores[order[enough[-1]]]) if len(enough) else float("inf")


class CorpusAndCases:
    """Everything the fit reads, read once."""

    def __init__(self) -> None:
        self.cases = [
            marked(case.text, [case.text[span.start : span.end] for span in case.pii if span.kind == "name"])
            for case in read_cases("developed")
        ]
        splits = read_splits()
        texts = [text for text in read_corpus(default_taxonomy()) if splits[text.id] == "train"]
        random.Random(SEED).shuffle(texts)
        texts.sort(key=lambda text: not any(value.kind == "name" for value in text.pii))  # texts with names first
        self.corpus = [
            marked(text.text, [value.value for value in text.pii if value.kind == "name" and len(value.value) > 1])
            for text in texts[:CORPUS_TEXTS]
        ]
        table: dict[str, Any] = read_yaml(TABLE_PATH)
        self.common_surnames = "".join(table["common_surnames"].split())
        surnames = frozenset("".join(table["surnames"].split())) | frozenset(table["compound_surnames"].split())
        entries = dictionary()
        self.lexicon = NameLexicon(
            surnames=surnames,
            given=frozenset("".join(table["given"].split())),
            everyday=frozenset("".join(table["everyday"].split())),
            pair_levels=pair_levels(self.corpus),
            words=word_levels(entries),
            odds=given_odds(entries, surnames),
        )

    def corpus_examples(self, scorer: NameScorer) -> Examples:
        """From corpus texts, without what a scorer takes for names that no writer marked."""

        def parts() -> Iterator[Examples]:
            make = NameMaker(self.lexicon, self.common_surnames, SEED)
            for item in self.corpus:
                doubtful = {p for span in scorer.find(item.text) if span not in item.names for p in range(*span)}
                yield examples(item, self.lexicon, doubtful=frozenset(doubtful))
                for _ in range(CORPUS_COPIES if item.names else 0):
                    yield examples(with_other_names(item, make), self.lexicon, weight=COPY_WEIGHT, near_names=True)

        return _joined(parts())

    def case_examples(self, cases: Sequence[Marked]) -> Examples:
        def parts() -> Iterator[Examples]:
            make = NameMaker(self.lexicon, self.common_surnames, SEED + 1)
            for item in cases:
                yield examples(item, self.lexicon, weight=CASE_WEIGHT)
                for _ in range(CASE_COPIES if item.names else 0):
                    yield examples(with_other_names(item, make), self.lexicon, near_names=True)

        return _joined(parts())


def fit_scorer(material: CorpusAndCases, *, precision: float = PRECISION) -> tuple[NameScorer, dict[str, float]]:
    """A scorer, and precision and recall of candidates in folds over the cases at its threshold."""
    first = NameScorer(lexicon=material.lexicon, weights=fit(material.case_examples(material.cases)), threshold=0.0)
    corpus = material.corpus_examples(first)
    folds = np.random.default_rng(SEED).integers(0, FOLDS, len(material.cases))
    scores: list[float] = []
    labels: list[bool] = []
    for fold in range(FOLDS):
        kept = [case for case, of in zip(material.cases, folds, strict=True) if of != fold]
        weights, network = _fit_both(corpus + material.case_examples(kept))
        left = _joined(
            examples(case, material.lexicon) for case, of in zip(material.cases, folds, strict=True) if of == fold
        ).undecided(weights)
        scores += [a + float(b) for a, b in zip(left.scores(weights), network.scores(left.windows), strict=True)]
        labels += left.labels
    threshold = threshold_for(precision, np.array(scores), np.array(labels))
    taken = np.array(scores) >= threshold
    names = sum(len(case.names) for case in material.cases)
    reached = {
        "precision": round(float(np.array(labels)[taken].mean()), 3),
        "recall": round(float(np.array(labels)[taken].sum()) / names, 3),
        "names": names,
    }
    weights, network = _fit_both(corpus + material.case_examples(material.cases))
    scorer = NameScorer(lexicon=material.lexicon, weights=weights, network=network, threshold=round(threshold, 3))
    return scorer, reached


def _fit_both(found: Examples) -> tuple[dict[str, float], NameNetwork]:
    """The regression over all candidates, the network over those that it does not rule out."""
    weights = fit(found)
    left = found.undecided(weights)
    return weights, fit_network(left.windows, left.labels, left.weights)


def main() -> None:
    """Fit, write the weights, print what the folds reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=WEIGHTS_PATH.parent)
    options = parser.parse_args()
    scorer, reached = fit_scorer(CorpusAndCases())
    if scorer.network is None:
        raise RuntimeError("the fit gave no network; expected one beside the regression")
    content = {"lexicon": scorer.lexicon.to_json(), "threshold": scorer.threshold, "weights": scorer.weights}
    text = json.dumps(content, ensure_ascii=False, indent=0) + "\n"
    (options.output / WEIGHTS_PATH.name).write_text(text, encoding="utf-8")
    scorer.network.save(options.output / NETWORK_PATH.name)
    sys.stdout.write(f"{len(scorer.weights)} weights; in {FOLDS} folds {reached}\n")


if __name__ == "__main__":
    main()
