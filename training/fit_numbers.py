"""Fit what personal numbers look like. In: hand-written cases. Out: `data/redaction/number_weights.json`.

    python -m training.fit_numbers [--output FILE]

Positives are the chains of digits that are wholly a number, permit, passport or chat number of
`eval/redaction/developed.jsonl` and of copies with other numbers spelled otherwise (`training.respelling`); negatives
are all other chains. The other sets are never read. Needs the extra `train`.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from data.normalize import normalize_text
from data.redaction.digit_chains import chains, find_pieces
from data.redaction.digits import fold_digits
from data.redaction.number_scorer import WEIGHTS_PATH, NumberScorer, features, taken_by
from data.redaction.recognizers import find_by_patterns
from eval.redaction.cases import RedactionCase, read_cases
from eval.redaction.measure import ENOUGH, NUMERIC_KINDS
from training.respelling import respelled

SEED = 20261130
NUMBERS = frozenset({*NUMERIC_KINDS, "permit", "passport", "qq"})
THRESHOLD = 0.0
"""A chain is taken that is likelier a number than not."""
FOLDS, COPIES = 5, 4
CASE_WEIGHT, COPY_WEIGHT = 3.0, 0.7
SMALLEST_WEIGHT, FEWEST_CHAINS = 0.05, 2

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A normalised text, the places of the digits of its numbers, and what else of it is personal."""

    text: str
    numbers: frozenset[Span]
    others: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True)
class Example:
    features: list[str]
    is_number: bool
    weight: float


def marked(case: RedactionCase) -> Marked:
    """Normalise a case and find its values in the normal form."""
    text = normalize_text(case.text).text
    folded = fold_digits(text)
    numbers: set[Span] = set()
    others: list[Span] = []
    position = 0
    for span in case.pii:
        value = normalize_text(case.text[span.start : span.end]).text
        start = text.find(value, position)
        if start < 0:
            continue
        position = start + len(value)
        digits = [index for index in range(start, position) if folded[index].isdecimal()]
        if span.kind in NUMBERS and digits:
            numbers.add((digits[0], digits[-1] + 1))
        if span.kind not in NUMERIC_KINDS:
            others.append((start, position))
    return Marked(text=text, numbers=frozenset(numbers), others=tuple(others))


def examples(item: Marked, weight: float) -> Iterator[Example]:
    """Its chains; those that touch other personal data say nothing."""
    folded = fold_digits(item.text)
    for chain in chains(item.text, find_pieces(item.text, folded)):
        span = (chain.start, chain.end)
        is_number = span in item.numbers
        if is_number or not any(span[0] < end and start < span[1] for start, end in item.others):
            yield Example(features=features(item.text, folded, chain), is_number=is_number, weight=weight)


def fit(found: Sequence[Example]) -> dict[str, float]:
    """Weight of each feature that is no rarity."""
    vectorizer = DictVectorizer()
    matrix: csr_matrix = vectorizer.fit_transform([dict.fromkeys(each.features, 1.0) for each in found])
    common = np.flatnonzero(np.asarray(matrix.sum(axis=0)).ravel() >= FEWEST_CHAINS)
    matrix = matrix[:, common]
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)  # liblinear's
    model = LogisticRegression(solver="liblinear", fit_intercept=False, max_iter=300, random_state=SEED).fit(
        matrix, [each.is_number for each in found], sample_weight=[each.weight for each in found]
    )
    names = vectorizer.get_feature_names_out()[common]
    return {
        str(name): round(float(value), 2)
        for name, value in zip(names, model.coef_[0], strict=True)
        if abs(value) >= SMALLEST_WEIGHT
    }


def case_examples(cases: Sequence[RedactionCase]) -> list[Example]:
    """Of the cases and of their copies."""
    copies = respelled(cases, copies=COPIES, seed=SEED)
    weighted = [(cases, CASE_WEIGHT), (copies, COPY_WEIGHT)]
    return [each for some, weight in weighted for case in some for each in examples(marked(case), weight)]


def fit_scorer(cases: Sequence[RedactionCase]) -> NumberScorer:
    return NumberScorer(weights=fit(case_examples(cases)), threshold=THRESHOLD)


def measure_folds(cases: Sequence[RedactionCase]) -> dict[str, int]:
    """In folds over the cases: numbers that the patterns leave, spans added to theirs, and the right ones of them."""
    folds = np.random.default_rng(SEED).integers(0, FOLDS, len(cases))
    reached: Counter[str] = Counter()
    for fold in range(FOLDS):
        scorer = fit_scorer([case for case, of in zip(cases, folds, strict=True) if of != fold])
        for case in (case for case, of in zip(cases, folds, strict=True) if of == fold):
            reached.update(_added(scorer, marked(case)))
    return dict(reached)


def _added(scorer: NumberScorer, item: Marked) -> dict[str, int]:
    folded = fold_digits(item.text)
    known = find_by_patterns(item.text, folded)
    added, taken = scorer.find(item.text, folded, known), taken_by(known, len(item.text))
    personal = {place for start, end in (*item.numbers, *item.others) for place in range(start, end)}
    shares = [len(personal.intersection(range(span.start, span.end))) / (span.end - span.start) for span in added]
    return {
        "left by the patterns": sum(not all(taken[start:end]) for start, end in item.numbers),
        "added": len(added),
        "right": sum(share >= ENOUGH for share in shares),
    }


def main() -> None:
    """Fit, write the weights, print what the folds reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=WEIGHTS_PATH)
    options = parser.parse_args()
    cases = read_cases("developed")
    sys.stdout.write(f"in {FOLDS} folds {measure_folds(cases)}\n")
    scorer = fit_scorer(cases)
    content = {"threshold": scorer.threshold, "weights": scorer.weights}
    options.output.write_text(json.dumps(content, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(scorer.weights)} weights\n")


if __name__ == "__main__":
    main()
