"""Who works on a case, and when it is 重大."""

from typing import Any

import pytest

from data.policy.major import major_reasons
from data.policy.routing import Route, route
from data.policy.schema import default_policy
from data.taxonomy import Taxonomy
from tests.data.policy.cases import changed_policy

POLICY = default_policy()


@pytest.mark.parametrize(
    ("category", "leaf", "flags", "lead", "joined"),
    [
        ("B03B", "B03B.02", [], "credit_card", ()),
        ("B99", "B99.01", [], "it", ()),
        ("B99", "B99.04", [], "compliance", ()),
        ("B12", "B12.01", [], "credit_card", ()),
        ("B12", None, ["E09"], "collections", ("security", "compliance")),
        ("B01", "B01.01", ["E07", "P02", "P07"], "retail", ("fraud", "compliance")),
        ("B09", "B09.02", ["P01", "P08"], "compliance", ("audit",)),
        (None, None, [], "compliance", ()),
        (None, None, ["E01"], "compliance", ("security",)),
    ],
)
def test_route(category: str | None, leaf: str | None, flags: list[str], lead: str, joined: tuple[str, ...]) -> None:
    assert route(POLICY, category=category, leaf=leaf, flags=flags) == Route(lead=lead, joined=joined)


def test_every_leaf_has_a_named_department(taxonomy: Taxonomy) -> None:
    for category in taxonomy.categories:
        for leaf in category.leaves:
            assert route(POLICY, category=category.code, leaf=leaf.code).lead in POLICY.departments


@pytest.mark.parametrize(
    ("facts", "reasons"),
    [
        ({}, ()),
        ({"persons_together": 19, "cases_of_same_product_and_branch": 19}, ()),
        ({"persons_together": 20}, ("Z1",)),
        ({"cases_of_same_product_and_branch": 20}, ("Z2",)),
        ({"is_marked_by_regulator": True}, ("Z3",)),
        ({"persons_together": 50, "is_marked_by_regulator": True}, ("Z1", "Z3")),
    ],
)
def test_major(facts: dict[str, Any], reasons: tuple[str, ...]) -> None:
    assert major_reasons(POLICY, **facts) == reasons


def test_thresholds_are_the_banks() -> None:
    def change(content: Any) -> None:
        content["major"]["persons_together"]["persons"] = 5
        content["major"]["regulator_mark"]["counts"] = False

    assert major_reasons(changed_policy(change), persons_together=5, is_marked_by_regulator=True) == ("Z1",)
