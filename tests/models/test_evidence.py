"""Words are shown in order, joined over small gaps, and never none."""

import numpy as np

from models.evidence import evidence_spans

OFFSETS = [(0, 0), (0, 2), (2, 4), (4, 6), (6, 8), (20, 22), (0, 0)]


def _spans(*scores: float) -> list[tuple[int, int]]:
    return evidence_spans(np.array([0.9, *scores, 0.9], dtype=np.float32), OFFSETS, 0.5)


def test_neighbours_are_joined_and_far_pieces_are_not() -> None:
    assert _spans(0.8, 0.1, 0.7, 0.1, 0.9) == [(0, 6), (20, 22)]


def test_below_the_threshold_the_best_pieces_are_shown() -> None:
    assert _spans(0.01, 0.3, 0.2, 0.01, 0.01) == [(2, 6)]


def test_special_pieces_are_never_shown() -> None:
    assert evidence_spans(np.array([0.9, 0.9], dtype=np.float32), [(0, 0), (0, 0)], 0.5) == []
