"""溯源整改: who mends what by when, who sees it, and whether the complaints came back."""

from datetime import date, timedelta
from typing import Any

import pytest

from data.errors import NotAllowedError, NotFoundError, StoreError
from data.store.maintenance import erase
from data.store.rectification_tables import Rectification
from data.store.rectifications import Complaints, NewRectification, RectificationFilter, Recurrence
from data.store.scope import ROOT
from data.store.tables import Case
from data.store.unit_of_work import Store
from tests.data.store.cases import EAST, EAST_ONE, HEAD, MONDAY, WEST, Clock, put, result, told, user_id

DUE = date(2026, 12, 31)


def start(store: Store, case: Case, *, within: str = EAST, **changes: Any) -> Rectification:
    owner = user_id(store, "handler-east")
    values: dict[str, Any] = {"subcause": "C02.1", "owner_id": owner, "due_on": DUE, "measure": "修订话术"}
    with store.writing() as work:
        new = NewRectification(**(values | changes))
        return work.rectifications.open(case.id, new, actor_id=user_id(store, "supervisor-east"), within=within)


def finish(store: Store, item: Rectification) -> None:
    with store.writing() as work:
        actor = work.users.by_login("supervisor-east", within=ROOT).id
        work.rectifications.finish(item.id, result="已培训全员", actor_id=actor, within=EAST)


def recurrence(store: Store, item: Rectification) -> Recurrence:
    with store.reading() as work:
        return work.rectifications.recurrence(work.rectifications.get(item.id, within=EAST), within=EAST)


def complaints_after(store: Store, item: Rectification) -> Complaints:
    after = recurrence(store, item).after
    assert after is not None
    return after


def test_the_timeline_and_the_audit_log_say_who_mends_what(store: Store) -> None:
    case = put(store)
    item = start(store, case, measure="让王丽（手机13800138000）所遇流程下线")
    assert (item.status, item.unit_id, item.subcause) == ("under_way", "east", "C02.1")
    assert "13800138000" not in item.measure
    finish(store, item)
    with store.reading() as work:
        events = [event.kind for event in work.events.of_case(case.id, within=EAST)]
        audited = [entry.action for entry in work.audit.entries(within=ROOT, subject=case.id)]
        [kept] = work.rectifications.of_case(case.id, within=EAST)
    assert events[-2:] == ["rectification_opened", "rectification_finished"]
    assert audited == ["case.rectification_finished", "case.rectification_opened"], "latest first"
    assert (kept.status, kept.result, kept.ended_at) == ("finished", "已培训全员", MONDAY)


@pytest.mark.parametrize(
    "changes",
    [{"subcause": "C02"}, {"subcause": "C99.9"}, {"due_on": MONDAY.date() - timedelta(days=1)}, {"measure": "  "}],
)
def test_what_makes_no_item(store: Store, changes: dict[str, Any]) -> None:
    with pytest.raises(StoreError) as refused:
        start(store, put(store), **changes)
    assert refused.value.code == "rectification_invalid"


def test_an_owner_works_on_complaints_of_the_callers_units(store: Store) -> None:
    case = put(store)
    with pytest.raises(NotFoundError):
        start(store, case, owner_id=user_id(store, "handler-west"))
    with pytest.raises(StoreError, match="handler or a supervisor"):
        start(store, case, owner_id=user_id(store, "auditor"), within=HEAD)
    with pytest.raises(NotFoundError):
        start(store, case, unit_id="west")


def test_an_ended_item_changes_no_more_until_it_is_resumed(store: Store) -> None:
    item, actor = start(store, put(store)), user_id(store, "supervisor-east")
    finish(store, item)
    with pytest.raises(StoreError) as refused, store.writing() as work:
        work.rectifications.change(item.id, due_on=DUE, actor_id=actor, within=EAST)
    assert refused.value.code == "rectification_ended"
    with store.writing() as work:
        work.rectifications.resume(item.id, actor_id=actor, within=EAST)
        work.rectifications.change(item.id, owner_id=actor, due_on=date(2027, 1, 31), actor_id=actor, within=EAST)
    with pytest.raises(NotAllowedError), store.writing() as work:
        work.rectifications.drop(item.id, reason="", actor_id=actor, within=EAST)
    with store.writing() as work:
        dropped = work.rectifications.drop(item.id, reason="与另一事项重复", actor_id=actor, within=EAST)
    assert (dropped.status, dropped.owner_id, dropped.result) == ("dropped", actor, "与另一事项重复")


def test_nobody_sees_the_items_of_another_branch(store: Store) -> None:
    item, actor = start(store, put(store)), user_id(store, "supervisor-west")
    with store.writing() as work:
        for refused in (
            lambda: work.rectifications.get(item.id, within=WEST),
            lambda: work.rectifications.finish(item.id, result="好", actor_id=actor, within=WEST),
            lambda: work.rectifications.recurrence(item, within=WEST),
        ):
            with pytest.raises(NotFoundError):
                refused()
        assert work.rectifications.listed(RectificationFilter(), within=WEST) == []
        assert [row.id for row in work.rectifications.listed(RectificationFilter(), within=HEAD)] == [item.id]


def test_the_list_is_filtered(store: Store, clock: Clock) -> None:
    first, second = start(store, put(store)), start(store, put(store), subcause="C02.2", due_on=date(2027, 3, 1))
    clock.advance(days=40)
    cases = {
        "subcause": RectificationFilter(subcause="C02.1"),
        "overdue": RectificationFilter(is_overdue=True),
        "status": RectificationFilter(status="under_way", is_overdue=True),
        "owner and unit": RectificationFilter(owner_id=first.owner_id, below=EAST, subcause="C02.1"),
    }
    with store.reading() as work:
        for name, wanted in cases.items():
            assert [row.id for row in work.rectifications.listed(wanted, within=EAST)] == [first.id], name
        assert work.rectifications.listed(RectificationFilter(below=EAST_ONE), within=EAST) == []
        assert work.rectifications.listed(RectificationFilter(), within=EAST)[0].id == second.id


def test_recurrence_counts_the_same_at_the_same_unit_before_and_after(store: Store, clock: Clock) -> None:
    """Six in 60 days before, of which one went up to the head office; afterwards one in 45 days."""
    for days in (60, 50, 40, 30, 20):
        put(store, received_at=MONDAY - timedelta(days=days), unit_id="east-1" if days == 40 else "east")
    put(store, received_at=MONDAY - timedelta(days=25), unit_id="west")
    put(store, received_at=MONDAY - timedelta(days=25), result=result(subcause="C02.2"))
    case = put(store, received_at=MONDAY - timedelta(days=10))
    with store.writing() as work:
        work.cases.hand_over(case.id, unit_id="head", actor_id="x", within=EAST)
    item = start(store, put(store, result=result(subcause="C02.2")))
    found = recurrence(store, item)
    assert (found.before.count, found.before.days, found.after) == (6, 60, None)
    assert found.before.per_30_days == 3
    clock.advance(days=5)
    finish(store, item)
    clock.advance(days=2)
    after = complaints_after(store, item)
    assert (after.count, after.per_30_days) == (0, None), "two days say nothing about a rate"
    put(store, received_at=clock())
    clock.advance(days=43)
    after = complaints_after(store, item)
    assert (after.count, after.days) == (1, 45)
    assert after.per_30_days == pytest.approx(2 / 3)
    clock.advance(days=200)
    assert complaints_after(store, item).days == 90


def test_a_complaint_is_about_the_lowest_unit_that_had_it(store: Store) -> None:
    case, actor = put(store, unit_id="east-1"), user_id(store, "supervisor-east")
    with store.writing() as work:
        work.cases.hand_over(case.id, unit_id="head", actor_id=actor, within=EAST)
        assert work.cases.get(case.id, within=HEAD).concerned_unit_id == "east-1"
        work.cases.hand_over(case.id, unit_id="west", actor_id=actor, within=HEAD)
        assert work.cases.get(case.id, within=HEAD).concerned_unit_id == "west"
        work.undoing.undo(case.id, work.undoing.latest(case.id, user_id=actor).id, user_id=actor, within=HEAD)  # type: ignore[union-attr]
        undone = work.cases.get(case.id, within=HEAD)
    assert (undone.unit_id, undone.concerned_unit_id) == ("head", "east-1")


def test_an_item_outlives_its_case(store: Store) -> None:
    case = put(store)
    item = start(store, case)
    with store.writing() as work:
        work.cases.close(case.id, told(MONDAY), actor_id="x", within=EAST)
    erase(store, case.id, actor_id="x", reason="客户要求删除")
    with store.reading() as work:
        kept = work.rectifications.get(item.id, within=EAST)
    assert (kept.case_id, kept.measure) == (None, "修订话术")
