"""Where a probability becomes an answer. In: `thresholds.json` of a bundle. Out: `Thresholds`.

Every flag has its own threshold. A group that must not be missed has one too, for the probability that any of its flags
holds: where that is reached and no single flag is sure, the likeliest is raised. Every field has the confidence from
which a code may be pre-filled (`auto`) and from which it is worth suggesting (`suggest`); below, a person decides.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

import numpy as np

from models.calibration import FloatArray

Band = Literal["auto", "suggest", "human"]
COMPLAINT = "complaint"
NEVER = 1.01
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
    groups: dict[str, float] = field(default_factory=dict)
    """Threshold of a flag group by its letter; groups without one have none."""
    complaint: float = NEVER
    """Probability from which a text is a complaint even if another order type is likelier: one missed is worse."""

    def order_types(self, codes: Sequence[str], probabilities: FloatArray) -> list[int]:
        """Indices of the order types of one text, the one that is given first, then the likelier ones."""
        ranked: list[int] = np.argsort(-probabilities, kind="stable").tolist()
        complaint = codes.index(COMPLAINT)
        if probabilities[complaint] >= self.complaint:
            ranked.remove(complaint)
            ranked.insert(0, complaint)
        return ranked

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        bands = {name: BandLimits(**limits) for name, limits in content["bands"].items()}
        return cls(**{**content, "bands": bands})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def raised(self, codes: Sequence[str], probabilities: FloatArray) -> list[int]:
        """Indices of the flags that one text raises, in the order of `codes`; probabilities of shape (flags,)."""
        chosen = {i for i, code in enumerate(codes) if probabilities[i] >= self.flags[code]}
        for group, limit in self.groups.items():
            members = [i for i, code in enumerate(codes) if code[0] == group]
            if chosen.isdisjoint(members) and group_probability(probabilities[members]) >= limit:
                chosen.add(max(members, key=lambda i: probabilities[i] / self.flags[codes[i]]))
        return sorted(chosen)


def group_probability(probabilities: FloatArray) -> FloatArray:
    """That any flag of a group holds, taking them as independent, over the last axis."""
    return np.asarray(1.0 - np.prod(1.0 - probabilities, axis=-1), dtype=np.float32)
