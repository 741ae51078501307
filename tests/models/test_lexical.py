"""The lexical reading inside the graph: padding changes nothing, evidence stays the network's, scales are applied."""

import pytest
import torch
from transformers import BertConfig, BertModel

from data.taxonomy import Taxonomy
from models.classifier import HEADS, OUTPUTS, SOFTMAX_HEADS, ComplaintClassifier
from models.label_space import LabelSpace
from models.lexical import FusedClassifier, HeadWeights, LexicalReading, Mix

PIECES, ROWS = 50, 20
IDS = torch.tensor([[0, 5, 6, 5, 7, 2], [0, 8, 9, 2, 1, 1]])
MASK = (IDS != 1).long()


@pytest.fixture(scope="module")
def network(taxonomy: Taxonomy) -> ComplaintClassifier:
    torch.manual_seed(4)
    config = BertConfig(
        vocab_size=PIECES, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    return ComplaintClassifier(BertModel(config, add_pooling_layer=False), LabelSpace.of(taxonomy)).eval()


@pytest.fixture(scope="module")
def reading(taxonomy: Taxonomy) -> LexicalReading:
    torch.manual_seed(5)
    labels = LabelSpace.of(taxonomy)
    sizes = {name: len(getattr(labels, name)) for name in (*SOFTMAX_HEADS, "flags")} | {"causes": len(labels.cause)}
    heads = {name: HeadWeights(weights=torch.randn(ROWS, sizes[name]), bias=torch.randn(sizes[name])) for name in HEADS}
    rows = torch.arange(PIECES) % ROWS
    rows[:4] = 0  # special pieces are not read
    return LexicalReading(rows=rows, idf=1 + torch.rand(ROWS), heads=heads).eval()


def test_a_text_is_read_the_same_beside_longer_ones(reading: LexicalReading) -> None:
    together = reading(IDS, MASK)
    alone = reading(IDS[1:, :4], MASK[1:, :4])
    for joint, single in zip(together, alone, strict=True):
        torch.testing.assert_close(joint[1:], single)


def test_a_repeated_piece_counts_less_than_twice(reading: LexicalReading) -> None:
    rows = reading.rows[IDS]
    shares = reading.shares(rows, (rows > 0) & MASK.bool())
    weights = {piece: float(shares[0][IDS[0] == piece].sum()) for piece in (5, 6, 7)}
    assert sum(weight**2 for weight in weights.values()) == pytest.approx(1.0)
    idf = {piece: float(reading.idf[reading.rows[piece]]) for piece in (5, 6)}
    assert weights[5] / weights[6] == pytest.approx(idf[5] * (1 + torch.log(torch.tensor(2.0)).item()) / idf[6])


def test_logits_are_scaled_and_added_and_evidence_is_the_networks(
    network: ComplaintClassifier, reading: LexicalReading
) -> None:
    mixes = {name: Mix(network=0.5 + i, lexical=0.1 * i) for i, name in enumerate(HEADS)}
    fused = dict(zip(OUTPUTS, FusedClassifier(network, lexical=reading, mixes=mixes)(IDS, MASK), strict=True))
    own, words = dict(zip(OUTPUTS, network(IDS, MASK), strict=True)), dict(zip(HEADS, reading(IDS, MASK), strict=True))
    for name in HEADS:
        torch.testing.assert_close(fused[name], mixes[name].network * own[name] + mixes[name].lexical * words[name])
    torch.testing.assert_close(fused["evidence"], own["evidence"])
