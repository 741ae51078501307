"""Clauses are shown in order, and never none."""

import numpy as np

from models.evidence import evidence_spans, split_clauses

TEXT = "我去存钱,柜员说保本,利息1,000.5元。后来亏了"


def _shown(text: str, high: str, score: float = 0.9, threshold: float = 0.5) -> list[str]:
    """What is shown when the characters of `high` score `score`, each character being one piece."""
    offsets = [(0, 0), *((i, i + 1) for i in range(len(text))), (0, 0)]
    scores = np.full(len(offsets), 0.01, dtype=np.float32)
    start = text.index(high) + 1
    scores[start : start + len(high)] = score
    scores[[0, -1]] = 1.0
    spans = evidence_spans(scores, offsets, split_clauses(text, offsets), text=text, threshold=threshold)
    return [text[start:end] for start, end in spans]


def test_clauses_do_not_break_numbers() -> None:
    found = split_clauses(TEXT, [(i, i + 1) for i in range(len(TEXT))])
    assert [TEXT[clause.start : clause.end] for clause in found] == [
        "我去存钱",
        "柜员说保本",
        "利息1,000.5元",
        "后来亏了",
    ]
    assert all((clause.first, clause.last) == (clause.start, clause.end) for clause in found)


def test_a_clause_is_shown_whole() -> None:
    assert _shown(TEXT, "员说保本") == ["柜员说保本"]


def test_neighbours_are_joined() -> None:
    assert _shown(TEXT, "柜员说保本,利息1,000.5元") == ["柜员说保本,利息1,000.5元"]


def test_below_the_threshold_the_best_clause_is_shown() -> None:
    assert _shown(TEXT, "后来亏了", score=0.2) == ["后来亏了"]


def test_dictation_without_marks_is_cut_to_its_strongest_stretch() -> None:
    text = (
        "我那天去你们行里头办事那个人就跟我说这个肯定保本不会亏的我就信了然后到现在取不出来打电话也没有人接我都急死了"
    )
    assert _shown(text, "肯定保本不会亏的") == ["肯定保本不会亏的"]


def test_a_text_of_marks_shows_nothing() -> None:
    offsets = [(0, 0), (0, 1), (0, 0)]
    assert split_clauses("。", offsets) == []
    assert evidence_spans(np.ones(3, dtype=np.float32), offsets, [], text="。", threshold=0.5) == []


def test_a_clause_far_below_the_best_is_not_shown() -> None:
    text = "一二三四,五六七八,九十百千"
    offsets = [(i, i + 1) for i in range(len(text))]

    def shown(second: float) -> list[str]:
        scores = np.array([0.9] * 5 + [second] * 5 + [0.0] * 4, dtype=np.float32)
        spans = evidence_spans(scores, offsets, split_clauses(text, offsets), text=text, threshold=0.15)
        return [text[start:end] for start, end in spans]

    assert shown(0.7) == ["一二三四,五六七八"]  # above 0.7 of 0.9
    assert shown(0.5) == ["一二三四"]
