"""Honest confidence. In: logits. Out: probabilities that match how often the model is right.

One temperature per softmax head, scale and shift for independent labels, fitted by `training.fit_calibration`.
Parents' probabilities are the sums of their children's.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from models.label_space import LabelSpace

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Divisors of the logits of each head; independent labels get a shift as well, since their loss is weighted."""

    order_type: float = 1.0
    leaf: float = 1.0
    subcause: float = 1.0
    channel: float = 1.0
    causes: float = 1.0
    flags: float = 1.0
    causes_bias: float = 0.0
    flags_bias: float = 0.0

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        return cls(**content)

    def to_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Probabilities:
    """Calibrated probabilities, each of shape (texts, labels)."""

    order_type: FloatArray
    category: FloatArray
    leaf: FloatArray
    cause: FloatArray
    subcause: FloatArray
    channel: FloatArray
    causes: FloatArray
    """That a cause is argued at all, primary or not."""
    flags: FloatArray


def calibrate(logits: dict[str, FloatArray], calibration: Calibration, labels: LabelSpace) -> Probabilities:
    """Apply the temperatures and sum children into parents."""
    leaf = softmax(logits["leaf"] / calibration.leaf)
    subcause = softmax(logits["subcause"] / calibration.subcause)
    return Probabilities(
        order_type=softmax(logits["order_type"] / calibration.order_type),
        category=sum_by_parent(leaf, labels.leaf_to_category, len(labels.category)),
        leaf=leaf,
        cause=sum_by_parent(subcause, labels.subcause_to_cause, len(labels.cause)),
        subcause=subcause,
        channel=softmax(logits["channel"] / calibration.channel),
        causes=sigmoid(logits["causes"] / calibration.causes + calibration.causes_bias),
        flags=sigmoid(logits["flags"] / calibration.flags + calibration.flags_bias),
    )


def softmax(logits: FloatArray) -> FloatArray:
    """Probabilities over the last axis."""
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True), dtype=np.float32)


def sigmoid(logits: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -60, 60))), dtype=np.float32)


def sum_by_parent(children: FloatArray, parents: npt.NDArray[np.int64], number: int) -> FloatArray:
    """Sum columns that share a parent: (texts, children) → (texts, number of parents)."""
    members = np.zeros((len(parents), number), dtype=np.float32)
    members[np.arange(len(parents)), parents] = 1.0
    return np.asarray(children @ members, dtype=np.float32)
