"""Does confidence mean what it says? In: confidences, and whether each answer was right. Out: calibration and risk.

Expected calibration error with 15 bins of equal number (Nguyen and O'Connor 2015), since bins of equal width leave most
answers in one; risk–coverage as the share of wrong answers among the surest ones (El-Yaniv and Wiener 2010).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 15
SEED = 20261129
COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Answers of similar confidence: mean confidence, share of right ones, number."""

    confidence: float
    accuracy: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Reliability:
    n: int
    error: float
    """Expected calibration error, 0 to 1."""
    bins: tuple[Bin, ...]
    risk: dict[float, float]
    """Coverage → share of wrong answers among that share of the surest answers."""


def reliability(confidences: Sequence[float], right: Sequence[bool]) -> Reliability:
    """Figures of one facet. Raises ValueError if there is no answer."""
    if not confidences:
        raise ValueError("no answers to judge; expected at least one confidence")
    mixed = np.random.default_rng(SEED).permutation(len(confidences))  # equal confidences fall into bins by chance
    order = mixed[np.argsort(np.asarray(confidences)[mixed], kind="stable")]
    sure, good = np.asarray(confidences, dtype=float)[order], np.asarray(right, dtype=float)[order]
    bins = tuple(
        Bin(confidence=round(float(c.mean()), 4), accuracy=round(float(g.mean()), 4), n=len(c))
        for c, g in zip(np.array_split(sure, BINS), np.array_split(good, BINS), strict=True)
        if len(c)
    )
    error = sum(entry.n * abs(entry.confidence - entry.accuracy) for entry in bins) / len(sure)
    surest = good[::-1]
    risk = {share: round(float(1 - surest[: max(1, round(share * len(surest)))].mean()), 4) for share in COVERAGES}
    return Reliability(n=len(sure), error=round(float(error), 4), bins=bins, risk=risk)
