"""Who works on a case. In: category, leaf and flags. Out: the leading department and those that join."""

from collections.abc import Sequence
from dataclasses import dataclass

from data.policy.schema import Policy


@dataclass(frozen=True, kw_only=True)
class Route:
    """Codes of departments; the policy holds their names."""

    lead: str
    joined: tuple[str, ...]


def route(policy: Policy, *, category: str | None, leaf: str | None = None, flags: Sequence[str] = ()) -> Route:
    """The lead by leaf, then category, else the policy's `otherwise`; flags add departments in their order."""
    table = policy.routing
    named = [code for code in (leaf, category) if code in table.by_category]
    lead = table.by_category[named[0]] if named and named[0] else table.otherwise
    wanted = [department for flag in flags for department in table.by_flag.get(flag, ())]
    return Route(lead=lead, joined=tuple(dict.fromkeys(code for code in wanted if code != lead)))
