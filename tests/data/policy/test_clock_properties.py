"""What holds for every case, tried by Hypothesis on cases with any mix of pauses, new facts and extensions."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from data.days import china_day
from data.policy.calendar import default_calendar
from data.policy.case_times import CaseTimes, Extension, Pause, Trigger
from data.policy.clocks import Clock, clocks_of, deciding_clock
from data.policy.counting import due_after
from data.policy.schema import default_policy
from tests.data.policy.cases import at, changed_policy

POLICY = default_policy()
ROLLING = changed_policy(lambda content: content["counting"].update(roll_over_rest_days=True))
CALENDAR = default_calendar()
CAP = 60
FIRST = at("2024-01-01 00:00")

# Two years with a leap day, month and year ends; in hours, so that cases also begin at night.
starts = st.integers(0, 2 * 366 * 24).map(lambda hours: FIRST + timedelta(hours=hours))
zones = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
hours = st.integers(0, 120 * 24)


@st.composite
def pauses(draw: st.DrawFn, start: datetime) -> Pause:
    began = start + timedelta(hours=draw(hours))
    length = draw(st.one_of(st.none(), st.integers(0, 60 * 24)))
    ended = None if length is None else began + timedelta(hours=length)
    return Pause(kind="testing", began_at=began, ended_at=ended, notified_on=china_day(began))


@st.composite
def extensions(draw: st.DrawFn, start: datetime) -> Extension:
    """Right and wrong ones."""
    approved = start + timedelta(hours=draw(hours))
    step, role, reason = draw(
        st.sampled_from(
            [("D2", "supervisor", "情况复杂"), ("D3", "upper_unit", "其他特殊原因"), ("D3", "handler", "x")]
        )
    )
    return Extension(
        step=step,
        total=draw(st.integers(1, 90)),
        approver="u1",
        approver_role=role,
        reason=reason,
        approved_at=approved,
        notified_on=china_day(approved) + timedelta(days=draw(st.integers(0, 3))),
    )


@st.composite
def cases(draw: st.DrawFn) -> CaseTimes:
    start = draw(starts)
    return CaseTimes(
        policy_version=POLICY.version,
        triggers=[Trigger(kind="own", at=start)],
        new_facts_at=[start + timedelta(hours=h) for h in draw(st.lists(hours, max_size=3))],
        pauses=draw(st.lists(pauses(start), max_size=3)),
        extensions=draw(st.lists(extensions(start), max_size=3)),
    )


nows = st.integers(0, 200 * 24).map(lambda count: timedelta(hours=count))


def _d1(times: CaseTimes, now: datetime, policy: Any = POLICY) -> Clock:
    [clock] = clocks_of(times, policy=policy, calendar=CALENDAR, now=now)
    return clock


def _due(times: CaseTimes, now: datetime) -> datetime:
    due = _d1(times, now).due_at
    assert due is not None
    return due


def _start(times: CaseTimes) -> datetime:
    return times.triggers[0].at


@given(times=cases(), age=nows, data=st.data())
@settings(deadline=None)
def test_more_pauses_never_bring_the_date_forward(times: CaseTimes, age: timedelta, data: st.DataObject) -> None:
    now = _start(times) + age
    more = replace(times, pauses=[*times.pauses, data.draw(pauses(_start(times)))])
    assert _due(more, now) >= _due(times, now)


@given(times=cases(), age=nows, data=st.data())
@settings(deadline=None)
def test_an_extension_never_shortens_and_never_goes_beyond_the_cap(
    times: CaseTimes, age: timedelta, data: st.DataObject
) -> None:
    times = replace(times, new_facts_at=())
    now = _start(times) + age
    more = replace(times, extensions=[*times.extensions, data.draw(extensions(_start(times)))])
    known = times.known_at(now).pauses
    cap = due_after(
        _start(times),
        CAP,
        "calendar_days",
        counting=POLICY.counting,
        calendar=CALENDAR,
        pauses=[(china_day(p.began_at), china_day(p.ended_at or now)) for p in known],
    )
    assert _due(times, now) <= _due(more, now) <= cap.at


@given(times=cases(), age=nows)
@settings(deadline=None)
def test_with_new_facts_the_cap_counts_from_the_newest(times: CaseTimes, age: timedelta) -> None:
    now = _start(times) + age
    clock = _d1(times, now)
    paused = timedelta(
        days=sum((china_day(p.ended_at or now) - china_day(p.began_at)).days for p in times.known_at(now).pauses)
    )
    latest = china_day(clock.started_at) + timedelta(days=CAP) + paused
    assert clock.due_on is not None
    assert clock.due_on <= latest


@given(times=cases(), age=nows, gap=hours)
@settings(deadline=None)
def test_a_restart_never_shortens(times: CaseTimes, age: timedelta, gap: int) -> None:
    """Neither below the date before nor below the new facts' own limit, while the clock runs."""
    facts_at = _start(times) + timedelta(hours=gap)
    now = facts_at + age
    times = replace(times, new_facts_at=[], extensions=[e for e in times.extensions if e.approved_at < facts_at])
    before = _due(times, now)
    after = _due(replace(times, new_facts_at=[facts_at]), now)
    own = _due(
        CaseTimes(policy_version=POLICY.version, triggers=[Trigger(kind="own", at=facts_at)], pauses=times.pauses), now
    )
    assert after == (max(before, own) if facts_at < before else before)


@given(times=cases(), age=nows, zone=zones)
@settings(deadline=None)
def test_the_time_zone_of_the_input_does_not_matter(times: CaseTimes, age: timedelta, zone: timezone) -> None:
    now = _start(times) + age
    abroad = CaseTimes(
        policy_version=times.policy_version,
        triggers=[replace(trigger, at=trigger.at.astimezone(zone)) for trigger in times.triggers],
        new_facts_at=[moment.astimezone(zone) for moment in times.new_facts_at],
        pauses=[
            replace(p, began_at=p.began_at.astimezone(zone), ended_at=p.ended_at and p.ended_at.astimezone(zone))
            for p in times.pauses
        ],
        extensions=[replace(e, approved_at=e.approved_at.astimezone(zone)) for e in times.extensions],
    )
    there, here = _d1(abroad, now.astimezone(zone)), _d1(times, now)
    shown = [replace(clock, refused=()) for clock in (there, here)]
    assert shown[0] == shown[1]
    assert [error.code for error in there.refused] == [error.code for error in here.refused]


@given(times=cases(), age=nows, tickets=st.lists(st.integers(0, 40), max_size=3), petition=st.booleans())
@settings(deadline=None)
def test_the_earliest_wins(times: CaseTimes, age: timedelta, tickets: list[int], petition: bool) -> None:
    start = _start(times)
    more = [Trigger(kind="hotline_12345", at=start, due=china_day(start) + timedelta(days=d)) for d in tickets]
    more += [Trigger(kind="petition", at=start)] if petition else []
    clocks = clocks_of(
        replace(times, triggers=[*times.triggers, *more]), policy=POLICY, calendar=CALENDAR, now=start + age
    )
    first = deciding_clock(clocks)
    assert first is not None
    assert first.due_at is not None
    assert all(first.due_at <= clock.due_at for clock in clocks if clock.due_at and clock.is_binding)
    assert list(clocks) == sorted(clocks, key=lambda clock: clock.due_at or FIRST)


@given(times=cases(), age=nows)
@settings(deadline=None)
def test_state_and_date_agree(times: CaseTimes, age: timedelta) -> None:
    now = _start(times) + age
    clock = _d1(times, now)
    assert clock.due_at is not None
    assert clock.due_on is not None
    assert clock.days_left is not None
    assert (clock.state == "overdue") == (now >= clock.due_at)
    assert clock.days_left == max(0, (clock.due_on - china_day(now)).days)
    assert china_day(clock.due_at) == clock.due_on + timedelta(days=1)


@given(start=starts)
@settings(deadline=None)
def test_rolling_never_shortens_and_ends_on_a_working_day(start: datetime) -> None:
    times = CaseTimes(policy_version=POLICY.version, triggers=[Trigger(kind="own", at=start)])
    plain, rolled = _d1(times, start), _d1(times, start, ROLLING)
    assert rolled.plain_due_on == plain.due_on
    assert rolled.rolled_due_on is not None
    assert rolled.due_on == rolled.rolled_due_on
    assert plain.due_on is not None
    assert rolled.rolled_due_on >= plain.due_on
    assert CALENDAR.is_working_day(rolled.rolled_due_on)


@given(start=starts, limit=st.integers(1, 60))
@settings(deadline=None)
def test_an_hour_more_or_less_on_the_same_day_changes_nothing(start: datetime, limit: int) -> None:
    midnight = start.replace(hour=0)
    dues = {
        due_after(moment, limit, unit, counting=POLICY.counting, calendar=CALENDAR).on
        for moment in (midnight, start, midnight + timedelta(hours=23, minutes=59))
        for unit in ("calendar_days",)
    }
    assert dues == {china_day(start) + timedelta(days=limit)}
