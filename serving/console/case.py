"""案件: what happened, what does the model say, why, what do I decide? In: a case's number. Out: its page.

The address carries the list it was opened from, so that previous and next mean that list's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import QueryParams

from data.store.records import SimilarCase
from data.store.scope import ROOT
from data.store.tables import OPEN, Case, Unit
from data.store.unit_of_work import Store, UnitOfWork
from data.taxonomy import default_taxonomy
from serving.api.case_clocks import case_clocks
from serving.console.course import course
from serving.console.drafts import Draft, causes2_of
from serving.console.due import Due
from serving.console.entered import Entered
from serving.console.evidence import pieces
from serving.console.names import names
from serving.console.pages import Me, page
from serving.console.people import deciders, people_named
from serving.console.proposals import proposals
from serving.console.queue_query import QueueQuery
from serving.console.stored import in_store
from serving.console.timeline import timeline
from serving.console.undo import UNDONE, done
from serving.console.visitors import Visitor, visitor

MOST_RELATED = 5
Reader = Annotated[Visitor, Depends(visitor("cases.read"))]
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a decision was not stored: `version_stale`, `label_invalid` or `reason_missing`."""

    code: str


@dataclass(frozen=True, kw_only=True)
class Related:
    """Other cases to look at; hints, which never lower a priority."""

    matter: Sequence[Case]
    customer: Sequence[Case]
    wording: Sequence[SimilarCase]


@router.get("/cases/{case_id}")
async def case_page(request: Request, visitor: Reader, case_id: str) -> Response:
    """One case. Raises NotFoundError."""
    return await show_case(request, visitor, case_id, parameters=request.query_params)


async def show_case(
    request: Request,
    visitor: Visitor,
    case_id: str,
    *,
    parameters: QueryParams | Mapping[str, str],
    draft: Draft | None = None,
    trouble: Trouble | None = None,
    entered: Entered | None = None,
    status: int = 200,
) -> Response:
    """The page, with what was typed in its fields where nothing could be stored. Raises NotFoundError."""
    wanted = QueueQuery.of(parameters)

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            context = _context(work, visitor, case_id, wanted, draft)
            return Me.of(work, visitor), context | {"done": done(work, visitor, parameters)}

    me, context = await in_store(request, read)
    context |= {"trouble": trouble, "entered": entered or Entered(), "is_undone": UNDONE in parameters}
    return page(request, "case", me=me, context=context, status=status)


def _context(
    work: UnitOfWork, visitor: Visitor, case_id: str, wanted: QueueQuery, draft: Draft | None
) -> dict[str, Any]:
    within = visitor.within
    case = work.cases.get(case_id, within=within)
    flags = work.cases.flags(case_id, within=within)
    result = work.triage_results.of_case(case_id, within=within)[-1]
    standing = work.labels.standing(case_id, within=within)
    units = {unit.id: unit for unit in work.units.all(within=within)}
    before, behind = work.case_list.neighbours(case, wanted.conditions(work, visitor), within=within)
    return {
        "case": case,
        "is_open": case.status == OPEN,
        "result": result,
        "standing": standing,
        "people": people_named(work, [case.assignee_id, standing.user_id if standing else None]),
        "flags": flags,
        "version": work.cases.version(case_id, within=within),
        "unconfirmed": work.labels.unconfirmed(case_id, within=within),
        "model_flags": {flag["code"]: flag for flag in result.answer.get("flags", ())},
        "proposals": proposals(result.answer, result.probabilities),
        "amount": result.answer.get("amount"),
        "pieces": pieces(case.redacted_text, result.answer),
        "draft": draft or Draft.of_case(case, flags, causes2_of(standing, result.answer)),
        "due": Due.of(case.due_at, work.now()),
        "clocks": case_clocks(work, case_id, within=within),
        "warnings": work.warnings.of_case(case_id, within=within),
        "related": _related(work, case_id, within),
        "lines": timeline(work, case_id, within=within),
        "units": units,
        "unit_name": work.units.get(case.unit_id, within=ROOT).name,
        "receivers": _receivers(case, units),
        "deciders": deciders(work, within=within, units=units, of_unit=case.unit_id)
        if visitor.may("cases.assign")
        else [],
        "wanted": wanted,
        "before": before and wanted.case(before),
        "behind": behind and wanted.case(behind),
        "course": course(work, visitor, case, units=units),
        "taxonomy": default_taxonomy(),
        "names": names(visitor.language),
        "now": work.now(),
    }


def _related(work: UnitOfWork, case_id: str, within: str) -> Related:
    return Related(
        matter=work.case_list.of_same_matter(case_id, within=within, limit=MOST_RELATED),
        customer=work.case_list.of_same_customer(case_id, within=within, limit=MOST_RELATED),
        wording=work.case_list.of_similar_wording(case_id, within=within, limit=MOST_RELATED),
    )


def _receivers(case: Case, units: Mapping[str, Unit]) -> list[Unit]:
    """Units that the case may be handed over to: the visitor's and those below. Upwards it is escalated."""
    return [unit for unit in units.values() if unit.id != case.unit_id]
