"""Counts that outlive the cases. In: a facet, months. Out: numbers of cases, kept and purged alike."""

from typing import Literal

from sqlalchemy import ColumnElement, CompoundSelect, func, select, union_all
from sqlalchemy.orm import Session

from data.store.scope import units_within
from data.store.tables import Case, CaseFlag, PurgedCase, PurgedCaseFlag

By = Literal["month", "unit_id", "order_type", "category", "cause", "channel"]


class StatisticsRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def count(
        self, by: By, *, within: str, first_month: str | None = None, last_month: str | None = None
    ) -> dict[str | None, int]:
        """Cases by month of receipt (2026-11) or another facet, months inclusive; erased and purged ones count."""
        kept = select(getattr(Case, by).label("value")).where(*_conditions(Case, within, first_month, last_month))
        purged = select(getattr(PurgedCase, by).label("value")).where(
            *_conditions(PurgedCase, within, first_month, last_month)
        )
        return self._counted(union_all(kept, purged))

    def count_flags(
        self, *, within: str, first_month: str | None = None, last_month: str | None = None
    ) -> dict[str | None, int]:
        """Cases by risk flag; one with two flags counts under both."""
        kept = (
            select(CaseFlag.flag.label("value"))
            .join(Case, Case.id == CaseFlag.case_id)
            .where(*_conditions(Case, within, first_month, last_month))
        )
        purged = (
            select(PurgedCaseFlag.flag.label("value"))
            .join(PurgedCase, PurgedCase.id == PurgedCaseFlag.purged_case_id)
            .where(*_conditions(PurgedCase, within, first_month, last_month))
        )
        return self._counted(union_all(kept, purged))

    def _counted(self, values: CompoundSelect[tuple[str | None]]) -> dict[str | None, int]:
        found = values.subquery()
        rows = self._session.execute(select(found.c.value, func.count()).group_by(found.c.value))
        return {row.value: row[1] for row in rows}


def _conditions(
    table: type[Case] | type[PurgedCase], within: str, first_month: str | None, last_month: str | None
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [table.unit_id.in_(units_within(within))]
    if first_month is not None:
        conditions.append(table.month >= first_month)
    if last_month is not None:
        conditions.append(table.month <= last_month)
    return conditions
