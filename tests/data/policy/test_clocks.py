"""Every clock by example. Dates were counted by hand on a calendar, days are days in China."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from data.errors import ClockError
from data.policy.calendar import Calendar, default_calendar
from data.policy.case_times import Pause, Trigger
from data.policy.clocks import check_extension, clocks_of, deciding_clock, phone_notice_made
from data.policy.schema import Policy, TriggerKind, default_policy
from tests.data.policy.cases import at, case, changed_policy, clocks, day, done, extension, pause, special

POLICY = default_policy()
CALENDAR = default_calendar()


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("own", {"D1"}),
        ("nfra", {"D1"}),
        ("hotline_12345", {"D1"}),
        ("court_mediation", {"D1"}),
        ("media", {"D1"}),
        ("petition", {"D1", "D19.1", "D19.2"}),
        ("pboc", {"D11", "D12"}),
        ("credit_objection", {"D17"}),
        ("outcome_told", {"D7.1"}),
        ("review_applied", {"D7.2"}),
        ("petition_review_applied", {"D19.4"}),
        ("nfra_received", {"D9"}),
        ("pboc_received", {"D10"}),
        ("credit_regulator_received", {"D18"}),
        ("consumer_authority_received", {"D20"}),
    ],
)
def test_which_clocks_a_case_has(kind: TriggerKind, codes: set[str]) -> None:
    assert clocks(case((kind, "2026-03-01")), "2026-03-02").keys() == codes


@pytest.mark.parametrize(
    ("code", "kind", "received", "due"),
    [
        ("D1", "own", "2026-03-01", "2026-03-16"),
        ("D1", "own", "2026-01-31", "2026-02-15"),  # month's end
        ("D1", "own", "2024-02-14", "2024-02-29"),  # leap day
        ("D1", "own", "2024-02-15", "2024-03-01"),
        ("D1", "own", "2026-02-14", "2026-03-01"),  # no leap day
        ("D1", "own", "2025-12-20", "2026-01-04"),  # year's end
        ("D1", "own", "2026-12-31", "2027-01-15"),  # calendar days need no holiday table
        ("D1", "own", "2026-02-08", "2026-02-23"),  # last day of 春节: no roll
        ("D1", "own", "2026-03-01 00:00", "2026-03-16"),
        ("D1", "own", "2026-03-01 23:59", "2026-03-16"),
        ("D7.1", "outcome_told", "2026-01-31", "2026-03-02"),
        ("D7.2", "review_applied", "2024-01-31", "2024-03-01"),
        ("D9", "nfra_received", "2026-02-12", "2026-02-28"),  # over 春节
        ("D10", "pboc_received", "2024-09-29", "2024-10-14"),  # over 国庆
        ("D10", "pboc_received", "2025-12-25", "2026-01-06"),
        ("D11", "pboc", "2025-12-31", "2026-01-15"),
        ("D12", "pboc", "2025-12-31", "2026-01-15"),
        ("D17", "credit_objection", "2024-02-10", "2024-03-01"),
        ("D18", "credit_regulator_received", "2026-11-30", "2026-12-30"),
        ("D19.1", "petition", "2026-04-30", "2026-05-15"),
        ("D19.2", "petition", "2025-12-31", "2026-03-01"),
        ("D19.4", "petition_review_applied", "2026-06-30", "2026-07-30"),
        ("D20", "consumer_authority_received", "2026-04-29", "2026-05-12"),  # over 劳动节, Saturday 9 May worked
    ],
)
def test_due_dates(code: str, kind: TriggerKind, received: str, due: str) -> None:
    clock = clocks(case((kind, received)), received)[code]
    assert clock.due_on == clock.plain_due_on == day(due)
    assert clock.rolled_due_on is None
    assert clock.due_at == at(f"{due} 00:00") + timedelta(days=1)


def test_a_moment_counts_on_its_day_in_china() -> None:
    """16:30 in Greenwich is half past midnight in Shanghai."""
    received = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
    [clock] = clocks(case(Trigger(kind="own", at=received)), "2026-03-05").values()
    assert clock.due_on == date(2026, 3, 17)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ClockError, match="without a time zone") as raised:
        Trigger(kind="own", at=datetime(2026, 3, 1))
    assert raised.value.code == "time_zone_missing"
    with pytest.raises(ClockError, match="without a time zone"):
        clocks_of(case(("own", "2026-03-01")), policy=POLICY, calendar=CALENDAR, now=datetime(2026, 3, 2))


@pytest.mark.parametrize(
    ("now", "state", "left"),
    [
        ("2026-03-01", "running", 15),
        ("2026-03-08 23:59", "running", 8),
        ("2026-03-09 00:00", "half_time", 7),
        ("2026-03-12 23:59", "half_time", 4),
        ("2026-03-13 00:00", "three_days", 3),
        ("2026-03-14 23:59", "three_days", 2),
        ("2026-03-15 00:00", "one_day", 1),
        ("2026-03-16 23:59", "one_day", 0),
        ("2026-03-17 00:00", "overdue", 0),
        ("2027-03-17 00:00", "overdue", 0),
    ],
)
def test_states_of_a_running_clock(now: str, state: str, left: int) -> None:
    clock = clocks(case(("own", "2026-03-01")), now)["D1"]
    assert (clock.state, clock.days_left) == (state, left)


def test_days_left_of_a_working_day_clock_are_working_days() -> None:
    """12 February: 13, Saturday 14, then 24 to 28 behind 春节."""
    clock = clocks(case(("nfra_received", "2026-02-12")), "2026-02-15")["D9"]
    assert (clock.days_left, clock.state) == (5, "running")
    assert clocks(case(("nfra_received", "2026-02-12")), "2026-02-27")["D9"].state == "one_day"


@pytest.mark.parametrize(("told", "is_in_time"), [("2026-03-16 23:59", True), ("2026-03-17 00:00", False)])
def test_a_duty_that_is_done_ends_its_clock(told: str, is_in_time: bool) -> None:
    clock = clocks(case(("own", "2026-03-01"), fulfilments=[done("D1", told)]), "2026-05-01")["D1"]
    assert (clock.state, clock.is_in_time, clock.days_left) == ("ended", is_in_time, None)
    assert clock.ended_at == at(told)


def test_what_happens_later_is_not_looked_at() -> None:
    times = case(
        ("own", "2026-03-01"),
        ("nfra", "2026-03-20"),
        pauses=[pause("2026-03-20", "2026-03-25")],
        extensions=[extension("D2", 30, "2026-03-14")],
        fulfilments=[done("D1", "2026-03-30")],
        withdrawn_at=[at("2026-03-29")],
        new_facts_at=[at("2026-03-19")],
    )
    assert clocks(times, "2026-03-10") == clocks(case(("own", "2026-03-01")), "2026-03-10")
    assert clocks(times, "2026-02-27") == {}


# Counting switches


def _counting(**changes: object) -> Policy:
    return changed_policy(lambda content: content["counting"].update(changes))


def test_the_first_day_may_count() -> None:
    policy = _counting(first_day_excluded=False)
    assert clocks(case(("own", "2026-03-01")), "2026-03-01", policy)["D1"].due_on == day("2026-03-15")
    on_a_sunday = clocks(case(("nfra_received", "2026-03-01")), "2026-03-01", policy)["D9"]
    assert on_a_sunday.due_on == day("2026-03-10")


@pytest.mark.parametrize(
    ("received", "plain", "rolled"),
    [
        ("2026-02-08", "2026-02-23", "2026-02-24"),  # 春节
        ("2026-03-01", "2026-03-16", "2026-03-16"),  # a Monday
        ("2026-09-16", "2026-10-01", "2026-10-08"),  # 国庆
        ("2026-04-24", "2026-05-09", "2026-05-09"),  # a Saturday that is worked
    ],
)
def test_rolling_shows_both_dates(received: str, plain: str, rolled: str) -> None:
    clock = clocks(case(("own", received)), received, _counting(roll_over_rest_days=True))["D1"]
    assert (clock.plain_due_on, clock.rolled_due_on, clock.due_on) == (day(plain), day(rolled), day(rolled))
    assert clock.due_at == at(f"{rolled} 00:00") + timedelta(days=1)


def test_rolling_without_a_table_keeps_the_plain_date_and_says_so() -> None:
    clock = clocks(case(("own", "2026-12-20")), "2026-12-21", _counting(roll_over_rest_days=True))["D1"]
    assert (clock.due_on, clock.rolled_due_on) == (day("2027-01-04"), None)
    assert clock.problem is not None
    assert "2027" in clock.problem.message_zh


def test_working_days_of_a_year_without_a_table_are_unknown_not_guessed() -> None:
    times = case(("nfra_received", "2026-12-25"), ("own", "2026-12-26"))
    found = clocks(times, "2026-12-28")
    clock = found["D9"]
    assert (clock.state, clock.due_at, clock.due_on, clock.days_left) == ("unknown", None, None, None)
    assert clock.problem is not None
    assert clock.problem.code == "holidays_missing"
    assert list(found) == ["D1", "D9"]
    ended = clocks(case(("nfra_received", "2026-12-25"), fulfilments=[done("D9", "2026-12-28")]), "2026-12-29")["D9"]
    assert (ended.state, ended.is_in_time) == ("ended", None)


# Pauses


@pytest.mark.parametrize(
    ("pauses", "due"),
    [
        ([("2026-03-05", "2026-03-12")], "2026-03-23"),
        ([("2026-03-05", "2026-03-05 18:00")], "2026-03-16"),  # one day alone: nothing
        ([("2026-03-05", "2026-03-12"), ("2026-03-08", "2026-03-14")], "2026-03-25"),  # overlap counts once
        ([("2026-03-05", "2026-03-12"), ("2026-03-20", "2026-03-22")], "2026-03-25"),
        ([("2026-03-16", "2026-03-20")], "2026-03-20"),  # begun on the last day, still in time
        ([("2026-03-17", "2026-03-30")], "2026-03-16"),  # begun too late
        ([("2026-02-20", "2026-03-03")], "2026-03-17"),  # begun before receipt
        ([("2026-03-10", "2026-04-10")], "2026-04-16"),  # over the month's end
    ],
)
def test_outside_appraisal_does_not_count(pauses: list[tuple[str, str]], due: str) -> None:
    times = case(("own", "2026-03-01"), pauses=[pause(*item) for item in pauses])
    assert clocks(times, "2026-05-01")["D1"].due_on == day(due)


@pytest.mark.parametrize(
    ("now", "state", "due"),
    [
        ("2026-03-04", "running", "2026-03-16"),
        ("2026-03-05", "paused", "2026-03-16"),
        ("2026-03-08", "paused", "2026-03-19"),
        ("2026-04-30", "paused", "2026-05-11"),
    ],
)
def test_a_pause_that_runs_moves_the_date_day_by_day(now: str, state: str, due: str) -> None:
    clock = clocks(case(("own", "2026-03-01"), pauses=[pause("2026-03-05 11:00")]), now)["D1"]
    assert (clock.state, clock.due_on) == (state, day(due))


def test_a_pause_does_not_hide_that_a_clock_had_run_out() -> None:
    assert clocks(case(("own", "2026-03-01"), pauses=[pause("2026-03-20")]), "2026-03-25")["D1"].state == "overdue"


def test_pauses_hold_only_the_clocks_the_policy_names() -> None:
    times = case(("petition", "2026-03-01"), pauses=[pause("2026-03-05", "2026-03-12")])
    found = clocks(times, "2026-03-06")
    assert (found["D1"].state, found["D19.1"].state) == ("paused", "running")
    assert clocks(times, "2026-03-20")["D19.1"].due_on == day("2026-03-16")


def test_a_pause_cannot_end_before_it_begins() -> None:
    with pytest.raises(ClockError, match="before it begins"):
        Pause(kind="testing", began_at=at("2026-03-05"), ended_at=at("2026-03-04"), notified_on=day("2026-03-05"))


# New facts, withdrawal, coming back


@pytest.mark.parametrize(
    ("new_facts", "more", "due", "started"),
    [
        (["2026-03-10"], {}, "2026-03-25", "2026-03-10"),
        (["2026-03-10", "2026-03-12"], {}, "2026-03-27", "2026-03-12"),
        (["2026-03-16 23:00"], {}, "2026-03-31", "2026-03-16 23:00"),
        (["2026-03-17 00:00"], {}, "2026-03-16", "2026-03-01"),  # run out: stays overdue
        (["2026-02-20"], {}, "2026-03-16", "2026-03-01"),  # before the complaint
        # An extension granted before is not lost.
        (["2026-03-10"], {"extensions": [extension("D2", 30, "2026-03-05")]}, "2026-03-31", "2026-03-10"),
        (["2026-03-10"], {"extensions": [extension("D2", 30, "2026-03-12")]}, "2026-04-09", "2026-03-10"),
        # Decided, then new facts: a new run with a limit of its own.
        (["2026-03-20"], {"fulfilments": [done("D1", "2026-03-05")]}, "2026-04-04", "2026-03-20"),
        (["2026-03-10"], {"pauses": [pause("2026-03-05", "2026-03-15")]}, "2026-03-29", "2026-03-10"),
    ],
)
def test_new_facts(new_facts: list[str], more: dict[str, Any], due: str, started: str) -> None:
    times = case(("own", "2026-03-01"), new_facts_at=[at(text) for text in new_facts], **more)
    clock = clocks(times, "2026-03-21")["D1"]
    assert (clock.due_on, clock.started_at) == (day(due), at(started))


def test_new_facts_restart_only_the_clocks_the_policy_names() -> None:
    found = clocks(case(("pboc", "2026-03-01"), new_facts_at=[at("2026-03-10")]), "2026-03-11")
    assert found["D11"].due_on == day("2026-03-16")


def test_withdrawal_ends_the_banks_procedure_but_not_an_answer_an_authority_waits_for() -> None:
    times = case(("own", "2026-03-01"), ("pboc", "2026-03-02"), withdrawn_at=[at("2026-03-05 09:00")])
    found = clocks(times, "2026-03-06")
    assert (found["D1"].state, found["D1"].ended_at, found["D1"].is_in_time) == ("ended", at("2026-03-05 09:00"), True)
    assert found["D11"].state == "running"


def test_a_case_that_comes_back_runs_anew() -> None:
    """Decided, then forwarded by the regulator; without the decision the first receipt holds."""
    back = ("own", "2026-03-01"), ("nfra", "2026-03-20")
    assert clocks(case(*back, fulfilments=[done("D1", "2026-03-05")]), "2026-03-21")["D1"].due_on == day("2026-04-04")
    assert clocks(case(*back), "2026-03-21")["D1"].state == "overdue"


# Extensions


def test_extensions_add_up_to_the_cap() -> None:
    first, second = extension("D2", 30, "2026-03-10"), special(60, "2026-03-25")
    for now, due, total in [
        ("2026-03-09", "2026-03-16", 15),
        ("2026-03-11", "2026-03-31", 30),
        ("2026-03-26", "2026-04-30", 60),
    ]:
        clock = clocks(case(("own", "2026-03-01"), extensions=[second, first]), now)["D1"]
        assert (clock.due_on, clock.total, clock.refused) == (day(due), total, ())


def test_an_extension_counts_once_the_complainant_was_told() -> None:
    times = case(("own", "2026-03-01"), extensions=[extension("D2", 30, "2026-03-10", notified_on=day("2026-03-14"))])
    assert clocks(times, "2026-03-13")["D1"].total == 15
    assert clocks(times, "2026-03-14")["D1"].total == 30


def test_pauses_and_extension_together() -> None:
    times = case(
        ("own", "2026-03-01"), extensions=[special(60, "2026-03-10")], pauses=[pause("2026-03-05", "2026-03-15")]
    )
    assert clocks(times, "2026-04-01")["D1"].due_on == day("2026-05-10")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (extension("D2", 30, "2026-03-10", approver_role="handler"), "extension_wrong_approver"),
        (extension("D3", 60, "2026-03-10", reason="情况特别复杂"), "extension_wrong_approver"),
        (extension("D2", 30, "2026-03-10", reason="人手不足"), "extension_wrong_reason"),
        (extension("D2", 31, "2026-03-10"), "extension_beyond_cap"),
        (special(61, "2026-03-10"), "extension_beyond_cap"),
        (extension("D2", -5, "2026-03-10"), "extension_beyond_cap"),
        (extension("D2", 30, "2026-03-17 00:00"), "extension_too_late"),
        (extension("D2", 30, "2026-03-10", notified_on=day("2026-03-17")), "extension_not_told"),
        (extension("D2", 30, "2026-03-10", notified_on=day("2026-03-09")), "extension_not_told"),
    ],
)
def test_an_extension_that_breaks_the_policy_does_not_count(given: Any, code: str) -> None:
    times = case(("own", "2026-03-01"))
    with pytest.raises(ClockError) as raised:
        check_extension(given, times=times, policy=POLICY, calendar=CALENDAR)
    assert raised.value.code == code
    assert _is_chinese(raised.value.message_zh)
    clock = clocks(case(("own", "2026-03-01"), extensions=[given]), "2026-04-01")["D1"]
    assert (clock.due_on, clock.total) == (day("2026-03-16"), 15)
    assert [refused.code for refused in clock.refused] == [code]


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


@pytest.mark.parametrize("field", ["approver", "approver_role", "reason"])
def test_an_extension_needs_approver_role_and_reason(field: str) -> None:
    with pytest.raises(ClockError, match=rf"lacks {field}"):
        extension("D2", 30, "2026-03-10", **{field: " "})


@pytest.mark.parametrize(
    ("times", "given", "code"),
    [
        (case(("own", "2026-03-01")), extension("D99", 30, "2026-03-10"), "extension_unknown"),
        (case(("own", "2026-03-01")), extension("D2", 30, "2026-02-10"), "extension_without_clock"),
        (case(("pboc", "2026-03-01")), extension("D2", 30, "2026-03-10"), "extension_without_clock"),
        (
            case(("own", "2026-03-01"), fulfilments=[done("D1", "2026-03-05")]),
            extension("D2", 30, "2026-03-10"),
            "extension_without_clock",
        ),
    ],
)
def test_only_a_running_clock_can_be_extended(times: Any, given: Any, code: str) -> None:
    with pytest.raises(ClockError) as raised:
        check_extension(given, times=times, policy=POLICY, calendar=CALENDAR)
    assert raised.value.code == code


def test_a_right_extension_may_be_recorded() -> None:
    check_extension(
        extension("D2", 30, "2026-03-16 23:59"), times=case(("own", "2026-03-01")), policy=POLICY, calendar=CALENDAR
    )


def test_feedback_to_the_pboc_follows_the_answer() -> None:
    more_time = extension("D11.1", 60, "2026-03-10", approver_role="complaints_head")
    times = case(("pboc", "2026-03-01"), extensions=[more_time], fulfilments=[done("D11", "2026-03-20")])
    found = clocks(times, "2026-03-21")
    assert (found["D11"].state, found["D11"].due_on) == ("ended", day("2026-04-30"))
    assert (found["D12"].state, found["D12"].due_on) == ("running", day("2026-04-30"))


def test_a_petition_may_be_extended_to_ninety_days() -> None:
    more_time = extension("D19.3", 90, "2026-04-20", approver_role="unit_head")
    found = clocks(case(("petition", "2026-03-01"), extensions=[more_time]), "2026-05-01")
    assert found["D19.2"].due_on == day("2026-05-30")


# What decides


def _first(times: Any, now: str, confirmed: frozenset[str] = frozenset()) -> str | None:
    clock = deciding_clock(tuple(clocks(times, now, confirmed=confirmed).values()))
    return clock.code if clock else None


@pytest.mark.parametrize(
    ("due", "now", "state", "left"),
    [
        (date(2026, 3, 5), "2026-03-02", "three_days", 3),
        (date(2026, 3, 5), "2026-03-05 23:59", "one_day", 0),
        (date(2026, 3, 5), "2026-03-06 00:00", "overdue", 0),
        (at("2026-03-05 17:00"), "2026-03-05 16:59", "one_day", 0),
        (at("2026-03-05 17:00"), "2026-03-05 17:00", "overdue", 0),
    ],
)
def test_a_tickets_own_due_date(due: Any, now: str, state: str, left: int) -> None:
    times = case(Trigger(kind="hotline_12345", at=at("2026-03-01"), due=due))
    clock = clocks(times, now)["TICKET"]
    assert (clock.state, clock.days_left, clock.due_on) == (state, left, day("2026-03-05"))
    assert _first(times, now) == "TICKET"


def test_the_earliest_limit_that_is_not_done_decides() -> None:
    ticket = Trigger(kind="hotline_12345", at=at("2026-03-03"), due=date(2026, 3, 6))
    first = ("own", "2026-03-01")
    assert _first(case(first, ticket), "2026-03-04") == "TICKET"
    assert _first(case(first, ticket, fulfilments=[done("TICKET", "2026-03-05")]), "2026-03-05") == "D1"
    every = [done("TICKET", "2026-03-05"), done("D1", "2026-03-05")]
    assert _first(case(first, ticket, fulfilments=every), "2026-03-05") is None


def test_limits_of_others_and_unconfirmed_rows_never_decide() -> None:
    times = case(("nfra_received", "2026-03-01"), ("outcome_told", "2026-03-01"), ("review_applied", "2026-03-01"))
    assert _first(times, "2026-03-02") is None
    assert {clock.is_binding for clock in clocks(times, "2026-05-02").values()} == {False}
    every = POLICY.unconfirmed
    assert _first(times, "2026-03-02", every) == "D7.2"
    binding = {code for code, clock in clocks(times, "2026-05-02", confirmed=every).items() if clock.is_binding}
    assert binding == {"D7.2"}


def test_three_calls_are_notice_only_when_confirmed() -> None:
    assert not phone_notice_made(3, policy=POLICY)
    assert phone_notice_made(3, policy=POLICY, confirmed=frozenset({"D8"}))
    assert not phone_notice_made(2, policy=POLICY, confirmed=frozenset({"D8"}))


def test_a_case_keeps_the_policy_it_was_opened_with() -> None:
    def shorter(content: Any) -> None:
        content["version"] = "1.3.0"
        content["clocks"][0]["limit"] = 10

    new = changed_policy(shorter)
    old_case = case(("own", "2026-03-01"))
    with pytest.raises(ClockError, match=r"opened with policy 1\.2\.0, found 1\.3\.0") as raised:
        clocks(old_case, "2026-03-02", new)
    assert raised.value.code == "policy_version_differs"
    assert clocks(old_case, "2026-03-02")["D1"].due_on == day("2026-03-16")
    assert clocks(case(("own", "2026-03-01"), policy_version="1.3.0"), "2026-03-02", new)["D1"].due_on == day(
        "2026-03-11"
    )


# A bank's own row in hours


def _with_first_contact(content: Any) -> None:
    content["clocks"].append(
        {
            "code": "OWN1",
            "name": "首次联系",
            "duty": "bank",
            "triggers": ["own"],
            "limit": 240,
            "unit": "hours",
            "source": "own",
            "confidence": "A",
        }
    )


@pytest.mark.parametrize(
    ("now", "state", "left"),
    [
        ("2026-02-27 12:00", "running", 10),
        ("2026-03-04 11:59", "running", 5),
        ("2026-03-04 12:00", "half_time", 5),
        ("2026-03-06 12:00", "three_days", 3),
        ("2026-03-08 12:00", "one_day", 1),
        ("2026-03-09 11:59", "one_day", 0),
        ("2026-03-09 12:00", "overdue", 0),
    ],
)
def test_hours_run_to_the_minute(now: str, state: str, left: int) -> None:
    clock = clocks(case(("own", "2026-02-27 12:00")), now, changed_policy(_with_first_contact))["OWN1"]
    assert (clock.due_at, clock.due_on) == (at("2026-03-09 12:00"), day("2026-03-09"))
    assert (clock.state, clock.days_left) == (state, left)


def test_an_empty_calendar_hurts_no_calendar_days() -> None:
    nothing = Calendar(years=frozenset(), days_off=frozenset(), extra_workdays=frozenset())
    found = clocks(case(("own", "2026-03-01"), ("nfra_received", "2026-03-01")), "2026-03-02", calendar=nothing)
    assert (found["D1"].state, found["D9"].state) == ("running", "unknown")
