"""Targets follow labels; evidence falls on the pieces of its words, also after redaction."""

from pathlib import Path

import numpy as np
import pytest

from data.schema import EvidenceSpan, LabelledText
from data.taxonomy import Taxonomy
from models.label_space import LabelSpace
from models.tokenization import TextTokenizer
from training.examples import IGNORED, batches, encode_example

TEXT = "我電話１３８００１３８０００，卡被盜刷三千"


def _labelled(**changes: object) -> LabelledText:
    start = TEXT.index("卡被盜刷")
    values: dict[str, object] = {
        "id": "a", "text": TEXT, "order_type": "complaint", "category": "B03A", "leaf": "B03A.05", "cause": "C10",
        "subcause": "C10.1", "channel": "unknown", "flags": ("E07",), "causes2": ("C01",), "voice": "fragment",
        "evidence": {"E07": (EvidenceSpan(start=start, end=start + 4),)},
        "input": "typed", "names_product": False, "scenario": "s", "writer": "w",
    }  # fmt: skip
    return LabelledText(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def tokenizer(tiny_encoder: Path) -> TextTokenizer:
    return TextTokenizer(tiny_encoder / "tokenizer.json", 64)


def test_targets(tokenizer: TextTokenizer, taxonomy: Taxonomy) -> None:
    labels = LabelSpace.of(taxonomy)
    example = encode_example(_labelled(), tokenizer=tokenizer, labels=labels, taxonomy=taxonomy)
    assert labels.leaf[example.leaf] == "B03A.05"
    assert {labels.cause[i] for i in np.flatnonzero(example.causes)} == {"C10", "C01"}
    assert [labels.flags[i] for i in np.flatnonzero(example.flags)] == ["E07"]


def test_evidence_falls_on_its_pieces(tokenizer: TextTokenizer, taxonomy: Taxonomy) -> None:
    labels = LabelSpace.of(taxonomy)
    example = encode_example(_labelled(), tokenizer=tokenizer, labels=labels, taxonomy=taxonomy)
    tokens = tokenizer.tokenize("我电话〔手机号〕,卡被盗刷三千")
    assert example.ids == tokens.ids
    marked = np.flatnonzero(example.evidence[:, labels.evidence.index("E07")])
    assert tokens.offsets[marked[0]][0] == 9
    assert tokens.offsets[marked[-1]][1] == 13


def test_a_question_trains_no_cause(tokenizer: TextTokenizer, taxonomy: Taxonomy) -> None:
    text = _labelled(order_type="consultation", cause=None, subcause=None, causes2=(), flags=(), evidence={})
    example = encode_example(text, tokenizer=tokenizer, labels=LabelSpace.of(taxonomy), taxonomy=taxonomy)
    assert example.subcause == IGNORED
    assert example.causes.sum() == 0


def test_every_example_is_seen_once_a_pass(tokenizer: TextTokenizer, taxonomy: Taxonomy) -> None:
    example = encode_example(_labelled(), tokenizer=tokenizer, labels=LabelSpace.of(taxonomy), taxonomy=taxonomy)
    sizes = [len(batch.input_ids) for batch in batches([example] * 37, 8, seed=1)]
    assert sum(sizes) == 37
