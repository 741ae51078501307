"""Which words show a label. In: a probability per piece and the text. Out: spans of model text.

People read clauses, so clauses are shown: those whose pieces are on average at or above the threshold, best first. A
long clause (dictation has no punctuation) is cut to its strongest stretch. A label that was given always shows words:
where no clause reaches the threshold, the best one is shown.
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# Sentence marks, and commas or colons that do not stand inside a number; placeholders are never cut.
BOUNDARY = re.compile(r"[。！？!?；;…\n]|(?<![0-9])[,，:：、]|[,，:：、](?![0-9])|\s")
LONG_CLAUSE = 28  # characters of model text
MOST_CLAUSES = 3
RELATIVE_TO_PEAK = 0.5

Span = tuple[int, int]


def evidence_spans(scores: npt.NDArray[np.float32], offsets: Sequence[Span], text: str, threshold: float) -> list[Span]:
    """Spans for one label, in order, without overlap. `scores` are probabilities, one per piece."""
    ranked: list[tuple[float, Span]] = []
    for start, end in clauses(text):
        pieces = [i for i, (first, last) in enumerate(offsets) if first < last and first < end and last > start]
        if not pieces:
            continue
        if end - start > LONG_CLAUSE:
            pieces = _strongest_stretch(scores, pieces)
            start, end = max(start, offsets[pieces[0]][0]), min(end, offsets[pieces[-1]][1])
        ranked.append((float(scores[pieces].mean()), (start, end)))
    ranked.sort(key=lambda entry: -entry[0])
    shown = [span for mean, span in ranked[:MOST_CLAUSES] if mean >= threshold] or [span for _, span in ranked[:1]]
    return _joined(sorted(shown), text)


def clauses(text: str) -> list[Span]:
    """Spans of a text between punctuation marks, without the marks."""
    edges = [(match.start(), match.end()) for match in BOUNDARY.finditer(text)]
    starts = [0, *(end for _, end in edges)]
    ends = [*(start for start, _ in edges), len(text)]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


def _strongest_stretch(scores: npt.NDArray[np.float32], pieces: list[int]) -> list[int]:
    """The pieces around the strongest one that keep at least half of its score, small dips included."""
    peak = max(pieces, key=lambda i: float(scores[i]))
    limit = float(scores[peak]) * RELATIVE_TO_PEAK
    strong = {i for i in pieces if scores[i] >= limit}
    low = high = peak
    while low - 1 >= pieces[0] and {low - 1, low - 2} & strong:
        low -= 1
    while high + 1 <= pieces[-1] and {high + 1, high + 2} & strong:
        high += 1
    return list(range(low, high + 1))


def _joined(spans: list[Span], text: str) -> list[Span]:
    """Neighbouring clauses with nothing but a mark between them become one span."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and len(text[joined[-1][1] : start].strip()) <= 1:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
