"""How cases end: nothing late drops out, withdrawals end at once, what was closed can go on."""

from datetime import timedelta
from typing import Any

import pytest

from data.days import china_day
from data.errors import StoreError
from data.quarter import Quarter
from data.store.clock_records import NewClosing, Reopening
from data.store.maintenance import purge
from data.store.scope import ROOT
from data.store.tables import Case
from data.store.unit_of_work import Store
from tests.data.store.cases import EAST, MONDAY, WEST, Clock, label, put, told, user_id
from tests.data.store.test_case_clocks import clocks, due, row


def close(store: Store, case: Case, closing: NewClosing) -> Case:
    with store.writing() as work:
        return work.cases.close(case.id, closing, actor_id="x", within=EAST)


def reopen(store: Store, case: Case, **reopening: Any) -> None:
    with store.writing() as work:
        work.cases.reopen(case.id, Reopening(**reopening), actor_id="x", within=EAST)


def in_time(store: Store, case: Case) -> bool | None:
    with store.reading() as work:
        return work.cases.closings(case.id, within=ROOT)[-1].is_in_time


def test_telling_the_complainant_fulfils_the_limit(store: Store, clock: Clock) -> None:
    case = put(store)
    clock.advance(days=9)
    closing = told(clock(), redress_fen=12_345, satisfaction="satisfied", is_responsible=True)
    close(store, case, closing)
    assert due(store, case) == (None, None)
    found = {clock.code: clock for clock in clocks(store, case).clocks}
    assert (found["D1"].state, found["D1"].is_in_time) == ("ended", True)
    assert found["D7.1"].duty == "complainant", "from now on the complainant may apply for review"
    with store.reading() as work:
        [stored] = work.cases.closings(case.id, within=EAST)
        event = work.events.of_case(case.id, within=EAST)[-1]
        [entry] = work.audit.entries(within=ROOT, subject=case.id)
    assert (stored.outcome, stored.redress_fen, stored.is_in_time) == ("supported", 12_345, True)
    assert event.details == {
        "outcome": "supported", "redress_fen": 12_345, "satisfaction": "satisfied", "is_responsible": True,
        "is_in_time": True,
    }  # fmt: skip
    assert entry.action == "case.closed"


@pytest.mark.parametrize(("hours", "expected"), [(15 * 24 + 13, True), (15 * 24 + 14, False)])
def test_in_time_is_until_the_end_of_the_last_day_in_china(
    store: Store, clock: Clock, hours: int, expected: bool
) -> None:
    """Received at 10:00 in China; the fifteenth day behind it ends 15 days and 14 hours later."""
    case = put(store)
    clock.advance(hours=hours)
    close(store, case, told(clock()))
    assert in_time(store, case) is expected


@pytest.mark.parametrize(
    ("source", "closing", "refused"),
    [
        ("hotline", {}, "D1"),
        ("pboc", {"told_at": MONDAY}, "D12"),
        ("pboc", {"fed_back_at": MONDAY}, "D11"),
        ("pboc", {"told_at": MONDAY, "fed_back_at": MONDAY}, None),
        ("letter_visit", {"outcome": "withdrawn", "withdrawn_at": MONDAY}, "D19.1, D19.2"),
        ("hotline", {"outcome": "withdrawn", "withdrawn_at": MONDAY}, None),
    ],
)
def test_a_case_whose_limit_runs_on_is_not_closed(
    store: Store, clock: Clock, source: str, closing: dict[str, Any], refused: str | None
) -> None:
    case = put(store, source=source)
    clock.advance(hours=2)
    wanted = NewClosing(**({"outcome": "answered"} | closing))
    if refused is None:
        assert close(store, case, wanted).status == "closed"
        return
    with pytest.raises(StoreError, match=f"limits still run: {refused};") as caught:
        close(store, case, wanted)
    assert caught.value.code == "clock_open"
    assert row(store, case).status == "open"
    assert [fact.kind for fact in _facts(store, case)] == ["trigger"], "nothing of it was stored"


def test_a_tickets_date_is_kept_by_the_answer_to_who_sent_it(store: Store, clock: Clock) -> None:
    case = put(store, source="12345", ticket_due_at=MONDAY + timedelta(days=3))
    clock.advance(days=5)
    close(store, case, told(MONDAY + timedelta(days=4), fed_back_at=MONDAY + timedelta(days=2)))
    found = {clock.code: clock.is_in_time for clock in clocks(store, case).clocks if clock.duty == "bank"}
    assert found == {"TICKET": True, "D1": True}


def test_what_is_no_complaint_is_closed_without_telling(store: Store) -> None:
    case = put(store)
    with store.writing() as work:
        supervisor = user_id(store, "supervisor-east")
        work.labels.add(case.id, label(supervisor, order_type="irrelevant", cause=None), within=EAST)
    close(store, case, NewClosing(outcome="no_action"))
    assert in_time(store, case) is None


def test_a_withdrawal_ends_the_limit_on_its_day(store: Store, clock: Clock) -> None:
    case = put(store)
    clock.advance(days=20)
    close(store, case, NewClosing(outcome="withdrawn", withdrawn_at=MONDAY + timedelta(days=10)))
    [d1] = clocks(store, case).clocks
    assert (d1.ended_at, d1.is_in_time) == (MONDAY + timedelta(days=10), True)


@pytest.mark.parametrize(
    "values",
    [
        {"outcome": "redress"},
        {"outcome": "supported", "redress_fen": -1},
        {"outcome": "supported", "satisfaction": "great"},
        {"outcome": "withdrawn"},
        {"outcome": "supported", "withdrawn_at": MONDAY},
    ],
)
def test_a_closing_that_makes_no_sense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(StoreError) as caught:
        NewClosing(**values)
    assert caught.value.code == "closing_invalid"


@pytest.mark.parametrize(
    "values",
    [
        {"reason": "mistake", "at": MONDAY},
        {"reason": "new_facts", "at": MONDAY, "due_at": MONDAY},
        {"reason": "new_facts"},
        {"reason": "trigger", "at": MONDAY},
        {"reason": "new_facts", "at": MONDAY, "trigger": "nfra"},
    ],
)
def test_a_reopening_that_makes_no_sense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(StoreError) as caught:
        Reopening(**values)
    assert caught.value.code == "reopening_invalid"


def test_a_time_that_cannot_be_is_refused(store: Store, clock: Clock) -> None:
    case = put(store)
    for at in (clock() + timedelta(minutes=1), MONDAY - timedelta(minutes=1)):
        with pytest.raises(StoreError) as caught:
            close(store, case, told(at))
        assert caught.value.code == "time_invalid"


def test_a_pause_is_ended_before_closing(store: Store, clock: Clock) -> None:
    case = put(store)
    with store.writing() as work:
        day = china_day(clock())
        work.clocks.begin_pause(case.id, "testing", began_at=clock(), notified_on=day, actor_id="x", within=EAST)
    with pytest.raises(StoreError) as caught:
        close(store, case, told(clock()))
    assert caught.value.code == "pause_open"


def test_a_closing_by_mistake_never_was(store: Store, clock: Clock) -> None:
    """The limit goes on from where it was, and the late end is late."""
    case = put(store)
    clock.advance(days=2)
    close(store, case, told(clock()))
    clock.advance(days=14)
    reopen(store, case, reason="mistake")
    assert due(store, case) == ("D1", "2026-12-15")
    close(store, case, told(clock()))
    assert in_time(store, case) is False
    with store.reading() as work:
        first, second = work.cases.closings(case.id, within=EAST)
    assert (first.reopened_at, second.reopened_at) == (clock(), None)


def test_new_facts_after_the_end_start_a_new_run(store: Store, clock: Clock) -> None:
    case = put(store)
    clock.advance(days=5)
    close(store, case, told(clock()))
    clock.advance(days=30)
    reopen(store, case, reason="new_facts", at=clock())
    assert due(store, case) == ("D1", "2027-01-19")
    clock.advance(days=1)
    close(store, case, told(clock()))
    assert in_time(store, case) is True


def test_a_forward_after_the_end_starts_its_own_clocks(store: Store, clock: Clock) -> None:
    case = put(store)
    close(store, case, told(clock()))
    clock.advance(days=10)
    ticket = clock() + timedelta(days=3)
    reopen(store, case, reason="trigger", trigger="pboc", at=clock(), due_at=ticket)
    assert (row(store, case).due_code, row(store, case).due_at) == ("TICKET", ticket)
    running = [clock.code for clock in clocks(store, case).clocks if clock.is_binding and clock.state != "ended"]
    assert running == ["TICKET", "D11", "D12"]


def test_reports_outlive_the_purge(store: Store, clock: Clock) -> None:
    def ended() -> list[Case]:
        return [put(store, f"第{number}件投诉") for number in range(3)]

    early, late, other = ended()
    close(store, early, told(clock(), redress_fen=5_000, is_responsible=True, satisfaction="neutral"))
    clock.advance(days=16)
    close(store, late, told(clock(), redress_fen=700))
    close(store, other, NewClosing(outcome="withdrawn", withdrawn_at=MONDAY))
    reopened = put(store, "重开的一件")
    close(store, reopened, told(clock()))
    reopen(store, reopened, reason="mistake")
    names = ("cases", "in_time", "late", "satisfied", "rated", "responsible", "redress_fen")

    def figures(within: str) -> list[int]:
        with store.reading() as work:
            found = work.reports.assess_units(Quarter(2026, 4), within=within)[0]
            return [getattr(found, name) for name in names]

    expected = [4, 2, 1, 0, 1, 1, 5_700]
    assert [figures(EAST), figures(WEST)] == [expected, [0] * len(names)]
    clock.advance(days=3 * 366)
    assert purge(store, actor_id="cli") == 3
    assert figures(EAST) == expected


def _facts(store: Store, case: Case) -> Any:
    with store.reading() as work:
        return work.clocks.facts(case.id, within=ROOT)
