"""The simulation on a bank of two branches: quiet is quiet, an outbreak is found in its branch and soon."""

import numpy as np
import pytest

from eval.warning_simulation import ALPHAS, OUTBREAK_DAYS, Bank, delays, false_alarms, make_bank


@pytest.fixture(scope="module")
def bank() -> Bank:
    return make_bank(np.random.default_rng(3), branches=2, a_year=2_000, scatter=1.0, days=OUTBREAK_DAYS)


def test_a_bank_adds_up(bank: Bank) -> None:
    """The head office's counts are those of its branches, and a year brings about what was asked for."""
    for (path, matter), counts in bank.series.items():
        if path == "/head/":
            below = [bank.series[key] for key in bank.series if key[1] == matter and key[0] != path]
            assert np.array_equal(counts, np.sum(below, axis=0))
    received = sum(counts.sum() for (path, _), counts in bank.series.items() if path == "/head/")
    assert received / len(bank.days) * 365 == pytest.approx(2_000, rel=0.1)


def test_a_wider_limit_never_alarms_less(bank: Bank) -> None:
    found = false_alarms(bank, 5)
    assert found == sorted(found)
    assert found[0] == 0


def test_a_large_outbreak_is_told_within_days(bank: Bank) -> None:
    rng = np.random.default_rng(5)
    begin = len(bank.days) - OUTBREAK_DAYS
    [narrow, *_, wide] = delays(rng, bank, times=20, least=60, begin=begin)
    assert narrow is not None
    assert wide is not None
    assert 1 <= wide <= narrow <= 5
    assert len(ALPHAS) == 3
