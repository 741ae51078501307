"""Routes of how cases end and go on, for FastAPI. In: a closing or a reopening. Out: the case, and how it was closed.

Persons only, with the version that they saw (`If-Match`), like every change of a case.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from data.policy.schema import TriggerKind
from data.store.clock_records import NewClosing, Reopened, Reopening
from data.store.clock_tables import Outcome, Satisfaction
from data.store.free_text import LONGEST_NOTE
from data.store.unit_of_work import Store, UnitOfWork
from serving.access.guard import require
from serving.access.principal import Principal
from serving.api.case_work import VERSIONED, ChangedCase, Seen, change_case, expect_own
from serving.api.requests import Moment
from serving.api.responses import problems
from serving.api.shapes import RequestShape, RowShape
from serving.stored import store_access

MOST_FEN = 10**15
Worker = Annotated[Principal, Depends(require("cases.label"))]
Reader = Annotated[Principal, Depends(require("cases.read"))]
router = APIRouter(
    prefix="/v1/cases", tags=["cases"], responses=problems(401, 403, 404, 409, 410, 422, 503) | VERSIONED
)


class ClosingBody(RequestShape):
    """How a case ends. Money in fen. `told_at` and `fed_back_at` fulfil the limits that still run."""

    outcome: Outcome
    told_at: Moment | None = Field(default=None, description="When the complainant was told.")
    fed_back_at: Moment | None = Field(default=None, description="When the authority that forwarded it was told.")
    withdrawn_at: Moment | None = Field(default=None, description="With the outcome `withdrawn`, and only then.")
    redress_fen: int | None = Field(default=None, ge=0, le=MOST_FEN)
    satisfaction: Satisfaction | None = None
    is_responsible: bool | None = None
    note: str = Field(default="", max_length=LONGEST_NOTE, repr=False)

    def closing(self) -> NewClosing:
        """Raises StoreError `closing_invalid`."""
        return NewClosing(**self.model_dump(exclude={"note"}))


class ReopeningBody(RequestShape):
    """`mistake`: the closing counts no longer; `new_facts` and `trigger` say when they came in."""

    reason: Reopened
    at: Moment | None = None
    trigger: TriggerKind | None = None
    due_at: Moment | None = None
    note: str = Field(default="", max_length=LONGEST_NOTE, repr=False)

    def reopening(self) -> Reopening:
        """Raises StoreError `reopening_invalid`."""
        return Reopening(**self.model_dump(exclude={"note"}))


class ClosingRow(RowShape):
    closed_at: datetime
    actor_id: str
    outcome: str
    redress_fen: int | None
    told_at: datetime | None
    fed_back_at: datetime | None
    withdrawn_at: datetime | None
    satisfaction: str | None
    is_responsible: bool | None
    is_in_time: bool | None
    reopened_at: datetime | None


class ClosingList(RowShape):
    """How a case was closed, oldest first; only the last may still stand."""

    closings: list[ClosingRow]


@router.post("/{case_id}/close", summary="Close a case")
async def close(
    request: Request, response: Response, caller: Worker, case_id: str, seen: Seen, body: ClosingBody
) -> ChangedCase:
    """409 `clock_open` while a limit of the bank would run on: say when the complainant or the authority was told."""
    closing = body.closing()

    def end(work: UnitOfWork) -> None:
        expect_own(work, case_id, caller, seen)
        work.cases.close(case_id, closing, actor_id=caller.id, within=caller.unit_path, note=body.note)

    return await change_case(request, response, caller, case_id, end)


@router.post("/{case_id}/reopen", summary="Open a closed case again")
async def reopen(
    request: Request, response: Response, caller: Worker, case_id: str, seen: Seen, body: ReopeningBody
) -> ChangedCase:
    """Its limits go on, or start again with what came in."""
    reopening = body.reopening()

    def go_on(work: UnitOfWork) -> None:
        expect_own(work, case_id, caller, seen)
        work.cases.reopen(case_id, reopening, actor_id=caller.id, within=caller.unit_path, note=body.note)

    return await change_case(request, response, caller, case_id, go_on)


@router.get("/{case_id}/closings", summary="How a case was closed")
async def closings(request: Request, caller: Reader, case_id: str) -> ClosingList:
    """Those that were reopened too."""

    def read(store: Store) -> ClosingList:
        with store.reading() as work:
            rows = work.cases.closings(case_id, within=caller.unit_path)
            return ClosingList(closings=[ClosingRow.model_validate(row) for row in rows])

    return await store_access(request).run(read)
