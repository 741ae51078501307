"""Outputs keep their order and parents."""

from data.taxonomy import Taxonomy
from models.label_space import LabelSpace, parent


def test_parents_follow_codes(taxonomy: Taxonomy) -> None:
    labels = LabelSpace.of(taxonomy)
    assert all(labels.category[labels.leaf_to_category[i]] == parent(code) for i, code in enumerate(labels.leaf))
    assert all(labels.cause[labels.subcause_to_cause[i]] == parent(code) for i, code in enumerate(labels.subcause))
    assert labels.evidence == (*labels.flags, *labels.cause)


def test_json_round_trip(taxonomy: Taxonomy) -> None:
    labels = LabelSpace.of(taxonomy)
    assert LabelSpace.from_json(labels.to_json()) == labels


def test_retired_labels_are_not_learned(taxonomy: Taxonomy) -> None:
    flags = (taxonomy.flags[0].model_copy(update={"retired": True}), *taxonomy.flags[1:])
    labels = LabelSpace.of(taxonomy.model_copy(update={"flags": flags}))
    assert "P01" not in labels.flags
