"""Figures match a count by hand."""

import pytest

from data.schema import EvidenceSpan, LabelledText
from eval.metrics import evaluate_answers
from models.answer import Decision, Evidence, FacetAnswer, FlagAnswer, Timings, TriageAnswer, Versions


def _gold(category: str | None, flags: tuple[str, ...] = (), order: str = "complaint") -> LabelledText:
    evidence = {flag: (EvidenceSpan(start=0, end=4),) for flag in flags}
    return LabelledText(
        id="g", text="一二三四五六七八", order_type=order, category=category,
        leaf=f"{category}.01" if category else None,
        cause="C01", subcause="C01.1", channel="unknown", flags=flags, evidence=evidence, voice="letter",
        input="typed", names_product=True, scenario="s", writer="w",
    )  # fmt: skip


def _facet(code: str) -> FacetAnswer:
    return FacetAnswer(code=code, name=code, confidence=0.9, band="auto")


def _answer(category: str | None, flags: tuple[str, ...] = ()) -> TriageAnswer:
    shown = [Evidence(start=2, end=6, redacted_start=2, redacted_end=6, text="三四五六")]
    return TriageAnswer(
        id="a", order_type=_facet("complaint"), category=_facet(category) if category else None,
        leaf=_facet(f"{category}.01") if category else None, cause=_facet("C01"), subcause=_facet("C01.1"),
        channel=_facet("unknown"), causes2=[], issues=[], amount=None,
        flags=[FlagAnswer(code=f, group=f[0], name=f, probability=0.9, source="model", evidence=shown) for f in flags],
        decision=Decision(band="auto", priority="normal", reasons=[]),
        redacted_text="一二三四五六七八", truncated=False,
        versions=Versions(bundle="b", taxonomy="1", redaction="1", policy="1"),
        timings=Timings(prepare_ms=0, queue_ms=0, model_ms=0, total_ms=0),
    )  # fmt: skip


GOLD = [_gold("B01", ("P01",)), _gold("B01"), _gold("B02", ("P02", "S01")), _gold(None, order="irrelevant")]
ANSWERS = [_answer("B01", ("P01",)), _answer("B02", ("P01",)), _answer("B02", ("S01",)), _answer("B01")]


def test_facets_leave_out_texts_without_the_facet() -> None:
    category = evaluate_answers(GOLD, ANSWERS)["facets"]["category"]
    assert category["n"] == 3
    assert category["accuracy"][0] == pytest.approx(2 / 3, abs=1e-4)
    assert category["macro_f1"][0] == pytest.approx(2 / 3, abs=1e-4)  # B01: 2/3, B02: 2/3


def test_groups_count_texts() -> None:
    groups = evaluate_answers(GOLD, ANSWERS)["flag_groups"]
    assert (groups["P"]["n"], groups["P"]["hits"], groups["P"]["raised"]) == (2, 1, 2)
    assert groups["S"]["f1"] == 1.0


def test_evidence_overlap() -> None:
    evidence = evaluate_answers(GOLD, ANSWERS)["evidence"]
    assert (evidence["n"], evidence["iou"], evidence["median_shown"]) == (2, pytest.approx(1 / 3, abs=1e-4), 0.5)


def test_intervals_hold_the_value() -> None:
    value, low, high = evaluate_answers(GOLD * 20, ANSWERS * 20)["facets"]["category"]["accuracy"]
    assert low < value < high
    assert high - low < 0.3
