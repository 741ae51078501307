"""The lexical reading is scikit-learn's TF-IDF and logistic regression, inside the graph; mixing it in pays."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from torch.nn import functional

from models.classifier import HEADS, ComplaintClassifier
from models.lexical import FusedClassifier
from training.config import LexicalConfig, TrainingConfig
from training.examples import IGNORED, Example, collate
from training.finetune import build_classifier, predict_logits
from training.fit_lexical import MOST_STEPS, NETWORK_ALONE, NEVER_SEEN, fit_fused
from training.inputs import TrainingInputs

CONFIG = LexicalConfig(least_texts=2)


@pytest.fixture(scope="module")
def train(tiny_config: Path, inputs: TrainingInputs) -> list[Example]:
    return inputs.examples("train", TrainingConfig.read(tiny_config))


@pytest.fixture(scope="module")
def dev(tiny_config: Path, inputs: TrainingInputs) -> list[Example]:
    return inputs.examples("dev", TrainingConfig.read(tiny_config))


@pytest.fixture(scope="module")
def network(tiny_config: Path, inputs: TrainingInputs) -> ComplaintClassifier:
    return build_classifier(TrainingConfig.read(tiny_config), inputs.taxonomy).eval()


@pytest.fixture(scope="module")
def fused(
    network: ComplaintClassifier, train: list[Example], dev: list[Example], inputs: TrainingInputs
) -> FusedClassifier:
    return fit_fused(network, train=train, dev=dev, labels=inputs.labels, config=CONFIG)


def _lexical(fused: FusedClassifier, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
    batch = collate(examples)
    return dict(zip(HEADS, fused.lexical(batch.input_ids, batch.attention_mask), strict=True))


def _reference(
    train: Sequence[Example], texts: Sequence[Example], targets: Sequence[int], class_weight: str | None
) -> tuple[LogisticRegression, npt.NDArray[np.float64]]:
    """scikit-learn's own model, its TF-IDF taken from all of `train`; -1 in `targets` leaves a text out."""
    vectorizer = TfidfVectorizer(
        analyzer=lambda example: map(str, example.ids[1:-1]), sublinear_tf=True, min_df=CONFIG.least_texts
    )
    features = vectorizer.fit_transform(train)
    rows = np.flatnonzero(np.array(targets) >= 0)
    model = LogisticRegression(C=CONFIG.inverse_penalty, max_iter=MOST_STEPS, class_weight=class_weight)
    model.fit(features[rows], np.array(targets)[rows])
    return model, model.predict_proba(vectorizer.transform(texts))


def test_reading_is_that_of_scikit_learn(fused: FusedClassifier, train: list[Example], dev: list[Example]) -> None:
    model, expected = _reference(train, dev, [example.order_type for example in train], "balanced")
    given = torch.softmax(_lexical(fused, dev)["order_type"], dim=1)[:, model.classes_]
    np.testing.assert_allclose(given.numpy(), expected, atol=5e-3)


def test_causes_are_read_from_complaints_alone_and_flags_from_all(
    fused: FusedClassifier, train: list[Example], dev: list[Example]
) -> None:
    for name, may_train in (("causes", lambda e: e.subcause != IGNORED), ("flags", lambda e: True)):
        counts = np.stack([getattr(example, name) for example in train if may_train(example)]).sum(axis=0)
        label = int(counts.argmax())
        targets = [int(getattr(e, name)[label]) if may_train(e) else -1 for e in train]
        _, expected = _reference(train, dev, targets, None)
        given = torch.sigmoid(_lexical(fused, dev)[name][:, label])
        np.testing.assert_allclose(given.numpy(), expected[:, 1], atol=5e-3, err_msg=name)


@pytest.mark.parametrize("kept", [1, 2])
def test_a_head_with_one_or_two_labels_is_read(
    kept: int, network: ComplaintClassifier, train: list[Example], dev: list[Example], inputs: TrainingInputs
) -> None:
    orders = sorted({example.order_type for example in train})[:kept]
    few = [example for example in train if example.order_type in orders]
    logits = _lexical(fit_fused(network, train=few, dev=dev, labels=inputs.labels, config=CONFIG), few[:8])[
        "order_type"
    ]
    right = sum(int(row.argmax()) == example.order_type for row, example in zip(logits, few[:8], strict=True))
    assert right == 8


def test_without_development_texts_the_network_answers_alone(
    network: ComplaintClassifier, train: list[Example], inputs: TrainingInputs
) -> None:
    alone = fit_fused(network, train=train, dev=[], labels=inputs.labels, config=CONFIG)
    assert set(alone.mixes.values()) == {NETWORK_ALONE}


def test_a_label_that_no_text_has_stays_unlikely(
    fused: FusedClassifier, train: list[Example], dev: list[Example]
) -> None:
    unseen = sorted(set(range(len(_lexical(fused, dev)["leaf"][0]))) - {example.leaf for example in train})
    assert unseen
    assert torch.all(_lexical(fused, dev)["leaf"][:, unseen] == NEVER_SEEN)


def test_the_mix_is_no_worse_than_the_network_on_development_texts(
    fused: FusedClassifier, network: ComplaintClassifier, dev: list[Example]
) -> None:
    for name in ("order_type", "subcause"):
        targets = torch.tensor([getattr(example, name) for example in dev])
        alone, mixed = (
            functional.cross_entropy(getattr(predict_logits(model, dev), name), targets, ignore_index=IGNORED)
            for model in (network, fused)
        )
        assert mixed <= alone + 1e-6, name
