"""Charts as plain SVG. In: labelled figures. Out: the geometry that `charts.html` draws.

Written here and not taken from a library: pygal, the one that would fit, puts styles and scripts into its SVG, which
the console's content security policy refuses, and no links into the queue. A chart here is a row of rectangles; its
figures stand in the table beside it, and rectangles print where backgrounds do not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HEIGHT = 100
COLUMN, GAP = 10, 2


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One figure: its name, the cases behind it, its share of the longest bar (0–100)."""

    code: str
    name: str
    count: int
    href: str
    length: float


@dataclass(frozen=True, kw_only=True)
class Column:
    """One period of a trend; `parts` lie on one another from below."""

    name: str
    count: int
    href: str
    x: int
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Trend:
    columns: Sequence[Column]
    highest: int
    width: int
    usual: float | None = None
    """Height of the line for what is usual."""


def bars(counts: Mapping[str, int], *, names: Mapping[str, str], hrefs: Mapping[str, str]) -> list[Bar]:
    """Longest first; equal ones by name."""
    most = max(counts.values(), default=0) or 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], names[item[0]]))
    return [
        Bar(code=code, name=names[code], count=count, href=hrefs[code], length=round(100 * count / most, 2))
        for code, count in ordered
    ]


def trend(figures: Sequence[tuple[str, int, str]], *, usual: float | None = None) -> Trend:
    """Columns from (name, count, address), in their order; `usual` is what a column would be as a rule."""
    highest = max([count for _, count, _ in figures] + [usual or 0, 1])
    columns = []
    for place, (name, count, href) in enumerate(figures):
        height = round(HEIGHT * count / highest, 2)
        columns.append(
            Column(name=name, count=count, href=href, x=place * (COLUMN + GAP), y=HEIGHT - height, height=height)
        )
    width = max(1, len(columns) * (COLUMN + GAP) - GAP)
    line = None if usual is None else round(HEIGHT - HEIGHT * usual / highest, 2)
    return Trend(columns=columns, highest=max([column.count for column in columns], default=0), width=width, usual=line)
