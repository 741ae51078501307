"""How right the answers are. In: labelled texts and answers. Out: figures per facet, flag group and flag, with n.

Accuracy and macro-F1 carry 95 % percentile bootstrap intervals over texts (1,000 resamples, fixed seed), precision and
recall Wilson intervals. A leaf counts only with its category. Macro-F1 averages over the classes that are wanted;
`macro_f1_frequent` over those wanted ten times or more. Groups: a text is a hit if any flag of the group was raised and
any is true. `first` are the texts before defensible answers were credited: they alone say which texts have a facet, so
that n does not depend on the answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from data.schema import LabelledText
from eval.proportions import share_with_interval
from models.answer import FacetAnswer, TriageAnswer

FACETS = ("order_type", "category", "leaf", "cause", "subcause", "channel")
GROUPS = "PSEX"
NOTHING = "none"  # where a facet is wanted and no code was given; wanted where that counts as right, never a class
FREQUENT = 10  # texts from which a class's F1 says something
RESAMPLES = 1000
SEED = 20261123
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Right, wanted and given answers of each class, in each sample of texts: shape (samples, classes)."""

    hits: FloatArray
    wanted: FloatArray
    given: FloatArray

    def f1(self) -> FloatArray:
        """F1 of every class in every sample."""
        return np.asarray(2 * self.hits / np.maximum(1, self.wanted + self.given))

    def macro_f1(self, classes: npt.NDArray[np.bool_]) -> FloatArray:
        """The mean over those of `classes` that the sample wants, shape (samples,)."""
        present = (self.wanted > 0) & classes
        return np.asarray((self.f1() * present).sum(axis=1) / np.maximum(1, present.sum(axis=1)))


def evaluate_answers(
    gold: Sequence[LabelledText], answers: Sequence[TriageAnswer], *, first: Sequence[LabelledText] | None = None
) -> dict[str, Any]:
    """All figures as JSON-ready values; intervals are [value, low, high]."""
    return {
        "texts": len(gold),
        "facets": {facet: score_codes(code_pairs(facet, gold, answers, first=first)) for facet in FACETS},
        "flag_groups": _group_scores(gold, answers),
        "flags": _flag_scores(gold, answers),
        "causes2": _secondary_scores(gold, answers),
        "evidence": _evidence_scores(gold, answers),
        "bands": {facet: _band_scores(facet, gold, answers) for facet in FACETS},
    }


def given_code(answer: TriageAnswer, facet: str) -> str | None:
    """The code an answer gives in a facet, or null."""
    value: FacetAnswer | None = getattr(answer, facet)
    return value.code if value else None


def code_pairs(
    facet: str,
    gold: Sequence[LabelledText],
    answers: Sequence[TriageAnswer],
    *,
    first: Sequence[LabelledText] | None = None,
) -> list[tuple[str, str]]:
    """(wanted, given) codes of the texts that have the facet."""
    return [
        (getattr(text, facet) or NOTHING, given_code(answer, facet) or NOTHING)
        for text, answer, before in zip(gold, answers, first or gold, strict=True)
        if getattr(before, facet) is not None
    ]


def score_codes(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """n, accuracy, macro-F1 and F1 per class of (wanted, given) codes."""
    if not pairs:
        return {"n": 0}
    codes = sorted({code for pair in pairs for code in pair})
    rows = {code: i for i, code in enumerate(codes)}
    want, got = (np.array([rows[code] for code in side]) for side in zip(*pairs, strict=True))
    whole = _tally_codes(want[np.newaxis], got[np.newaxis], len(codes))
    picks = _picks(len(pairs))
    drawn = _tally_codes(want[picks], got[picks], len(codes))
    is_class = np.array([code != NOTHING for code in codes])
    wanted, frequent = is_class & (whole.wanted[0] > 0), is_class & (whole.wanted[0] >= FREQUENT)
    per_class = whole.f1()[0]
    return {
        "n": len(pairs),
        "accuracy": _with_interval(float((want == got).mean()), (want == got)[picks].mean(axis=1)),
        "macro_f1": _macro(whole, drawn, wanted),
        "macro_f1_frequent": _macro(whole, drawn, frequent) if frequent.any() else None,
        "classes": int(wanted.sum()),
        "frequent_classes": int(frequent.sum()),
        "per_class": {
            codes[i]: {"f1": round(float(per_class[i]), 4), "n": int(whole.wanted[0, i])}
            for i in np.flatnonzero(wanted)
        },
    }


def _picks(n: int) -> IntArray:
    """Indices of resampled texts, shape (resamples, n)."""
    return np.random.default_rng(SEED).integers(0, n, (RESAMPLES, n))


def _tally_codes(want: IntArray, got: IntArray, classes: int) -> Tally:
    """Counts in each row of class indices."""
    samples = len(want)
    shift = np.arange(samples)[:, np.newaxis] * classes

    def count(codes: IntArray, weights: npt.NDArray[np.bool_] | None = None) -> FloatArray:
        flat = None if weights is None else weights.ravel()
        counts = np.bincount((codes + shift).ravel(), weights=flat, minlength=samples * classes)
        return counts.reshape(samples, classes).astype(np.float64)

    return Tally(hits=count(want, want == got), wanted=count(want), given=count(got))


def _macro(whole: Tally, drawn: Tally, classes: npt.NDArray[np.bool_]) -> list[float]:
    return _with_interval(float(whole.macro_f1(classes)[0]), drawn.macro_f1(classes))


def _with_interval(value: float, drawn: FloatArray) -> list[float]:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return [round(value, 4), round(float(low), 4), round(float(high), 4)]


def _group_scores(gold: Sequence[LabelledText], answers: Sequence[TriageAnswer]) -> dict[str, Any]:
    return {
        group: _binary_scores(
            [any(flag[0] == group for flag in text.flags) for text in gold],
            [any(flag.group == group for flag in answer.flags) for answer in answers],
        )
        for group in GROUPS
    }


def _flag_scores(gold: Sequence[LabelledText], answers: Sequence[TriageAnswer]) -> dict[str, Any]:
    """Every flag that is wanted or raised; the macro-F1 is over those wanted."""
    raised = [{flag.code for flag in answer.flags} for answer in answers]
    found = {flag for text in gold for flag in text.flags} | {code for flags in raised for code in flags}
    codes = sorted(found, key=lambda code: (GROUPS.index(code[0]), code))
    want = np.array([[code in text.flags for code in codes] for text in gold], dtype=np.float64)
    got = np.array([[code in flags for code in codes] for flags in raised], dtype=np.float64)
    return {
        "macro_f1": _flag_macro(want, got) if want.any() else None,
        "per_flag": {
            code: _binary_scores((want[:, i] > 0).tolist(), (got[:, i] > 0).tolist()) for i, code in enumerate(codes)
        },
    }


def _flag_macro(want: FloatArray, got: FloatArray) -> list[float]:
    times = np.stack([np.bincount(pick, minlength=len(want)) for pick in _picks(len(want))]).astype(np.float64)

    def tally(weights: FloatArray) -> Tally:
        return Tally(hits=weights @ (want * got), wanted=weights @ want, given=weights @ got)

    return _macro(tally(np.ones((1, len(want)))), tally(times), want.sum(axis=0) > 0)


def _binary_scores(want: Sequence[bool], got: Sequence[bool]) -> dict[str, Any]:
    hits = sum(w and g for w, g in zip(want, got, strict=True))
    return _retrieval(hits, raised=sum(got), n=sum(want))


def _retrieval(hits: int, *, raised: int, n: int) -> dict[str, Any]:
    """Precision and recall are null where nothing was raised or wanted."""
    return {
        "n": n,
        "hits": hits,
        "raised": raised,
        "precision": share_with_interval(hits, raised),
        "recall": share_with_interval(hits, n),
        "f1": round(2 * hits / max(1, n + raised), 4),
    }


def _secondary_scores(gold: Sequence[LabelledText], answers: Sequence[TriageAnswer]) -> dict[str, Any]:
    """Secondary causes of all texts together; `f1` is micro-F1."""
    pairs = [(set(text.causes2), set(answer.causes2)) for text, answer in zip(gold, answers, strict=True)]
    return _retrieval(
        sum(len(want & got) for want, got in pairs),
        raised=sum(len(got) for _, got in pairs),
        n=sum(len(want) for want, _ in pairs),
    )


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
