"""受理回执: what the complainant takes home. In: a case's number. Out: a page to print, without the complaint's text.

The promised limit is the one that the case's own clock counts, with extensions that the complainant was told of.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from data.errors import PolicyError
from data.policy.clocks import Clock
from data.store.clock_records import CaseClocks
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork
from serving.console.names import names
from serving.console.notice import Notice
from serving.console.pages import Me, page
from serving.console.people import people_named
from serving.console.stored import in_store
from serving.console.visitors import Visitor, visitor

Reader = Annotated[Visitor, Depends(visitor("cases.read"))]
router = APIRouter(include_in_schema=False)


@router.get("/cases/{case_id}/receipt")
async def receipt(request: Request, visitor: Reader, case_id: str) -> Response:
    """Raises NotFoundError."""
    notice: Notice = request.app.state.notice

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            return Me.of(work, visitor), _context(work, visitor, case_id)

    me, context = await in_store(request, read)
    return page(request, "receipt", me=me, context=context | {"notice": notice, "names": names(visitor.language)})


def _context(work: UnitOfWork, visitor: Visitor, case_id: str) -> dict[str, Any]:
    case = work.cases.get(case_id, within=visitor.within)
    events = work.events.of_case(case_id, within=visitor.within)
    taken_by = events[0].actor_id if events else None
    try:
        found = work.clocks.of_case(case_id, within=visitor.within)
        promised, counting = promised_of(found), found.policy.counting
    except PolicyError:  # the file of an old policy is gone
        promised, counting = [], None
    return {
        "case": case,
        "promised": promised,
        "first_day_excluded": counting is None or counting.first_day_excluded,
        "unit_name": work.units.get(case.unit_id, within=ROOT).name,
        "taken_by": people_named(work, [taken_by]).get(taken_by or "", ""),
        "now": work.now(),
    }


def promised_of(found: CaseClocks) -> Sequence[Clock]:
    """Limits of the bank within which the complainant is told something, the earliest first."""
    rows = found.policy.clock_rows
    return [
        clock
        for clock in found.clocks
        if clock.is_binding and clock.due_on and clock.code in rows and rows[clock.code].told == "complainant"
    ]
