"""The line that says what was just done, with its undo. In: `?did=CASE`. Out: a message for ten seconds.

What was done is stored already. The line comes from the case's timeline, so it shows only to who did it, and only while
it can still be undone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.store.scope import ROOT
from data.store.tables import Event
from data.store.undoing import SHOWN_FOR
from data.store.unit_of_work import UnitOfWork
from serving.console.fields import number_of
from serving.console.people import people_named
from serving.console.stored import in_transaction
from serving.console.visitors import Visitor, own_page, visitor

DID, UNDONE = "did", "undone"
Anybody = Annotated[Visitor, Depends(visitor("cases.label"))]
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Done:
    """What the visitor has just done, or undone, to a case."""

    case_id: str
    kind: str
    event_id: int
    seconds_left: int
    to: str
    """Whom or which unit it was given to, or the case that it repeats; empty for other kinds."""


def done(work: UnitOfWork, visitor: Visitor, parameters: Mapping[str, str]) -> Done | None:
    """The line for a page whose address names what was done; None where it is too late to undo it."""
    case_id = parameters.get(DID, "")
    event = work.undoing.latest(case_id, user_id=visitor.id) if case_id else None
    if event is None:
        return None
    left = SHOWN_FOR.total_seconds() - (work.now() - event.at).total_seconds()
    return (
        None
        if left < 1
        else Done(
            case_id=case_id, kind=event.kind, event_id=event.id, seconds_left=round(left), to=_receiver(work, event)
        )
    )


def with_done(address: str, case_id: str) -> str:
    """An address whose page shows what was just done to a case."""
    return _with(address, DID, case_id)


@router.post("/cases/{case_id}/undo")
async def undo(request: Request, visitor: Anybody, case_id: str) -> Response:
    """Undo what the visitor has just done. Raises StoreError `undo_refused`, NotFoundError."""
    form = await visitor.form(request)
    event_id = number_of(form, "event")
    await in_transaction(
        request, lambda work: work.undoing.undo(case_id, event_id, user_id=visitor.id, within=visitor.within)
    )
    return RedirectResponse(_with(f"/console/cases/{case_id}?{form.one('list')}", UNDONE, "1"), 303)


def _receiver(work: UnitOfWork, event: Event) -> str:
    to: Any = event.details.get("to")
    if event.kind == "assigned":
        return people_named(work, [to])[to]
    if event.kind == "repeat_linked":
        return str(event.details["case"])
    return work.units.get(to, within=ROOT).name if event.kind in ("handed_over", "escalated") else ""


def _with(address: str, name: str, value: str) -> str:
    parts = urlsplit(own_page(address))
    query = [(key, old) for key, old in parse_qsl(parts.query) if key not in (DID, UNDONE)]
    return f"{parts.path}?{urlencode([*query, (name, value)])}"
