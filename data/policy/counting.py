"""From a beginning and a limit to a due date. In: limit, unit, days that do not count. Out: `Due`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from data.days import china_day, end_of
from data.errors import CalendarError
from data.policy.calendar import DAY, Calendar
from data.policy.schema import Counting, Unit

DayRange = tuple[date, date]
"""From the first day that does not count to the first that counts again."""


@dataclass(frozen=True, kw_only=True)
class Due:
    """`at` is the first moment that is too late; `on` the last day in China that is in time.

    `plain_on` never rolls over rest days; `rolled_on` is there where the policy rolls and the table knows the year.
    """

    at: datetime
    on: date
    plain_on: date
    rolled_on: date | None = None
    problem: CalendarError | None = None


def due_after(
    start: datetime,
    limit: int,
    unit: Unit,
    *,
    counting: Counting,
    calendar: Calendar,
    pauses: Sequence[DayRange] = (),
) -> Due:
    """When `limit` units from `start` are over. Raises CalendarError for working days of an unknown year."""
    if unit == "hours":
        at = start + timedelta(hours=limit)
        # The last moment in time is just before `at`.
        day = china_day(at - timedelta(microseconds=1))
        return Due(at=at, on=day, plain_on=day)
    day = china_day(start) - (DAY if not counting.first_day_excluded else timedelta())
    for _ in range(limit):
        day = _next_counted(day, unit, calendar, pauses)
    return due_on(day, rolls=counting.roll_over_rest_days and unit == "calendar_days", calendar=calendar)


def due_on(day: date, *, rolls: bool, calendar: Calendar) -> Due:
    """At the end of a day in China, or of the working day behind it. A missing table leaves the earlier date."""
    if not rolls:
        return Due(at=end_of(day), on=day, plain_on=day)
    try:
        rolled = calendar.next_working_day(day)
    except CalendarError as error:
        return Due(at=end_of(day), on=day, plain_on=day, problem=error)
    return Due(at=end_of(rolled), on=rolled, plain_on=day, rolled_on=rolled)


def _next_counted(day: date, unit: Unit, calendar: Calendar, pauses: Sequence[DayRange]) -> date:
    while True:
        day += DAY
        paused = any(first <= day < again for first, again in pauses)
        if not paused and (unit == "calendar_days" or calendar.is_working_day(day)):
            return day
