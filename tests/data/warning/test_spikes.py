"""What is usual and what is more: by hand, on counts that can be added up in the head."""

from datetime import date, timedelta

import numpy as np
import pytest

from data.policy.calendar import default_calendar
from data.warning.baseline import HISTORY_DAYS, Counts, baseline_of, day_kind, days_until
from data.warning.spikes import Spike, find_spikes

LAST = date(2026, 11, 29)
LENGTH = 98
DAYS = days_until(LAST, LENGTH)
MATTER = ("B03B", "C07")
CALENDAR = default_calendar()


def evenly(a_day: float = 2.0, last_week: tuple[int, ...] = ()) -> Counts:
    counts = np.full(LENGTH, a_day)
    if last_week:
        counts[-len(last_week) :] = last_week
    return counts


def find(**by_path: Counts) -> list[Spike]:
    """`head_east=…` is the unit /head/east/."""
    series = {(f"/{name.replace('_', '/')}/", MATTER): counts for name, counts in by_path.items()}
    totals = np.full(LENGTH, 100.0)
    return find_spikes(series, totals=totals, days=DAYS, calendar=CALENDAR)


def test_two_a_day_is_fourteen_a_week() -> None:
    baseline = baseline_of(np.full(LENGTH, 100.0), DAYS, CALENDAR, matters=[evenly()])
    usual = baseline.usual(evenly())
    assert usual.expected(baseline.window_weight(7)) == pytest.approx(14.0, rel=0.02)
    assert usual.overdispersion == 1.0
    assert usual.seen == 12 * 14 + 0.5


def test_what_is_usual_is_no_warning_and_what_is_more_is() -> None:
    assert find(head=evenly(2.0, (3, 2, 4, 2, 3, 2, 5))) == []
    [spike] = find(head=evenly(2.0, (6, 6, 7, 6, 8, 7, 8)))
    assert (spike.path, spike.window_days, spike.count) == ("/head/", 7, 48)
    assert spike.expected == pytest.approx(14.0, rel=0.02)
    assert spike.expected < spike.limit <= spike.count
    [sudden] = find(head=evenly(2.0, (20,)))
    assert (sudden.window_days, sudden.count) == (1, 20)


def test_a_few_cases_are_no_matter_however_rare() -> None:
    assert find(head=evenly(0.0, (4,))) == []
    assert [spike.count for spike in find(head=evenly(0.0, (9,)))] == [9]


def test_one_branch_is_told_there_and_not_again_above() -> None:
    branch, other = evenly(1.0, (6, 6, 7, 6, 8, 7, 8)), evenly(3.0)
    found = find(head=branch + other, head_east=branch, head_west=other)
    assert [spike.path for spike in found] == ["/head/east/"]


def test_a_little_everywhere_is_told_above() -> None:
    branch = evenly(1.0, (3, 2, 2, 3, 2, 2, 2))
    found = find(head=branch * 6, **{f"head_b{n}": branch for n in range(6)})
    assert [(spike.path, spike.count) for spike in found] == [("/head/", 96)]


def test_an_outbreak_of_before_does_not_hide_the_next() -> None:
    counts = evenly(1.0, (4, 5, 4, 5, 4, 5, 5))
    counts[40:47] = 30
    assert [spike.expected for spike in find(head=counts)] == [pytest.approx(7.0, rel=0.05)]


def test_a_slow_rise_does_not_lift_its_own_baseline() -> None:
    counts = evenly(1.0)
    counts[-14:-7], counts[-7:] = 3, 6
    [spike] = find(head=counts)
    assert spike.expected == pytest.approx(7.0, rel=0.05)


def test_scatter_of_its_own_widens_the_limit() -> None:
    wild = evenly(2.0)
    wild[:84] = np.tile(np.repeat([0.0, 4.0], 7), 6)
    last = (6, 6, 6, 6, 6, 6, 6)
    calm = evenly(2.0, last)
    wild[84:] = 2.0
    wild[-7:] = last
    assert len(find(head=calm)) == 1
    assert find(head=wild) == []


def test_mondays_are_compared_with_mondays() -> None:
    """400 on Mondays, 50 on other days: what is much on a Sunday is little on a Monday."""
    totals = np.array([400.0 if day.weekday() == 0 else 50.0 for day in DAYS])
    counts = np.array([8.0 if day.weekday() == 0 else 1.0 for day in DAYS])
    monday = [*DAYS[1:], LAST + timedelta(days=1)]
    counts_until_monday = np.append(counts[1:], 12.0)
    totals_until_monday = np.append(totals[1:], 400.0)
    series = {("/head/", MATTER): counts_until_monday}
    assert find_spikes(series, totals=totals_until_monday, days=monday, calendar=CALENDAR) == []
    counts[-1] = 12.0
    [spike] = find_spikes({("/head/", MATTER): counts}, totals=totals, days=DAYS, calendar=CALENDAR)
    assert spike.window_days == 1


def test_holidays_are_sundays_and_worked_weekends_are_not() -> None:
    assert day_kind(date(2026, 10, 1), CALENDAR) == 6
    assert day_kind(date(2026, 11, 30), CALENDAR) == 0
    worked = next(day for day in sorted(CALENDAR.extra_workdays) if day.year == 2026)
    assert day_kind(worked, CALENDAR) == 2
    assert day_kind(date(2099, 1, 1), CALENDAR) == date(2099, 1, 1).weekday()


def test_the_year_before_says_that_the_season_is_busy() -> None:
    """Each year's last week of November brings twice as much; that is no warning."""
    days = days_until(LAST, HISTORY_DAYS)
    season = np.array([2.0 if (day.month, day.day) >= (11, 23) and day.month == 11 else 1.0 for day in days])
    counts = 4.0 * season
    unseasoned = np.full(HISTORY_DAYS, 4.0)
    unseasoned[-7:] = 9.0
    busy = find_spikes({("/head/", MATTER): counts}, totals=100 * season, days=days, calendar=CALENDAR)
    assert busy == []
    flat = find_spikes(
        {("/head/", MATTER): unseasoned}, totals=np.full(HISTORY_DAYS, 100.0), days=days, calendar=CALENDAR
    )
    assert len(flat) == 1


def test_with_a_few_weeks_nothing_is_usual_yet() -> None:
    days = days_until(LAST, 40)
    counts = np.ones(40)
    counts[-1] = 50
    assert find_spikes({("/head/", MATTER): counts}, totals=counts, days=days, calendar=CALENDAR) == []
