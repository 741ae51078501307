"""Which codes may stand together in a decision."""

import pytest

from data.errors import StoreError
from data.label_rules import check_decision
from data.store.records import Facets
from data.taxonomy import default_taxonomy
from tests.data.store.cases import facets

NO_CAUSE = {"cause": None, "subcause": None}
NOTHING = {"category": None, "leaf": None, **NO_CAUSE}


@pytest.mark.parametrize(
    ("decision", "causes2"),
    [
        (facets(), ["C08"]),
        (facets(order_type="consultation", **NO_CAUSE), []),
        (facets(order_type="irrelevant", flags=(), **NOTHING), []),
    ],
)
def test_what_belongs_together_is_taken(decision: Facets, causes2: list[str]) -> None:
    check_decision(Facets(**vars(decision) | {"channel": "counter"}), causes2, default_taxonomy())


@pytest.mark.parametrize(
    ("changes", "causes2"),
    [
        ({"order_type": "anger"}, []),
        ({"channel": "mobile"}, []),
        ({"flags": ("P99",)}, []),
        ({"category": "B02"}, []),
        ({"leaf": "B03A.98"}, []),
        ({"leaf": None}, []),
        ({"category": None, "leaf": None}, []),
        ({"cause": "C01"}, []),
        (NO_CAUSE, []),
        ({"order_type": "consultation"}, []),
        ({"order_type": "irrelevant"}, []),
        ({}, ["C02"]),
        ({}, ["C77"]),
        ({"order_type": "consultation", **NO_CAUSE}, ["C01"]),
    ],
)
def test_what_does_not_is_refused(changes: dict[str, object], causes2: list[str]) -> None:
    decision = facets(**{"channel": "counter", **changes})
    with pytest.raises(StoreError) as refusal:
        check_decision(decision, causes2, default_taxonomy())
    assert refusal.value.code == "label_invalid"
