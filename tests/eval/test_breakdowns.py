"""Slices, confusion, confidence and comparison match a count by hand."""

from dataclasses import replace

import pytest

from data.taxonomy import Taxonomy
from eval.comparison import compare_answers, compare_baselines
from eval.confidence import evaluate_confidence
from eval.confusion import confusion_matrices
from eval.slices import evaluate_slices, length_slice
from tests.eval.cases import SIX_ANSWERS, SIX_TEXTS, evaluated, labelled


def test_slices_are_accuracy_by_voice_and_length() -> None:
    slices = evaluate_slices(SIX_TEXTS, SIX_ANSWERS)
    assert {name: entry["texts"] for name, entry in slices["voice"].items()} == {"letter": 5, "chat": 1}
    assert slices["voice"]["chat"]["facets"]["category"] == {"n": 1, "hits": 0, "accuracy": [0.0, 0.0, 0.7935]}
    assert {name: entry["texts"] for name, entry in slices["length"].items()} == {"< 30": 4, "30–89": 1, "≥ 350": 1}
    assert slices["length"]["< 30"]["facets"]["category"]["hits"] == 3
    assert slices["input"]["typed"]["facets"]["category"]["accuracy"][0] == 0.6


@pytest.mark.parametrize(("characters", "name"), [(29, "< 30"), (30, "30–89"), (349, "200–349"), (350, "≥ 350")])
def test_length_edges(characters: int, name: str) -> None:
    assert length_slice(labelled("B01", text="字" * characters)) == name


def test_confusion_counts_what_was_given(taxonomy: Taxonomy) -> None:
    category = confusion_matrices(SIX_TEXTS, SIX_ANSWERS, taxonomy)["category"]
    assert (category["wanted"], category["given"]) == (["B01", "B02"], ["B01", "B02", "none"])
    assert category["counts"] == [[2, 1, 0], [0, 1, 1]]


def test_heads_are_judged_where_the_label_is() -> None:
    confidence = evaluate_confidence(evaluated())
    category = confidence["heads"]["category"]
    # Bins of one answer each: 0.6 wrong, 0.7, 0.8 and 0.9 right, and B99 at 0.9 wrong where none was given.
    assert category["n"] == 5
    assert category["error"] == pytest.approx((0.6 + 0.3 + 0.2 + 0.1 + 0.9) / 5, abs=1e-4)
    # Twelve flag probabilities: P01 twice and S01 once at 0.9, of which P01 once wrong; the others at 0.1 are untrue.
    assert (confidence["flags"]["n"], confidence["flags"]["error"]) == (12, pytest.approx(2 / 12, abs=1e-4))


def test_risk_is_that_of_the_answers_given() -> None:
    risk = evaluate_confidence(evaluated())["risk"]["category"]
    assert risk["n"] == 5
    assert (risk["risk"]["0.6"], risk["risk"]["0.8"], risk["risk"]["1.0"]) == (0.0, 0.25, 0.4)


def test_baselines_are_compared_in_pairs() -> None:
    answers = {"theirs": {"category": ["B01", "B02", "B02", "B02", "B02", "B01"], "cause": ["C03"] * 6}}
    result = compare_answers(evaluated(), answers)["theirs"]
    category = result["category"]
    assert (category["n"], category["accuracy"][0]) == (5, 0.6)
    assert (category["difference"]["difference"], category["difference"]["verdict"]) == (0.0, "not distinguishable")
    assert (result["cause"]["accuracy"][0], result["cause"]["difference"]["first"]) == (0.0, 0.8)
    assert result["cause"]["difference"]["verdict"] == "better"


def test_a_method_keeps_the_rule_of_null_by_its_own_order_types() -> None:
    right = ["B01", "B01", "B01", "B02", "B02", "B01"]
    orders = ["irrelevant", *["complaint"] * 4, "consultation"]
    result = compare_answers(evaluated(), {"theirs": {"order_type": orders, "category": right, "cause": ["C03"] * 6}})
    without = compare_answers(evaluated(), {"theirs": {"category": right, "cause": ["C03"] * 6}})
    category, known = result["theirs"]["category"], without["theirs"]["category"]
    assert category["accuracy"][0] < known["accuracy"][0] == 1.0  # it takes the first text for irrelevant
    assert category["difference_order_type_known"]["second"] == 1.0  # and would have named the right code


def test_each_set_gets_its_own_answers_from_one_fit(taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sets of six texts: the method is right on all of the first and on none of the second."""
    right = ["B01", "B01", "B01", "B02", "B02", "B01"]
    calls = []

    def predict(train: object, texts: list[object], taxonomy: object, *, methods: tuple[str, ...]) -> object:
        calls.append(methods)
        return {"words": {"category": [*right, *["B13"] * 6]}}

    monkeypatch.setattr("eval.baselines.predict_baselines", predict)
    sets = [evaluated(), replace(evaluated(), name="test_writer")]
    result = compare_baselines(sets, SIX_TEXTS, taxonomy, with_contrastive=True)
    assert [result[name]["words"]["category"]["accuracy"][0] for name in ("test", "test_writer")] == [1.0, 0.0]
    assert len(calls) == 1
    assert any("SetFit" in method for method in calls[0])
