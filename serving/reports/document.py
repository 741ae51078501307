"""A report as a document, before it becomes a page, a PDF, a workbook. In: nothing. Out: the shapes, frozen.

Every format shows the same headings, sentences and tables; none computes anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from serving.reports.figures import Mark

Value = str | int | float | Mark
"""A text; a count; a share, or a change, as a fraction of 1; a number that is hidden or that there is not."""
Kind = Literal["text", "count", "share", "change"]


@dataclass(frozen=True)
class Column:
    title: str
    kind: Kind = "count"


@dataclass(frozen=True)
class Row:
    values: Sequence[Value]
    depth: int = 0
    """1 for a line that its heading above already counts."""
    is_total: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    name: str
    """Of its CSV file and of nothing else."""
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class Section:
    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True, kw_only=True)
class Document:
    title: str
    subtitle: str
    mark: str
    """To whom it may go, on every page."""
    sections: Sequence[Section]

    @property
    def tables(self) -> Sequence[Table]:
        return [table for section in self.sections for table in section.tables]


def shown(value: Value, kind: Kind) -> str:
    """A value as people read it."""
    if isinstance(value, Mark):
        return value.value
    if isinstance(value, str):
        return value
    if kind == "share":
        return f"{value:.1%}"
    if kind == "change":
        return f"{value:+.1%}" if round(value, 3) else "0.0%"
    return f"{value:,}"
