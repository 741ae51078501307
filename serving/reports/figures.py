"""The figures of one quarter. In: the store's counts. Out: cells by what they count, and what is hidden.

A cell's key is a pair such as `("leaf", "B01.01")`. The same cells stand in every format; none is counted twice.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from data.quarter import Quarter
from data.store.report_figures import COMPLAINT, MatterCount
from data.store.tables import Unit
from data.store.unit_of_work import UnitOfWork
from data.taxonomy import Conventions
from serving.reports.headings import ReportFiles
from serving.reports.small_cells import Sum, hidden_cells

Key = tuple[str, str]
ALL: Key = ("all", "")
NOT_NAMED = ""


class Mark(Enum):
    HIDDEN = "＊"
    """A number that is not printed, so that no person can be guessed."""
    NONE = "—"
    """There is no such number."""


Number = int | Mark


@dataclass(frozen=True, kw_only=True)
class QuarterFigures:
    quarter: Quarter
    cells: Mapping[Key, int] = field(repr=False)
    hidden: frozenset[Key]

    def number(self, key: Key) -> Number:
        """A count as it may be printed."""
        return Mark.HIDDEN if key in self.hidden else self.cells.get(key, 0)

    def codes(self, kind: str) -> set[str]:
        """What is counted under a kind of cell and is not zero."""
        return {code for found, code in self.cells if found == kind}


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The part of the bank that a report is about."""

    unit: Unit
    units: Sequence[Unit]
    """Itself and all below it, in the order of the tree."""

    @classmethod
    def of(cls, work: UnitOfWork, unit_id: str, *, within: str) -> "Scope":
        """Raises NotFoundError for a unit that the caller does not see."""
        unit = work.units.get(unit_id, within=within)
        return cls(unit=unit, units=work.units.all(within=unit.path))

    @property
    def parts(self) -> Sequence[Unit]:
        """What the report compares: the unit itself (its own cases) and each unit right below with all its own."""
        return [unit for unit in self.units if unit.id == self.unit.id or unit.parent_id == self.unit.id]

    def part_of(self, path: str) -> str:
        """Under which part a unit's cases are reported."""
        rest = path[len(self.unit.path) :]
        return rest.split("/")[0] if rest else self.unit.id


def quarter_figures(
    work: UnitOfWork,
    quarter: Quarter,
    *,
    scope: Scope,
    files: ReportFiles,
    least: int,
) -> QuarterFigures:
    """All counts of one quarter, and which of them are not printed."""
    within = scope.unit.path
    matters = work.reports.count_matters(quarter, within=within)
    cells: Counter[Key] = Counter()
    paths = {unit.id: unit.path for unit in scope.units}
    for count in matters:
        for key in (*_keys(count, files), ("unit", scope.part_of(paths[count.unit_id]))):
            cells[key] += count.cases
    for kind, counts in (
        ("channel", work.reports.count_channels(quarter, within=within)),
        ("region", work.reports.count_regions(quarter, within=within)),
        ("order_type", work.reports.count_order_types(quarter, within=within)),
    ):
        for code, cases in counts.items():
            cells[kind, code or NOT_NAMED] += cases
    cells.pop(("order_type", COMPLAINT), None)
    cells = Counter({key: cases for key, cases in cells.items() if cases})
    cells[ALL] = sum(count.cases for count in matters)
    return QuarterFigures(quarter=quarter, cells=cells, hidden=hidden_cells(cells, list(_sums(cells)), least=least))


def leaf_of(count: MatterCount, conventions: Conventions) -> tuple[str, str]:
    """Category and leaf under which a complaint is reported; the taxonomy's conventions may say another than its own.

    A leaf that a purge did not keep ends in `.--`.
    """
    category, leaf = count.category or NOT_NAMED, count.leaf or f"{count.category or ''}.--"
    if category == "B12" and not conventions.collections_as_category:
        leaf = {"B12.01": "B03B.99", "B12.02": "B02.99"}.get(leaf, "B99.04")
    elif leaf == "B03B.07" and not conventions.credit_record_follows_product:
        leaf = "B09.03"
    elif leaf == "B99.04" and count.subcause == "C10.3" and conventions.staff_private_sale_category == "B10":
        leaf = "B10.99"
    elif leaf == "B03A.01" and count.subcause == "C03.1" and conventions.debit_card_limits_category == "B05":
        leaf = "B05.01"
    return leaf.split(".")[0], leaf


def _keys(count: MatterCount, files: ReportFiles) -> Iterator[Key]:
    category, leaf = leaf_of(count, files.taxonomy.conventions)
    cause, subcause = count.cause or NOT_NAMED, count.subcause or f"{count.cause or ''}.--"
    yield "category", category
    yield "leaf", leaf
    yield "business", files.business(category, leaf)
    yield "cause", cause
    yield "subcause", subcause
    yield "reason", files.cause(cause, subcause)


def _sums(cells: Mapping[Key, int]) -> Iterator[Sum[Key]]:
    """Every sum that a reader of the report can form."""
    for kind in ("category", "business", "cause", "reason", "channel", "region", "unit"):
        yield Sum(ALL, tuple(key for key in cells if key[0] == kind))
    for kind, part in (("category", "leaf"), ("cause", "subcause")):
        for key in [key for key in cells if key[0] == kind]:
            yield Sum(key, tuple(below for below in cells if below[0] == part and below[1].startswith(f"{key[1]}.")))
