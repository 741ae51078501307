"""Labels of people fit the taxonomy: known codes, children below their parents, null only where it means something."""

from typing import Any

import pytest

from data.store.records import Facets
from data.taxonomy import Taxonomy
from serving.errors import ServiceError
from serving.labelling import check_codes

COMPLAINT: dict[str, Any] = {
    "order_type": "complaint", "category": "B03A", "leaf": "B03A.05", "cause": "C02", "subcause": "C02.1",
    "channel": "electronic", "flags": ("E07", "P02"),
}  # fmt: skip
NO_CAUSE = {"cause": None, "subcause": None}
NOTHING = {"order_type": "irrelevant", "category": None, "leaf": None, **NO_CAUSE}


def wrong_fields(taxonomy: Taxonomy, change: dict[str, Any]) -> list[str]:
    values = {**COMPLAINT, **change}
    causes2 = values.pop("causes2", ())
    try:
        check_codes(Facets(**values), causes2, taxonomy)
    except ServiceError as error:
        return [detail.field for detail in error.details]
    return []


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, []),
        ({"causes2": ("C11", "C04")}, []),
        (NOTHING, []),
        ({"order_type": "feedback", **NO_CAUSE}, []),
        ({"leaf": "B02.01"}, ["leaf"]),
        ({"leaf": None}, ["leaf"]),
        ({"subcause": "C03.1"}, ["subcause"]),
        ({"subcause": None}, ["subcause"]),
        ({"category": None, "leaf": None}, ["category"]),
        (NO_CAUSE, ["cause"]),
        ({"category": "B98", "leaf": "B98.01"}, ["category", "leaf"]),
        ({"order_type": "consultation"}, ["cause"]),
        ({"order_type": "consultation", **NO_CAUSE, "causes2": ("C11",)}, ["causes2"]),
        ({"order_type": "irrelevant"}, ["category", "cause"]),
        ({"order_type": "praise", **NO_CAUSE}, ["order_type"]),
        ({"causes2": ("C02",)}, ["causes2"]),
        ({"causes2": ("C77",)}, ["causes2"]),
        ({"flags": ("E07", "Q01")}, ["flags"]),
        ({"channel": "pigeon"}, ["channel"]),
    ],
)
def test_a_label_fits_or_every_wrong_field_is_named(
    taxonomy: Taxonomy, change: dict[str, Any], fields: list[str]
) -> None:
    assert wrong_fields(taxonomy, change) == fields


def test_a_retired_code_is_given_no_more(taxonomy: Taxonomy) -> None:
    channels = tuple(entry.model_copy(update={"retired": True}) for entry in taxonomy.channels)
    assert wrong_fields(taxonomy.model_copy(update={"channels": channels}), {}) == ["channel"]
