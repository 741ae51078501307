"""延期 on the case page and the approvers' list. In: forms. Out: a request, somebody else's decision, the notice.

Asking can be undone for ten seconds; a decision is confirmed by a tick, since it cannot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from data.errors import PolicyError
from data.policy.schema import ExtensionStep
from data.store.clock_records import CaseClocks
from data.store.clock_tables import ClockExtension
from data.store.extensions import capacities
from data.store.scope import ROOT
from data.store.tables import OPEN, Case
from data.store.unit_of_work import Store, UnitOfWork
from serving.console.case_actions import act
from serving.console.due import Due
from serving.console.fields import day_of, expect_tick, number_of, words_of
from serving.console.pages import Me, page
from serving.console.people import people_named
from serving.console.stored import in_store
from serving.console.visitors import Visitor, visitor

MOST_PENDING = 200
Asker = Annotated[Visitor, Depends(visitor("limits.extend"))]
Approver = Annotated[Visitor, Depends(visitor("limits.decide"))]
Decider = Annotated[Visitor, Depends(visitor("cases.label"))]
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One way to more time that a case may still take."""

    code: str
    name: str
    total: int
    reasons: Sequence[str]
    approvers: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request with what its reader may do about it."""

    row: ClockExtension
    name: str
    by: str
    decided_by: str
    approvers: str
    is_own: bool
    may_decide: bool


@dataclass(frozen=True, kw_only=True)
class MoreTime:
    """The part of the case page about more time."""

    steps: Sequence[Step]
    asked: Sequence[Asked]

    @property
    def is_pending(self) -> bool:
        return any(one.row.status == "requested" for one in self.asked)


def more_time(work: UnitOfWork, visitor: Visitor, case: Case) -> MoreTime:
    """Steps of the limits that run, requests latest first; empty where the case's policy is gone."""
    try:
        found = work.clocks.of_case(case.id, within=visitor.within)
    except PolicyError:
        return MoreTime(steps=(), asked=())
    steps = _steps(found) if case.status == OPEN and visitor.may("limits.extend") else ()
    return MoreTime(steps=steps, asked=[_asked(work, visitor, case, row, found) for row in reversed(found.extensions)])


def _steps(found: CaseClocks) -> Sequence[Step]:
    running = {clock.code for clock in found.clocks if clock.state not in ("ended", "unknown")}
    granted = {row.step for row in found.extensions if row.status == "approved"}
    return [
        Step(
            code=code,
            name=step.name,
            total=step.total,
            reasons=step.reasons,
            approvers=_approvers(found, step),
        )
        for code, (row, step) in found.policy.steps.items()
        if row.code in running and code not in granted
    ]


def _asked(work: UnitOfWork, visitor: Visitor, case: Case, row: ClockExtension, found: CaseClocks) -> Asked:
    step = found.policy.steps[row.step][1] if row.step in found.policy.steps else None
    people = people_named(work, [row.requested_by, row.decided_by])
    case_path = work.units.get(case.unit_id, within=ROOT).path
    may = capacities(role=visitor.principal.role, path=visitor.within, case_path=case_path)
    is_own = row.requested_by == visitor.id
    return Asked(
        row=row,
        name=step.name if step else row.step,
        by=people[row.requested_by],
        decided_by=people[row.decided_by] if row.decided_by else "",
        approvers=_approvers(found, step) if step else "",
        is_own=is_own,
        may_decide=bool(
            row.status == "requested"
            and not is_own
            and step is not None
            and visitor.may("limits.decide")
            and may & set(step.approvers)
        ),
    )


def _approvers(found: CaseClocks, step: ExtensionStep) -> str:
    return "、".join(found.policy.approvers[role] for role in step.approvers)


@router.post("/cases/{case_id}/extension")
async def ask(request: Request, visitor: Asker, case_id: str) -> Response:
    """Ask for more time. Raises ClockError for what nobody could approve, StoreError, NotFoundError."""
    form = await visitor.form(request)
    code, _, reason = form.one("step").partition("|")

    def put(work: UnitOfWork) -> None:
        case = work.cases.expect(case_id, version=None, within=visitor.within)
        work.extensions.request(
            case.id,
            step=code,
            total=number_of(form, "total") or _total(work, visitor, case, code),
            reason=reason,
            note=words_of(form, "note"),
            user_id=visitor.id,
            within=visitor.within,
        )

    return await act(request, visitor, case_id, form, put)


def _total(work: UnitOfWork, visitor: Visitor, case: Case, code: str) -> int:
    steps = work.clocks.of_case(case.id, within=visitor.within).policy.steps
    return steps[code][1].total if code in steps else 0


@router.post("/cases/{case_id}/extension/decide")
async def decide(request: Request, visitor: Approver, case_id: str) -> Response:
    """Grant or refuse somebody else's request. Raises NotAllowedError, StoreError, ClockError, NotFoundError."""
    form = await visitor.form(request)

    def decide_it(work: UnitOfWork) -> None:
        work.cases.expect(case_id, version=None, within=visitor.within)
        expect_tick(form, "sure")
        given = {"user_id": visitor.id, "within": visitor.within, "note": words_of(form, "note")}
        if form.one("answer") == "approve":
            work.extensions.approve(
                case_id, number_of(form, "extension"), notified_on=day_of(form, "notified_on"), **given
            )
        else:
            work.extensions.refuse(case_id, number_of(form, "extension"), **given)

    return await act(request, visitor, case_id, form, decide_it)


@router.post("/cases/{case_id}/extension/told")
async def tell(request: Request, visitor: Decider, case_id: str) -> Response:
    """The complainant was told; it counts from now on. Raises StoreError, ClockError, NotFoundError."""
    form = await visitor.form(request)

    def write(work: UnitOfWork) -> None:
        work.cases.expect(case_id, version=None, within=visitor.within)
        told_on = day_of(form, "notified_on")
        if told_on is not None:
            work.extensions.record_notice(
                case_id, number_of(form, "extension"), notified_on=told_on, actor_id=visitor.id, within=visitor.within
            )

    return await act(request, visitor, case_id, form, write)


@router.get("/extensions")
async def waiting(request: Request, visitor: Approver) -> Response:
    """Requests that wait for a decision, the oldest first."""

    def read(store: Store) -> tuple[Me, Mapping[str, Any]]:
        with store.reading() as work:
            rows = work.extensions.pending(within=visitor.within, limit=MOST_PENDING)
            found = [_waiting(work, visitor, row) for row in rows]
            return Me.of(work, visitor), {"rows": found, "now": work.now()}

    me, context = await in_store(request, read)
    return page(request, "extensions", me=me, context=context)


def _waiting(work: UnitOfWork, visitor: Visitor, row: ClockExtension) -> tuple[Case, Asked | None, Due | None]:
    case = work.cases.get(row.case_id, within=visitor.within)
    asked = [one for one in more_time(work, visitor, case).asked if one.row.id == row.id]
    return case, asked[0] if asked else None, Due.of(case.due_at, work.now())
