"""Somebody is reminded once for each stage of a limit, whatever else happens and however many workers there are."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.days import china_day
from data.errors import XiaobaoError
from data.policy.clocks import deciding_clock
from data.store.clock_records import DueReminder, Reopening
from data.store.scope import ROOT
from data.store.tables import Case
from data.store.unit_of_work import Store
from tests.data.store.cases import EAST, MONDAY, WEST, Clock, label, put, told, user_id
from tests.data.store.test_case_clocks import row
from tests.data.store.test_confirmations import look
from tests.data.store.test_extensions import ask


def take(store: Store, **options: Any) -> list[tuple[str, str]]:
    with store.writing() as work:
        return [(reminder.code, reminder.stage) for reminder in work.reminders.take(within=ROOT, **options).reminders]


def test_each_stage_once_in_its_time(store: Store, clock: Clock) -> None:
    case = put(store)
    found = {}
    for day in range(20):
        for _ in range(3):
            for _, stage in take(store):
                found[day, stage] = found.get((day, stage), 0) + 1
        clock.advance(days=1)
    assert found == {(8, "half_time"): 1, (12, "three_days"): 1, (14, "one_day"): 1, (16, "overdue"): 1}
    with store.reading() as work:
        assert [reminder.stage for reminder in work.reminders.of_case(case.id, within=EAST)] == [s for _, s in found]
        events = [event for event in work.events.of_case(case.id, within=EAST) if event.kind == "reminded"]
    assert [event.details["stage"] for event in events] == [stage for _, stage in found]


def test_a_reminder_says_who_and_when_and_nothing_of_the_text(store: Store, clock: Clock) -> None:
    case, handler = put(store), user_id(store, "handler-east")
    with store.writing() as work:
        work.assignments.assign(case.id, user_id=handler, actor_id="x", within=EAST)
    clock.advance(days=16)
    with store.writing() as work:
        [reminder] = work.reminders.take(within=ROOT).reminders
    assert reminder == DueReminder(
        case_id=case.id, unit_id="east", assignee_id=handler, code="D1", name="作出处理决定并告知投诉人",
        stage="overdue", due_at=MONDAY.replace(hour=16, day=15, month=12),
    )  # fmt: skip


def test_after_a_standstill_only_the_present_stage(store: Store, clock: Clock) -> None:
    put(store)
    clock.advance(days=13)
    assert take(store) == [("D1", "three_days")]


def test_an_urgent_ticket_is_told_at_once(store: Store) -> None:
    put(store, source="12345", ticket_due_at=MONDAY + timedelta(hours=5))
    assert take(store) == [("TICKET", "one_day")]


def test_a_new_due_date_is_told_anew(store: Store, clock: Clock) -> None:
    case = put(store)
    clock.advance(days=12)
    assert take(store) == [("D1", "three_days")]
    extension = ask(store, case.id)
    with store.writing() as work:
        supervisor = user_id(store, "supervisor-east")
        work.extensions.approve(case.id, extension, user_id=supervisor, notified_on=china_day(clock()), within=EAST)
    assert take(store) == []
    clock.advance(days=15)
    assert take(store) == [("D1", "three_days")]


def test_a_paused_or_closed_case_reminds_nobody(store: Store, clock: Clock) -> None:
    paused, closed = put(store), put(store, "另一件")
    clock.advance(days=2)
    with store.writing() as work:
        day = china_day(clock())
        work.clocks.begin_pause(paused.id, "testing", began_at=clock(), notified_on=day, actor_id="x", within=EAST)
        work.cases.close(closed.id, told(clock()), actor_id="x", within=EAST)
    for _ in range(30):
        assert take(store) == []
        clock.advance(days=1)


def test_the_same_stage_is_not_told_again_by_another_change(store: Store, clock: Clock) -> None:
    case = put(store)
    clock.advance(days=9)
    assert take(store) == [("D1", "half_time")]
    with store.writing() as work:
        work.labels.add(case.id, label(user_id(store, "supervisor-east")), within=EAST)
    assert take(store) == []


def test_many_cases_in_batches_and_only_of_the_own_part(store: Store, clock: Clock) -> None:
    for number in range(7):
        put(store, f"第{number}件", unit_id="west" if number == 0 else "east")
    clock.advance(days=16)
    with store.writing() as work:
        assert len(work.reminders.take(within=WEST).reminders) == 1
    assert [len(take(store, limit=4)) for _ in range(3)] == [4, 2, 0]


def test_two_workers_share_the_cases(store: Store, clock: Clock) -> None:
    """PostgreSQL: what one has locked the other skips. SQLite has one writer at a time anyhow."""
    for number in range(4):
        put(store, f"第{number}件")
    clock.advance(days=16)
    if store.engine.dialect.name == "sqlite":
        pytest.skip("one writer")
    with store.writing() as first, store.writing() as second:
        here = first.reminders.take(within=ROOT, limit=2).reminders
        there = second.reminders.take(within=ROOT, limit=4).reminders
    assert len({reminder.case_id for reminder in (*here, *there)}) == len(here) + len(there) == 4
    assert take(store) == []


ACTIONS = (
    "new_facts", "pause", "resume", "forward", "extend", "fulfil", "close", "withdraw", "mistake", "reopen", "label",
    "relabel", "wait",
)  # fmt: skip
REFUSALS = {
    "case_closed", "case_open", "clock_open", "pause_open", "pause_not_open", "extension_pending",
    "extension_too_late", "extension_without_clock", "extension_beyond_cap", "extension_decided",
}  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    source=st.sampled_from([None, "nfra", "pboc", "letter_visit"]),
    ticket_days=st.one_of(st.none(), st.integers(1, 20)),
    story=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 9 * 24)), max_size=9),
)
def test_whatever_happens_the_row_tells_the_deciding_clock(
    store: Store, clock: Clock, source: str | None, ticket_days: int | None, story: list[tuple[str, int]]
) -> None:
    """At every moment after a look: the same as computed anew from the facts; nothing late drops out by closing."""
    received_at = clock()
    ticket = received_at + timedelta(days=ticket_days) if ticket_days else None
    case = put(store, source=source, received_at=received_at, ticket_due_at=ticket)
    for action, hours in story:
        try:
            _do(store, case, action, clock())
        except XiaobaoError as error:
            if error.code not in REFUSALS:
                raise
        _agrees(store, case)
        clock.advance(hours=hours)
        look(store)
        _agrees(store, case)
    with store.reading() as work:
        reminders = work.reminders.of_case(case.id, within=ROOT)
    assert len({(reminder.code, reminder.due_at, reminder.stage) for reminder in reminders}) == len(reminders)


def _agrees(store: Store, case: Case) -> None:
    found = row(store, case)
    with store.reading() as work:
        clocks = work.clocks.of_case(case.id, within=ROOT).clocks
    deciding = deciding_clock(clocks)
    if found.status == "closed":
        assert deciding is None
    expected = (deciding.code, deciding.due_at) if deciding else (None, None)
    assert (found.due_code, found.due_at) == expected


def _do(store: Store, case: Case, action: str, now: datetime) -> None:
    at: dict[str, Any] = {"actor_id": "x", "within": EAST}
    supervisor = user_id(store, "supervisor-east")
    if action == "extend":
        extension = ask(store, case.id)
    with store.writing() as work:
        if action == "new_facts":
            work.clocks.add_new_facts(case.id, at=now, **at)
        elif action == "pause":
            work.clocks.begin_pause(case.id, "mediation", began_at=now, notified_on=china_day(now), **at)
        elif action == "resume":
            work.clocks.end_pause(case.id, ended_at=now, **at)
        elif action == "forward":
            work.clocks.add_trigger(case.id, "pboc", at=now, due_at=now + timedelta(days=4), **at)
        elif action == "extend":
            today = china_day(now)
            work.extensions.approve(case.id, extension, user_id=supervisor, notified_on=today, within=EAST)
        elif action == "fulfil":
            work.clocks.add_fulfilment(case.id, "D1", at=now, **at)
        elif action == "close":
            work.cases.close(case.id, told(now, fed_back_at=now), **at)
        elif action == "withdraw":
            work.cases.close(case.id, told(now, outcome="withdrawn", withdrawn_at=now), **at)
        elif action == "mistake":
            work.cases.reopen(case.id, Reopening(reason="mistake"), **at)
        elif action == "reopen":
            work.cases.reopen(case.id, Reopening(reason="new_facts", at=now), **at)
        elif action in ("label", "relabel"):
            order_type = "complaint" if action == "label" else "consultation"
            work.labels.add(case.id, label(supervisor, order_type=order_type), within=EAST)
