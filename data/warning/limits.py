"""How unlikely a count is. In: a count, what was expected, how much counts scatter. Out: exact tails and limits.

A count is negative-binomial with `mean` and `size`: its variance is mean + mean²/size; an infinite size is Poisson.
Summed term by term in floating point: scipy, which has the same, is no dependency of the serving install.
"""

import math

_NEGLIGIBLE = 1e-16


def upper_tail(count: int, *, mean: float, size: float = math.inf) -> float:
    """The probability of `count` or more."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if count > mean:
        return min(1.0, _summed_up(count, mean, size))
    return max(0.0, 1.0 - sum(math.exp(_log_probability(k, mean, size)) for k in range(count)))


def upper_limit(*, mean: float, size: float = math.inf, alpha: float) -> int:
    """The smallest count whose tail is below `alpha`."""
    low, high = 0, max(1, math.ceil(mean))
    while upper_tail(high, mean=mean, size=size) >= alpha:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if upper_tail(middle, mean=mean, size=size) < alpha:
            high = middle
        else:
            low = middle
    return high


def _summed_up(count: int, mean: float, size: float) -> float:
    """From `count` on; behind the mean each term is smaller than the one before."""
    term = math.exp(_log_probability(count, mean, size))
    total, k = term, count
    while term > total * _NEGLIGIBLE:
        term *= _ratio(k, mean, size)
        total += term
        k += 1
    return total


def _ratio(k: int, mean: float, size: float) -> float:
    """P(k + 1) / P(k)."""
    if math.isinf(size):
        return mean / (k + 1)
    return (k + size) / (k + 1) * mean / (mean + size)


def _log_probability(k: int, mean: float, size: float) -> float:
    if math.isinf(size):
        return k * math.log(mean) - mean - math.lgamma(k + 1)
    return (
        math.lgamma(k + size)
        - math.lgamma(size)
        - math.lgamma(k + 1)
        - size * math.log1p(mean / size)
        + k * (math.log(mean) - math.log(mean + size))
    )
