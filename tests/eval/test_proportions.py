"""A share keeps its count and has an interval of some width even at 1."""

from eval.proportions import Proportion, proportion


def test_some() -> None:
    share = proportion([True, False, False, True])
    assert share == Proportion(count=2, n=4)
    assert share.to_json() == {"count": 2, "n": 4, "share": [0.5, 0.15, 0.85]}


def test_all() -> None:
    assert str(Proportion(count=20, n=20)) == "1.000 [0.839, 1.000] (20/20)"


def test_nothing_to_count() -> None:
    assert proportion([]).to_json() == {"count": 0, "n": 0, "share": None}
    assert str(proportion([])) == "none"
