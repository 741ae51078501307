"""Tails against scipy's, which the serving install does not have."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from data.warning.limits import upper_limit, upper_tail


@settings(max_examples=100, deadline=None)
@given(count=st.integers(0, 400), mean=st.floats(0.01, 200), size=st.floats(0.2, 1000) | st.just(math.inf))
def test_tail_is_scipys(count: int, mean: float, size: float) -> None:
    poisson = math.isinf(size)
    exact = stats.poisson.sf(count - 1, mean) if poisson else stats.nbinom.sf(count - 1, size, size / (size + mean))
    assert upper_tail(count, mean=mean, size=size) == pytest.approx(float(exact), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("mean", "size"), [(0.05, math.inf), (3.0, math.inf), (40.0, 5.0), (250.0, 80.0)])
def test_limit_is_the_first_that_is_beyond(mean: float, size: float) -> None:
    limit = upper_limit(mean=mean, size=size, alpha=1e-6)
    assert upper_tail(limit, mean=mean, size=size) < 1e-6 <= upper_tail(limit - 1, mean=mean, size=size)


def test_nothing_is_no_surprise() -> None:
    assert upper_tail(0, mean=3.0) == 1.0
    assert upper_tail(1, mean=0.0) == 0.0
