"""办结, 重新办理, 升级 and 重复投诉 on the case page. In: forms. Out: a stored change and the page again.

Closing, escalating and linking can be undone for ten seconds; reopening is confirmed by a tick.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from data.policy.schema import TriggerKind
from data.store.clock_records import NewClosing, Reopened, Reopening
from data.store.rectifications import NewRectification
from data.store.scope import ROOT
from data.store.tables import Case
from data.store.unit_of_work import UnitOfWork
from serving.console.assigning import expect_free
from serving.console.case_actions import act
from serving.console.fields import day_of, expect_tick, fen_of, moment_of, words_of
from serving.console.forms import Form
from serving.console.people import Person
from serving.console.visitors import Visitor, visitor
from serving.errors import ErrorDetail, ServiceError

TRIGGERS: tuple[TriggerKind, ...] = ("nfra", "pboc", "hotline_12345", "petition", "court_mediation", "review_applied")
REASONS: tuple[Reopened, ...] = ("mistake", "new_facts", "trigger")
Decider = Annotated[Visitor, Depends(visitor("cases.label"))]
router = APIRouter(include_in_schema=False)


def responsible_above(work: UnitOfWork, case: Case) -> list[Person]:
    """Who may answer for a case in the unit right above its own: the supervisors there."""
    above = work.cases.above(case)
    if above is None:
        return []
    return [
        Person(id=user.id, name=user.name, unit_name=above.name)
        for user in work.users.all(within=above.path)
        if user.unit_id == above.id and user.is_active and user.role == "supervisor"
    ]


def levels(work: UnitOfWork, case: Case) -> list[tuple[str, bool]]:
    """支行, 分行, 总行 from the unit that the complaint is about upwards: each name, and whether the case is there."""
    path = work.units.get(case.concerned_unit_id or case.unit_id, within=ROOT).path
    ids = [unit_id for unit_id in reversed(path.split("/")) if unit_id]
    ids = ids if case.unit_id in ids else [case.unit_id, *ids]
    return [(work.units.get(unit_id, within=ROOT).name, unit_id == case.unit_id) for unit_id in ids]


@router.post("/cases/{case_id}/escalate")
async def escalate(request: Request, visitor: Decider, case_id: str) -> Response:
    """One level up, for a reason, to somebody who answers for it there. Raises StoreError, NotFoundError.

    A case that went up is out of sight: then the list is shown.
    """
    form = await visitor.form(request)

    def go_up(work: UnitOfWork) -> str:
        expect_free(work, visitor, case_id)
        case = work.cases.escalate(
            case_id,
            reason=words_of(form, "reason"),
            responsible_id=form.one("responsible") or None,
            actor_id=visitor.id,
            within=visitor.within,
        )
        stays_in_sight = work.units.get(case.unit_id, within=ROOT).path.startswith(visitor.within)
        return f"/console/cases/{case_id}" if stays_in_sight else "/console/queue"

    return await act(request, visitor, case_id, form, go_up)


@router.post("/cases/{case_id}/close")
async def close(request: Request, visitor: Decider, case_id: str) -> Response:
    """Close it, where a root cause is named with an item of 溯源整改. Raises StoreError, NotFoundError."""
    form = await visitor.form(request)

    def end(work: UnitOfWork) -> None:
        expect_free(work, visitor, case_id)
        case = work.cases.expect(case_id, version=form.one("seen"), within=visitor.within)
        closing, wanted, by = _closing(form, case), mending(form), {"actor_id": visitor.id, "within": visitor.within}
        # Before the closing, which is then what can be undone.
        item = work.rectifications.open(case_id, wanted, **by).id if wanted else None
        work.cases.close(case_id, closing, note=words_of(form, "note"), rectification=item, **by)

    return await act(request, visitor, case_id, form, end)


def _closing(form: Form, case: Case) -> NewClosing:
    received = case.received_at
    responsible = form.one("responsible")
    return NewClosing(
        outcome=form.one("outcome"),
        told_at=moment_of(form, "told_at", not_before=received),
        fed_back_at=moment_of(form, "fed_back_at", not_before=received),
        withdrawn_at=moment_of(form, "withdrawn_at", not_before=received),
        redress_fen=fen_of(form, "redress"),
        satisfaction=form.one("satisfaction") or None,
        is_responsible={"yes": True, "no": False}.get(responsible),
    )


def mending(form: Form) -> NewRectification | None:
    """The item of 溯源整改 in a form; None where no measure was written. Raises ServiceError `value_invalid`."""
    if not form.one("measure"):
        return None
    due_on = day_of(form, "mend_due_on")
    if due_on is None or not form.one("owner"):
        raise ServiceError(
            "value_invalid",
            "an item of rectification needs an owner and a due date; nothing was stored",
            "整改事项须填写责任人和期限；未保存",
            details=[ErrorDetail(field=name, problem="is missing") for name in ("owner", "mend_due_on")],
        )
    return NewRectification(
        subcause=form.one("root"), owner_id=form.one("owner"), due_on=due_on, measure=form.one("measure")
    )


@router.post("/cases/{case_id}/reopen")
async def reopen(request: Request, visitor: Decider, case_id: str) -> Response:
    """Open it again, saying why. Raises StoreError, NotFoundError."""
    form = await visitor.form(request)

    def go_on(work: UnitOfWork) -> None:
        expect_free(work, visitor, case_id)
        case = work.cases.expect(case_id, version=form.one("seen"), within=visitor.within)
        expect_tick(form, "sure")
        note = words_of(form, "note")
        work.cases.reopen(case_id, _reopening(form, case), actor_id=visitor.id, within=visitor.within, note=note)

    return await act(request, visitor, case_id, form, go_on)


def _reopening(form: Form, case: Case) -> Reopening:
    """`why` is `mistake`, `new_facts` or a kind of trigger."""
    why, at = form.one("why"), moment_of(form, "at", not_before=case.received_at)
    for reason in REASONS[:2]:
        if why == reason:
            return Reopening(reason=reason, at=None if reason == "mistake" else at)
    for trigger in TRIGGERS:
        if why == trigger:
            return Reopening(reason="trigger", trigger=trigger, at=at)
    raise ServiceError(
        "value_invalid",
        "a reason is missing; nothing was stored",
        "请选择重新办理的原因；未保存",
        details=[ErrorDetail(field="why", problem="is missing")],
    )


@router.post("/cases/{case_id}/repeat")
async def repeat(request: Request, visitor: Decider, case_id: str) -> Response:
    """It repeats an earlier case; both go on and count. Raises StoreError `repeat_invalid`, NotFoundError."""
    form = await visitor.form(request)

    def link(work: UnitOfWork) -> None:
        work.cases.expect(case_id, version=None, within=visitor.within)
        work.cases.link_repeat(case_id, form.one("earlier") or None, actor_id=visitor.id, within=visitor.within)

    return await act(request, visitor, case_id, form, link)
