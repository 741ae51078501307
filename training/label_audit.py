"""Are the labels right? In: rows of a snapshot. Out: suspicious labels, disagreement of people, shifts of use.

Suspicious: confident learning (Northcutt et al. 2021, cleanlab) with the probabilities of the model that answered
before the person decided; it cannot have learned that decision. Shifts: how often each code is given, in the latest
weeks against before and by each reviewer against the others, Fisher's exact test, Holm over all codes of a facet.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from scipy.stats import fisher_exact
from sklearn.metrics import cohen_kappa_score

from data.snapshots import LabelRow

SUSPECTED = ("order_type", "category", "cause", "channel")
FACETS = ("order_type", "category", "leaf", "cause", "subcause", "channel")
LEAST_ROWS = 30
LATEST = timedelta(days=28)
SIGNIFICANT = 0.05


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """A label that the model's probabilities speak against; `doubt` from 0 to 1."""

    id: str
    facet: str
    given: str
    suggested: str
    doubt: float


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A code that is given more or less often than elsewhere; p after Holm."""

    facet: str
    code: str
    where: str
    share: float
    elsewhere: float
    p: float


def suspicious_labels(rows: Sequence[LabelRow], facet: str) -> list[Suspicion]:
    """Most doubtful first; too few rows give none."""
    judged = [row for row in rows if getattr(row, facet) in row.probabilities.get(facet, {})]
    codes = sorted({getattr(row, facet) for row in judged})
    if len(judged) < LEAST_ROWS or len(codes) < 2:
        return []
    from cleanlab.filter import find_label_issues

    matrix = np.array([[row.probabilities[facet].get(code, 0.0) for code in codes] for row in judged])
    matrix = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-9)
    labels = np.array([codes.index(getattr(row, facet)) for row in judged])
    found = find_label_issues(labels, matrix, return_indices_ranked_by="normalized_margin", n_jobs=1)
    return [
        Suspicion(
            id=judged[i].id,
            facet=facet,
            given=codes[labels[i]],
            suggested=codes[int(matrix[i].argmax())],
            doubt=round(float(matrix[i].max() - matrix[i, labels[i]]), 4),
        )
        for i in found
    ]


def disagreement(rows: Sequence[LabelRow]) -> dict[str, dict[str, float]]:
    """Facet → n, agreement, kappa of standing decisions and blind second readings; flags: equal sets."""
    result = {}
    for facet in (*FACETS, "flags"):
        pairs = [(_value(vars(row), facet), _value(reading, facet)) for row in rows for reading in row.readings]
        pairs = [(first, second) for first, second in pairs if first != "None" or second != "None"]
        if pairs:
            first, second = zip(*pairs, strict=True)
            equal = sum(a == b for a, b in pairs) / len(pairs)
            kappa = 1.0 if len({*first, *second}) == 1 else float(cohen_kappa_score(first, second))
            result[facet] = {"n": len(pairs), "agreement": round(equal, 3), "kappa": round(kappa, 3)}
    return result


def shifts(rows: Sequence[LabelRow]) -> list[Shift]:
    """Codes whose use changed lately, and reviewers who use a code otherwise than the others."""
    if not rows:
        return []
    border = max(row.labelled_at for row in rows) - LATEST
    late = {"latest 28 days": [row.labelled_at > border for row in rows]}
    people = sorted({row.reviewer for row in rows})
    by_person = {person: [row.reviewer == person for row in rows] for person in people} if len(people) > 1 else {}
    found = []
    for facet in FACETS:
        tests = [test for where, marks in (late | by_person).items() for test in _tests(rows, facet, where, marks)]
        found += _holm(tests)
    return sorted(found, key=lambda shift: shift.p)


def _tests(rows: Sequence[LabelRow], facet: str, where: str, marks: Sequence[bool]) -> list[Shift]:
    inside = [getattr(row, facet) for row, mark in zip(rows, marks, strict=True) if mark and getattr(row, facet)]
    outside = [getattr(row, facet) for row, mark in zip(rows, marks, strict=True) if not mark and getattr(row, facet)]
    if min(len(inside), len(outside)) < LEAST_ROWS:
        return []
    here, there = Counter(inside), Counter(outside)
    return [
        Shift(
            facet=facet,
            code=code,
            where=where,
            share=round(here[code] / len(inside), 4),
            elsewhere=round(there[code] / len(outside), 4),
            p=float(
                fisher_exact([[here[code], len(inside) - here[code]], [there[code], len(outside) - there[code]]]).pvalue
            ),
        )
        for code in sorted({*here, *there})
    ]


def _holm(tests: Sequence[Shift]) -> list[Shift]:
    """Those that stay significant (Holm 1979)."""
    kept = []
    for rank, test in enumerate(sorted(tests, key=lambda shift: shift.p)):
        p = test.p * (len(tests) - rank)
        if p > SIGNIFICANT:
            break
        kept.append(Shift(**{**vars(test), "p": p}))
    return kept


def _value(labels: Mapping[str, Any], facet: str) -> str:
    value = labels.get(facet)
    return ",".join(sorted(value or ())) if facet == "flags" else str(value)
