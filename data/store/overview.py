"""Figures of a period for the overview. In: days, a part of the bank. Out: counts, each the length of a list of cases.

Received in the period, unless it says closed or open. Every figure can be had as a list with `CaseFilter`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from data.days import china_day, end_of
from data.store.clock_tables import Closing
from data.store.day_columns import as_date, between, day_column
from data.store.scope import units_within
from data.store.tables import CLOSED, OPEN, Case, CaseFlag

Facet = Literal["order_type", "category", "cause", "channel", "unit_id"]


@dataclass(frozen=True, kw_only=True)
class Period:
    """Days in China, both included; `order_type` None counts every kind of order."""

    first: date
    last: date
    order_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class OpenNow:
    """Open cases: all, past their limit, near it."""

    all: int = 0
    overdue: int = 0
    soon: int = 0

    def plus(self, other: "OpenNow") -> "OpenNow":
        return OpenNow(all=self.all + other.all, overdue=self.overdue + other.overdue, soon=self.soon + other.soon)


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """Cases of one unit that were closed in the period: by limit (none where none ran), by satisfaction (if asked)."""

    closed: int = 0
    in_time: int = 0
    late: int = 0
    satisfied: int = 0
    neutral: int = 0
    dissatisfied: int = 0

    def plus(self, other: "Outcomes") -> "Outcomes":
        return Outcomes(**{name: getattr(self, name) + getattr(other, name) for name in vars(self)})


class OverviewRepository:
    def __init__(self, session: Session, *, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now

    def by_day(self, period: Period, *, within: str) -> Mapping[date, int]:
        """Cases by day of receipt."""
        day = day_column(self._session, Case.received_at).label("day")
        rows = self._session.execute(select(day, func.count()).where(*_received(period, within)).group_by(day))
        return {as_date(row[0]): row[1] for row in rows}

    def by(self, facet: Facet, period: Period, *, within: str) -> Mapping[str, int]:
        """Cases by a facet; those that have none are left out."""
        column = getattr(Case, facet)
        query = select(column, func.count()).where(*_received(period, within), column.is_not(None)).group_by(column)
        return {row[0]: row[1] for row in self._session.execute(query)}

    def by_flag(self, period: Period, *, within: str) -> Mapping[str, int]:
        """Cases by risk flag; one with two flags counts under both."""
        query = (
            select(CaseFlag.flag, func.count())
            .join(Case, Case.id == CaseFlag.case_id)
            .where(*_received(period, within))
            .group_by(CaseFlag.flag)
        )
        return {row[0]: row[1] for row in self._session.execute(query)}

    def count(self, period: Period, *, within: str) -> int:
        """All cases of the period."""
        return self._session.scalar(select(func.count()).where(*_received(period, within))) or 0

    def open_now(self, *, within: str, soon_days: int, order_type: str | None = None) -> Mapping[str, OpenNow]:
        """What waits by unit, whenever it was received; late and soon as the queue counts them."""
        now = self._now()
        overdue = and_(Case.due_at.is_not(None), Case.due_at <= now)
        soon = and_(Case.due_at > now, Case.due_at <= end_of(china_day(now) + timedelta(days=soon_days)))
        conditions = [Case.status == OPEN, Case.unit_id.in_(units_within(within))]
        if order_type is not None:
            conditions.append(Case.order_type == order_type)
        counts = (func.count(), func.count().filter(overdue), func.count().filter(soon))
        rows = self._session.execute(select(Case.unit_id, *counts).where(*conditions).group_by(Case.unit_id))
        return {row[0]: OpenNow(all=row[1], overdue=row[2], soon=row[3]) for row in rows}

    def outcomes(self, period: Period, *, within: str) -> Mapping[str, Outcomes]:
        """By unit, how the cases ended that were closed in the period and are closed still."""
        satisfied = {name: func.count().filter(Closing.satisfaction == name) for name in _SATISFACTIONS}
        query = (
            select(
                Case.unit_id,
                func.count().label("closed"),
                func.count().filter(Closing.is_in_time.is_(True)).label("in_time"),
                func.count().filter(Closing.is_in_time.is_(False)).label("late"),
                *(column.label(name) for name, column in satisfied.items()),
            )
            .outerjoin(Closing, and_(Closing.case_id == Case.id, Closing.reopened_at.is_(None)))
            .where(Case.status == CLOSED, *closed_between(period.first, period.last), *_scope(period, within))
            .group_by(Case.unit_id)
        )
        return {
            row.unit_id: Outcomes(**{name: getattr(row, name) for name in vars(Outcomes())})
            for row in self._session.execute(query)
        }


_SATISFACTIONS = ("satisfied", "neutral", "dissatisfied")


def closed_between(first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    """The standing closing lies on these days of China."""
    conditions = []
    if first is not None:
        conditions.append(between(first, first, Case.closed_at)[0])
    if last is not None:
        conditions.append(between(last, last, Case.closed_at)[1])
    return conditions


def _received(period: Period, within: str) -> list[ColumnElement[bool]]:
    return [*between(period.first, period.last), *_scope(period, within)]


def _scope(period: Period, within: str) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Case.unit_id.in_(units_within(within))]
    if period.order_type is not None:
        conditions.append(Case.order_type == period.order_type)
    return conditions
