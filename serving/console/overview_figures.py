"""The overview's tables. In: an open unit of work, what is asked for. Out: tables whose every figure has its list.

The same table is shown and is given as CSV.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from data.days import china_day
from data.shares import Share
from data.store.overview import Facet, OpenNow, Outcomes, Period
from data.store.readings import BANDS, Compared
from data.store.supervision_tables import MISSED
from data.store.tables import Unit
from data.store.unit_of_work import UnitOfWork
from serving.console.agreement import agreement
from serving.console.charts import Trend, trend
from serving.console.names import Names
from serving.console.overview_query import OverviewQuery
from serving.console.quality_results import missed
from serving.console.queue_query import SOON_DAYS

FACETS: Mapping[str, Facet] = {
    "category": "category",
    "cause": "cause",
    "channel": "channel",
    "order_type": "order_type",
}
DAYS_SHOWN_SINGLY = 31
LARGEST_CHANGE = 999
ANY_FLAG = ""
"""The line of `missed` that counts a case once, however many flags it lacks."""
Part = TypeVar("Part", OpenNow, Outcomes)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A figure as it is read, and the list behind it; `value` is the bare number for CSV."""

    text: str
    value: float | int | str = ""
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """`length`: of the bar, 0 to 100; None in tables without bars."""

    name: str
    cells: Sequence[Cell]
    href: str = ""
    length: float | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """`columns`: names of the texts of its columns."""

    code: str
    columns: Sequence[str]
    lines: Sequence[Line]


class Figures:
    """All tables of one look."""

    def __init__(self, work: UnitOfWork, query: OverviewQuery, names: Names, *, within: str) -> None:
        self._work = work
        self._query = query
        self._names = names
        self.today = china_day(work.now())
        self.period, self.before = query.period(self.today), query.before(self.today)
        self._units = list(work.units.all(within=within))
        self.path = within if query.unit is None else work.units.get(query.unit, within=within).path
        self.total = work.overview.count(self.period, within=self.path)
        self.total_before = work.overview.count(self.before, within=self.path)

    def open_now(self) -> OpenNow:
        """What waits in the part of the bank that is looked at."""
        return _summed(self._open().items(), OpenNow(), lambda _: True)

    def weeks_or_days(self) -> tuple[Trend, Table]:
        """Cases over time: by day up to a month, else by week."""
        daily = self._work.overview.by_day(self.period, within=self.path)
        figures, lines = [], []
        for first, last in _spans(self.period):
            count = sum(daily.get(first + timedelta(days=n), 0) for n in range((last - first).days + 1))
            href = self._query.queue(Period(first=first, last=last))
            figures.append((f"{first:%m-%d}", count, href))
            lines.append(Line(name=str(first), cells=[Cell(text=str(count), value=count, href=href)]))
        return trend(figures), Table(code="trend", columns=("count",), lines=lines)

    def by_facet(self, code: str) -> Table:
        """By category, cause, channel or kind of order."""
        facet = FACETS[code]
        now, before = (self._work.overview.by(facet, period, within=self.path) for period in (self.period, self.before))
        return self._counted(code, now, before, {one: self._names(one) for one in {*now, *before}})

    def by_flag(self) -> Table:
        """By risk flag."""
        now, before = (self._work.overview.by_flag(period, within=self.path) for period in (self.period, self.before))
        return self._counted("flag", now, before, {one: f"{one} {self._names(one)}" for one in {*now, *before}})

    def by_unit(self) -> Table:
        """By the units right below, each with all below it; what lies with the unit itself stands alone."""
        now, before = (
            self._work.overview.by("unit_id", period, within=self.path) for period in (self.period, self.before)
        )
        most = max([self._count(now, unit) for unit in self._shown()], default=0) or 1
        lines = [
            self._line(
                unit.name, self._count(now, unit), self._count(before, unit), most=most, href=self._down(unit),
                filters=self._of(unit),
            )
            for unit in self._shown()
        ]  # fmt: skip
        return Table(code="unit", columns=_COUNT_COLUMNS, lines=lines)

    def units(self) -> Table:
        """Limits and satisfaction by unit."""
        waiting, ended = self._open(), self._work.overview.outcomes(self.period, within=self.path)
        lines = []
        for unit in self._shown():
            holds = self._holds(unit)
            lines.append(
                Line(
                    name=unit.name,
                    href=self._down(unit),
                    cells=self._unit_cells(
                        unit, _summed(waiting.items(), OpenNow(), holds), _summed(ended.items(), Outcomes(), holds)
                    ),
                )
            )
        return Table(code="units", columns=_UNIT_COLUMNS, lines=lines)

    def agreement(self) -> Table:
        """How often people kept what the model said, by field and how sure it was."""
        compared = self._compared()
        seen, blind = (agreement([one for one in compared if one.is_blind == is_blind]) for is_blind in (False, True))
        lines = []
        for one, other in zip(seen, blind, strict=True):
            shares = {"": one.all, **one.by_band, "blind": other.all}
            cells = [self._agreeing(one.field, band, share) for band, share in shares.items()]
            lines.append(Line(name=one.field, cells=cells))
        return Table(code="agreement", columns=("all_bands", *BANDS, "blind"), lines=lines)

    def missed(self, not_a_risk: Collection[str]) -> Table:
        """Of cases that the model gave no flag: in how many a blind reading of the period's draws found a risk."""
        found = missed(
            self._work.quality.readings(MISSED, since=self.period.first, within=self.path), not_a_risk=not_a_risk
        )
        shares = [(ANY_FLAG, found.share)]
        shares += [
            (f"{flag} {self._names(flag)}", Share(count=count, n=found.share.n)) for flag, count in found.flags.items()
        ]
        lines = [Line(name=name, cells=self._missed_cells(share)) for name, share in shares]
        return Table(code=MISSED, columns=("read_blind", "missed", "miss_rate", "from", "to"), lines=lines)

    def differing(self, field: str, band: str) -> Sequence[Compared]:
        """Where a person decided otherwise, latest first; `band` empty for all, `blind` for the blind ones."""
        return [
            one
            for one in self._compared()
            if one.field == field
            and not one.agrees
            and (one.is_blind if band == "blind" else not one.is_blind and band in ("", one.band))
        ]

    def _compared(self) -> Sequence[Compared]:
        return self._work.readings.of_days(self.period.first, self.period.last, within=self.path)

    def _open(self) -> Mapping[str, OpenNow]:
        return self._work.overview.open_now(within=self.path, soon_days=SOON_DAYS, order_type=self.period.order_type)

    def _shown(self) -> Sequence[Unit]:
        """The unit itself and those right below it."""
        depth = self.path.count("/")
        return [unit for unit in self._units if unit.path == self.path or _is_right_below(unit.path, self.path, depth)]

    def _holds(self, unit: Unit) -> Callable[[str], bool]:
        """Whether a unit's cases count in a line: the looked-at unit counts its own alone."""
        if unit.path == self.path:
            return lambda unit_id: unit_id == unit.id
        inside = {other.id for other in self._units if other.path.startswith(unit.path)}
        return lambda unit_id: unit_id in inside

    def _count(self, counts: Mapping[str, int], unit: Unit) -> int:
        holds = self._holds(unit)
        return sum(count for unit_id, count in counts.items() if holds(unit_id))

    def _of(self, unit: Unit) -> dict[str, str]:
        return {"own" if unit.path == self.path else "unit": unit.id}

    def _down(self, unit: Unit) -> str:
        return "" if unit.path == self.path else self._query.at(unit=unit.id)

    def _counted(self, code: str, now: Mapping[str, int], before: Mapping[str, int], names: Mapping[str, str]) -> Table:
        most = max(now.values(), default=0) or 1
        lines = [
            self._line(names[one], now.get(one, 0), before.get(one, 0), most=most, href="", filters={code: one})
            for one in sorted({*now, *before}, key=lambda one: (-now.get(one, 0), one))
        ]
        return Table(code=code, columns=_COUNT_COLUMNS, lines=lines)

    def _line(self, name: str, count: int, before: int, *, most: int, href: str, filters: Mapping[str, str]) -> Line:
        cells = [
            Cell(text=str(count), value=count, href=self._query.queue(self.period, **filters)),
            _share(count, self.total),
            Cell(text=str(before), value=before, href=self._query.queue(self.before, **filters)),
            _change(count, before),
        ]
        return Line(name=name, href=href, cells=cells, length=round(100 * count / most, 2))

    def _unit_cells(self, unit: Unit, waiting: OpenNow, ended: Outcomes) -> Sequence[Cell]:
        place = self._of(unit)
        closed = {"status": "closed", "closed_from": str(self.period.first), "closed_to": str(self.period.last)} | place

        def figure(count: int, **filters: str) -> Cell:
            return Cell(text=str(count), value=count, href=self._query.queue(None, **filters))

        return [
            figure(waiting.all, **place),
            figure(waiting.overdue, due="overdue", **place),
            figure(waiting.soon, due="soon", **place),
            figure(ended.closed, **closed),
            figure(ended.late, in_time="no", **closed),
            _share(ended.in_time, ended.in_time + ended.late),
            figure(ended.dissatisfied, satisfaction="dissatisfied", **closed),
            _share(ended.satisfied, ended.satisfied + ended.neutral + ended.dissatisfied),
        ]

    def _missed_cells(self, share: Share) -> Sequence[Cell]:
        href = self._query.quality() if share.n else ""
        counts = [Cell(text=str(count), value=count, href=href) for count in (share.n, share.count)]
        return [*counts, *(_percent(part) for part in (share.value, *(share.interval or (None, None))))]

    def _agreeing(self, field: str, band: str, share: Share) -> Cell:
        if share.value is None:
            return Cell(text="–")
        href = self._query.at("/differing", field=field, band=band or None) if share.count < share.n else ""
        text = f"{share.value:.1%} · {share.count}/{share.n}"
        return Cell(text=text, value=round(100 * share.value, 1), href=href)


_COUNT_COLUMNS = ("count", "share", "before", "change")
_UNIT_COLUMNS = ("open", "overdue", "soon", "closed", "late", "in_time_share", "dissatisfied", "satisfied_share")


def _summed(parts: Any, start: Part, holds: Callable[[str], bool]) -> Part:
    for unit_id, part in parts:
        if holds(unit_id):
            start = start.plus(part)
    return start


def _spans(period: Period) -> Sequence[tuple[date, date]]:
    length = (period.last - period.first).days + 1
    step = 1 if length <= DAYS_SHOWN_SINGLY else 7
    starts = [period.first + timedelta(days=n) for n in range(0, length, step)]
    return [(start, min(period.last, start + timedelta(days=step - 1))) for start in starts]


def _percent(share: float | None) -> Cell:
    return Cell(text="–") if share is None else Cell(text=f"{share:.1%}", value=round(100 * share, 1))


def _share(part: int, whole: int) -> Cell:
    """With its base, so that three of four is not read like three hundred of four hundred."""
    if not whole:
        return Cell(text="–")
    share = 100 * part / whole
    return Cell(text=f"{share:.1f}%", value=round(share, 1))


def _change(count: int, before: int) -> Cell:
    if not before:
        return Cell(text="–")
    change = round(100 * (count - before) / before)
    text = f">{LARGEST_CHANGE}%" if change > LARGEST_CHANGE else f"{change:+d}%" if change else "0%"
    return Cell(text=text, value=change)


def _is_right_below(path: str, above: str, depth: int) -> bool:
    return path.startswith(above) and path.count("/") == depth + 1
