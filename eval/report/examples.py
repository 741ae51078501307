"""Twenty texts to read. In: an evaluated split of the corpus. Out: text cut at its evidence, labels wanted and given.

Ten whose order type, category and cause are all right and ten where one of them is wrong, drawn with a fixed seed. Only
texts of the corpus, which are invented; gold files measure and are never quoted. Personal data is redacted.
"""

import random
from itertools import pairwise
from typing import Any

from eval.metrics import given_code
from eval.sets import EvaluatedSet
from models.answer import Evidence, TriageAnswer

OF_EACH = 10
SEED = 20261130
JUDGED = ("order_type", "category", "cause")
SHOWN = ("order_type", "category", "leaf", "cause", "subcause", "channel")


def draw_examples(evaluated: EvaluatedSet, *, of_each: int = OF_EACH) -> list[dict[str, Any]]:
    """JSON-ready examples, the right ones first. Raises ValueError for a gold file."""
    if evaluated.origin != "split":
        raise ValueError(f"{evaluated.name} is a gold file; its texts must not be shown")
    right = [all(_is_right(evaluated, i, facet) for facet in JUDGED) for i in range(len(evaluated.texts))]
    draw = random.Random(SEED)
    rows = []
    for wanted in (True, False):
        kind = [i for i, good in enumerate(right) if good == wanted]
        rows += draw.sample(kind, min(of_each, len(kind)))
    return [_example(evaluated, i, is_right=right[i]) for i in rows]


def _is_right(evaluated: EvaluatedSet, row: int, facet: str) -> bool:
    return evaluated.is_right(row, facet, given_code(evaluated.answers[row], facet))


def _example(evaluated: EvaluatedSet, row: int, *, is_right: bool) -> dict[str, Any]:
    text, answer = evaluated.texts[row], evaluated.answers[row]
    return {
        "id": text.id,
        "is_right": is_right,
        "parts": marked_parts(answer),
        "facets": {
            facet: {
                "wanted": getattr(text, facet),
                "given": given_code(answer, facet),
                "confidence": entry.confidence if (entry := getattr(answer, facet)) else None,
                "is_right": _is_right(evaluated, row, facet),
            }
            for facet in SHOWN
        },
        "flags": {"wanted": list(text.flags), "given": [flag.code for flag in answer.flags]},
    }


def marked_parts(answer: TriageAnswer) -> list[dict[str, Any]]:
    """The redacted text in pieces, each with the codes it is shown for."""
    shown: dict[str, list[Evidence]] = {flag.code: flag.evidence for flag in answer.flags}
    if answer.cause:
        shown[answer.cause.code] = answer.cause.evidence
    spans = [(e.redacted_start, e.redacted_end, code) for code, pieces in shown.items() for e in pieces]
    text = answer.redacted_text
    edges = sorted({0, len(text), *(edge for start, end, _ in spans for edge in (start, end))})
    return [
        {"text": text[start:end], "codes": sorted(code for s, e, code in spans if s <= start and end <= e)}
        for start, end in pairwise(edges)
    ]
