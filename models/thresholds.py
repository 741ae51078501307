"""Where a probability becomes an answer. In: `thresholds.json` of a bundle. Out: `Thresholds`.

Every flag has its own threshold; every field has the confidence from which a code may be pre-filled (`auto`) and from
which it is worth suggesting (`suggest`); below that a person decides (`human`).
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

Band = Literal["auto", "suggest", "human"]
BANDED_FIELDS = ("order_type", "category", "leaf", "cause", "subcause", "channel")


@dataclass(frozen=True, kw_only=True)
class BandLimits:
    """Confidence from which a field is `auto` and `suggest`; above 1 means never."""

    auto: float
    suggest: float

    def band(self, confidence: float) -> Band:
        return "auto" if confidence >= self.auto else "suggest" if confidence >= self.suggest else "human"


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    flags: dict[str, float]
    causes2: float
    evidence: float
    """Probability from which a piece counts as evidence."""
    bands: dict[str, BandLimits]

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        bands = {field: BandLimits(**limits) for field, limits in content["bands"].items()}
        return cls(flags=content["flags"], causes2=content["causes2"], evidence=content["evidence"], bands=bands)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
