"""A real difference is found, chance is not, and the interval is that of an explicit bootstrap."""

import numpy as np
import pytest

from eval.significance import paired_bootstrap, paired_f1


def test_a_clear_winner() -> None:
    result = paired_bootstrap([True] * 90 + [False] * 10, [True] * 60 + [False] * 40)
    assert (result.first, result.second, result.difference, result.n) == (0.9, 0.6, 0.3, 100)
    assert result.is_better
    assert not result.is_worse


def test_equal_methods_are_not_told_apart() -> None:
    dice = np.random.default_rng(1)
    first, second = dice.random(400) < 0.8, dice.random(400) < 0.8
    result = paired_bootstrap(first.tolist(), second.tolist())
    assert not result.is_better
    assert not result.is_worse


def test_interval_is_that_of_resampled_texts() -> None:
    dice = np.random.default_rng(2)
    first = dice.random(300) < 0.8
    second = np.where(dice.random(300) < 0.85, first, ~first)
    result = paired_bootstrap(first.tolist(), second.tolist())
    gains = first.astype(int) - second.astype(int)
    picks = dice.integers(0, 300, (10_000, 300))
    low, high = np.percentile(gains[picks].mean(axis=1), [2.5, 97.5])
    assert result.low == pytest.approx(low, abs=0.006)
    assert result.high == pytest.approx(high, abs=0.006)


def test_unequal_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="found 2 and 1"):
        paired_bootstrap([True, False], [True])


def test_f1_of_a_class_is_compared_on_the_same_texts() -> None:
    """Finding all is better than finding half; the interval is that of an explicit bootstrap."""
    dice = np.random.default_rng(3)
    wanted = dice.random(300) < 0.3
    half = wanted & (dice.random(300) < 0.5)
    result = paired_f1(wanted.tolist(), wanted.tolist(), half.tolist())
    assert result.n == wanted.sum()
    assert (result.first, result.is_better) == (1.0, True)
    picks = dice.integers(0, 300, (10_000, 300))
    hits, wants = half[picks].sum(axis=1), wanted[picks].sum(axis=1)
    low, high = np.percentile(1 - 2 * hits / (hits + wants), [2.5, 97.5])
    assert result.low == pytest.approx(low, abs=0.015)
    assert result.high == pytest.approx(high, abs=0.015)
    assert paired_f1(wanted.tolist(), half.tolist(), half.tolist()).high == 0
