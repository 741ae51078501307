"""The links of every page's head. In: a visitor. Out: names of the pages that they may open, in order.

What is opened every day stands in the head, the rest in its menu. Whoever adds a page adds a line here and `link_NAME`
to `texts/frame.yaml`; a page below another one stands in `BELOW`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving.access.permissions import Permission
from serving.console.visitors import Visitor

DAILY: Sequence[tuple[str, tuple[Permission, ...]]] = (
    ("queue", ("cases.read",)),
    ("intake", ("cases.store",)),
    ("supervision", ("cases.read",)),
    ("alerts", ("alerts.acknowledge",)),
    ("overview", ("cases.read",)),
    ("warnings", ("cases.read",)),
    ("reports", ("reports.read",)),
)
FURTHER: Sequence[tuple[str, tuple[Permission, ...]]] = (
    ("imports", ("cases.import",)),
    ("extensions", ("limits.decide",)),
    ("rectification", ("cases.read",)),
    ("quality", ("cases.read",)),
    ("model", ("cases.read", "triage")),
    ("policy", ("cases.read",)),
    ("users", ("users.manage",)),
    ("keys", ("keys.manage",)),
    ("audit", ("audit.read",)),
)
OF_HEAD_OFFICE = frozenset({"audit"})
BELOW: Mapping[str, str] = {
    "case": "queue",
    "original": "queue",
    "reply": "queue",
    "receipt": "intake",
    "import_job": "imports",
    "warning": "warnings",
    "differing": "overview",
    "blind": "quality",
}


@dataclass(frozen=True, kw_only=True)
class Links:
    """Names of pages, in the order of the head."""

    daily: Sequence[str]
    more: Sequence[str]


def links(visitor: Visitor | None) -> Links:
    """None before sign-in. As many as the daily ones need no menu."""
    daily, more = _open_to(visitor, DAILY), _open_to(visitor, FURTHER)
    if len(daily) + len(more) <= len(DAILY):
        return Links(daily=[*daily, *more], more=())
    return Links(daily=daily, more=more)


def section(template: str) -> str:
    """Whose link is marked on a page."""
    return BELOW.get(template, template)


def _open_to(visitor: Visitor | None, pages: Sequence[tuple[str, tuple[Permission, ...]]]) -> Sequence[str]:
    return [
        name
        for name, permissions in pages
        if visitor is not None
        and any(visitor.may(permission) for permission in permissions)
        and (name not in OF_HEAD_OFFICE or visitor.is_of_head_office)
    ]
