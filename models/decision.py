"""What follows from an answer. In: flags, bands, what happened to the text. Out: band, priority and reasons.

Flagged risk always goes to a person, whether the model or a rule raised it. A model never closes, rejects or lowers
anything: `auto` only pre-fills codes.
"""

from collections.abc import Sequence

from models.answer import Decision, FacetAnswer, FlagAnswer, Priority

POLICY_VERSION = "1.1.0"
# Self-harm, money that may still be stopped, violence: minutes matter.
URGENT_FLAGS = frozenset({"E01", "E07", "E09"})
# A hint that an agent wrote the text says nothing about how bad the matter is: a person looks, no priority follows.
NOT_A_RISK = frozenset({"X01"})
DECIDING_FIELDS = ("order_type", "category", "cause")


def decide(facets: dict[str, FacetAnswer | None], flags: Sequence[FlagAnswer], *, truncated: bool) -> Decision:
    """Reasons are `flag:CODE`, `low_confidence:FIELD` and `truncated`."""
    risks = [flag.code for flag in flags if flag.code not in NOT_A_RISK]
    unsure = [name for name in DECIDING_FIELDS if (facet := facets[name]) is not None and facet.band == "human"]
    reasons = [f"flag:{flag.code}" for flag in flags]
    reasons += [f"low_confidence:{name}" for name in unsure]
    reasons += ["truncated"] if truncated else []
    must_look = bool(flags or unsure or truncated)
    automatic = all(facet.band == "auto" for name in DECIDING_FIELDS if (facet := facets[name]) is not None)
    return Decision(
        band="human" if must_look else "auto" if automatic else "suggest",
        priority=_priority(risks),
        reasons=reasons,
    )


def _priority(risks: Sequence[str]) -> Priority:
    if URGENT_FLAGS.intersection(risks):
        return "urgent"
    return "high" if risks else "normal"
