"""How right the answers are. In: labelled texts and answers. Out: figures per facet, flag group and flag, with n.

Accuracy and macro-F1 carry 95 % percentile bootstrap intervals over texts (1,000 resamples, fixed seed). A leaf counts
only with its category. Groups: a text is a hit if any flag of the group was raised and any is true.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from data.schema import LabelledText
from models.answer import FacetAnswer, TriageAnswer

FACETS = ("order_type", "category", "leaf", "cause", "subcause", "channel")
RESAMPLES = 1000
SEED = 20261123
CodeArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> list[float]:
        return [round(self.value, 4), round(self.low, 4), round(self.high, 4)]


def evaluate_answers(gold: Sequence[LabelledText], answers: Sequence[TriageAnswer]) -> dict[str, Any]:
    """All figures as JSON-ready values; intervals are [value, low, high]."""
    return {
        "texts": len(gold),
        "facets": {facet: _facet_scores(facet, gold, answers) for facet in FACETS},
        "flag_groups": _group_scores(gold, answers),
        "flags": _flag_scores(gold, answers),
        "evidence": _evidence_scores(gold, answers),
        "bands": {facet: _band_scores(facet, gold, answers) for facet in FACETS},
    }


def _code(answer: TriageAnswer, facet: str) -> str | None:
    value: FacetAnswer | None = getattr(answer, facet)
    return value.code if value else None


def _facet_scores(facet: str, gold: Sequence[LabelledText], answers: Sequence[TriageAnswer]) -> dict[str, Any]:
    return score_codes(
        [
            (getattr(text, facet), _code(answer, facet) or "none")
            for text, answer in zip(gold, answers, strict=True)
            if getattr(text, facet) is not None
        ]
    )


def score_codes(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """n, accuracy, macro-F1 and F1 per class of (wanted, given) codes."""
    if not pairs:
        return {"n": 0}
    codes = sorted({code for pair in pairs for code in pair})
    want, got = (np.array([codes.index(code) for code in side]) for side in zip(*pairs, strict=True))
    per_class, present = class_f1(want, got, len(codes))
    return {
        "n": len(pairs),
        "accuracy": bootstrap(want, got, lambda w, g: float((w == g).mean())).to_json(),
        "macro_f1": bootstrap(want, got, lambda w, g: _macro_f1(w, g, len(codes))).to_json(),
        "per_class": {
            codes[i]: {"f1": round(float(per_class[i]), 4), "n": int((want == i).sum())}
            for i in np.flatnonzero(present)
        },
    }


def class_f1(want: CodeArray, got: CodeArray, classes: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """F1 of every class and whether it is wanted at all, both of shape (classes,)."""
    hits = np.bincount(want[want == got], minlength=classes)
    wanted, given = np.bincount(want, minlength=classes), np.bincount(got, minlength=classes)
    return 2 * hits / np.maximum(1, wanted + given), wanted > 0


def _macro_f1(want: CodeArray, got: CodeArray, classes: int) -> float:
    """The mean over the classes that are wanted."""
    scores, present = class_f1(want, got, classes)
    return float(scores[present].mean())


def bootstrap(want: CodeArray, got: CodeArray, score: Callable[[CodeArray, CodeArray], float]) -> Interval:
    """Percentile interval of a score over resampled texts."""
    generator = np.random.default_rng(SEED)
    picks = generator.integers(0, len(want), (RESAMPLES, len(want)))
    low, high = np.percentile([score(want[pick], got[pick]) for pick in picks], [2.5, 97.5])
    return Interval(value=score(want, got), low=float(low), high=float(high))


def _group_scores(gold: Sequence[LabelledText], answers: Sequence[TriageAnswer]) -> dict[str, Any]:
    return {
        group: _binary_scores(
            [any(flag[0] == group for flag in text.flags) for text in gold],
            [any(flag.group == group for flag in answer.flags) for answer in answers],
        )
        for group in "PSEX"
    }


def _flag_scores(gold: Sequence[LabelledText], answers: Sequence[TriageAnswer]) -> dict[str, Any]:
    codes = sorted({flag for text in gold for flag in text.flags})
    scores = {
        code: _binary_scores(
            [code in text.flags for text in gold], [code in {f.code for f in answer.flags} for answer in answers]
        )
        for code in codes
    }
    macro = float(np.mean([entry["f1"] for entry in scores.values()])) if scores else 0.0
    return {"macro_f1": round(macro, 4), "per_flag": scores}


def _binary_scores(want: Sequence[bool], got: Sequence[bool]) -> dict[str, Any]:
    hits = sum(w and g for w, g in zip(want, got, strict=True))
    precision, recall = hits / max(1, sum(got)), hits / max(1, sum(want))
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return {
        "n": sum(want),
        "hits": hits,
        "raised": sum(got),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(f1, 4),
    }


def _evidence_scores(gold: Sequence[LabelledText], answers: Sequence[TriageAnswer]) -> dict[str, Any]:
    """Character intersection over union with the corpus's quotes, for labels that were found."""
    overlaps, shares = [], []
    for text, answer in zip(gold, answers, strict=True):
        shown = {flag.code: flag.evidence for flag in answer.flags}
        if answer.cause:
            shown[answer.cause.code] = answer.cause.evidence
        for code, spans in text.evidence.items():
            if code in shown:
                want = {i for span in spans for i in range(span.start, span.end)}
                got = {i for span in shown[code] for i in range(span.start, span.end)}
                overlaps.append(len(want & got) / max(1, len(want | got)))
                shares.append(len(got) / max(1, len(text.text)))
    if not overlaps:
        return {"n": 0}
    return {
        "n": len(overlaps),
        "iou": round(float(np.mean(overlaps)), 4),
        "median_shown": round(float(np.median(shares)), 4),
    }


def _band_scores(facet: str, gold: Sequence[LabelledText], answers: Sequence[TriageAnswer]) -> dict[str, Any]:
    """Per band: the share of texts that got it and how often the answer was right."""
    rows = [
        (value.band, value.code == getattr(text, facet))
        for text, answer in zip(gold, answers, strict=True)
        if (value := getattr(answer, facet)) is not None
    ]
    result = {}
    for band in ("auto", "suggest", "human"):
        right = [correct for name, correct in rows if name == band]
        result[band] = {
            "n": len(right),
            "coverage": round(len(right) / max(1, len(rows)), 4),
            "accuracy": round(sum(right) / len(right), 4) if right else None,
        }
    return result
