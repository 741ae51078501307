"""Which words show a label. In: a probability per piece. Out: spans of model text.

Pieces at or above the threshold are joined over small gaps; where none reaches it, the best pieces relative to the peak
are taken, so that a label that was given always shows some words.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

JOINED_GAP = 4  # characters of model text between two spans that are shown as one
RELATIVE_TO_PEAK = 0.5
MOST_SPANS = 3


def evidence_spans(
    scores: npt.NDArray[np.float32], offsets: Sequence[tuple[int, int]], threshold: float
) -> list[tuple[int, int]]:
    """Spans of model text for one label, in order. `scores` are probabilities, one per piece."""
    real = [i for i, (start, end) in enumerate(offsets) if start < end]
    if not real:
        return []
    peak = float(scores[real].max())
    limit = min(threshold, peak * RELATIVE_TO_PEAK) if peak < threshold else threshold
    spans: list[tuple[int, int, float]] = []
    for i in real:
        if scores[i] < limit:
            continue
        start, end = offsets[i]
        if spans and start - spans[-1][1] <= JOINED_GAP:
            spans[-1] = (spans[-1][0], end, spans[-1][2] + float(scores[i]))
        else:
            spans.append((start, end, float(scores[i])))
    strongest = sorted(spans, key=lambda span: -span[2])[:MOST_SPANS]
    return sorted((start, end) for start, end, _ in strongest)
