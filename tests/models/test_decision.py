"""Flagged risk always goes to a person; a hint of an agent never changes the priority."""

from typing import Any

import pytest

from models.answer import FacetAnswer, FlagAnswer
from models.decision import decide
from models.thresholds import Band
from tests.data.policy.cases import changed_policy


def _facets(band: Band) -> dict[str, FacetAnswer | None]:
    facet = FacetAnswer(code="x", name="x", confidence=0.9, band=band)
    return {"order_type": facet, "category": facet, "cause": facet}


def _flag(code: str) -> FlagAnswer:
    return FlagAnswer(code=code, group=code[0], name="x", probability=0.9, source="model")


@pytest.mark.parametrize(
    ("band", "flags", "truncated", "decided", "priority"),
    [
        ("auto", [], False, "auto", "normal"),
        ("suggest", [], False, "suggest", "normal"),
        ("human", [], False, "human", "normal"),
        ("auto", ["P06"], False, "human", "high"),
        ("auto", ["E01"], False, "human", "urgent"),
        ("auto", ["S01", "E07"], False, "human", "urgent"),
        ("auto", ["X01"], False, "human", "normal"),
        ("auto", ["X01", "E04"], False, "human", "high"),
        ("auto", [], True, "human", "normal"),
    ],
)
def test_decision(band: Band, flags: list[str], truncated: bool, decided: str, priority: str) -> None:
    decision = decide(_facets(band), [_flag(code) for code in flags], truncated=truncated)
    assert (decision.band, decision.priority) == (decided, priority)


def test_a_risk_raised_by_a_rule_counts_like_the_models() -> None:
    by_rule = FlagAnswer(code="E01", group="E", name="x", probability=0.01, source="rule")
    decision = decide(_facets("auto"), [by_rule], truncated=False)
    assert (decision.band, decision.priority, decision.reasons) == ("human", "urgent", ["flag:E01"])


def test_reasons_name_flags_and_fields() -> None:
    facets = {**_facets("auto"), "category": FacetAnswer(code="x", name="x", confidence=0.2, band="human")}
    assert decide(facets, [_flag("E04")], truncated=True).reasons == [
        "flag:E04",
        "low_confidence:category",
        "truncated",
    ]


def test_missing_cause_of_a_question_is_no_doubt() -> None:
    assert decide({**_facets("auto"), "cause": None}, [], truncated=False).band == "auto"


def test_what_is_no_banks_matter_or_unreadable_goes_to_a_person() -> None:
    order_type = FacetAnswer(code="irrelevant", name="x", confidence=0.99, band="auto")
    nothing: dict[str, FacetAnswer | None] = {"order_type": order_type, "category": None, "cause": None}
    decision = decide(nothing, [], truncated=False)
    assert (decision.band, decision.priority, decision.reasons) == ("human", "normal", ["irrelevant"])
    decision = decide(_facets("auto"), [], truncated=False, out_of_scope=True)
    assert (decision.band, decision.reasons) == ("human", ["out_of_scope"])


def test_the_banks_policy_decides_what_is_urgent_and_what_a_person_must_see() -> None:
    def change(content: Any) -> None:
        content["priority"]["steps"][1]["flags"] = ["E09", "P08"]
        content["priority"]["not_a_risk"] = []
        content["always_to_person"]["low_confidence"].append("channel")

    policy = changed_policy(change)
    channel = FacetAnswer(code="unknown", name="x", confidence=0.3, band="human")
    facets = {**_facets("auto"), "channel": channel}
    assert decide(facets, [_flag("P08")], truncated=False, policy=policy).priority == "urgent"
    assert decide(facets, [_flag("X01")], truncated=False, policy=policy).priority == "high"
    decision = decide(facets, [], truncated=False, policy=policy)
    assert (decision.band, decision.reasons) == ("human", ["low_confidence:channel"])
