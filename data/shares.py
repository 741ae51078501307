"""Shares that say how sure they are. In: k of n. Out: the share with its 95 % Wilson score interval (Wilson 1927).

`eval.proportions` has the same from SciPy, which a service does not install; a test compares the two.
"""

from dataclasses import dataclass
from statistics import NormalDist

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, kw_only=True)
class Share:
    """`count` of `n`."""

    count: int
    n: int

    @property
    def value(self) -> float | None:
        return self.count / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """None where there is nothing to count."""
        if not self.n:
            return None
        share, z2n = self.count / self.n, Z * Z / self.n
        middle = (share + z2n / 2) / (1 + z2n)
        half = Z * ((share * (1 - share) + z2n / 4) / self.n) ** 0.5 / (1 + z2n)
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def words(self) -> str:
        """93.5% [88.1%, 96.6%]; a dash where there is nothing to count."""
        if self.interval is None:
            return "–"
        low, high = self.interval
        return f"{self.count / self.n:.1%} [{low:.1%}, {high:.1%}]"
