"""溯源整改 in the report. In: each unit's items of the quarter. Out: one line a part of the bank, and a total.

Items opened in the quarter, as they stand: finished in time, late (finished late, or under way and past the day).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data.store.rectifications import Mending
from serving.reports.assessment import Measure, hidden_units
from serving.reports.figures import Mark, Number, Scope

TOTAL = ""


@dataclass(frozen=True, kw_only=True)
class MendingLine:
    unit_id: str
    """Empty in the total."""
    name: str
    opened: Number
    in_time: Measure
    """Of those in time and late."""
    late: Number


def mending_lines(counts: Mapping[str, Mending], *, scope: Scope, least: int) -> Sequence[MendingLine]:
    """Of the parts that have items; the total comes last, alone where there are none."""
    found = dict.fromkeys((unit.id for unit in scope.parts), Mending())
    for unit in scope.units:
        part = scope.part_of(unit.path)
        found[part] = found[part].plus(counts.get(unit.id, Mending()))
    found = {unit_id: mending for unit_id, mending in found.items() if mending.opened}
    hidden = hidden_units(_sides(found), (), least)
    total = Mending()
    for mending in found.values():
        total = total.plus(mending)
    names = {unit.id: unit.name for unit in scope.parts} | {TOTAL: "合计"}
    return [_line(unit_id, names[unit_id], mending, hidden) for unit_id, mending in (found | {TOTAL: total}).items()]


def _sides(found: Mapping[str, Mending]) -> Sequence[Mapping[str, int]]:
    """All that follows from a line: what is not finished and not late either is the rest."""
    return [
        {unit_id: mending.opened for unit_id, mending in found.items()},
        {unit_id: mending.in_time for unit_id, mending in found.items()},
        {unit_id: mending.late for unit_id, mending in found.items()},
        {unit_id: mending.opened - mending.in_time - mending.late for unit_id, mending in found.items()},
    ]


def _line(unit_id: str, name: str, mending: Mending, hidden: frozenset[str]) -> MendingLine:
    if unit_id in hidden:
        unseen = Measure(count=Mark.HIDDEN, base=Mark.HIDDEN)
        return MendingLine(unit_id=unit_id, name=name, opened=Mark.HIDDEN, in_time=unseen, late=Mark.HIDDEN)
    measure = Measure(count=mending.in_time, base=mending.in_time + mending.late)
    return MendingLine(unit_id=unit_id, name=name, opened=mending.opened, in_time=measure, late=mending.late)
