"""Days in China. In: moments, days. Out: days, and the moments between which they lie.

A moment given in any time zone falls on the day it is in Asia/Shanghai.
"""

from datetime import date, datetime, time, timedelta, timezone

from data.errors import ClockError

# China has had one offset and no summer time since 1991, so no time-zone database is needed.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


def china_day(moment: datetime) -> date:
    """The day in China. Raises ClockError for a moment without a time zone."""
    require_zone(moment)
    return moment.astimezone(CHINA).date()


def start_of(day: date) -> datetime:
    """The first moment of a day in China."""
    return datetime.combine(day, time(), tzinfo=CHINA)


def end_of(day: date) -> datetime:
    """The first moment behind a day in China."""
    return start_of(day) + timedelta(days=1)


def require_zone(*moments: datetime | None) -> None:
    """Raises ClockError for a moment without a time zone."""
    for moment in moments:
        if moment is not None and moment.utcoffset() is None:
            raise ClockError(
                f"found {moment.isoformat()} without a time zone; expected one like 2026-03-01T09:00+08:00",
                f"时间 {moment.isoformat()} 缺少时区，请写作 2026-03-01T09:00+08:00",
                code="time_zone_missing",
            )
