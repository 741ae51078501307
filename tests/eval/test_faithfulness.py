"""Deleting words: the right ones, as many others, and what follows from it."""

import random

from eval.faithfulness import Drop, deletion_test, random_clauses, summarize_drops, without_spans
from eval.sets import answer_set, corpus_set
from models.predictor import Predictor
from tests.eval.cases import labelled

TEXT = "柜员说是存款，其实是保险。我今年六十八岁，儿女都在外地，合同也没有给我看。"


def test_spans_are_deleted() -> None:
    assert without_spans("一二三四五", [(1, 2), (3, 5)]) == "一三"
    assert without_spans("一二", []) == "一二"


def test_other_clauses_have_the_same_length() -> None:
    shown = [(0, 6)]
    for seed in range(20):
        others = random_clauses(TEXT, shown, random.Random(seed))
        assert others is not None
        assert sum(end - start for start, end in others) == 6
        assert all(start >= 6 for start, _ in others)


def test_too_little_else_to_delete() -> None:
    assert random_clauses("柜员骗我买保险，气人。", [(0, 7)], random.Random(1)) is None


def test_drops_are_averaged() -> None:
    drops = [Drop(code="C04", shown=0.5, other=0.1), Drop(code="S01", shown=0.1, other=0.2)]
    assert summarize_drops(drops) == {
        "labels": 2, "mean_drop_shown": 0.3, "mean_drop_random": 0.15, "ratio": 2.0, "shown_matters_more": 0.5
    }  # fmt: skip
    assert summarize_drops([]) == {"labels": 0}
    assert summarize_drops([Drop(code="C04", shown=0.5, other=0.0)])["ratio"] is None


def test_figures_of_a_bundle_are_the_same_twice(tiny_predictor: Predictor) -> None:
    labelled_set = corpus_set("test", [labelled("B10", text=TEXT + "请核实。" * i) for i in range(5)])
    evaluated = answer_set(labelled_set, tiny_predictor)
    result = deletion_test(evaluated, tiny_predictor, most=3)
    assert result == deletion_test(evaluated, tiny_predictor, most=3)
    assert result["texts"] == 3
    assert result["all"]["labels"] == result["causes"]["labels"] + result["flags"]["labels"]
