"""Letters longer than the model reads at once. In: pieces and clauses. Out: overlapping windows, and one view of all.

Windows of at most 192 pieces begin and end between clauses and overlap by up to 48 pieces, so that no sentence is seen
only cut in half. Pooling: a softmax head takes the mean of the windows' log-probabilities, weighted by length and the
first window twice (people say first what they want); parents are sums as always. A flag or cause holds if it holds in
any window. A piece's evidence comes from the window in which it stands farther from the edge, and counts as much as the
label holds there: words of a window that does not raise the flag are not shown for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from models.calibration import FloatArray, Probabilities, sum_by_parent
from models.evidence import Clause
from models.label_space import LabelSpace

WINDOW_PIECES = 192  # with <s> and </s>
OVERLAP_PIECES = 48
MOST_WINDOWS = 40
# More is never read: forty windows without any overlap.
MOST_PIECES = MOST_WINDOWS * (WINDOW_PIECES - 2) + 2
FIRST_WINDOW_WEIGHT = 2.0
_TINY = 1e-9


@dataclass(frozen=True, kw_only=True)
class Window:
    """Pieces `first:last` of a text, without `<s>` and `</s>`."""

    first: int
    last: int


def split_windows(number_of_pieces: int, clauses: Sequence[Clause], *, max_tokens: int) -> tuple[Window, ...]:
    """Windows over a text of that many pieces (`<s>` and `</s>` included); none if the model reads it whole."""
    if number_of_pieces <= max_tokens:
        return ()
    edges = [clause.first for clause in clauses]
    size, end_of_text = min(WINDOW_PIECES, max_tokens) - 2, number_of_pieces - 1
    windows: list[Window] = []
    start = 1
    while len(windows) < MOST_WINDOWS:
        if start + size >= end_of_text:
            return (*windows, Window(first=start, last=end_of_text))
        end = max((edge for edge in edges if start + size // 2 < edge <= start + size), default=start + size)
        windows.append(Window(first=start, last=end))
        overlap = min(OVERLAP_PIECES, size // 4)
        start = min((edge for edge in edges if end - overlap <= edge < end), default=end - overlap)
    return tuple(windows)


def window_ids(ids: Sequence[int], window: Window) -> list[int]:
    """The window's ids between the text's own `<s>` and `</s>`."""
    return [ids[0], *ids[window.first : window.last], ids[-1]]


def pool_windows(views: Sequence[Probabilities], windows: Sequence[Window], labels: LabelSpace) -> Probabilities:
    """One row of probabilities from the row of each window."""
    weights = np.array([window.last - window.first for window in windows], dtype=np.float32)
    weights[0] *= FIRST_WINDOW_WEIGHT
    stacked = {field.name: np.stack([getattr(view, field.name)[0] for view in views]) for field in fields(views[0])}
    leaf, subcause = _mean_of_logs(stacked["leaf"], weights), _mean_of_logs(stacked["subcause"], weights)
    return Probabilities(
        order_type=_mean_of_logs(stacked["order_type"], weights),
        category=sum_by_parent(leaf, labels.leaf_to_category, len(labels.category)),
        leaf=leaf,
        cause=sum_by_parent(subcause, labels.subcause_to_cause, len(labels.cause)),
        subcause=subcause,
        channel=_mean_of_logs(stacked["channel"], weights),
        causes=stacked["causes"].max(axis=0, keepdims=True),
        flags=stacked["flags"].max(axis=0, keepdims=True),
    )


def stitch_evidence(
    scores: Sequence[FloatArray], views: Sequence[Probabilities], windows: Sequence[Window], *, number_of_pieces: int
) -> FloatArray:
    """(pieces, labels) for the whole text; `scores` are (pieces with <s> and </s>, labels) per window."""
    held = np.stack([np.concatenate([view.flags[0], view.causes[0]]) for view in views])
    shares = held / (held.max(axis=0) + _TINY)
    whole = np.zeros((number_of_pieces, scores[0].shape[1]), dtype=np.float32)
    for i, (window, score) in enumerate(zip(windows, scores, strict=True)):
        first = (windows[i - 1].last + window.first) // 2 if i else window.first
        last = (window.last + windows[i + 1].first) // 2 if i + 1 < len(windows) else window.last
        whole[first:last] = score[first - window.first + 1 : last - window.first + 1] * shares[i]
    return whole


def _mean_of_logs(probabilities: FloatArray, weights: npt.NDArray[np.float32]) -> FloatArray:
    """(windows, labels) → (1, labels), summing to one."""
    logs = np.log(probabilities + _TINY)
    mean = np.exp(np.average(logs, axis=0, weights=weights))
    return np.asarray(mean / mean.sum(), dtype=np.float32)[None]
