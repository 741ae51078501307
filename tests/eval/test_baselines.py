"""Baselines learn from words what can be learned from words."""

from pathlib import Path

import pytest

from data.dataset import read_corpus
from data.taxonomy import Taxonomy
from eval.baselines import CONTRASTIVE, METHODS, evaluate_baselines


def test_baselines_on_a_few_texts(
    tiny_corpus: Path, taxonomy: Taxonomy, encoder_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XIAOBAO_CACHE", str(encoder_cache.parent))
    # Three times over: scikit-learn warns of classes that are nearly as many as the texts.
    texts = read_corpus(taxonomy, tiny_corpus / "texts")[:24] * 3
    methods = (*METHODS, CONTRASTIVE)
    results = evaluate_baselines(texts, texts, taxonomy, facets=["order_type", "category"], methods=methods)
    assert list(results[CONTRASTIVE]) == ["category"]  # it tunes the encoder for what the table shows alone
    for facet in ("order_type", "category"):
        majority = results["majority"][facet]["accuracy"][0]
        assert majority < results["jieba + TF-IDF + logistic regression"][facet]["accuracy"][0]
        assert facet not in results[CONTRASTIVE] or majority < results[CONTRASTIVE][facet]["accuracy"][0]
        assert majority < results["frozen encoder + logistic regression"][facet]["accuracy"][0]
