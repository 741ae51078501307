"""质检: what did the model miss? In: a visitor. Out: cases to read without its answer; what such readings have shown.

Handlers and supervisors read; the figures are for supervisors and for those who audit.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.days import china_day
from data.store.records import NewLabel
from data.store.supervision_tables import DRAW_PURPOSES, MISSED, SECOND, QualityDraw
from data.store.tables import Case
from data.store.unit_of_work import Store, UnitOfWork
from data.taxonomy import default_taxonomy
from serving.console.drafts import Draft, seconds_spent
from serving.console.names import names
from serving.console.overview_query import OverviewQuery
from serving.console.pages import Me, page
from serving.console.quality_results import between_people, missed, prefilled, sees_results
from serving.console.stored import in_store, in_transaction
from serving.console.visitors import Visitor, visitor
from serving.labelling import check_codes
from serving.settings import Settings

DAYS = "90"
"""Draws of so many days are counted, unless the address says otherwise."""
Reader = Annotated[Visitor, Depends(visitor("cases.read"))]
Decider = Annotated[Visitor, Depends(visitor("cases.label"))]
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    draw: QualityDraw
    case: Case
    address: str


@router.get("/quality")
async def quality(request: Request, visitor: Reader) -> Response:
    """What waits to be read, and for supervisors what the readings have shown, `?days=30&unit=east` as in the overview.

    Raises ServiceError `query_invalid`, NotFoundError for another branch's unit.
    """
    settings: Settings = request.app.state.settings
    query = OverviewQuery.of({"days": DAYS} | dict(request.query_params))

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            waiting = work.quality.waiting(visitor.id, within=visitor.within) if visitor.may("cases.label") else []
            since = query.period(china_day(work.now())).first
            unit = work.units.get(query.unit, within=visitor.within) if query.unit else None
            within = unit.path if unit else visitor.within
            not_a_risk = store.book.current.priority.not_a_risk
            return Me.of(work, visitor), {
                "waiting": [Waiting(draw=draw, case=case, address=_address(draw)) for draw, case in waiting],
                "results": _results(work, since, within=within, not_a_risk=not_a_risk)
                if sees_results(visitor)
                else None,
                "unit": unit,
                "names": names(visitor.language),
                "now": work.now(),
            }

    me, context = await in_store(request, read)
    return page(request, "quality", me=me, context=context | {"share": settings.quality_share})


@router.get("/quality/{case_id}/{purpose}")
async def blind(request: Request, visitor: Decider, case_id: str, purpose: str) -> Response:
    """The text and empty fields; nothing that the model or anybody else said. Raises NotFoundError."""

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            draw, case = work.quality.next_for(visitor.id, case_id, purpose, within=visitor.within)
            return Me.of(work, visitor), {"draw": draw, "case": case, "now": work.now()}

    me, context = await in_store(request, read)
    context |= {"address": f"/console/quality/{case_id}/{purpose}", "taxonomy": default_taxonomy()}
    return page(request, "blind", me=me, context=context | {"names": names(visitor.language)})


@router.post("/quality/{case_id}/{purpose}")
async def read_blind(request: Request, visitor: Decider, case_id: str, purpose: str) -> Response:
    """Store the reading and go on to the next. Raises ServiceError `label_invalid`, NotFoundError."""
    form = await visitor.form(request)
    draft = Draft.of_form(form)
    facets = draft.facets()

    def write(work: UnitOfWork) -> str:
        work.quality.next_for(visitor.id, case_id, purpose, within=visitor.within)  # before any word on the fields
        check_codes(facets, (), default_taxonomy())
        label = NewLabel(
            user_id=visitor.id, facets=facets, seconds_spent=seconds_spent(form, work.now()), is_blind=True
        )
        work.quality.record(case_id, purpose, label, within=visitor.within)
        rest = work.quality.waiting(visitor.id, within=visitor.within)
        return _address(rest[0][0]) if rest else "/console/quality"

    return RedirectResponse(await in_transaction(request, write), 303)


def _address(draw: QualityDraw) -> str:
    assert draw.purpose in DRAW_PURPOSES
    return f"/console/quality/{draw.case_id}/{draw.purpose}"


def _results(work: UnitOfWork, since: date, *, within: str, not_a_risk: Collection[str]) -> dict[str, Any]:
    first = work.quality.readings(MISSED, since=since, within=within)
    second = work.quality.readings(SECOND, since=since, within=within)
    waiting, read = work.quality.counts(since=since, within=within)
    return {
        "missed": missed(first, not_a_risk=not_a_risk),
        "prefilled": prefilled(first),
        "people": between_people(second),
        "waiting": waiting,
        "read": read,
        "since": since,
    }
