"""What early warning looks at. In: days in China. Out: counts by day, recent complaints, what their sketches share.

Complaints alone: only they have a cause, and a rise in questions is none of the regulator's.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from data.days import china_day
from data.store.day_columns import as_date, between, day_column
from data.store.scope import units_within
from data.store.tables import Case, SketchBand
from data.store.warning_records import DayCount, RecentCase, WarningText
from data.store.warning_tables import SPIKE, TEMPLATE, TERM, EarlyWarning, WarningCase

COMPLAINT = "complaint"
_BATCH = 1000


class WarningSignals:
    def __init__(self, session: Session) -> None:
        self._session = session

    def first_day(self, *, within: str) -> date | None:
        """Of the oldest complaint."""
        query = select(func.min(Case.received_at)).where(*_of_complaints(within))
        found = self._session.scalar(query)
        return None if found is None else china_day(found)

    def daily(self, first: date, last: date, *, within: str) -> Sequence[DayCount]:
        """Complaints by day, unit and matter; both days are included."""
        day = day_column(self._session, Case.received_at).label("day")
        matter = (Case.unit_id, Case.category, Case.leaf, Case.cause, Case.subcause)
        query = (
            select(day, *matter, func.count())
            .where(*_of_complaints(within), *between(first, last))
            .group_by(day, *matter)
        )
        return [
            DayCount(
                day=as_date(row[0]), unit_id=row[1], category=row[2] or "", leaf=row[3] or "", cause=row[4] or "",
                subcause=row[5] or "", count=row[6],
            )
            for row in self._session.execute(query)
        ]  # fmt: skip

    def daily_of(self, warning: EarlyWarning, first: date, last: date, *, within: str) -> Mapping[date, int]:
        """Complaints of a warning's matter in its unit by day; of a template or term, of its own cases."""
        day = day_column(self._session, Case.received_at).label("day")
        query = select(day, func.count()).where(*_of_complaints(within), *between(first, last), *_of_matter(warning))
        return {as_date(row[0]): row[1] for row in self._session.execute(query.group_by(day))}

    def recent(self, first: date, last: date, *, within: str) -> Sequence[RecentCase]:
        """Complaints of these days, oldest first."""
        columns = (
            Case.id, Case.received_at, Case.unit_id, Case.category, Case.leaf, Case.cause, Case.subcause,
            Case.customer_key,
        )  # fmt: skip
        return [
            RecentCase(
                id=row[0], day=china_day(row[1]), unit_id=row[2], category=row[3] or "",
                leaf=row[4] or "", cause=row[5] or "", subcause=row[6] or "", customer_key=row[7],
            )
            for row in self._session.execute(_listed(columns, first, last, within))
        ]  # fmt: skip

    def texts(self, first: date, last: date, *, within: str, most: int) -> Sequence[WarningText]:
        """Redacted texts of these days; of more than `most` every n-th is read."""
        ids = [row[0] for row in self._session.execute(_listed((Case.id,), first, last, within))]
        step = -(-len(ids) // most) if ids else 1
        return self.texts_of(ids[::step], within=within)

    def texts_of(self, case_ids: Sequence[str], *, within: str) -> Sequence[WarningText]:
        """Redacted texts of these cases; erased ones have none."""
        found = []
        for start in range(0, len(case_ids), _BATCH):
            query = select(Case.id, Case.leaf, Case.customer_key, Case.redacted_text).where(
                Case.id.in_(case_ids[start : start + _BATCH]),
                Case.erased_at.is_(None),
                Case.unit_id.in_(units_within(within)),
            )
            found += [
                WarningText(id=row[0], leaf=row[1] or "", customer_key=row[2], text=row[3])
                for row in self._session.execute(query)
            ]
        return sorted(found, key=lambda one: one.id)

    def sharing_wording(self, first: date, last: date, *, within: str) -> Sequence[Sequence[str]]:
        """Ids of complaints that share a part of their sketch, for each part that several share."""
        query = (
            select(SketchBand.band, SketchBand.case_id)
            .join(Case, Case.id == SketchBand.case_id)
            .where(*_of_complaints(within), *between(first, last))
            .order_by(SketchBand.band, SketchBand.case_id)
        )
        shared: dict[int, list[str]] = {}
        for band, case_id in self._session.execute(query):
            shared.setdefault(band, []).append(case_id)
        return [ids for ids in shared.values() if len(ids) > 1]


def _of_matter(warning: EarlyWarning) -> list[ColumnElement[bool]]:
    if warning.kind in (TEMPLATE, TERM):
        return [Case.id.in_(select(WarningCase.case_id).where(WarningCase.warning_id == warning.id))]
    names = ("category", "cause") if warning.kind == SPIKE else ("leaf", "subcause")
    return [getattr(Case, name) == getattr(warning, name) for name in names if getattr(warning, name) is not None]


def _listed(columns: Iterable[Any], first: date, last: date, within: str) -> Select[Any]:
    return select(*columns).where(*_of_complaints(within), *between(first, last)).order_by(Case.received_at, Case.id)


def _of_complaints(within: str) -> tuple[ColumnElement[bool], ...]:
    return Case.order_type == COMPLAINT, Case.unit_id.in_(units_within(within))
