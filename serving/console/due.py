"""How much time is left, as lists show it. In: a due time, now. Out: whole days in China and how urgent they are."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from data.days import china_day
from serving.console.queue_query import SOON_DAYS

State = Literal["overdue", "soon", "fine"]


@dataclass(frozen=True, kw_only=True)
class Due:
    """`on` is the last day in time; `days` are those behind today up to it, or since it where it is over."""

    at: datetime
    on: date
    days: int
    state: State

    @classmethod
    def of(cls, due_at: datetime | None, now: datetime) -> "Due | None":
        if due_at is None:
            return None
        on = china_day(due_at - timedelta(microseconds=1))  # `due_at` is the first moment that is too late
        days = (on - china_day(now)).days
        state: State = "overdue" if due_at <= now else "soon" if days <= SOON_DAYS else "fine"
        return cls(at=due_at, on=on, days=abs(days), state=state)
