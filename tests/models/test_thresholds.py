"""A flag is raised by its own threshold, or as the likeliest of a group that must not be missed."""

from dataclasses import replace

import numpy as np
import pytest

from models.thresholds import BANDED_FIELDS, NEVER, BandLimits, Thresholds, group_probability

CODES = ("P01", "P02", "S01", "E01")


@pytest.fixture
def thresholds() -> Thresholds:
    bands = {name: BandLimits(auto=0.9, suggest=0.5) for name in BANDED_FIELDS}
    return Thresholds(
        flags={"P01": 0.6, "P02": 0.3, "S01": 0.5, "E01": 0.5}, causes2=0.5, evidence=0.2, bands=bands,
        groups={"P": 0.35},
    )  # fmt: skip


def _raised(thresholds: Thresholds, *probabilities: float) -> list[str]:
    return [CODES[i] for i in thresholds.raised(CODES, np.array(probabilities, dtype=np.float32))]


def test_single_flags(thresholds: Thresholds) -> None:
    assert _raised(thresholds, 0.1, 0.0, 0.7, 0.4) == ["S01"]
    assert _raised(thresholds, 0.6, 0.3, 0.5, 0.5) == list(CODES)


def test_the_likeliest_of_a_group_that_is_likely_as_a_whole(thresholds: Thresholds) -> None:
    assert _raised(thresholds, 0.2, 0.25, 0.4, 0.4) == ["P02"]  # 1 - 0.8 * 0.75 = 0.4
    assert _raised(thresholds, 0.1, 0.1, 0.4, 0.4) == []


def test_a_group_with_a_sure_flag_raises_no_other(thresholds: Thresholds) -> None:
    assert _raised(thresholds, 0.9, 0.29, 0.0, 0.0) == ["P01"]


def test_group_probability_of_independent_flags() -> None:
    assert group_probability(np.array([0.5, 0.5], dtype=np.float32)) == pytest.approx(0.75)


def test_older_bundles_have_no_groups(thresholds: Thresholds) -> None:
    content = thresholds.to_json()
    assert Thresholds.from_json(content) == thresholds
    del content["groups"]
    assert Thresholds.from_json(content).groups == {}


ORDERS = ("complaint", "consultation", "irrelevant")


@pytest.mark.parametrize(
    ("limit", "probabilities", "ranked"),
    [
        (0.15, (0.2, 0.7, 0.1), [0, 1, 2]),  # likely enough to be a complaint
        (0.15, (0.1, 0.7, 0.2), [1, 2, 0]),
        (0.15, (0.6, 0.1, 0.3), [0, 2, 1]),
        (NEVER, (0.49, 0.5, 0.01), [1, 0, 2]),  # a bundle without that threshold: the likeliest
    ],
)
def test_a_complaint_is_not_missed(
    thresholds: Thresholds, limit: float, probabilities: tuple[float, ...], ranked: list[int]
) -> None:
    limited = replace(thresholds, complaint=limit)
    assert limited.order_types(ORDERS, np.array(probabilities, dtype=np.float32)) == ranked
