"""What happens to a case's clocks is stored, and its row follows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from data.days import CHINA, china_day
from data.errors import NotAllowedError, PolicyError, StoreError
from data.policy.book import PolicyBook
from data.policy.calendar import default_calendar
from data.policy.case_times import CaseTimes
from data.policy.schema import Policy, default_policy
from data.store.clock_records import CaseClocks
from data.store.scope import ROOT
from data.store.tables import Case
from data.store.unit_of_work import Store, UnitOfWork, open_store
from tests.data.policy.cases import changed_policy
from tests.data.store.cases import EAST, MONDAY, Clock, label, masters, put, result, told, user_id


def clocks(store: Store, case: Case) -> CaseClocks:
    with store.reading() as work:
        return work.clocks.of_case(case.id, within=ROOT)


def row(store: Store, case: Case) -> Case:
    with store.reading() as work:
        return work.cases.get(case.id, within=ROOT)


def due(store: Store, case: Case) -> tuple[str | None, str | None]:
    """Code of the deciding clock and its last day in China."""
    found = row(store, case)
    last_day = found.due_at and (found.due_at - timedelta(seconds=1)).astimezone(CHINA).date()
    return found.due_code, last_day and last_day.isoformat()


@pytest.mark.parametrize(
    ("source", "codes", "deciding"),
    [
        ("hotline", ["D1"], ("D1", "2026-12-15")),
        (None, ["D1"], ("D1", "2026-12-15")),
        ("nfra", ["D1"], ("D1", "2026-12-15")),
        ("pboc", ["D11", "D12"], ("D11", "2026-12-15")),
        ("letter_visit", ["D1", "D19.1", "D19.2"], ("D1", "2026-12-15")),
    ],
)
def test_clocks_run_from_intake(store: Store, source: str | None, codes: list[str], deciding: tuple[str, str]) -> None:
    case = put(store, source=source)
    assert [clock.code for clock in clocks(store, case).clocks] == codes
    assert due(store, case) == deciding
    assert row(store, case).policy_version == default_policy().version


def test_a_tickets_own_date_decides_where_it_is_earlier(store: Store, clock: Clock) -> None:
    ticket = datetime(2026, 12, 4, 17, 0, tzinfo=CHINA)
    case = put(store, source="12345", ticket_due_at=ticket)
    assert [clock.code for clock in clocks(store, case).clocks] == ["TICKET", "D1"]
    assert (row(store, case).due_code, row(store, case).due_at) == ("TICKET", ticket)
    clock.advance(days=1)
    with store.writing() as work:
        work.clocks.add_fulfilment(case.id, "TICKET", at=clock(), actor_id="x", within=EAST)
    assert due(store, case) == ("D1", "2026-12-15")


def test_what_happens_moves_the_due_date(store: Store, clock: Clock) -> None:
    """Pause of three days, new facts on the twentieth of a case's fifteen days too late, forward by the regulator."""
    case = put(store)
    clock.advance(days=2)
    with store.writing() as work:
        work.clocks.begin_pause(
            case.id, "appraisal", began_at=clock(), notified_on=china_day(clock()), actor_id="x", within=EAST
        )
    clock.advance(days=3)
    with store.writing() as work:
        work.clocks.end_pause(case.id, ended_at=clock(), actor_id="x", within=EAST)
    assert due(store, case) == ("D1", "2026-12-18")
    clock.advance(days=1)
    with store.writing() as work:
        work.clocks.add_new_facts(case.id, at=clock(), actor_id="x", within=EAST)
    assert due(store, case) == ("D1", "2026-12-21")
    with store.writing() as work:
        work.clocks.add_trigger(
            case.id, "pboc", at=clock(), due_at=clock() + timedelta(days=2), actor_id="x", within=EAST
        )
    assert due(store, case) == ("TICKET", "2026-12-08")
    with store.reading() as work:
        kinds = [event.kind for event in work.events.of_case(case.id, within=ROOT)]
        actions = [entry.action for entry in work.audit.entries(within=ROOT, subject=case.id)]
    assert kinds == ["received", "clock_paused", "clock_resumed", "clock_fact", "clock_fact"]
    assert actions == [f"case.{kind}" for kind in reversed(kinds[1:])]


def test_a_running_pause_moves_the_due_date_day_by_day(store: Store, clock: Clock) -> None:
    case = put(store)
    with store.writing() as work:
        work.clocks.begin_pause(
            case.id, "mediation", began_at=clock(), notified_on=china_day(clock()), actor_id="x", within=EAST
        )
    for day in ("2026-12-15", "2026-12-15", "2026-12-16"):  # the day of receipt did not count anyway
        with store.writing() as work:
            assert work.reminders.take(within=ROOT).reminders == ()
        assert due(store, case) == ("D1", day)
        clock.advance(days=1)
    with store.reading() as work:
        assert work.reminders.is_waiting(within=ROOT)


Change = Callable[[UnitOfWork, str, datetime], object]
WRONG: dict[str, tuple[str, Change]] = {
    "before receipt": (
        "time_invalid",
        lambda work, case, _: work.clocks.add_new_facts(case, at=MONDAY - timedelta(1), actor_id="x", within=EAST),
    ),
    "future": (
        "time_invalid",
        lambda work, case, now: work.clocks.add_fulfilment(
            case, "D1", at=now + timedelta(minutes=1), actor_id="x", within=EAST
        ),
    ),
    "no zone": (
        "time_invalid",
        lambda work, case, now: work.clocks.add_new_facts(case, at=now.replace(tzinfo=None), actor_id="x", within=EAST),
    ),
    "unknown clock": (
        "clock_unknown",
        lambda work, case, now: work.clocks.add_fulfilment(case, "D77", at=now, actor_id="x", within=EAST),
    ),
    "unknown trigger": (
        "clock_unknown",
        lambda work, case, now: work.clocks.add_trigger(case, "fax", at=now, actor_id="x", within=EAST),  # type: ignore[arg-type]
    ),
    "unknown pause": (
        "clock_unknown",
        lambda work, case, now: work.clocks.begin_pause(
            case,
            "holiday",
            began_at=now,
            notified_on=now.date(),
            actor_id="x",
            within=EAST,  # type: ignore[arg-type]
        ),
    ),
    "notice in the future": (
        "time_invalid",
        lambda work, case, now: work.clocks.begin_pause(
            case, "testing", began_at=now, notified_on=(now + timedelta(2)).date(), actor_id="x", within=EAST
        ),
    ),
    "no pause to end": (
        "pause_not_open",
        lambda work, case, now: work.clocks.end_pause(case, ended_at=now, actor_id="x", within=EAST),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_refused(store: Store, clock: Clock, name: str) -> None:
    case = put(store)
    clock.advance(days=1)
    code, change = WRONG[name]
    with pytest.raises(StoreError) as caught, store.writing() as work:
        change(work, case.id, clock())
    assert caught.value.code == code
    assert due(store, case) == ("D1", "2026-12-15")


def test_one_pause_at_a_time(store: Store, clock: Clock) -> None:
    case = put(store)

    def begin() -> None:
        with store.writing() as work:
            day = china_day(clock())
            work.clocks.begin_pause(case.id, "testing", began_at=clock(), notified_on=day, actor_id="x", within=EAST)

    begin()
    with pytest.raises(StoreError) as caught:
        begin()
    assert caught.value.code == "pause_open"


def test_a_closed_case_takes_no_facts(store: Store, clock: Clock) -> None:
    case = put(store)
    with store.writing() as work:
        work.cases.close(case.id, told(clock()), actor_id="x", within=EAST)
    with pytest.raises(StoreError) as caught, store.writing() as work:
        work.clocks.add_new_facts(case.id, at=clock(), actor_id="x", within=EAST)
    assert caught.value.code == "case_closed"


def test_a_wrong_record_is_voided_for_a_reason(store: Store, clock: Clock) -> None:
    case, supervisor = put(store), user_id(store, "supervisor-east")
    clock.advance(days=4)
    with store.writing() as work:
        wrong = work.clocks.add_new_facts(case.id, at=clock(), actor_id="x", within=EAST)
        assert (row_due := work.cases.get(case.id, within=EAST).due_at)
    for user, reason, error in (
        (user_id(store, "handler-east"), "录入错误", NotAllowedError),
        (supervisor, "错", NotAllowedError),
    ):
        with pytest.raises(error), store.writing() as work:
            work.clocks.void(case.id, wrong.id, user_id=user, reason=reason, within=EAST)
    with store.writing() as work:
        work.clocks.void(case.id, wrong.id, user_id=supervisor, reason="录入错误，13812345678", within=EAST)
        assert (after := work.cases.get(case.id, within=EAST).due_at)
        assert row_due - after == timedelta(days=4)
        [entry] = [e for e in work.audit.entries(within=ROOT, subject=case.id) if e.action == "case.clock_fact_voided"]
        assert "13812345678" not in entry.details
        [trigger] = [fact for fact in work.clocks.facts(case.id, within=EAST) if fact.voided_at is None]
    with pytest.raises(StoreError) as caught, store.writing() as work:
        work.clocks.void(case.id, trigger.id, user_id=supervisor, reason="录入错误", within=EAST)
    assert caught.value.code == "fact_needed"


def test_only_a_persons_word_stops_a_clock(store: Store) -> None:
    """A later model that takes the complaint for a question changes nothing; a blind reading neither."""
    case, supervisor = put(store, source="hotline"), user_id(store, "supervisor-east")
    with store.writing() as work:
        work.triage_results.add(case.id, result("b2", order_type="consultation", cause=None), within=EAST)
        work.labels.add(case.id, label(supervisor, order_type="consultation", is_blind=True), within=EAST)
    assert due(store, case) == ("D1", "2026-12-15")
    with store.writing() as work:
        work.labels.add(case.id, label(supervisor, order_type="consultation", cause=None), within=EAST)
    assert due(store, case) == (None, None)
    with store.writing() as work:
        work.labels.add(case.id, label(supervisor), within=EAST)
    assert due(store, case) == ("D1", "2026-12-15"), "back from the day it was received"


def test_rank_and_priority_follow_the_flags(store: Store) -> None:
    case, supervisor = put(store, result=result(flags=())), user_id(store, "supervisor-east")
    assert (row(store, case).queue_rank, row(store, case).priority) == (3, "normal")
    with store.writing() as work:
        work.labels.add(case.id, label(supervisor, flags=("E01", "P02")), within=EAST)
    assert (row(store, case).queue_rank, row(store, case).priority) == (0, "urgent")
    with store.writing() as work:
        work.triage_results.add(case.id, result("b2", flags=()), within=EAST)
    assert row(store, case).queue_rank == 0, "what a person decided stays"


def with_book(store: Store, clock: Clock, *policies: Policy) -> Store:
    """The same database opened with other policies, the last one current."""
    book = PolicyBook(
        current=policies[-1], versions={policy.version: policy for policy in policies}, calendar=default_calendar()
    )
    return open_store(store.engine.url.render_as_string(hide_password=False), masters("2026a"), book=book, now=clock)


def twenty_days(content: Any) -> None:
    content["version"] = "2.0.0"
    content["clocks"][0]["limit"] = 20


def test_a_case_keeps_the_policy_it_was_opened_with(store: Store, clock: Clock) -> None:
    old, supervisor = put(store), user_id(store, "supervisor-east")
    new_policy = changed_policy(twenty_days)
    later = with_book(store, clock, default_policy(), new_policy)
    new = put(later, "又一件", result=result(policy="2.0.0"))
    with later.writing() as work:
        work.labels.add(old.id, label(supervisor), within=EAST)
    assert due(later, old) == ("D1", "2026-12-15")
    assert due(later, new) == ("D1", "2026-12-20")
    later.close()
    with pytest.raises(PolicyError, match=r"open cases were opened with policy 1\.2\.0, found 2\.0\.0"):
        with_book(store, clock, new_policy)


def test_a_policy_that_changed_under_its_number_is_refused(store: Store, clock: Clock) -> None:
    def longer(content: Any) -> None:
        content["clocks"][0]["limit"] = 20

    with pytest.raises(PolicyError, match=r"policy 1\.2\.0 is not what this store was opened with before"):
        with_book(store, clock, changed_policy(longer))


def test_an_answer_of_an_unknown_policy_is_not_stored(store: Store) -> None:
    with pytest.raises(PolicyError):
        put(store, result=result(policy="9.9.9"))
    with store.reading() as work:
        assert work.session.scalar(select(func.count()).select_from(Case)) == 0


def test_the_clocks_of_a_moment_are_rebuilt_from_the_store(store: Store, clock: Clock) -> None:
    case = put(store, ticket_due_at=MONDAY + timedelta(days=9), source="nfra")
    found = clocks(store, case)
    assert isinstance(found.times, CaseTimes)
    [trigger] = found.times.triggers
    assert (trigger.kind, trigger.at, trigger.due) == ("nfra", MONDAY, MONDAY + timedelta(days=9))


def test_a_watch_that_is_fast_loses_no_limit(store: Store, clock: Clock) -> None:
    """The hotline says it was received in two minutes."""
    case = put(store, received_at=clock() + timedelta(minutes=2))
    assert due(store, case) == (None, None)
    clock.advance(minutes=3)
    with store.writing() as work:
        work.reminders.take(within=ROOT)
    assert due(store, case) == ("D1", "2026-12-15")
