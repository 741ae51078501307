"""What the model proposes for each facet. In: its stored answer. Out: code, confidence, alternatives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ALTERNATIVES = 2


@dataclass(frozen=True, kw_only=True)
class Choice:
    code: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """`band` says how far it may be trusted: auto, suggest or human; None where the model gives no answer."""

    best: Choice | None
    band: str | None
    others: Sequence[Choice]

    @property
    def choices(self) -> Sequence[Choice]:
        """The answer and its alternatives: what the keys 1 to 3 choose."""
        return (*((self.best,) if self.best else ()), *self.others)


NOTHING = Proposal(best=None, band=None, others=())


def proposals(answer: Mapping[str, Any], probabilities: Mapping[str, Any]) -> Mapping[str, Proposal]:
    """By facet. Leaves and sub-causes are proposed across categories and causes, not only inside the model's own."""
    return {
        facet: _proposal(answer.get(facet), probabilities.get(facet, {}) if facet in ("leaf", "subcause") else {})
        for facet in ("order_type", "leaf", "subcause", "channel")
    }


def _proposal(answer: Mapping[str, Any] | None, shares: Mapping[str, float]) -> Proposal:
    if answer is None:
        return NOTHING
    others = [Choice(code=code, share=share) for code, share in sorted(shares.items(), key=lambda item: -item[1])]
    if not others:
        others = [Choice(code=other["code"], share=other["confidence"]) for other in answer.get("alternatives", ())]
    return Proposal(
        best=Choice(code=answer["code"], share=answer["confidence"]),
        band=answer["band"],
        others=tuple(other for other in others if other.code != answer["code"])[:ALTERNATIVES],
    )
