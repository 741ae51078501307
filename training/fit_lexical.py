"""Fit the lexical reading and its share in the answer. In: training and development examples. Out: a `FusedClassifier`.

Logistic regressions on TF-IDF of pieces, one for each head, fitted apart from the network on the training texts;
then two scales a head, the network's and the regression's, that minimise the negative log likelihood of the
development texts (stacking, Wolpert 1992). Classes of the softmax heads are weighted against their frequency, so that
rare leaves are read at all; the network keeps the priors.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from torch.nn import functional

from models.classifier import HEADS, SOFTMAX_HEADS, ComplaintClassifier
from models.label_space import LabelSpace
from models.lexical import FusedClassifier, HeadWeights, LexicalReading, Mix
from training.config import LexicalConfig
from training.examples import IGNORED, Example
from training.finetune import predict_logits

Targets = npt.NDArray[Any]
Loss = Callable[[torch.Tensor], torch.Tensor]
NEVER_SEEN = -8.0  # the logit of a label that no training text has
MOST_STEPS = 400  # of the optimiser
NETWORK_ALONE = Mix(network=1.0, lexical=0.0)


def fit_fused(
    network: ComplaintClassifier,
    *,
    train: Sequence[Example],
    dev: Sequence[Example],
    labels: LabelSpace,
    config: LexicalConfig,
) -> FusedClassifier:
    """The network with a lexical reading beside it, in evaluation mode."""
    vocabulary = network.encoder.config.vocab_size
    rows, idf = _piece_rows(train, vocabulary, config.least_texts)
    features = _features(train, rows, idf)
    heads = {name: _fit_head(name, features, examples=train, labels=labels, config=config) for name in HEADS}
    lexical = LexicalReading(rows=torch.from_numpy(rows), idf=torch.from_numpy(idf), heads=heads).eval()
    return FusedClassifier(network, lexical=lexical, mixes=_fit_mixes(network, lexical, dev)).eval()


def _piece_rows(
    train: Sequence[Example], vocabulary: int, least_texts: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Row of every piece, 0 for the unread, and smoothed inverse document frequency by row."""
    texts_with = Counter(piece for example in train for piece in set(example.ids[1:-1]))
    kept = sorted(piece for piece, number in texts_with.items() if number >= least_texts)
    rows = np.zeros(vocabulary, dtype=np.int64)
    rows[kept] = np.arange(1, len(kept) + 1)
    numbers = np.array([len(train), *(texts_with[piece] for piece in kept)])
    return rows, (np.log((1 + len(train)) / (1 + numbers)) + 1).astype(np.float32)


def _features(examples: Sequence[Example], rows: npt.NDArray[np.int64], idf: npt.NDArray[np.float32]) -> csr_matrix:
    """TF-IDF vectors of length 1, (texts, rows), as `LexicalReading` weighs them."""
    places: list[tuple[int, int]] = []
    values: list[float] = []
    for text, example in enumerate(examples):
        counts = Counter(int(row) for row in rows[example.ids[1:-1]] if row)
        weights = {row: (1 + np.log(number)) * idf[row] for row, number in counts.items()}
        length = np.sqrt(sum(weight * weight for weight in weights.values()))
        places += [(text, row) for row in weights]
        values += [weight / length for weight in weights.values()]
    texts, columns = np.array(places, dtype=np.int64).reshape(-1, 2).T
    return csr_matrix((values, (texts, columns)), shape=(len(examples), len(idf)))


def _fit_head(
    name: str, features: csr_matrix, *, examples: Sequence[Example], labels: LabelSpace, config: LexicalConfig
) -> HeadWeights:
    if name in SOFTMAX_HEADS:
        targets = np.array([getattr(example, name) for example in examples])
        return _fit_softmax(features, targets, len(getattr(labels, name)), config)
    rows = _read_for(name, examples)
    targets = np.stack([getattr(example, name) for example in examples])[rows] > 0
    columns = [_fit_binary(features[rows], targets[:, label], config) for label in range(targets.shape[1])]
    return HeadWeights(
        weights=torch.cat([column.weights for column in columns], dim=1),
        bias=torch.cat([column.bias for column in columns]),
    )


def _fit_softmax(features: csr_matrix, targets: Targets, number: int, config: LexicalConfig) -> HeadWeights:
    weights, bias = np.zeros((features.shape[1], number)), np.full(number, NEVER_SEEN)
    known = np.flatnonzero(targets != IGNORED)
    present = np.unique(targets[known])
    if len(present) == 1:
        bias[present] = 0.0
    if len(present) > 1:
        model = _regression(config, class_weight="balanced")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The number of unique classes")  # in a small corpus
            model.fit(features[known], targets[known])
        coefficients, intercepts = model.coef_, model.intercept_
        if len(present) == 2:  # one logit, of the second label against the first
            coefficients, intercepts = np.vstack([0 * coefficients, coefficients]), np.array([0.0, intercepts[0]])
        weights[:, present], bias[present] = coefficients.T, intercepts
    return _head_weights(weights, bias)


def _fit_binary(features: csr_matrix, targets: Targets, config: LexicalConfig) -> HeadWeights:
    if targets.all() or not targets.any():
        level = -NEVER_SEEN if targets.all() else NEVER_SEEN
        return _head_weights(np.zeros((features.shape[1], 1)), np.array([level]))
    model = _regression(config).fit(features, targets)
    return _head_weights(model.coef_.T, model.intercept_)


def _regression(config: LexicalConfig, **options: Any) -> LogisticRegression:
    return LogisticRegression(C=config.inverse_penalty, max_iter=MOST_STEPS, **options)


def _head_weights(weights: npt.NDArray[Any], bias: npt.NDArray[Any]) -> HeadWeights:
    return HeadWeights(weights=torch.from_numpy(weights).float(), bias=torch.from_numpy(bias).float())


def _read_for(name: str, examples: Sequence[Example]) -> npt.NDArray[np.bool_]:
    """Which texts train a binary head: of causes, only complaints, as in the network's loss."""
    return np.array([name == "flags" or example.subcause != IGNORED for example in examples])


def _fit_mixes(network: ComplaintClassifier, lexical: LexicalReading, dev: Sequence[Example]) -> dict[str, Mix]:
    if not dev:
        return dict.fromkeys(HEADS, NETWORK_ALONE)
    own, other = predict_logits(network, dev), predict_logits(_WithoutEvidence(lexical), dev)
    mixes = {}
    for name in HEADS:
        loss = _softmax_loss(dev, name) if name in SOFTMAX_HEADS else _binary_loss(dev, name)
        mixes[name] = _fit_mix(getattr(own, name), getattr(other, name), loss)
    return mixes


class _WithoutEvidence(torch.nn.Module):
    """Lets `predict_logits` read a module that gives logits alone."""

    def __init__(self, lexical: LexicalReading) -> None:
        super().__init__()
        self.lexical = lexical

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (*self.lexical(input_ids, attention_mask), torch.empty(0))


def _softmax_loss(dev: Sequence[Example], name: str) -> Loss:
    targets = torch.tensor([getattr(example, name) for example in dev])
    return lambda logits: functional.cross_entropy(logits, targets, ignore_index=IGNORED)


def _binary_loss(dev: Sequence[Example], name: str) -> Loss:
    rows = torch.from_numpy(_read_for(name, dev))
    targets = torch.from_numpy(np.stack([getattr(example, name) for example in dev]))
    return lambda logits: functional.binary_cross_entropy_with_logits(logits[rows], targets[rows])


def _fit_mix(own: torch.Tensor, other: torch.Tensor, loss: Loss) -> Mix:
    """Scales that minimise the loss; never negative, so that neither reading is turned round."""

    def mixed(scales: npt.NDArray[np.float64]) -> float:
        return float(loss(abs(float(scales[0])) * own + abs(float(scales[1])) * other))

    if not np.isfinite(mixed(np.array([1.0, 0.5]))):
        return NETWORK_ALONE  # no development text trains this head
    network, lexical = minimize(mixed, np.array([1.0, 0.5]), method="Nelder-Mead").x
    return Mix(network=round(abs(float(network)), 3), lexical=round(abs(float(lexical)), 3))
