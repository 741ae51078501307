"""The lexical reading is scikit-learn's TF-IDF and logistic regression, inside the graph; mixing it in pays."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from torch.nn import functional

from models.classifier import ComplaintClassifier
from models.lexical import HEADS, FusedClassifier
from training.config import LexicalConfig, TrainingConfig
from training.examples import IGNORED, Example, collate
from training.finetune import build_classifier, predict_logits
from training.fit_lexical import NEVER_SEEN, fit_fused
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


def _reference(train: Sequence[Example], texts: Sequence[Example]) -> tuple[LogisticRegression, np.ndarray]:
    vectorizer = TfidfVectorizer(
        analyzer=lambda example: map(str, example.ids[1:-1]), sublinear_tf=True, min_df=CONFIG.least_texts
    )
    features = vectorizer.fit_transform(train)
    model = LogisticRegression(C=CONFIG.inverse_penalty, max_iter=400, class_weight="balanced")
    model.fit(features, [example.order_type for example in train])
    return model, model.predict_proba(vectorizer.transform(texts))


def test_reading_is_that_of_scikit_learn(fused: FusedClassifier, train: list[Example], dev: list[Example]) -> None:
    model, expected = _reference(train, dev)
    given = torch.softmax(_lexical(fused, dev)["order_type"], dim=1)[:, model.classes_]
    np.testing.assert_allclose(given.numpy(), expected, atol=5e-3)


def test_a_text_is_read_the_same_beside_longer_ones(fused: FusedClassifier, dev: list[Example]) -> None:
    together = _lexical(fused, dev)
    for row, example in enumerate(dev):
        for name, alone in _lexical(fused, [example]).items():
            torch.testing.assert_close(together[name][row : row + 1], alone, atol=1e-4, rtol=1e-4)


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


def test_evidence_is_the_networks(fused: FusedClassifier, network: ComplaintClassifier, dev: list[Example]) -> None:
    batch = collate(dev[:3])
    torch.testing.assert_close(
        fused(batch.input_ids, batch.attention_mask)[-1], network(batch.input_ids, batch.attention_mask)[-1]
    )
