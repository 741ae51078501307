"""Who may do what. In: a role. Out: permissions. This table is the whole of it; the access test walks through it.

A key's scopes are permissions too and only take away: a key may do what both its role and its scopes allow. What needs
a person (revealing an original, labelling, acknowledging, confirming) is refused to keys whatever their role, and no
key is made with a role that has such a permission.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Permission = Literal[
    "triage",
    "cases.store",
    "cases.import",
    "cases.read",
    "cases.label",
    "cases.assign",
    "cases.reveal",
    "cases.erase",
    "flags.confirm",
    "limits.extend",
    "limits.decide",
    "reports.read",
    "alerts.follow",
    "alerts.acknowledge",
    "warnings.handle",
    "webhooks.manage",
    "keys.manage",
    "users.manage",
    "policy.confirm",
    "audit.read",
]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
OF_PERSONS: frozenset[Permission] = frozenset(
    {
        "cases.label",
        "cases.assign",
        "cases.reveal",
        "cases.erase",
        "flags.confirm",
        "limits.extend",
        "limits.decide",
        "alerts.acknowledge",
        "warnings.handle",
        "policy.confirm",
        "users.manage",
    }
)

PERMISSIONS_OF_ROLE: Mapping[str, frozenset[Permission]] = {
    "system": frozenset({"triage", "cases.store", "cases.import", "cases.read", "alerts.follow"}),
    "handler": frozenset(
        {
            "triage",
            "cases.store",
            "cases.import",
            "cases.read",
            "cases.label",
            "limits.extend",
            "alerts.follow",
            "alerts.acknowledge",
        }
    ),
    "supervisor": frozenset(
        {
            "triage",
            "cases.store",
            "cases.import",
            "cases.read",
            "cases.label",
            "cases.assign",
            "cases.reveal",
            "flags.confirm",
            "limits.extend",
            "limits.decide",
            "reports.read",
            "alerts.follow",
            "alerts.acknowledge",
            "warnings.handle",
        }
    ),
    "engineer": frozenset({"triage"}),
    "auditor": frozenset({"cases.read", "audit.read", "reports.read"}),
    "compliance": frozenset(
        {
            "triage",
            "cases.read",
            "cases.reveal",
            "cases.erase",
            "limits.extend",
            "limits.decide",
            "reports.read",
            "alerts.follow",
            "alerts.acknowledge",
            "warnings.handle",
            "policy.confirm",
            "audit.read",
        }
    ),
    "admin": frozenset({"keys.manage", "users.manage", "webhooks.manage", "audit.read"}),
}


ROLES_OF_PERSONS = tuple(role for role in PERMISSIONS_OF_ROLE if role != "system")
ROLES_OF_KEYS = tuple(role for role, permissions in PERMISSIONS_OF_ROLE.items() if not permissions & OF_PERSONS)
"""Those that need no person."""


def permissions_of_key(role: str, scopes: Iterable[str]) -> frozenset[Permission]:
    """What a key may do: what its role and its scopes allow and no person is needed for."""
    wanted = set(scopes)
    return frozenset(name for name in PERMISSIONS_OF_ROLE[role] - OF_PERSONS if name in wanted)
