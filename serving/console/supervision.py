"""督办: which cases run late, and who has not acted? In: a visitor. Out: reminders, notes to those responsible.

Who works on cases sees their own; supervisors, and who only reads, those of their whole part of the bank.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.store.label_tables import Label
from data.store.supervision import MOST_LISTED, Reminded
from data.store.supervision_tables import Directive
from data.store.tables import Case
from data.store.unit_of_work import Store, UnitOfWork
from serving.api.case_work import check_assignee
from serving.api.shapes import RowNumber
from serving.console.due import Due
from serving.console.forms import ENTRY, form_refused, new_entry
from serving.console.names import names
from serving.console.pages import Me, page
from serving.console.people import Person, deciders, people_named
from serving.console.stored import in_store, in_transaction
from serving.console.visitors import Visitor, visitor

LONGEST_TEXT = 70
ALL = "all"
Reader = Annotated[Visitor, Depends(visitor("cases.read"))]
Decider = Annotated[Visitor, Depends(visitor("cases.label"))]
Supervisor = Annotated[Visitor, Depends(visitor("cases.assign"))]
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class ReminderRow:
    reminded: Reminded
    case: Case
    due: Due | None
    text: str
    unit: str
    assignee: str
    receivers: list[Person]
    """Who may be pressed, whoever works on it first."""


@dataclass(frozen=True, kw_only=True)
class LoweredRow:
    """A decision that left out flags, which stand until a second person confirms."""

    case: Case
    flags: Sequence[str]
    who: str
    label: Label


@dataclass(frozen=True, kw_only=True)
class DirectiveRow:
    directive: Directive
    case: Case
    sender: str
    receiver: str


@router.get("/supervision")
async def supervision(request: Request, visitor: Reader) -> Response:
    """`?show=all`: also those on which somebody has acted."""
    shows_all = request.query_params.get("show") == ALL

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            return Me.of(work, visitor), _context(work, visitor, shows_all=shows_all)

    me, context = await in_store(request, read)
    return page(request, "supervision", me=me, context=context)


@router.post("/cases/{case_id}/supervise")
async def supervise(request: Request, visitor: Supervisor, case_id: str) -> Response:
    """Press somebody, once however often the form is sent.

    Raises NotFoundError, ServiceError `form_refused`, StoreError `assignee_invalid`, `directive_invalid`,
    `case_closed`.
    """
    form = await visitor.form(request)
    to, text, entry = form.one("to"), form.one("note"), form.one("entry")

    def write(work: UnitOfWork) -> None:
        work.cases.get(case_id, within=visitor.within)
        if not ENTRY.fullmatch(entry):
            raise form_refused()
        check_assignee(work, case_id, to, visitor.principal)
        work.supervision.write(case_id, to_user=to, text=text, entry=entry, from_user=visitor.id, within=visitor.within)

    await in_transaction(request, write)
    return RedirectResponse("/console/supervision", 303)


@router.post("/supervision/{directive_id}/acknowledge")
async def acknowledge(request: Request, visitor: Decider, directive_id: RowNumber) -> Response:
    """Take note of what a supervisor wrote, and open the case. Raises NotFoundError, NotAllowedError."""
    await visitor.form(request)

    def take_note(work: UnitOfWork) -> str:
        return work.supervision.acknowledge(directive_id, user_id=visitor.id, within=visitor.within).case_id

    return RedirectResponse(f"/console/cases/{await in_transaction(request, take_note)}", 303)


def _context(work: UnitOfWork, visitor: Visitor, *, shows_all: bool) -> dict[str, Any]:
    is_own = visitor.may("cases.label") and not visitor.may("cases.assign")
    found = work.supervision.reminded(
        within=visitor.within,
        assignee_id=visitor.id if is_own else None,
        is_acted=None if shows_all else False,
    )
    return {
        "new_entry": new_entry,
        "rows": _reminder_rows(work, visitor, found),
        "is_cut": len(found) == MOST_LISTED,
        "is_own": is_own,
        "shows_all": shows_all,
        "lowered": _lowered_rows(work, visitor),
        "names": names(visitor.language),
        "to_me": _directive_rows(work, work.supervision.waiting_for(visitor.id, within=visitor.within)),
        "written": [] if is_own else _directive_rows(work, work.supervision.written(within=visitor.within)),
        "now": work.now(),
    }


def _lowered_rows(work: UnitOfWork, visitor: Visitor) -> list[LoweredRow]:
    if not visitor.may("flags.confirm"):
        return []
    found = work.labels.waiting_for_second(visitor.id, within=visitor.within)
    people = people_named(work, (label.user_id for _, label, _ in found))
    return [LoweredRow(case=case, flags=flags, who=people[label.user_id], label=label) for case, label, flags in found]


def _reminder_rows(work: UnitOfWork, visitor: Visitor, found: Sequence[Reminded]) -> list[ReminderRow]:
    units = {unit.id: unit for unit in work.units.all(within=visitor.within)}
    people = people_named(work, (item.case.assignee_id for item in found))
    of_unit: dict[str, list[Person]] = {}
    if visitor.may("cases.assign"):
        for unit_id in {item.case.unit_id for item in found}:
            of_unit[unit_id] = list(deciders(work, within=visitor.within, units=units, of_unit=unit_id))
    return [
        ReminderRow(
            reminded=item,
            case=item.case,
            due=Due.of(item.case.due_at, work.now()),
            text=item.case.redacted_text[:LONGEST_TEXT],
            unit=units[item.case.unit_id].name,
            assignee=people.get(item.case.assignee_id or "", ""),
            receivers=sorted(of_unit.get(item.case.unit_id, []), key=lambda person: person.id != item.case.assignee_id),
        )
        for item in found
    ]


def _directive_rows(work: UnitOfWork, found: Sequence[tuple[Directive, Case]]) -> list[DirectiveRow]:
    people = people_named(work, (user for directive, _ in found for user in (directive.from_user, directive.to_user)))
    return [
        DirectiveRow(
            directive=directive, case=case, sender=people[directive.from_user], receiver=people[directive.to_user]
        )
        for directive, case in found
    ]
