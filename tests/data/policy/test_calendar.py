"""Working days follow the announced tables; a year without one is said, not guessed."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import CalendarError, PolicyError
from data.policy.calendar import default_calendar, load_calendar
from tests.data.policy.cases import day

CALENDAR = default_calendar()
days = st.dates(min_value=date(2024, 1, 1), max_value=date(2026, 10, 1))


@pytest.mark.parametrize(
    ("text", "is_working"),
    [
        ("2024-01-01", False),
        ("2024-02-09", True),  # 除夕 2024 was recommended leave only
        ("2024-02-10", False),
        ("2024-02-18", True),  # a Sunday worked for 春节
        ("2024-02-25", False),
        ("2025-01-28", False),  # 除夕 is a holiday since 2025
        ("2025-02-08", True),
        ("2025-10-08", False),
        ("2026-01-02", False),
        ("2026-01-04", True),
        ("2026-02-14", True),
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-10-10", True),
    ],
)
def test_days_of_the_announced_tables(text: str, is_working: bool) -> None:
    assert CALENDAR.is_working_day(day(text)) is is_working


@pytest.mark.parametrize(("year", "off"), [(2024, 30 - 2), (2025, 28), (2026, 33)])
def test_days_off_of_a_year_are_those_of_its_notice(year: int, off: int) -> None:
    """Counted by hand from the notices: 1+8+3+5+1+3+7, 1+8+3+5+3+8, 3+9+3+5+3+3+7."""
    assert len([found for found in CALENDAR.days_off if found.year == year]) == off


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2026-02-12", 7, "2026-02-28"),  # over 春节, with two Saturdays worked
        ("2024-09-29", 7, "2024-10-14"),  # over 国庆
        ("2025-12-25", 7, "2026-01-06"),  # over the year's end, Sunday 4 January worked
        ("2024-02-26", 5, "2024-03-04"),  # over 29 February
        ("2026-03-02", 0, "2026-03-02"),
    ],
)
def test_counting_working_days(start: str, count: int, end: str) -> None:
    assert CALENDAR.working_days_between(day(start), day(end)) == count


@pytest.mark.parametrize("year", [2023, 2027])
def test_a_year_without_a_table_is_said(year: int) -> None:
    with pytest.raises(CalendarError, match=rf"no holiday table for {year}.*2024-2026.*add the year") as raised:
        CALENDAR.is_working_day(date(year, 6, 1))
    assert f"{year}年" in raised.value.message_zh
    with pytest.raises(CalendarError):
        CALENDAR.working_days_between(date(2026, 12, 25), date(2027, 1, 5))


@given(start=days, first=st.integers(0, 40), second=st.integers(0, 40))
@settings(deadline=None)
def test_counting_is_additive(start: date, first: int, second: int) -> None:
    middle, end = start + timedelta(days=first), start + timedelta(days=first + second)
    parts = CALENDAR.working_days_between(start, middle) + CALENDAR.working_days_between(middle, end)
    assert parts == CALENDAR.working_days_between(start, end)


HOLIDAY = "{name: 元旦, first: %s, last: %s, workdays: [%s]}"


@pytest.mark.parametrize(
    ("holidays", "named"),
    [
        ([("2027-01-03", "2027-01-01", "")], "before it begins"),
        ([("2027-01-01", "2027-01-03", "2027-01-04")], "2027-01-04 is no Saturday or Sunday"),
        ([("2027-01-01", "2027-01-03", ""), ("2027-01-03", "2027-01-04", "")], "more than once: 2027-01-03"),
        ([("2026-05-01", "2026-05-03", "")], "expected days of 2027"),
        ([("2027-02-30", "2027-03-01", "")], r"years\.2027\.holidays\.0\.first"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, holidays: list[tuple[str, str, str]], named: str) -> None:
    file = tmp_path / "holidays.yaml"
    lines = "".join(f"\n      - {HOLIDAY % holiday}" for holiday in holidays)
    file.write_text(f"years:\n  2027:\n    source: x\n    holidays:{lines}\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=named):
        load_calendar(file)


def test_a_banks_own_table_may_name_the_december_before(tmp_path: Path) -> None:
    file = tmp_path / "holidays.yaml"
    file.write_text(
        "years:\n  2026: {source: x, holidays: [{name: 元旦, first: 2026-01-01, last: 2026-01-01, workdays: []}]}\n"
        "  2027: {source: x, holidays: [{name: 元旦, first: 2026-12-31, last: 2027-01-02, workdays: [2026-12-26]}]}\n",
        encoding="utf-8",
    )
    calendar = load_calendar(file)
    assert not calendar.is_working_day(date(2026, 12, 31))
    assert calendar.is_working_day(date(2026, 12, 26))
