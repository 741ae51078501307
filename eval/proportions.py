"""Shares and how sure they are. In: k of n. Out: the share with its 95 % Wilson score interval (Wilson 1927)."""

from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Proportion:
    """`count` of `n`."""

    count: int
    n: int

    @property
    def interval(self) -> list[float] | None:
        """[share, low, high]; None where there is nothing to count."""
        return share_with_interval(self.count, self.n)

    def to_json(self) -> dict[str, Any]:
        return {"count": self.count, "n": self.n, "share": self.interval}

    def __str__(self) -> str:
        if self.interval is None:
            return "none"
        share, low, high = self.interval
        return f"{share:.3f} [{low:.3f}, {high:.3f}] ({self.count}/{self.n})"


def proportion(hits: list[bool]) -> Proportion:
    """How many of them are true."""
    return Proportion(count=sum(hits), n=len(hits))


def share_with_interval(hits: int, n: int) -> list[float] | None:
    """[value, low, high], JSON-ready; null where there is nothing to count."""
    if n == 0:
        return None
    interval = binomtest(hits, n).proportion_ci(CONFIDENCE, method="wilson")
    return [round(hits / n, 4), round(float(interval.low), 4), round(float(interval.high), 4)]
