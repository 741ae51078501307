"""Days in China as the database computes them. In: a column with moments. Out: expressions for queries."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, cast, func
from sqlalchemy.orm import Session

from data.days import end_of, start_of
from data.store.engine import is_sqlite
from data.store.tables import Case


def day_column(session: Session, moment: Any) -> ColumnElement[Any]:
    """The day in China of a time; SQLite gives it as text, see `as_date`."""
    if is_sqlite(session.connection()):
        return func.date(moment, "+8 hours")
    return cast(func.timezone("Asia/Shanghai", moment), Date)


def as_date(value: date | str) -> date:
    """What `day_column` gave."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def between(first: date, last: date, moment: Any = Case.received_at) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Received (or whatever else the moment is) on these days of China, both included."""
    return moment >= start_of(first), moment < end_of(last)
