"""The threshold of a flag group keeps the wanted recall, and says nothing where nothing was held out."""

import numpy as np
import pytest

from data.taxonomy import Taxonomy
from models.label_space import LabelSpace
from training.fit_calibration import NEVER, _group_threshold


@pytest.mark.parametrize(("positives", "lowest"), [(0, NEVER), (1, 0.01), (10, 0.01), (100, 0.06)])
def test_group_threshold(taxonomy: Taxonomy, positives: int, lowest: float) -> None:
    """A threshold of 0 would raise a flag of the group on every text."""
    labels = LabelSpace.of(taxonomy)
    column = next(i for i, code in enumerate(labels.flags) if code[0] == "P")
    probabilities = np.zeros((positives + 5, len(labels.flags)), dtype=np.float32)
    gold = np.zeros(probabilities.shape, dtype=bool)
    probabilities[:positives, column] = np.arange(1, positives + 1) / 100
    gold[:positives, column] = True
    found = _group_threshold(probabilities, gold, labels=labels, group="P", recall=0.94)
    assert found == pytest.approx(lowest)
