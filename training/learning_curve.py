"""How much more texts help. In: a config without a teacher, the corpus. Out: figures of models on growing parts of it.

    xiaobao learning-curve --config training/configs/direct.yaml --output FILE.json

The parts are nested and drawn by a hash of the text's id; `starter` is what the first writers wrote. Every model is
measured on the same texts, as the network answers before calibration, which changes no answer.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.gold import GoldSet
from models.calibration import Calibration, calibrate
from models.classifier import ComplaintClassifier
from models.label_space import LabelSpace
from models.tokenization import TextTokenizer
from training.config import TrainingConfig
from training.examples import encode_example
from training.finetune import predict_logits
from training.fit_calibration import to_arrays
from training.recipe import TrainingInputs, train_model

STARTER_WRITERS = frozenset(f"w{number:02d}" for number in range(1, 9))  # the first 1,000 texts
FACETS = ("order_type", "category", "leaf", "cause")


def learning_curve(
    config: TrainingConfig,
    inputs: TrainingInputs,
    *,
    shares: Sequence[float],
    measured: Mapping[str, GoldSet],
    run_folder: Path,
) -> list[dict[str, Any]]:
    """One point for the starter corpus and one for each share: name, number of texts, accuracy by set and facet."""
    train = inputs.splits["train"]
    parts = {"starter": [text for text in train if text.writer in STARTER_WRITERS]}
    parts |= {f"{share:.0%}": part_of(train, share) for share in shares}
    points = []
    for name, texts in parts.items():
        smaller = replace(inputs, splits={**inputs.splits, "train": texts})
        model = train_model(config, smaller, run_folder=run_folder / name.rstrip("%"))
        point: dict[str, Any] = {"name": name, "texts": len(texts)}
        for set_name, gold in measured.items():
            scores = accuracies(model, gold, tokenizer_file=inputs.tokenizer_file, taxonomy=inputs.taxonomy)
            point |= {f"{set_name} {facet}": value for facet, value in scores.items()}
        points.append(point)
    return points


def part_of(texts: Sequence[LabelledText], share: float) -> list[LabelledText]:
    """A share of the texts, the same every time; a smaller share lies within a larger one."""
    ranked = sorted(texts, key=lambda text: hashlib.sha256(f"part:{text.id}".encode()).digest())
    chosen = {text.id for text in ranked[: round(share * len(texts))]}
    return [text for text in texts if text.id in chosen]


def accuracies(
    model: ComplaintClassifier, gold: GoldSet, *, tokenizer_file: Path, taxonomy: Taxonomy
) -> dict[str, float]:
    """Share of right answers by facet, over the texts that have it."""
    labels = LabelSpace.of(taxonomy)
    tokenizer = TextTokenizer(tokenizer_file, 512)
    examples = [encode_example(text, tokenizer=tokenizer, labels=labels, taxonomy=taxonomy) for text in gold.texts]
    answers = answered_codes(model, examples, labels)
    result = {}
    for facet in FACETS:
        right = [
            answers[facet][i] in gold.accepted[i][facet]
            for i, text in enumerate(gold.texts)
            if getattr(text, facet) is not None
        ]
        result[facet] = round(float(np.mean(right)), 4)
    return result


def answered_codes(
    model: ComplaintClassifier, examples: Sequence[Any], labels: LabelSpace
) -> dict[str, list[str | None]]:
    """The codes that the predictor would give: no category for irrelevant texts, no cause but for complaints."""
    p = calibrate(to_arrays(predict_logits(model, examples, bfloat16=True)), Calibration(), labels)
    orders = [labels.order_type[i] for i in p.order_type.argmax(axis=1)]
    categories = p.category.argmax(axis=1)
    leaves = np.where(labels.leaf_to_category == categories[:, None], p.leaf, -1).argmax(axis=1)
    causes = p.cause.argmax(axis=1)
    return {
        "order_type": list(orders),
        "category": [
            labels.category[c] if o != "irrelevant" else None for c, o in zip(categories, orders, strict=True)
        ],
        "leaf": [labels.leaf[leaf] if o != "irrelevant" else None for leaf, o in zip(leaves, orders, strict=True)],
        "cause": [labels.cause[c] if o == "complaint" else None for c, o in zip(causes, orders, strict=True)],
    }
