"""A share that knows what it is of. In: how many of how many. Out: `Proportion`, with its 95 % Wilson interval."""

from dataclasses import dataclass
from typing import Any

from eval.intervals import share_with_interval


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
