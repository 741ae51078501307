"""The links of every page's head. In: a visitor. Out: names of the pages that they may open, in order.

Whoever adds a page adds a line here and `link_NAME` to `texts/frame.yaml`.
"""

from collections.abc import Sequence

from serving.access.permissions import Permission
from serving.console.visitors import Visitor

PAGES: Sequence[tuple[str, tuple[Permission, ...]]] = (
    ("queue", ("cases.read",)),
    ("intake", ("cases.store",)),
    ("imports", ("cases.import",)),
    ("supervision", ("cases.read",)),
    ("extensions", ("limits.decide",)),
    ("rectification", ("cases.read",)),
    ("overview", ("cases.read",)),
    ("reports", ("reports.read",)),
    ("warnings", ("cases.read",)),
    ("alerts", ("alerts.acknowledge",)),
    ("quality", ("cases.read",)),
    ("model", ("cases.read", "triage")),
    ("policy", ("cases.read",)),
    ("users", ("users.manage",)),
    ("keys", ("keys.manage",)),
    ("audit", ("audit.read",)),
)
OF_HEAD_OFFICE = frozenset({"audit"})


def links(visitor: Visitor | None) -> Sequence[str]:
    """None before sign-in."""
    return [
        name
        for name, permissions in PAGES
        if visitor is not None
        and any(visitor.may(permission) for permission in permissions)
        and (name not in OF_HEAD_OFFICE or visitor.is_of_head_office)
    ]
