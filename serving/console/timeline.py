"""What happened to a case, latest first. In: its events and labels. Out: lines with who, when, what changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from data.store.label_tables import Label
from data.store.reminders import SYSTEM
from data.store.scope import ROOT
from data.store.tables import Event
from data.store.unit_of_work import UnitOfWork
from serving.console.people import people_named

FACETS = ("order_type", "leaf", "subcause", "channel")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One facet, or `flags`, before and after; codes."""

    what: str
    before: Sequence[str]
    after: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Line:
    at: datetime
    kind: str
    actor: str
    """Empty for the service itself."""
    to: str
    note: str = field(repr=False)
    by: str
    """Who answers for it: of an escalation, of an item of 溯源整改."""
    details: Mapping[str, Any]
    """Codes and numbers of the event."""
    is_withdrawn: bool
    changes: Sequence[Change]


def timeline(work: UnitOfWork, case_id: str, *, within: str) -> list[Line]:
    """Every event but readings without the model's answer, which stay unseen. Raises NotFoundError."""
    events = [event for event in work.events.of_case(case_id, within=within) if event.kind != "read_blind"]
    labels = {label.id: label for label in work.labels.of_case(case_id, within=within)}
    named = ("to", "responsible", "owner")
    people = people_named(
        work, [actor for event in events for actor in (event.actor_id, *map(event.details.get, named))]
    )
    return [_line(work, event, labels, people) for event in reversed(events)]


def _line(work: UnitOfWork, event: Event, labels: Mapping[int, Label], people: Mapping[str, str]) -> Line:
    label = labels.get(event.details.get("label", 0))
    return Line(
        at=event.at,
        kind=event.kind,
        actor="" if event.actor_id == SYSTEM else people[event.actor_id],
        to=_to(work, event, people),
        by=people.get(event.details.get("responsible") or event.details.get("owner") or "", ""),
        details=event.details,
        note=label.reason if label is not None and event.kind == "labelled" else event.note,
        is_withdrawn=label is not None and label.withdrawn_at is not None and event.kind == "labelled",
        changes=list(_changes(event, label)) if label is not None else [],
    )


def _to(work: UnitOfWork, event: Event, people: Mapping[str, str]) -> str:
    to: Any = event.details.get("to")
    if event.kind in ("handed_over", "escalated", "taken_back") and isinstance(to, str):
        return work.units.get(to, within=ROOT).name
    if event.kind in ("repeat_linked", "repeat_unlinked"):
        return str(event.details["case"])
    return people.get(to, "") if event.kind in ("assigned", "supervised") else ""


def _changes(event: Event, label: Label) -> Iterator[Change]:
    before = event.details.get("before")
    if before is None:
        return
    for name in FACETS:
        if before[name] != getattr(label, name):
            yield Change(what=name, before=_codes(before[name]), after=_codes(getattr(label, name)))
    if sorted(before["flags"]) != label.flags:
        yield Change(what="flags", before=sorted(before["flags"]), after=label.flags)


def _codes(code: str | None) -> Sequence[str]:
    return () if code is None else (code,)
