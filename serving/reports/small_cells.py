"""Which numbers of a report must not be printed, so that no person can be guessed. In: counts, sums. Out: hidden cells.

A count of 1 to `least` − 1 is hidden. Since totals are printed too, that is not enough: a reader who subtracts gets it
back. So more cells are hidden until

- every printed sum has at least two hidden parts, or none;
- no hidden count follows from all printed sums together (linear algebra over the whole report, so that headings,
  categories and totals cannot be played off against each other);
- what is hidden in one sum is more than one for each hidden cell (1 + 1 = 2 would say it all).

Zeros are printed: nobody stands behind them. Which cell is hidden follows from a quarter's counts alone, so a report on
the next quarter hides the same cells in its column of the quarter before.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

LEAST = 3
Key = TypeVar("Key", bound=Hashable)
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Sum(Generic[Key]):
    """A total that is printed and the parts that add up to it; all are cells."""

    total: Key
    parts: tuple[Key, ...]


def hidden_cells(
    cells: Mapping[Key, int], sums: Sequence[Sum[Key]], *, least: int = LEAST, forced: Collection[Key] = ()
) -> frozenset[Key]:
    """The cells not to be printed, `forced` ones that are not zero among them; none where `least` is 1."""
    if least == 1:
        return frozenset()
    hidden = {key for key, count in cells.items() if 0 < count < least or (count and key in forced)}
    while True:
        more = next(_unsafe(cells, sums, hidden), None)
        if more is None:
            return frozenset(hidden)
        hidden.add(more)


def _unsafe(cells: Mapping[Key, int], sums: Sequence[Sum[Key]], hidden: set[Key]) -> Iterator[Key]:
    """Cells that have to be hidden as well, the one that costs least first."""
    for one in sums:
        if _gives_away(cells, one, hidden, sums):
            yield from _next_to_hide(cells, one, hidden)
    for key in _determined(cells, sums, hidden):
        for one in sums:
            if key in (one.total, *one.parts):
                yield from _next_to_hide(cells, one, hidden)


def _next_to_hide(cells: Mapping[Key, int], one: Sum[Key], hidden: set[Key]) -> Iterator[Key]:
    """The smallest part that is still printed and not zero, else the total."""
    visible = [key for key in one.parts if key not in hidden and cells[key] > 0]
    if visible:
        yield min(visible, key=lambda key: (cells[key], str(key)))
    elif one.total not in hidden:
        yield one.total


def _gives_away(cells: Mapping[Key, int], one: Sum[Key], hidden: set[Key], sums: Sequence[Sum[Key]]) -> bool:
    parts = [key for key in one.parts if key in hidden]
    if one.total in hidden:
        return not parts and any(cells[key] for key in one.parts)
    if not parts:
        return False
    return len(parts) == 1 or sum(_room(cells, key, hidden, sums) for key in parts) < 1


def _room(cells: Mapping[Key, int], key: Key, hidden: set[Key], sums: Sequence[Sum[Key]]) -> int:
    """By how much a hidden cell could be smaller, given that every hidden cell is at least 1."""
    below = [one for one in sums if one.total == key]
    if not below:
        return cells[key] - 1
    return min(sum(_room(cells, part, hidden, sums) for part in one.parts if part in hidden) for one in below)


def _determined(cells: Mapping[Key, int], sums: Sequence[Sum[Key]], hidden: set[Key]) -> list[Key]:
    """Hidden cells that follow from the printed ones."""
    keys = sorted(hidden, key=str)
    place = {key: i for i, key in enumerate(keys)}
    rows = []
    for one in sums:
        row = np.zeros(len(keys))
        for key, sign in ((one.total, -1.0), *((part, 1.0) for part in one.parts)):
            if key in place:
                row[place[key]] += sign
        if row.any():
            rows.append(row)
    if not rows:
        return []
    _, singular, vectors = np.linalg.svd(np.array(rows), full_matrices=True)
    rank = int((singular > _TOLERANCE).sum())
    freedom = np.abs(vectors[rank:]).max(axis=0) if rank < len(keys) else np.zeros(len(keys))
    return [key for key in keys if freedom[place[key]] < _TOLERANCE]
