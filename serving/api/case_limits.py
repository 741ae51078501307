"""Routes of the limits of a case, for FastAPI. In: what happened and when. Out: the clocks as they run then.

Persons only. More time has four eyes: who asks does not decide, and it counts once the complainant was told.
"""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field, model_validator

from data.policy.case_times import PauseKind
from data.policy.schema import TriggerKind
from data.store.case_list import MOST_ON_PAGE
from data.store.free_text import LONGEST_NOTE
from data.store.unit_of_work import Store, UnitOfWork
from serving.access.guard import require
from serving.access.principal import Principal
from serving.api.case_clocks import CaseClocksBody, ExtensionRow, case_clocks
from serving.api.requests import Day, Moment
from serving.api.responses import problems
from serving.api.shapes import Id, RequestShape, RowNumber
from serving.stored import store_access

Worker = Annotated[Principal, Depends(require("cases.label"))]
Asker = Annotated[Principal, Depends(require("limits.extend"))]
Approver = Annotated[Principal, Depends(require("limits.decide"))]
Note = Annotated[str, Field(default="", max_length=LONGEST_NOTE, repr=False)]
router = APIRouter(tags=["limits"], responses=problems(401, 403, 404, 409, 422, 503))


class FactBody(RequestShape):
    """What starts, restarts or fulfils limits. `code` names the trigger, or the limit that is fulfilled."""

    kind: Literal["trigger", "new_facts", "fulfilment"]
    at: Moment
    trigger: TriggerKind | None = None
    code: Id | None = None
    due_at: Moment | None = Field(default=None, description="A trigger's own due date.")

    @model_validator(mode="after")
    def _is_whole(self) -> "FactBody":
        given = {name for name in ("trigger", "code", "due_at") if getattr(self, name) is not None}
        needed = {"trigger": {"trigger"}, "new_facts": set(), "fulfilment": {"code"}}[self.kind]
        if given - {"due_at"} != needed or ("due_at" in given and self.kind != "trigger"):
            raise ValueError(
                "expected `trigger` and at most `due_at` with a trigger, `code` with a fulfilment, else none"
            )
        return self


class PauseBody(RequestShape):
    kind: PauseKind
    began_at: Moment
    notified_on: Day = Field(description="When the complainant was told, a day in China.")


class PauseEndBody(RequestShape):
    ended_at: Moment


class VoidBody(RequestShape):
    reason: str = Field(min_length=4, max_length=500, repr=False)


class ExtensionBody(RequestShape):
    """`step` and `reason` are the policy's; `total` is the whole limit then, in the limit's unit."""

    step: Id
    total: int = Field(ge=1, le=3660)
    reason: str = Field(min_length=1, max_length=200)
    note: Note


class ApprovalBody(RequestShape):
    notified_on: Day | None = Field(default=None, description="Where the complainant is told today already.")
    note: Note


class RefusalBody(RequestShape):
    note: Note


class NoticeBody(RequestShape):
    notified_on: Day


class PendingExtension(BaseModel):
    case_id: str
    extension: ExtensionRow


class PendingExtensions(BaseModel):
    """Requests that wait for a decision, the oldest first."""

    extensions: list[PendingExtension]


@router.post("/v1/cases/{case_id}/facts", summary="Record what moves limits", status_code=201)
async def add_fact(request: Request, caller: Worker, case_id: str, body: FactBody) -> CaseClocksBody:
    """A forward of an authority, new facts and reasons, a duty done before the case is closed."""

    def record(work: UnitOfWork) -> None:
        at, by, within = body.at, caller.id, caller.unit_path
        if body.trigger is not None:
            work.clocks.add_trigger(case_id, body.trigger, at=at, due_at=body.due_at, actor_id=by, within=within)
        elif body.code is not None:
            work.clocks.add_fulfilment(case_id, body.code, at=at, actor_id=by, within=within)
        else:
            work.clocks.add_new_facts(case_id, at=at, actor_id=by, within=within)

    return await _changed(request, caller, case_id, record)


@router.post("/v1/cases/{case_id}/facts/{fact_id}/void", summary="A fact was recorded by mistake")
async def void_fact(
    request: Request, caller: Approver, case_id: str, fact_id: RowNumber, body: VoidBody
) -> CaseClocksBody:
    """It counts no longer; the reason stands in the audit log."""
    return await _changed(
        request,
        caller,
        case_id,
        lambda work: work.clocks.void(case_id, fact_id, user_id=caller.id, reason=body.reason, within=caller.unit_path),
    )


@router.post("/v1/cases/{case_id}/pauses", summary="Limits stand still", status_code=201)
async def begin_pause(request: Request, caller: Worker, case_id: str, body: PauseBody) -> CaseClocksBody:
    """Appraisal, testing, assessment or mediation outside began."""
    return await _changed(
        request,
        caller,
        case_id,
        lambda work: work.clocks.begin_pause(
            case_id,
            body.kind,
            began_at=body.began_at,
            notified_on=body.notified_on,
            actor_id=caller.id,
            within=caller.unit_path,
        ),
    )


@router.post("/v1/cases/{case_id}/pauses/end", summary="Limits run again")
async def end_pause(request: Request, caller: Worker, case_id: str, body: PauseEndBody) -> CaseClocksBody:
    """The running pause is over."""
    return await _changed(
        request,
        caller,
        case_id,
        lambda work: work.clocks.end_pause(
            case_id, ended_at=body.ended_at, actor_id=caller.id, within=caller.unit_path
        ),
    )


@router.post("/v1/cases/{case_id}/extensions", summary="Ask for more time", status_code=201)
async def ask(request: Request, caller: Asker, case_id: str, body: ExtensionBody) -> CaseClocksBody:
    """Waits for the decision of somebody else; what nobody could approve is refused at once."""
    return await _changed(
        request,
        caller,
        case_id,
        lambda work: work.extensions.request(
            case_id,
            step=body.step,
            total=body.total,
            reason=body.reason,
            note=body.note,
            user_id=caller.id,
            within=caller.unit_path,
        ),
    )


@router.post("/v1/cases/{case_id}/extensions/{extension_id}/approve", summary="Grant more time")
async def approve(
    request: Request, caller: Approver, case_id: str, extension_id: RowNumber, body: ApprovalBody
) -> CaseClocksBody:
    """Not one's own request; it counts from when the complainant was told."""
    return await _changed(
        request,
        caller,
        case_id,
        lambda work: work.extensions.approve(
            case_id,
            extension_id,
            notified_on=body.notified_on,
            note=body.note,
            user_id=caller.id,
            within=caller.unit_path,
        ),
    )


@router.post("/v1/cases/{case_id}/extensions/{extension_id}/refuse", summary="Refuse more time")
async def refuse(
    request: Request, caller: Approver, case_id: str, extension_id: RowNumber, body: RefusalBody
) -> CaseClocksBody:
    """Not one's own request."""
    return await _changed(
        request,
        caller,
        case_id,
        lambda work: work.extensions.refuse(
            case_id, extension_id, note=body.note, user_id=caller.id, within=caller.unit_path
        ),
    )


@router.post("/v1/cases/{case_id}/extensions/{extension_id}/notice", summary="The complainant was told of it")
async def notice(
    request: Request, caller: Worker, case_id: str, extension_id: RowNumber, body: NoticeBody
) -> CaseClocksBody:
    """From then on the extension counts."""
    return await _changed(
        request,
        caller,
        case_id,
        lambda work: work.extensions.record_notice(
            case_id, extension_id, notified_on=body.notified_on, actor_id=caller.id, within=caller.unit_path
        ),
    )


@router.get("/v1/extensions", summary="Requests for more time that wait")
async def pending(
    request: Request, caller: Approver, limit: Annotated[int, Query(ge=1, le=MOST_ON_PAGE)] = 50
) -> PendingExtensions:
    """Of the caller's units."""

    def read(store: Store) -> PendingExtensions:
        with store.reading() as work:
            rows = work.extensions.pending(within=caller.unit_path, limit=limit)
            return PendingExtensions(
                extensions=[
                    PendingExtension(case_id=row.case_id, extension=ExtensionRow.model_validate(row)) for row in rows
                ]
            )

    return await store_access(request).run(read)


async def _changed(
    request: Request, caller: Principal, case_id: str, change: Callable[[UnitOfWork], object]
) -> CaseClocksBody:
    """Do it in one transaction; the clocks as they are then."""

    def write(work: UnitOfWork) -> CaseClocksBody:
        work.cases.expect(case_id, version=None, within=caller.unit_path)
        change(work)
        return case_clocks(work, case_id, within=caller.unit_path)

    return await store_access(request).change(write)
