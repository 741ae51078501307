"""What follows from an answer. In: flags, bands, what happened to the text. Out: band, priority and reasons.

Flagged risk always goes to a person, whether the model or a rule raised it, and so does what the model takes for no
bank's matter or cannot read. A model never closes, rejects or lowers anything: `auto` only pre-fills codes.
"""

from collections.abc import Sequence

from models.answer import Decision, FacetAnswer, FlagAnswer, Priority

POLICY_VERSION = "1.2.0"
# Self-harm, money that may still be stopped, violence: minutes matter.
URGENT_FLAGS = frozenset({"E01", "E07", "E09"})
# A hint that an agent wrote the text says nothing about how bad the matter is: a person looks, no priority follows.
NOT_A_RISK = frozenset({"X01"})
DECIDING_FIELDS = ("order_type", "category", "cause")


def decide(
    facets: dict[str, FacetAnswer | None],
    flags: Sequence[FlagAnswer],
    *,
    truncated: bool,
    out_of_scope: bool = False,
) -> Decision:
    """Reasons are `flag:CODE`, `low_confidence:FIELD`, `irrelevant`, `out_of_scope` and `truncated`."""
    risks = [flag.code for flag in flags if flag.code not in NOT_A_RISK]
    unsure = [name for name in DECIDING_FIELDS if (facet := facets[name]) is not None and facet.band == "human"]
    reasons = [f"flag:{flag.code}" for flag in flags]
    reasons += [f"low_confidence:{name}" for name in unsure]
    order_type = facets["order_type"]
    irrelevant = order_type is not None and order_type.code == "irrelevant"
    reasons += ["irrelevant"] if irrelevant else []
    reasons += ["out_of_scope"] if out_of_scope else []
    reasons += ["truncated"] if truncated else []
    automatic = all(facet.band == "auto" for name in DECIDING_FIELDS if (facet := facets[name]) is not None)
    return Decision(
        band="human" if reasons else "auto" if automatic else "suggest",
        priority=_priority(risks),
        reasons=reasons,
    )


def _priority(risks: Sequence[str]) -> Priority:
    if URGENT_FLAGS.intersection(risks):
        return "urgent"
    return "high" if risks else "normal"
