"""Is one method better than another on the same texts? In: which texts each got right. Out: difference with interval.

Paired bootstrap over texts (Efron and Tibshirani 1993): both methods are scored on the same resampled texts, so that
what is hard for both does not widen the interval. 10,000 resamples, fixed seed. Only how many texts fall into each kind
matters (right or wrong with both, for F1 also whether the class is wanted), so these numbers are drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000
SEED = 20261129
CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`first` minus `second` in accuracy or F1, with the interval of the difference, by default of 95 %."""

    n: int
    first: float
    second: float
    difference: float
    low: float
    high: float

    @property
    def is_better(self) -> bool:
        """Whether the first method is better beyond noise."""
        return self.low > 0

    @property
    def is_worse(self) -> bool:
        return self.high < 0


def paired_bootstrap(first: Sequence[bool], second: Sequence[bool], *, confidence: float = CONFIDENCE) -> Difference:
    """Compare what two methods got right on the same texts. Raises ValueError if there are none."""
    if not first or len(first) != len(second):
        raise ValueError(f"expected two answers for each text, found {len(first)} and {len(second)}")
    gains = np.asarray(first, dtype=np.int8) - np.asarray(second, dtype=np.int8)
    drawn = _drawn(np.array([(gains == value).sum() for value in (-1, 0, 1)]))
    means = (drawn[:, 2] - drawn[:, 0]) / len(gains)
    return _difference(len(gains), float(np.mean(first)), float(np.mean(second)), means, confidence)


def paired_f1(
    wanted: Sequence[bool], first: Sequence[bool], second: Sequence[bool], *, confidence: float = CONFIDENCE
) -> Difference:
    """Compare the F1 of one class: which texts want it, which got it from each method. Raises ValueError.

    `n` is the number of texts that want it.
    """
    if not wanted or not len(wanted) == len(first) == len(second):
        raise ValueError(f"expected two answers for each text, found {len(wanted)}, {len(first)} and {len(second)}")
    kinds = 4 * np.asarray(wanted, dtype=np.int64) + 2 * np.asarray(first, dtype=np.int64) + np.asarray(second)
    counts = np.bincount(kinds, minlength=8)
    one, other = _f1(counts[np.newaxis], bit=1), _f1(counts[np.newaxis], bit=0)
    drawn = _drawn(counts)
    gains = _f1(drawn, bit=1) - _f1(drawn, bit=0)
    return _difference(int(np.sum(wanted)), float(one[0]), float(other[0]), gains, confidence)


def _drawn(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Counts of each kind in resampled texts."""
    generator = np.random.default_rng(SEED)
    return np.asarray(generator.multinomial(counts.sum(), counts / counts.sum(), size=RESAMPLES))


def _f1(counts: npt.NDArray[np.int64], *, bit: int) -> npt.NDArray[np.float64]:
    """F1 of the method whose bit it is, in each sample; kinds from 4 on want the class."""
    kinds = np.arange(8)
    gets, wants = (kinds >> bit & 1).astype(bool), kinds >= 4
    hits, given, wanted = (counts[:, which].sum(axis=1) for which in (gets & wants, gets, wants))
    return np.asarray(2 * hits / np.maximum(1, given + wanted))


def _difference(n: int, first: float, second: float, gains: npt.NDArray[np.float64], confidence: float) -> Difference:
    tail = 50 * (1 - confidence)
    low, high = np.percentile(gains, [tail, 100 - tail])
    return Difference(
        n=n,
        first=round(first, 4),
        second=round(second, 4),
        difference=round(first - second, 4),
        low=round(float(low), 4),
        high=round(float(high), 4),
    )
