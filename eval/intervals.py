"""How sure is a share? In: k of n. Out: the share with its 95 % Wilson score interval (Wilson 1927)."""

from scipy.stats import binomtest

CONFIDENCE = 0.95


def share_with_interval(hits: int, n: int) -> list[float] | None:
    """[value, low, high], JSON-ready; null where there is nothing to count."""
    if n == 0:
        return None
    interval = binomtest(hits, n).proportion_ci(CONFIDENCE, method="wilson")
    return [round(hits / n, 4), round(float(interval.low), 4), round(float(interval.high), 4)]
