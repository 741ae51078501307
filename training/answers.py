"""What a network answers before calibration. In: a classifier, texts. Out: accuracy.

A temperature moves no order type, but now and then a category or cause, which is the sum of its children.
"""

from collections.abc import Sequence

import numpy as np

from eval.gold import GoldSet
from models.calibration import Calibration, calibrate
from models.classifier import ComplaintClassifier
from models.label_space import LabelSpace
from training.examples import Example
from training.finetune import predict_logits
from training.fit_calibration import to_arrays
from training.inputs import TrainingInputs

FACETS = ("order_type", "category", "leaf", "cause")
LONGEST = 512  # pieces


def accuracies(model: ComplaintClassifier, gold: GoldSet, inputs: TrainingInputs) -> dict[str, float]:
    """Share of right answers by facet, over the texts that have it; a facet that no text has is left out."""
    answers = answered_codes(model, inputs.encode(gold.texts, LONGEST), inputs.labels)
    result = {}
    for facet in FACETS:
        right = [
            answers[facet][i] in gold.accepted[i][facet]
            for i, text in enumerate(gold.texts)
            if getattr(text, facet) is not None
        ]
        if right:
            result[facet] = round(float(np.mean(right)), 4)
    return result


def answered_codes(
    model: ComplaintClassifier, examples: Sequence[Example], labels: LabelSpace
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
