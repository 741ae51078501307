"""Which words show a label. In: a probability per piece and the text. Out: spans of model text.

People read clauses, so clauses are shown: those whose pieces are on average at or above the threshold and not much
below the best one, best first. A long clause (dictation has no punctuation) is cut to its strongest stretch. A label
that was given always shows words: where no clause reaches the threshold, the best one is shown.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Sentence marks, and commas or colons that do not stand inside a number; placeholders are never cut.
BOUNDARY = re.compile(r"[。！？!?；;…\n]|(?<![0-9])[,，:：、]|[,，:：、](?![0-9])|\s")
LONG_CLAUSE = 40  # characters of model text
MOST_CLAUSES = 3
RELATIVE_TO_PEAK = 0.5
RELATIVE_TO_BEST = 0.7  # of the clauses shown; docs/experiments.md

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Clause:
    """A clause `start:end` of model text and the pieces `first:last` that stand in it."""

    start: int
    end: int
    first: int
    last: int


def split_clauses(text: str, offsets: Sequence[Span]) -> list[Clause]:
    """The clauses of a text between punctuation marks, without the marks; those without pieces are left out."""
    real = [i for i, (start, end) in enumerate(offsets) if start < end]
    starts, ends = [offsets[i][0] for i in real], [offsets[i][1] for i in real]
    result: list[Clause] = []
    for start, end in _between_marks(text):
        first, last = bisect_right(ends, start), bisect_left(starts, end)
        if first < last:
            result.append(Clause(start=start, end=end, first=real[first], last=real[last - 1] + 1))
    return result


def evidence_spans(
    scores: npt.NDArray[np.float32],
    offsets: Sequence[Span],
    clauses: Sequence[Clause],
    *,
    text: str,
    threshold: float,
) -> list[Span]:
    """Spans for one label, in order, without overlap. `scores` are probabilities, one per piece."""
    ranked: list[tuple[float, Span]] = []
    totals = [0.0, *np.cumsum(scores, dtype=np.float64).tolist()]  # a mean per clause from numpy took half of an answer
    for clause in clauses:
        first, last, start, end = clause.first, clause.last, clause.start, clause.end
        if end - start > LONG_CLAUSE:
            first, last = _strongest_stretch(scores, first, last)
            start, end = max(start, offsets[first][0]), min(end, offsets[last - 1][1])
        ranked.append(((totals[last] - totals[first]) / (last - first), (start, end)))
    ranked.sort(key=lambda entry: -entry[0])
    least = max(threshold, RELATIVE_TO_BEST * ranked[0][0]) if ranked else threshold
    shown = [span for mean, span in ranked[:MOST_CLAUSES] if mean >= least] or [span for _, span in ranked[:1]]
    return _joined(sorted(shown), text)


def merge_spans(spans: Sequence[Span]) -> list[Span]:
    """Spans in order; those that touch or overlap become one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _between_marks(text: str) -> Iterator[Span]:
    position = 0
    for match in BOUNDARY.finditer(text):
        if position < match.start():
            yield position, match.start()
        position = match.end()
    if position < len(text):
        yield position, len(text)


def _strongest_stretch(scores: npt.NDArray[np.float32], first: int, last: int) -> tuple[int, int]:
    """The pieces around the strongest one that keep at least half of its score, dips of one piece included."""
    peak = first + int(scores[first:last].argmax())
    strong = set(np.flatnonzero(scores[first:last] >= scores[peak] * RELATIVE_TO_PEAK) + first)
    low = high = peak
    while {low - 1, low - 2} & strong:
        low -= 1
    while {high + 1, high + 2} & strong:
        high += 1
    return low, high + 1


def _joined(spans: list[Span], text: str) -> list[Span]:
    """Neighbouring clauses with nothing but a mark between them become one span."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and len(text[joined[-1][1] : start].strip()) <= 1:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
