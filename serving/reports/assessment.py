"""The assessment of units. In: each unit's figures. Out: one line a part of the bank, and a total.

Timeliness: closed in time, of what was closed under a binding limit or is late while open. Satisfaction: satisfied, of
those that were asked. Forwarded, repeats: of all complaints.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from data.store.report_figures import UnitFigures
from serving.reports.figures import ALL, Mark, Number, QuarterFigures, Scope
from serving.reports.small_cells import Sum, hidden_cells

MEASURES = ("in_time", "satisfied", "forwarded", "repeats")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """`count` of `base`; either may be hidden."""

    count: Number
    base: Number

    @property
    def share(self) -> float | Mark:
        if isinstance(self.count, Mark) or isinstance(self.base, Mark):
            return Mark.HIDDEN
        return self.count / self.base if self.base else Mark.NONE


@dataclass(frozen=True, kw_only=True)
class UnitLine:
    unit_id: str
    """Empty in the total."""
    name: str
    cases: Number
    open: Number
    measures: Mapping[str, Measure]


@dataclass(frozen=True)
class _Part:
    unit_id: str
    name: str
    figures: Sequence[UnitFigures]

    def count(self, measure: str) -> int:
        return sum(getattr(unit, measure) for unit in self.figures)

    def base(self, measure: str) -> int:
        if measure == "in_time":
            return sum(unit.in_time + unit.late + unit.overdue for unit in self.figures)
        return self.count("rated" if measure == "satisfied" else "cases")


def assess(
    assessed: Sequence[UnitFigures], *, scope: Scope, figures: QuarterFigures, least: int
) -> tuple[Sequence[UnitLine], UnitLine]:
    """Lines of the parts that have complaints, and the total."""
    parts = [
        _Part(unit.id, unit.name, [found for found in assessed if scope.part_of(found.path) == unit.id])
        for unit in scope.parts
    ]
    parts = [part for part in parts if part.count("cases")]
    unseen = {part.unit_id for part in parts if figures.number(("unit", part.unit_id)) is Mark.HIDDEN}
    hidden = {
        measure: hidden_units([_side(parts, measure, side) for side in ("count", "rest", "base")], unseen, least)
        for measure in (*MEASURES, "open")
    }
    total = _Part("", "合计", assessed)

    def line(part: _Part) -> UnitLine:
        key = ("unit", part.unit_id) if part.unit_id else ALL
        cases = figures.number(key)
        is_open = Mark.HIDDEN if part.unit_id in hidden["open"] else part.count("open")
        measures = {name: _measure(part, name, hidden[name], cases) for name in MEASURES}
        return UnitLine(unit_id=part.unit_id, name=part.name, cases=cases, open=is_open, measures=measures)

    return [line(part) for part in parts], line(total)


def _measure(part: _Part, measure: str, hidden: frozenset[str], cases: Number) -> Measure:
    if part.unit_id in hidden:
        return Measure(count=Mark.HIDDEN, base=Mark.HIDDEN)
    base = cases if measure in ("forwarded", "repeats") else part.base(measure)
    return Measure(count=part.count(measure), base=base)


def hidden_units(sides: Sequence[Mapping[str, int]], unseen: Collection[str], least: int) -> frozenset[str]:
    """Units whose measure is not printed, `""` among them where the total is not.

    Hidden is who has one or two of any side (satisfied, not satisfied), since one follows from the other and the
    base. Hidden units are printed without their base, so the sum of each side is protected on its own.
    """
    found = set(unseen)
    while True:
        before = set(found)
        for side in sides:
            found |= _protected(side, found, least)
        if found == before:
            return frozenset(found)


def _side(parts: Sequence[_Part], measure: str, side: str) -> Mapping[str, int]:
    values = {
        "count": lambda part: part.count(measure),
        "rest": lambda part: part.base(measure) - part.count(measure),
        "base": lambda part: part.base(measure),
    }
    return {part.unit_id: values[side](part) for part in parts}


def _protected(values: Mapping[str, int], hidden: set[str], least: int) -> frozenset[str]:
    """What has to be hidden of one sum, with what already is."""
    cells = {"": sum(values.values()), **values}
    return hidden_cells(cells, [Sum("", tuple(values))], least=least, forced=hidden)
