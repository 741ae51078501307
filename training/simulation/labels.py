"""Reviewers who err. In: texts with true labels. Out: the same with a share of wrong ones, and rows of a snapshot."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from data.schema import LabelledText
from data.snapshots import LabelRow
from models.label_space import parent

DECIDED_AT = datetime(2026, 11, 30, tzinfo=UTC)


def with_wrong_labels(
    decided: Sequence[LabelledText], train: Sequence[LabelledText], *, share: float, seed: int
) -> list[LabelledText]:
    """Leaf and sub-cause of a share of the texts, each on its own, become another one, as often as they occur."""
    random = np.random.default_rng(seed)
    leaves = [text.leaf for text in train if text.leaf]
    subcauses = [text.subcause for text in train if text.subcause]
    result = []
    for text in decided:
        if text.leaf and random.random() < share:
            leaf = _other(leaves, text.leaf, random)
            text = replace(text, leaf=leaf, category=parent(leaf))
        if text.subcause and random.random() < share:
            subcause = _other(subcauses, text.subcause, random)
            text = replace(text, subcause=subcause, cause=parent(subcause), causes2=())
        result.append(text)
    return result


def _other(codes: Sequence[str], given: str, random: np.random.Generator) -> str:
    """A code of another parent, drawn as often as it occurs."""
    while parent(code := str(random.choice(codes))) == parent(given):
        pass
    return code


def as_row(text: LabelledText) -> LabelRow:
    """A decision as a snapshot holds it."""
    return LabelRow(
        id=text.id,
        text=text.text,
        order_type=text.order_type,
        category=text.category,
        leaf=text.leaf,
        cause=text.cause,
        subcause=text.subcause,
        channel=text.channel,
        causes2=text.causes2,
        flags=text.flags,
        labelled_at=DECIDED_AT,
        reviewer="r0",
    )
