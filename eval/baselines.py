"""What simpler methods answer on the same texts. In: training texts, other texts. Out: codes by method and facet.

Majority class; jieba words + TF-IDF + logistic regression; mean vectors of the frozen pretrained encoder + logistic
regression; SetFit's method (Tunstall et al. 2022): contrastive fine-tuning of the encoder on pairs of texts, then
logistic regression. All see the same redacted, normalised text as the model. Needs the extra `train`.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import jieba
import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data.preparation import prepare_text
from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.contrastive import Body, contrastive_body, embed, load_body
from eval.metrics import score_codes

FACETS = ("order_type", "category", "leaf", "cause")
MAJORITY = "majority"
TFIDF = "jieba + TF-IDF + logistic regression"
FROZEN = "frozen encoder + logistic regression"
CONTRASTIVE = "contrastive fine-tuning (SetFit) + logistic regression"
METHODS = (MAJORITY, TFIDF, FROZEN)
CONTRASTIVE_FACETS = ("category", "cause")  # each tunes twelve layers anew: only those that the README's table shows
Inputs = tuple[Any, Any]  # of training texts and of others: words, or vectors (texts, hidden)
jieba.setLogLevel(logging.WARNING)


def predict_baselines(
    train: Sequence[LabelledText],
    texts: Sequence[LabelledText],
    taxonomy: Taxonomy,
    *,
    facets: Sequence[str] = FACETS,
    methods: Sequence[str] = METHODS,
) -> dict[str, dict[str, list[str]]]:
    """Method → facet → a code for every text, also for texts that have no such facet. Learns from `train` alone.

    The contrastive method answers `CONTRASTIVE_FACETS` only.
    """
    inputs: Inputs = [_model_text(text, taxonomy) for text in train], [_model_text(text, taxonomy) for text in texts]
    frozen = _embedded(inputs, load_body(taxonomy)) if {MAJORITY, FROZEN} & set(methods) else inputs
    answers: dict[str, dict[str, list[str]]] = {method: {} for method in methods}
    for facet in facets:
        labels = [getattr(text, facet) for text in train]
        for method in methods:
            features: Inputs = inputs if method == TFIDF else frozen
            if method == CONTRASTIVE and facet not in CONTRASTIVE_FACETS:
                continue
            if method == CONTRASTIVE:
                features = _embedded(inputs, contrastive_body(inputs[0], labels, taxonomy))
            answers[method][facet] = _fit_and_predict(MAKERS[method](), features, labels)
    return answers


def _embedded(inputs: Inputs, body: Body) -> Inputs:
    return embed(inputs[0], body), embed(inputs[1], body)


def evaluate_baselines(
    train: Sequence[LabelledText],
    test: Sequence[LabelledText],
    taxonomy: Taxonomy,
    *,
    facets: Sequence[str] = FACETS,
    methods: Sequence[str] = METHODS,
) -> dict[str, dict[str, Any]]:
    """Method → facet → {n, accuracy, macro_f1} with bootstrap intervals, as `eval.metrics` gives them."""
    answers = predict_baselines(train, test, taxonomy, facets=facets, methods=methods)
    return {
        method: {
            facet: score_codes([(w, g) for text, g in zip(test, given, strict=True) if (w := getattr(text, facet))])
            for facet, given in by_facet.items()
        }
        for method, by_facet in answers.items()
    }


def _model_text(text: LabelledText, taxonomy: Taxonomy) -> str:
    return prepare_text(text.text, taxonomy).model_text


def _tfidf() -> Any:
    return make_pipeline(
        TfidfVectorizer(tokenizer=jieba.lcut, token_pattern=None, sublinear_tf=True, ngram_range=(1, 2), min_df=2),
        LogisticRegression(C=10, max_iter=2000, class_weight="balanced"),
    )


def _frozen() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced"))


MAKERS: dict[str, Callable[[], Any]] = {
    MAJORITY: lambda: DummyClassifier(strategy="most_frequent"),
    TFIDF: _tfidf,
    FROZEN: _frozen,
    CONTRASTIVE: _frozen,
}


def _fit_and_predict(classifier: Any, features: Inputs, labels: Sequence[str | None]) -> list[str]:
    rows = [i for i, label in enumerate(labels) if label is not None]
    known, unknown = features
    kept = known[rows] if isinstance(known, np.ndarray) else [known[i] for i in rows]
    classifier.fit(kept, [labels[i] for i in rows])
    return [str(code) for code in classifier.predict(unknown)]
