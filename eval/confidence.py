"""What confidence is worth on a set of texts. In: an evaluated set. Out: calibration by head, risk by facet.

Calibration is that of a softmax head: its best code on the texts that have such a label, whatever the other heads say.
All flags of all texts are judged together: probability against being true. Risk–coverage is that of the answers as
given: a cause given to a text that has none is wrong.
"""

from dataclasses import asdict
from typing import Any

from eval.metrics import FACETS
from eval.reliability import reliability
from eval.sets import EvaluatedSet
from models.answer import AllProbabilities, FacetAnswer, TriageAnswer


def evaluate_confidence(evaluated: EvaluatedSet) -> dict[str, Any]:
    """`heads` and `flags`: n, error (ECE), bins; `risk`: facet → n and coverage → share of wrong answers."""
    return {
        "heads": {facet: _calibration(_head_rows(evaluated, facet)) for facet in FACETS},
        "flags": _calibration(_flag_rows(evaluated)),
        "risk": {facet: _risk(_given_rows(evaluated, facet)) for facet in FACETS},
    }


def all_probabilities(answer: TriageAnswer) -> AllProbabilities:
    """The probabilities of an answer made with `full`."""
    assert answer.probabilities is not None
    return answer.probabilities


Rows = list[tuple[float, bool]]


def _head_rows(evaluated: EvaluatedSet, head: str) -> Rows:
    rows = []
    for i, (text, answer) in enumerate(zip(evaluated.texts, evaluated.answers, strict=True)):
        if getattr(text, head) is not None:
            probabilities: dict[str, float] = getattr(all_probabilities(answer), head)
            best = max(probabilities, key=probabilities.__getitem__)
            rows.append((probabilities[best], evaluated.is_right(i, head, best)))
    return rows


def _flag_rows(evaluated: EvaluatedSet) -> Rows:
    return [
        (probability, code in text.flags)
        for text, answer in zip(evaluated.texts, evaluated.answers, strict=True)
        for code, probability in all_probabilities(answer).flags.items()
    ]


def _given_rows(evaluated: EvaluatedSet, facet: str) -> Rows:
    rows = []
    for i, answer in enumerate(evaluated.answers):
        given: FacetAnswer | None = getattr(answer, facet)
        if given is not None:
            rows.append((given.confidence, evaluated.is_right(i, facet, given.code)))
    return rows if any(getattr(text, facet) is not None for text in evaluated.texts) else []


def _calibration(rows: Rows) -> dict[str, Any]:
    if not rows:
        return {"n": 0}
    result = reliability([confidence for confidence, _ in rows], [right for _, right in rows])
    return {"n": result.n, "error": result.error, "bins": [asdict(entry) for entry in result.bins]}


def _risk(rows: Rows) -> dict[str, Any]:
    if not rows:
        return {"n": 0}
    result = reliability([confidence for confidence, _ in rows], [right for _, right in rows])
    return {"n": result.n, "risk": {str(share): risk for share, risk in result.risk.items()}}
