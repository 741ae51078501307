"""No hidden number can be computed from the printed ones: tried out against everybody who subtracts."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.reports.small_cells import Sum, hidden_cells

Tree = Sequence[Sequence[int]]


def cells_of(tree: Tree) -> tuple[dict[str, int], list[Sum[str]]]:
    """A total, its parts a, b …, and their parts a0, a1 …"""
    cells, sums = {}, []
    for letter, leaves in zip("abcd", tree, strict=False):
        parts = {f"{letter}{i}": count for i, count in enumerate(leaves)}
        cells |= {letter: sum(leaves), **parts}
        sums.append(Sum(letter, tuple(parts)))
    cells["all"] = sum(map(sum, tree))
    sums.append(Sum("all", tuple("abcd"[: len(tree)])))
    return cells, sums


def solutions(
    cells: Mapping[str, int], sums: Sequence[Sum[str]], hidden: frozenset[str]
) -> Iterator[Mapping[str, int]]:
    """Everything that a reader holds possible: hidden leaves are 1 or more, the printed numbers are true."""
    leaves = [key for key in cells if len(key) == 2 and key in hidden]
    most = max(cells.values()) + 2
    for values in product(range(1, most + 1), repeat=len(leaves)):
        found = {
            **{key: count for key, count in cells.items() if len(key) == 2},
            **dict(zip(leaves, values, strict=True)),
        }
        for one in sums:
            found[one.total] = sum(found[part] for part in one.parts)
        if all(found[key] == cells[key] for key in cells if key not in hidden):
            yield found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=3), min_size=1, max_size=2))
def test_every_hidden_number_may_be_another(tree: Tree) -> None:
    cells, sums = cells_of(tree)
    hidden = hidden_cells(cells, sums)
    assert all(key in hidden for key, count in cells.items() if count in (1, 2))
    possible = list(solutions(cells, sums, hidden))
    for key in hidden:
        assert len({found[key] for found in possible}) > 1, (cells, hidden)


def test_headings_across_categories_give_nothing_away() -> None:
    """The heading x holds the only small leaf and a large one of another category."""
    cells = {"all": 40, "a": 21, "b": 19, "a0": 1, "a1": 20, "b0": 9, "b1": 10, "x": 10, "y": 30}
    sums = [
        Sum("all", ("a", "b")), Sum("a", ("a0", "a1")), Sum("b", ("b0", "b1")), Sum("all", ("x", "y")),
        Sum("x", ("a0", "b0")), Sum("y", ("a1", "b1")),
    ]  # fmt: skip
    hidden = hidden_cells(cells, sums)
    assert hidden == {"a0", "a1", "b0", "b1"}


def test_nothing_small_nothing_hidden_and_large_counts_stay() -> None:
    cells = {"all": 30, "a": 10, "b": 12, "c": 8}
    sums = [Sum("all", ("a", "b", "c"))]
    assert hidden_cells(cells, sums) == frozenset()
    assert hidden_cells(cells | {"c": 2, "all": 24}, sums) == {"a", "c"}
    assert hidden_cells(cells | {"c": 0, "all": 22}, sums) == frozenset()
    assert hidden_cells(cells | {"c": 2, "all": 24}, sums, least=1) == frozenset()
