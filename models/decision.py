"""What follows from an answer. In: flags, bands, what happened to the text. Out: band, priority and reasons.

Flagged risk always goes to a person, whether the model or a rule raised it, and so does what the model takes for no
bank's matter or cannot read. A model never closes, rejects or lowers anything: `auto` only pre-fills codes. Which flag
is how urgent, and what else a person must see, stands in the policy (`data/policy/policy.yaml`).
"""

from collections.abc import Sequence

from data.policy.schema import Policy, default_policy
from models.answer import Decision, FacetAnswer, FlagAnswer


def decide(
    facets: dict[str, FacetAnswer | None],
    flags: Sequence[FlagAnswer],
    *,
    truncated: bool,
    out_of_scope: bool = False,
    policy: Policy | None = None,
) -> Decision:
    """Reasons are `flag:CODE`, `low_confidence:FIELD`, `irrelevant`, `out_of_scope` and `truncated`."""
    policy = policy or default_policy()
    person = policy.always_to_person
    deciding = [(name, facet) for name in person.low_confidence if (facet := facets[name]) is not None]
    order_type = facets["order_type"]
    reasons = [f"flag:{flag.code}" for flag in flags]
    reasons += [f"low_confidence:{name}" for name, facet in deciding if facet.band == "human"]
    if order_type is not None and order_type.code in person.order_types:
        reasons.append(order_type.code)
    reasons += ["out_of_scope"] if out_of_scope else []
    reasons += ["truncated"] if truncated else []
    automatic = all(facet.band == "auto" for _, facet in deciding)
    return Decision(
        band="human" if reasons else "auto" if automatic else "suggest",
        priority=policy.priority_of([flag.code for flag in flags]),
        reasons=reasons,
    )
