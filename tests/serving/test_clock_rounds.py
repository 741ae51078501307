"""The rounds that keep due dates right and tell reminders: in one transaction, and nobody's fault stops them."""

import pytest
from sqlalchemy import text

from data.store.clock_records import DueReminder
from data.store.outbox import REMINDER
from data.store.unit_of_work import Store
from serving.clock_rounds import BATCH, look_at_clocks
from tests.data.store.cases import Clock, put


def test_what_is_told_is_committed_with_it(store: Store, clock: Clock) -> None:
    put(store)
    clock.advance(days=16)

    def fail(_work: object, _reminder: DueReminder) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        look_at_clocks(store, fail)
    heard: list[DueReminder] = []
    assert look_at_clocks(store, lambda _, reminder: heard.append(reminder)) == 1
    assert look_at_clocks(store, lambda _, reminder: heard.append(reminder)) == 0
    assert [reminder.stage for reminder in heard] == ["overdue"]


def test_a_reminder_goes_through_the_outbox_once(store: Store, clock: Clock) -> None:
    case = put(store)
    clock.advance(days=16)
    assert [look_at_clocks(store) for _ in range(2)] == [1, 0]
    with store.writing() as work:
        work.outbox.dispatch()
    with store.reading() as work:
        [message] = work.outbox.after(0, [REMINDER], within="/head/east/")
    assert (message.case_id, message.payload) == (
        case.id,
        {
            "case_id": case.id, "unit_id": "east", "assignee_id": None, "clock": "D1", "stage": "overdue",
            "due_at": "2026-12-15T16:00:00+00:00",
        },
    )  # fmt: skip


def test_a_case_that_cannot_be_computed_holds_up_no_other(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = put(store), put(store, "另一件")
    with store.writing() as work:
        work.session.execute(text("UPDATE cases SET policy_version = '0.0.1' WHERE id = :id"), {"id": bad.id})
    clock.advance(days=16)
    heard: list[DueReminder] = []
    look_at_clocks(store, lambda _, reminder: heard.append(reminder))
    assert [reminder.case_id for reminder in heard] == [good.id]
    assert caplog.messages == [f"the clocks of case {bad.id} cannot be computed: policy_invalid"]
    assert look_at_clocks(store) == 0


def test_more_than_a_batch(store: Store, clock: Clock) -> None:
    with store.writing() as work:
        put_many = text(
            "INSERT INTO cases (id, source_system, unit_id, status, received_at, stored_at, month, redacted_text,"
            " order_type, channel, band, priority, queue_rank, policy_version, clock_check_at)"
            " VALUES (:id, 'x', 'east', 'open', :at, :at, '2026-11', '', 'complaint', 'unknown', 'human', 'high', 0,"
            " '1.2.0', :at)"
        )
        work.session.execute(put_many, [{"id": f"c{number}", "at": clock()} for number in range(BATCH + 5)])
    assert look_at_clocks(store) == 0
    with store.reading() as work:
        assert not work.reminders.is_waiting(within="/")
