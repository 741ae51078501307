"""Fit a linear chain over characters (a conditional random field). In: features and labels. Out: weights.

L-BFGS minimises the negative log-likelihood with a quadratic penalty; the sums forward and backward run over all
texts at once, the longest first. The same input gives the same weights. Needs the extra `train`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from data.redaction.address_tagger import LABELS, STEPS

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LabelledRun:
    """The features and the label of each character of a piece of text, and how much it counts."""

    rows: Sequence[Sequence[str]]
    labels: Sequence[int]
    weight: float


@dataclass(frozen=True, kw_only=True)
class ChainWeights:
    features: dict[str, Floats]
    """Feature → weight of each label."""
    steps: Floats
    """Weight of a label behind another; only the pairs of STEPS are used."""


class _Material:
    """The runs as matrices: positions × features, and where the n-th position of each run stands."""

    def __init__(self, runs: Sequence[LabelledRun], *, fewest: int) -> None:
        counts = Counter(feature for run in runs for row in run.rows for feature in row)
        self.names = sorted(feature for feature, count in counts.items() if count >= fewest)
        numbers = {name: number for number, name in enumerate(self.names)}
        runs = sorted(runs, key=lambda run: -len(run.labels))
        columns: list[int] = []
        ends = [0]
        for row in (row for run in runs for row in run.rows):
            columns += [numbers[feature] for feature in row if feature in numbers]
            ends.append(len(columns))
        lengths = np.array([len(run.labels) for run in runs])
        self.matrix = csr_matrix(
            (np.ones(len(columns)), np.array(columns, dtype=np.int32), np.array(ends, dtype=np.int32)),
            shape=(len(ends) - 1, len(self.names)),
        )
        self.turned = self.matrix.T.tocsr()
        self.run_weights = np.array([run.weight for run in runs])
        self.weights = np.repeat(self.run_weights, lengths)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        # at[n]: the n-th positions of all runs that are as long
        self.at = [starts[: int((lengths > n).sum())] + n for n in range(int(lengths[0]))]
        labels = np.array([label for run in runs for label in run.labels])
        gold = np.eye(LABELS)[labels] * self.weights[:, None]
        self.gold_features: Floats = self.turned @ gold
        self.gold_steps = np.zeros((LABELS, LABELS))
        for here, behind in pairwise(self.at):
            pairs = (labels[here[: len(behind)]], labels[behind])
            np.add.at(self.gold_steps, pairs, self.run_weights[: len(behind)])


def fit_chain(runs: Sequence[LabelledRun], *, fewest: int, penalty: float, rounds: int) -> ChainWeights:
    """Weights of the features that occur often enough."""
    material = _Material(runs, fewest=fewest)
    size = len(material.names) * LABELS

    def loss(parameters: Floats) -> tuple[float, Floats]:
        features, steps = parameters[:size].reshape(-1, LABELS), parameters[size:].reshape(LABELS, LABELS)
        likelihood, by_feature, by_step = _likelihood(material, features, steps)
        gradient = np.concatenate([by_feature.ravel(), by_step.ravel()])
        return penalty / 2 * float(parameters @ parameters) - likelihood, penalty * parameters - gradient

    start = np.zeros(size + LABELS * LABELS)
    found: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": rounds}).x
    weights = found[:size].reshape(-1, LABELS)
    return ChainWeights(
        features=dict(zip(material.names, weights, strict=True)), steps=found[size:].reshape(LABELS, LABELS)
    )


def _likelihood(material: _Material, features: Floats, steps: Floats) -> tuple[float, Floats, Floats]:
    """Log-likelihood of the labels, and its slope by weight of feature and of step."""
    scores: Floats = material.matrix @ features
    highest = scores.max(axis=1, keepdims=True)
    emissions, onward = np.exp(scores - highest), np.exp(steps) * _allowed()
    forward, scales = _forward(material.at, emissions, onward)
    backward = np.ones_like(emissions)
    expected_steps = np.zeros((LABELS, LABELS))
    for here, behind in reversed(list(pairwise(material.at))):
        here = here[: len(behind)]  # shorter runs end here
        ahead = emissions[behind] * backward[behind] / scales[behind][:, None]
        backward[here] = ahead @ onward.T
        expected_steps += onward * ((forward[here] * material.run_weights[: len(behind), None]).T @ ahead)
    expected = forward * backward * material.weights[:, None]
    likelihood = (
        float((material.gold_features * features).sum())
        + float((material.gold_steps * steps).sum())
        - float(material.weights @ (np.log(scales) + highest[:, 0]))
    )
    slope: Floats = material.gold_features - material.turned @ expected
    return likelihood, slope, material.gold_steps - expected_steps


def _forward(at: Sequence[Integers], emissions: Floats, onward: Floats) -> tuple[Floats, Floats]:
    """Shares of the labels given all before, and what they were divided by."""
    forward, scales = np.zeros_like(emissions), np.zeros(len(emissions))
    before: Floats | None = None
    for here in at:
        shares = emissions[here] if before is None else emissions[here] * (before[: len(here)] @ onward)
        total = shares.sum(axis=1)
        before = shares / total[:, None]
        forward[here], scales[here] = before, total
    return forward, scales


def _allowed() -> Floats:
    allowed = np.zeros((LABELS, LABELS))
    for before, behind in STEPS:
        allowed[before, behind] = 1
    return allowed
