"""The quarterly report. In: the store, a quarter, a unit. Out: all its figures, of three quarters and of each part.

    with store.reading() as work:
        report = build_report(work, Quarter.parse("2026Q3"), unit_id="head", within=ROOT, files=files, is_exact=False)
    document = compose(report)

All is read in one transaction, so that the tables agree with each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from data.days import china_day
from data.quarter import Quarter
from data.store.report_figures import UnitFigures, UrgentCase
from data.store.unit_of_work import UnitOfWork
from serving.reports.assessment import UnitLine, assess
from serving.reports.figures import ALL, QuarterFigures, Scope, quarter_figures
from serving.reports.headings import ReportFiles
from serving.reports.hot_terms import HotTerms, hot_terms
from serving.reports.mending import MendingLine, mending_lines

MOST_URGENT = 200


@dataclass(frozen=True, kw_only=True)
class Report:
    quarter: Quarter
    scope: Scope
    files: ReportFiles
    today: date
    least: int
    """The smallest count above 0 that is printed."""
    now: QuarterFigures
    before: QuarterFigures
    year_ago: QuarterFigures
    units: Sequence[UnitLine]
    total: UnitLine
    mending: Sequence[MendingLine]
    """The total comes last."""
    reviewed: int
    by_model: int
    purged: int
    withdrawn: int
    urgent_total: int
    urgent: Sequence[UrgentCase]
    hot_terms: HotTerms | None
    """None where the extra `reports` is not installed."""

    @property
    def is_exact(self) -> bool:
        """Nothing is hidden: for who may read the cases themselves."""
        return self.least == 1

    @property
    def quarters(self) -> tuple[QuarterFigures, QuarterFigures, QuarterFigures]:
        return self.now, self.before, self.year_ago


def build_report(
    work: UnitOfWork, quarter: Quarter, *, unit_id: str, within: str, files: ReportFiles, is_exact: bool
) -> Report:
    """Raises NotFoundError for a unit that the caller does not see."""
    scope = Scope.of(work, unit_id, within=within)
    least = 1 if is_exact else files.headings.least_count
    assessed = work.reports.assess_units(quarter, within=scope.unit.path)
    now, before, year_ago = (
        quarter_figures(work, each, scope=scope, files=files, least=least)
        for each in (quarter, quarter.before, quarter.year_ago)
    )
    units, total = assess(assessed, scope=scope, figures=now, least=least)
    urgent_total, urgent = work.reports.urgent(quarter, within=scope.unit.path, limit=MOST_URGENT)
    reviewed, purged = _sum(assessed, "reviewed"), _sum(assessed, "purged")
    return Report(
        quarter=quarter,
        scope=scope,
        files=files,
        today=china_day(work.now()),
        least=least,
        now=now,
        before=before,
        year_ago=year_ago,
        units=units,
        total=total,
        mending=mending_lines(
            work.rectifications.count_mending(quarter, within=scope.unit.path), scope=scope, least=least
        ),
        reviewed=reviewed,
        by_model=now.cells[ALL] - reviewed - purged,
        purged=purged,
        withdrawn=work.reports.count_withdrawn_labels(quarter, within=scope.unit.path),
        urgent_total=urgent_total,
        urgent=urgent,
        hot_terms=hot_terms(work, quarter, within=scope.unit.path),
    )


def _sum(units: Sequence[UnitFigures], name: str) -> int:
    return sum(getattr(unit, name) for unit in units)
