"""Figures match a count by hand."""

import pytest

from eval.metrics import evaluate_answers
from eval.proportions import share_with_interval
from tests.eval.cases import SIX_ANSWERS, SIX_TEXTS, answered, labelled

SCORES = evaluate_answers(SIX_TEXTS, SIX_ANSWERS)


def test_facets_leave_out_texts_without_the_facet() -> None:
    category = SCORES["facets"]["category"]
    assert (category["n"], category["accuracy"][0]) == (5, 0.6)
    # B01: 2 right, 3 wanted, 2 given; B02: 1 right, 2 wanted, 2 given
    assert category["per_class"] == {"B01": {"f1": 0.8, "n": 3}, "B02": {"f1": 0.5, "n": 2}}
    assert (category["macro_f1"][0], category["classes"]) == (0.65, 2)
    assert (category["macro_f1_frequent"], category["frequent_classes"]) == (None, 0)


def test_frequent_classes_have_ten_texts() -> None:
    texts = [labelled("B01")] * 10 + [labelled("B02")]
    answers = [answered("B01")] * 9 + [answered("B02")] * 2
    category = evaluate_answers(texts, answers)["facets"]["category"]
    assert category["frequent_classes"] == 1
    assert category["macro_f1_frequent"][0] == pytest.approx(18 / 19, abs=1e-4)
    assert category["macro_f1"][0] == pytest.approx((18 / 19 + 2 / 3) / 2, abs=1e-4)


def test_groups_count_texts() -> None:
    groups = SCORES["flag_groups"]
    assert (groups["P"]["n"], groups["P"]["hits"], groups["P"]["raised"]) == (2, 1, 2)
    assert groups["P"]["precision"] == [0.5, 0.0945, 0.9055]  # Wilson, 1 of 2
    assert groups["S"]["f1"] == 1.0
    assert groups["E"]["precision"] is groups["E"]["recall"] is None


def test_flag_codes() -> None:
    flags = SCORES["flags"]
    assert list(flags["per_flag"]) == ["P01", "P02", "S01"]
    assert [flags["per_flag"][code]["f1"] for code in ("P01", "P02", "S01")] == [0.6667, 0.0, 1.0]
    assert flags["macro_f1"][0] == pytest.approx(5 / 9, abs=1e-4)


def test_secondary_causes() -> None:
    second = SCORES["causes2"]
    assert (second["hits"], second["raised"], second["n"], second["f1"]) == (1, 2, 2, 0.5)


def test_evidence_overlap() -> None:
    evidence = SCORES["evidence"]
    assert (evidence["n"], evidence["iou"], evidence["median_shown"]) == (2, pytest.approx(1 / 3, abs=1e-4), 0.5)


def test_bands_judge_every_answer_given() -> None:
    bands = SCORES["bands"]["category"]
    assert bands["auto"] == {"n": 3, "coverage": 0.6, "accuracy": 1.0}
    assert bands["suggest"] == {"n": 1, "coverage": 0.2, "accuracy": 0.0}
    assert bands["human"] == {"n": 1, "coverage": 0.2, "accuracy": 0.0}  # the text has no category


def test_intervals_hold_the_value() -> None:
    facets = evaluate_answers(SIX_TEXTS * 20, SIX_ANSWERS * 20)["facets"]
    for name in ("accuracy", "macro_f1", "macro_f1_frequent"):
        value, low, high = facets["category"][name]
        assert low < value < high
        assert high - low < 0.3


def test_no_text_has_no_figures() -> None:
    empty = evaluate_answers([labelled(None, order="irrelevant")], [answered(None, cause=None)])
    assert empty["facets"]["category"] == {"n": 0}
    assert empty["flags"]["macro_f1"] is None
    assert empty["evidence"] == {"n": 0}


def test_wilson_interval_of_nothing_and_of_all() -> None:
    assert share_with_interval(0, 0) is None
    assert share_with_interval(10, 10) == [1.0, 0.7225, 1.0]
