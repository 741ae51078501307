"""Is one method better than another on the same texts? In: which texts each got right. Out: difference with interval.

Paired bootstrap over texts (Efron and Tibshirani 1993): both methods are scored on the same resampled texts, so that
what is hard for both does not widen the interval. 10,000 resamples, fixed seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000
SEED = 20261129


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`first` minus `second` in accuracy, with the 95 % interval of the difference."""

    n: int
    first: float
    second: float
    difference: float
    low: float
    high: float

    @property
    def is_better(self) -> bool:
        """Whether the first method is better at 95 %."""
        return self.low > 0

    @property
    def is_worse(self) -> bool:
        return self.high < 0


def paired_bootstrap(first: Sequence[bool], second: Sequence[bool]) -> Difference:
    """Compare what two methods got right on the same texts. Raises ValueError if there are none."""
    if not first or len(first) != len(second):
        raise ValueError(f"expected two answers for each text, found {len(first)} and {len(second)}")
    gains = np.asarray(first, dtype=np.int8) - np.asarray(second, dtype=np.int8)
    low, high = np.percentile(_resampled_means(gains), [2.5, 97.5])
    return Difference(
        n=len(gains),
        first=round(float(np.mean(first)), 4),
        second=round(float(np.mean(second)), 4),
        difference=round(float(gains.mean()), 4),
        low=round(float(low), 4),
        high=round(float(high), 4),
    )


def _resampled_means(gains: npt.NDArray[np.int8]) -> npt.NDArray[np.float64]:
    """Means over resampled texts; only the numbers of wins, ties and losses matter, so these are drawn."""
    generator = np.random.default_rng(SEED)
    counts = np.array([(gains == value).sum() for value in (-1, 0, 1)])
    drawn = generator.multinomial(len(gains), counts / len(gains), size=RESAMPLES)
    return (drawn[:, 2] - drawn[:, 0]) / len(gains)
