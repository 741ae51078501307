"""Calibration error is zero for honest confidence, large for boasting; risk falls where confidence knows."""

import numpy as np
import pytest

from eval.reliability import reliability


def test_honest_confidence() -> None:
    dice = np.random.default_rng(1)
    confidences = dice.random(20_000)
    result = reliability(confidences.tolist(), (dice.random(20_000) < confidences).tolist())
    assert result.error < 0.015
    assert result.risk[0.1] < 0.1 < result.risk[1.0]
    assert sum(entry.n for entry in result.bins) == result.n == 20_000


def test_boasting_is_measured() -> None:
    result = reliability([0.95] * 1000, [True] * 700 + [False] * 300)
    assert result.error == pytest.approx(0.25, abs=0.02)
    assert result.risk[1.0] == 0.3


def test_nothing_to_judge() -> None:
    with pytest.raises(ValueError, match="no answers"):
        reliability([], [])
