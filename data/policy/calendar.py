"""Working days of the mainland. In: `holidays.yaml`. Out: `Calendar`.

A year that the table does not list raises CalendarError: when offices work is decided year by year, nobody can guess.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from data.errors import CalendarError
from data.policy.reading import Strict, read_checked

HOLIDAYS_PATH = Path(__file__).with_name("holidays.yaml")
DAY = timedelta(days=1)
SATURDAY = 5


class Holiday(Strict):
    """Days off from `first` to `last`, and the weekend days worked for it."""

    name: str = Field(min_length=1)
    first: date
    last: date
    workdays: tuple[date, ...]

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"{self.name} ends on {self.last}, before it begins on {self.first}")
        usual = [str(day) for day in self.workdays if day.weekday() < SATURDAY]
        if usual:
            raise ValueError(f"{self.name}: {', '.join(usual)} is no Saturday or Sunday; only those are worked instead")
        return self

    def days(self) -> list[date]:
        """The days off."""
        return [self.first + i * DAY for i in range((self.last - self.first).days + 1)]


class HolidayYear(Strict):
    source: str = Field(min_length=1)
    holidays: tuple[Holiday, ...] = Field(min_length=1)


class HolidayTable(Strict):
    """The file as written. Raises pydantic's error; use `load_calendar`."""

    years: dict[int, HolidayYear]

    @field_validator("years")
    @classmethod
    def _each_day_once(cls, years: dict[int, HolidayYear], _: ValidationInfo) -> dict[int, HolidayYear]:
        days: Counter[date] = Counter()
        for year, table in years.items():
            named = [day for holiday in table.holidays for day in (*holiday.days(), *holiday.workdays)]
            # A notice about New Year may name days of the December before.
            strangers = [str(d) for d in named if d.year != year and (d.year, d.month) != (year - 1, 12)]
            if strangers:
                raise ValueError(f"{year} holds {', '.join(strangers)}; expected days of {year}")
            days.update(named)
        repeated = sorted(str(day) for day, count in days.items() if count > 1)
        if repeated:
            raise ValueError(f"days given more than once: {', '.join(repeated)}")
        return years


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Which days are worked, for the years it knows."""

    years: frozenset[int]
    days_off: frozenset[date]
    extra_workdays: frozenset[date]

    def is_working_day(self, day: date) -> bool:
        """Raises CalendarError for a year without a table."""
        if day.year not in self.years:
            known = f"{min(self.years)}-{max(self.years)}" if self.years else "none"
            raise CalendarError(
                f"no holiday table for {day.year} (known: {known}); add the year to holidays.yaml",
                f"节假日表缺少{day.year}年（已有：{known}），无法计算工作日；请在 holidays.yaml 中补充该年度安排",
            )
        return day in self.extra_workdays or (day.weekday() < SATURDAY and day not in self.days_off)

    def next_working_day(self, day: date) -> date:
        """The day itself or the first working day behind it."""
        while not self.is_working_day(day):
            day += DAY
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Working days behind `start` up to `end`, `end` included; 0 where `end` is not later."""
        return sum(self.is_working_day(start + i * DAY) for i in range(1, (end - start).days + 1))


def load_calendar(path: Path | None = None) -> Calendar:
    """Read a holiday table, by default the shipped one. Raises PolicyError."""
    table = read_checked(path or HOLIDAYS_PATH, HolidayTable)
    holidays = [holiday for year in table.years.values() for holiday in year.holidays]
    return Calendar(
        years=frozenset(table.years),
        days_off=frozenset(day for holiday in holidays for day in holiday.days()),
        extra_workdays=frozenset(day for holiday in holidays for day in holiday.workdays),
    )


@cache
def default_calendar() -> Calendar:
    """The table that comes with this package, read once."""
    return load_calendar()
