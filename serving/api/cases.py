"""Routes that read cases, for FastAPI. In: filters, or a case's number. Out: what the caller's units may see."""

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Self, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from data.store.case_list import MOST_ON_PAGE
from data.store.records import CaseFilter, CaseOrder, PageKey
from data.store.tables import Case
from data.store.unit_of_work import Store, UnitOfWork
from serving.access.guard import require
from serving.access.principal import Principal
from serving.api.case_clocks import CaseClocksBody, case_clocks
from serving.api.requests import Moment, of_our_age
from serving.api.responses import problems
from serving.errors import ServiceError
from serving.stored import store_access

# A bank's policy may have more steps than ours; no more than this.
MOST_RANK = 1000
Reader = Annotated[Principal, Depends(require("cases.read"))]
Revealer = Annotated[Principal, Depends(require("cases.reveal"))]
Row = TypeVar("Row", bound="_Shape")
router = APIRouter(prefix="/v1/cases", tags=["cases"], responses=problems(401, 403, 422, 503))


class _Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class CaseRow(_Shape):
    """A case as lists show it. Codes are the taxonomy's; they are a person's decision once `labelled_at` is set."""

    id: str
    source_system: str
    external_id: str | None
    source: str | None
    unit_id: str
    branch: str | None
    region: str | None
    status: str
    received_at: datetime
    closed_at: datetime | None
    due_at: datetime | None
    """First moment that is too late by the deciding clock `due_code`; null while none runs."""
    due_code: str | None
    assignee_id: str | None
    order_type: str
    category: str | None
    leaf: str | None
    cause: str | None
    subcause: str | None
    channel: str
    flags: list[str] = []
    band: str
    priority: str
    labelled_at: datetime | None
    redacted_text: str

    @classmethod
    def of(cls, case: Case, flags: tuple[str, ...]) -> Self:
        return cls.model_validate(case).model_copy(update={"flags": list(flags)})


class CasePageBody(BaseModel):
    """`next` is the `after` of the following page; null on the last one."""

    cases: list[CaseRow]
    next: str | None


class ResultRow(_Shape):
    """One answer of a model, without the text."""

    version: int
    created_at: datetime
    bundle: str
    taxonomy: str
    redaction: str
    policy: str
    answer: dict[str, Any]
    probabilities: dict[str, Any]


class LabelRow(_Shape):
    """One decision of a person."""

    user_id: str
    created_at: datetime
    bundle: str
    triage_version: int
    seconds_spent: float
    is_blind: bool
    order_type: str
    category: str | None
    leaf: str | None
    cause: str | None
    subcause: str | None
    channel: str
    causes2: list[str]
    flags: list[str]
    reason: str


class AssignmentRow(_Shape):
    user_id: str
    assigned_by: str
    assigned_at: datetime
    ended_at: datetime | None


class EventRow(_Shape):
    at: datetime
    kind: str
    actor_id: str
    details: dict[str, Any]
    note: str


class CaseBody(BaseModel):
    """A case with its history, oldest first; blind readings are left out, so that they stay blind.

    `version` is what changes of the case are asked for (`If-Match`). `unconfirmed_flags` stand until a second person
    confirms that they are lowered.
    """

    case: CaseRow
    version: str
    unconfirmed_flags: list[str]
    clocks: CaseClocksBody
    results: list[ResultRow]
    labels: list[LabelRow]
    assignments: list[AssignmentRow]
    events: list[EventRow]


class RevealRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=4, max_length=500)


class RevealedBody(BaseModel):
    text: str


class CaseQuery(BaseModel):
    """Conditions that all hold."""

    model_config = ConfigDict(extra="forbid")

    status: str | None = None
    source: str | None = None
    order_type: str | None = None
    category: str | None = None
    cause: str | None = None
    channel: str | None = None
    flag: str | None = None
    band: str | None = None
    priority: str | None = None
    assignee_id: str | None = None
    unit: str | None = Field(default=None, description="This unit and those below it.")
    received_from: Moment | None = Field(default=None, description="Inclusive; RFC 3339 with zone.")
    received_until: Moment | None = Field(default=None, description="Exclusive; RFC 3339 with zone.")
    due_from: Moment | None = Field(default=None, description="Inclusive; RFC 3339 with zone.")
    due_until: Moment | None = Field(default=None, description="Exclusive; RFC 3339 with zone.")
    due_within_days: int | None = Field(
        default=None,
        ge=0,
        le=3660,
        description="Last day at most so many days ahead in China; late ones too.",
    )
    is_overdue: bool | None = None
    words: str | None = Field(default=None, max_length=1000, description="Words that stand in the redacted text.")
    order: CaseOrder = Field(
        default="received", description="Latest received; soonest `due`; `queue`: highest risk, then soonest due."
    )
    limit: int = Field(default=50, ge=1, le=MOST_ON_PAGE)
    after: str | None = Field(default=None, max_length=200, description="`next` of the page before.")


@router.get("", summary="Cases, latest received, soonest due or highest risk first", responses=problems(404))
async def cases(request: Request, caller: Reader, wanted: Annotated[CaseQuery, Query()]) -> CasePageBody:
    """All conditions hold; the text search finds every word of two or more characters, also inside longer ones."""
    after = None if wanted.after is None else read_cursor(wanted.after, wanted.order)

    def page(store: Store) -> CasePageBody:
        with store.reading() as work:
            found = work.case_list.page(
                _filter(work, wanted, caller),
                within=caller.unit_path,
                limit=wanted.limit,
                after=after,
                order=wanted.order,
            )
            rows = [CaseRow.of(case, found.flags[case.id]) for case in found.cases]
            return CasePageBody(cases=rows, next=cursor_of(found.next, wanted.order) if found.next else None)

    return await store_access(request).run(page)


@router.get("/{case_id}", summary="One case with its history", responses=problems(404))
async def case(request: Request, response: Response, caller: Reader, case_id: str) -> CaseBody:
    """Every answer of a model, every decision of a person, who had it and what happened when."""

    def read(store: Store) -> CaseBody:
        with store.reading() as work:
            return _with_history(work, case_id, caller.unit_path)

    body = await store_access(request).run(read)
    response.headers["ETag"] = f'"{body.version}"'
    return body


@router.post("/{case_id}/reveal", summary="The original text, for a reason", responses=problems(404, 410))
async def reveal(request: Request, caller: Revealer, case_id: str, body: RevealRequest) -> RevealedBody:
    """Persons only. Who saw it, when and why is written down before it is shown."""
    return RevealedBody(
        text=await store_access(request).change(
            lambda work: work.originals.reveal(case_id, user_id=caller.id, reason=body.reason, within=caller.unit_path)
        )
    )


def cursor_of(key: PageKey, order: CaseOrder) -> str:
    """A page key as clients carry it; it belongs to one order."""
    due_at = key.due_at.isoformat() if key.due_at else ""
    text = "|".join((order, key.received_at.isoformat(), due_at, str(key.queue_rank), key.case_id))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, order: CaseOrder) -> PageKey:
    """Raises ServiceError on anything `cursor_of` did not make for this order."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        of_order, received_at, due_at, rank, case_id = text.split("|")
        if of_order != order or not case_id:
            raise ValueError("not a page key of this order")
        return PageKey(
            received_at=_moment(received_at),
            due_at=_moment(due_at) if due_at else None,
            queue_rank=max(0, min(int(rank), MOST_RANK)),
            case_id=case_id,
        )
    except (ValueError, binascii.Error):
        raise ServiceError(
            "cursor_invalid",
            "`after` is not one that this service gave for this order; expected the `next` of a page",
            "after 参数无效，应为相同排序下上一页返回的 next",
        ) from None


def _moment(text: str) -> datetime:
    moment = of_our_age(datetime.fromisoformat(text))
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    return moment


def _filter(work: UnitOfWork, wanted: CaseQuery, caller: Principal) -> CaseFilter:
    below = None if wanted.unit is None else work.units.get(wanted.unit, within=caller.unit_path).path
    given = wanted.model_dump(exclude={"unit", "limit", "after", "order"})
    return CaseFilter(below=below, **given)


def _with_history(work: UnitOfWork, case_id: str, within: str) -> CaseBody:
    case = work.cases.get(case_id, within=within)
    labels = [label for label in work.labels.of_case(case_id, within=within) if not label.is_blind]
    return CaseBody(
        case=CaseRow.of(case, work.cases.flags(case_id, within=within)),
        version=work.cases.version(case_id, within=within),
        unconfirmed_flags=list(work.labels.unconfirmed(case_id, within=within)),
        clocks=case_clocks(work, case_id, within=within),
        results=_rows(ResultRow, work.triage_results.of_case(case_id, within=within)),
        labels=_rows(LabelRow, labels),
        assignments=_rows(AssignmentRow, work.assignments.of_case(case_id, within=within)),
        events=_rows(EventRow, work.events.of_case(case_id, within=within)),
    )


def _rows(shape: type[Row], records: Iterable[object]) -> list[Row]:
    return [shape.model_validate(record) for record in records]
