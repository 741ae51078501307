"""Do the shown words decide? In: an evaluated set, the predictor. Out: how far labels fall without their words.

Deletion test (DeYoung et al. 2020, comprehensiveness): the clauses shown for a label are deleted and the text is read
anew; beside it, other clauses of the same total length are deleted, drawn at random (fixed seed). Labels are the given
cause and the flags that the model raised; words that a rule found are left out, and so is a label whose text has too
little else to delete. At most 300 texts.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from data.errors import TextError
from eval.confidence import all_probabilities
from eval.sets import EvaluatedSet
from models.answer import Evidence, TriageAnswer
from models.evidence import BOUNDARY, Span, merge_spans
from models.predictor import Predictor

MOST_TEXTS = 300
SEED = 20261130


@dataclass(frozen=True, kw_only=True)
class Drop:
    """How far one label's probability falls without its words, and without others."""

    code: str
    shown: float
    other: float


def deletion_test(evaluated: EvaluatedSet, predictor: Predictor, *, most: int = MOST_TEXTS) -> dict[str, Any]:
    """Labels, mean drops, their ratio and how often the shown words matter more: for causes, for flags, for all."""
    draw = random.Random(SEED)
    rows = sorted(draw.sample(range(len(evaluated.texts)), min(most, len(evaluated.texts))))
    drops = [
        drop
        for i in tqdm(rows, desc="deletion test", leave=False, disable=None)
        for drop in _drops(evaluated.texts[i].text, evaluated.answers[i], predictor=predictor, draw=draw)
    ]
    causes = [drop for drop in drops if drop.code[0] == "C"]
    flags = [drop for drop in drops if drop.code[0] != "C"]
    return {
        "set": evaluated.name,
        "texts": len(rows),
        "left_out": sum(len(_shown(evaluated.answers[i])) for i in rows) - len(drops),
        **{name: summarize_drops(part) for name, part in (("all", drops), ("causes", causes), ("flags", flags))},
    }


def summarize_drops(drops: Sequence[Drop]) -> dict[str, Any]:
    """Means and their ratio; the ratio is null where random words cost nothing."""
    if not drops:
        return {"labels": 0}
    shown, other = (float(np.mean([getattr(drop, side) for drop in drops])) for side in ("shown", "other"))
    return {
        "labels": len(drops),
        "mean_drop_shown": round(shown, 4),
        "mean_drop_random": round(other, 4),
        "ratio": round(shown / other, 2) if other > 0 else None,
        "shown_matters_more": round(float(np.mean([drop.shown > drop.other for drop in drops])), 4),
    }


def _drops(text: str, answer: TriageAnswer, *, predictor: Predictor, draw: random.Random) -> Iterator[Drop]:
    for code, evidence in _shown(answer):
        spans = merge_spans([(piece.start, piece.end) for piece in evidence])
        others = random_clauses(text, spans, draw)
        if others is None:
            continue
        before, after = _probability(answer, code), []
        for deleted in (spans, others):
            with suppress(TextError):  # nothing visible is left
                after.append(_probability(predictor.triage([without_spans(text, deleted)], full=True)[0], code))
        if len(after) == 2:
            yield Drop(code=code, shown=before - after[0], other=before - after[1])


def _shown(answer: TriageAnswer) -> list[tuple[str, list[Evidence]]]:
    """The given cause and the flags of the model alone, with their evidence."""
    cause = [(answer.cause.code, answer.cause.evidence)] if answer.cause and answer.cause.evidence else []
    return cause + [(flag.code, flag.evidence) for flag in answer.flags if flag.source == "model" and flag.evidence]


def _probability(answer: TriageAnswer, code: str) -> float:
    probabilities = all_probabilities(answer)
    return (probabilities.cause if code[0] == "C" else probabilities.flags)[code]


def random_clauses(text: str, shown: Sequence[Span], draw: random.Random) -> list[Span] | None:
    """Clauses beside the shown ones, of the same total length, the last one cut to fit; null if there are too few."""
    needed = sum(end - start for start, end in shown)
    others = [
        clause for clause in _clauses(text) if all(clause[1] <= start or clause[0] >= end for start, end in shown)
    ]
    if sum(end - start for start, end in others) < needed:
        return None
    draw.shuffle(others)
    chosen: list[Span] = []
    for start, end in others:
        if needed:
            chosen.append((start, min(end, start + needed)))
            needed -= chosen[-1][1] - start
    return sorted(chosen)


def _clauses(text: str) -> list[Span]:
    edges = [0, *(edge for mark in BOUNDARY.finditer(text) for edge in mark.span()), len(text)]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def without_spans(text: str, spans: Sequence[Span]) -> str:
    """The text without the spans, which are in order."""
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    return "".join(text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))
