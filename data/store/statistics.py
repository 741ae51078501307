"""Counts that outlive the cases. In: a facet, months. Out: numbers of cases, kept and purged alike."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, CompoundSelect, func, select, union_all
from sqlalchemy.orm import Session

from data.store.scope import units_within
from data.store.tables import Case, CaseFlag, Closing, PurgedCase, PurgedCaseFlag

By = Literal["month", "unit_id", "order_type", "category", "cause", "channel"]


@dataclass(frozen=True, kw_only=True)
class OutcomeTotals:
    """`in_time` and `late` leave out cases without a binding limit. `redress_fen`: sum, in fen."""

    cases: int
    in_time: int
    late: int
    redress_fen: int


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

    def closings(
        self, *, within: str, first_month: str | None = None, last_month: str | None = None
    ) -> dict[str, OutcomeTotals]:
        """Closed cases by outcome, purged ones too; months are those of receipt. Cases of before are left out."""
        kept = (
            select(Closing.outcome, Closing.is_in_time, Closing.redress_fen)
            .join(Case, Case.id == Closing.case_id)
            .where(Closing.reopened_at.is_(None), *_conditions(Case, within, first_month, last_month))
        )
        purged = select(PurgedCase.outcome, PurgedCase.is_in_time, PurgedCase.redress_fen).where(
            PurgedCase.outcome.is_not(None), *_conditions(PurgedCase, within, first_month, last_month)
        )
        found = union_all(kept, purged).subquery()
        rows = self._session.execute(
            select(
                found.c.outcome,
                func.count().label("cases"),
                func.count().filter(found.c.is_in_time.is_(True)).label("in_time"),
                func.count().filter(found.c.is_in_time.is_(False)).label("late"),
                func.coalesce(func.sum(found.c.redress_fen), 0).label("redress_fen"),
            ).group_by(found.c.outcome)
        )
        return {
            row.outcome: OutcomeTotals(
                cases=row.cases, in_time=row.in_time, late=row.late, redress_fen=int(row.redress_fen)
            )
            for row in rows
        }

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
