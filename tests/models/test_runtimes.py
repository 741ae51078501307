"""PyTorch, ONNX fp32 and int8 give the same answers at every length and batch size."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from tokenizers import Tokenizer

from data.errors import BundleError
from data.taxonomy import Taxonomy
from models.classifier import HEADS, OUTPUTS, SOFTMAX_HEADS, ComplaintClassifier, load_encoder
from models.label_space import LabelSpace
from models.lexical import FusedClassifier, HeadWeights, LexicalReading, Mix
from models.runtimes.onnx_runtime import OnnxRuntime
from training.examples import Example, collate
from training.export_onnx import export_onnx, quantize_int8

PIECES_READ = 6000
SHAPES = [(1, 2), (1, 7), (1, 60), (3, 33), (8, 128), (2, 512)]


@pytest.fixture(scope="module")
def model(encoder_cache: Path, taxonomy: Taxonomy) -> FusedClassifier:
    """The shipped architecture: four layers of the real encoder and a lexical reading, heads untrained."""
    torch.manual_seed(3)
    labels = LabelSpace.of(taxonomy)
    network = ComplaintClassifier(load_encoder(str(encoder_cache), [0, 3, 7, 11]), labels).eval()
    rows = torch.arange(network.encoder.config.vocab_size) % PIECES_READ
    sizes = {**{name: len(getattr(labels, name)) for name in SOFTMAX_HEADS}, "causes": len(labels.cause)}
    heads = {
        name: HeadWeights(weights=torch.randn(PIECES_READ, size), bias=torch.randn(size))
        for name, size in {**sizes, "flags": len(labels.flags)}.items()
    }
    reading = LexicalReading(rows=rows, idf=1 + torch.rand(PIECES_READ), heads=heads)
    return FusedClassifier(network, lexical=reading, mixes=dict.fromkeys(HEADS, Mix(network=0.6, lexical=0.8))).eval()


@pytest.fixture(scope="module")
def exported(model: FusedClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `fp32.onnx` and `int8.onnx`."""
    folder = tmp_path_factory.mktemp("onnx")
    export_onnx(model, folder / "fp32.onnx")
    quantize_int8(folder / "fp32.onnx", folder / "int8.onnx")
    return folder


@pytest.fixture(scope="module")
def graphs(exported: Path) -> tuple[OnnxRuntime, OnnxRuntime]:
    return OnnxRuntime(exported / "fp32.onnx"), OnnxRuntime(exported / "int8.onnx")


def test_the_int8_graph_is_small_and_keeps_the_lexical_tables(exported: Path, model: FusedClassifier) -> None:
    assert (exported / "int8.onnx").stat().st_size < 20_000_000
    halves = [w for w in onnx.load(exported / "int8.onnx").graph.initializer if w.data_type == onnx.TensorProto.FLOAT16]
    assert [tuple(weights.dims) for weights in halves] == [tuple(model.lexical.weights.shape)]


@pytest.fixture(scope="module")
def pieces(encoder_cache: Path) -> list[int]:
    """Ids of real Chinese text to cut inputs from."""
    text = "客户来电反映上月办理的业务至今没有结果，多次致电客服均答复正在核实，要求尽快处理并书面答复。" * 20
    ids: list[int] = Tokenizer.from_file(str(encoder_cache / "tokenizer.json")).encode(text).ids
    return ids


@pytest.mark.parametrize(("batch", "length"), SHAPES)
def test_outputs_agree(
    model: FusedClassifier, graphs: tuple[OnnxRuntime, OnnxRuntime], pieces: list[int], batch: int, length: int
) -> None:
    texts = [pieces[row : row + max(2, length - 3 * row)] for row in range(batch)]
    with torch.inference_mode():
        reference = model(*_padded(texts))
    fp32, int8 = (graph.run(texts) for graph in graphs)
    for name, expected in zip(OUTPUTS, reference, strict=True):
        np.testing.assert_allclose(fp32[name], expected.numpy(), atol=2e-4, err_msg=name)
        scale = float(np.abs(fp32[name]).max())
        assert float(np.abs(int8[name] - fp32[name]).mean()) <= 0.05 * scale, name


def test_a_network_without_a_lexical_reading_is_exported_too(
    model: FusedClassifier, pieces: list[int], tmp_path: Path
) -> None:
    export_onnx(model.network, tmp_path / "alone.onnx")
    texts = [pieces[:33], pieces[:20]]
    with torch.inference_mode():
        reference = model.network(*_padded(texts))
    given = OnnxRuntime(tmp_path / "alone.onnx").run(texts)
    for name, expected in zip(OUTPUTS, reference, strict=True):
        np.testing.assert_allclose(given[name], expected.numpy(), atol=2e-4, err_msg=name)


def test_padding_changes_nothing(graphs: tuple[OnnxRuntime, OnnxRuntime], pieces: list[int]) -> None:
    alone = graphs[0].run([pieces[:9]])
    beside = graphs[0].run([pieces[:9], pieces[:100]])
    for name in OUTPUTS[:-1]:
        np.testing.assert_allclose(alone[name][0], beside[name][0], atol=2e-4, err_msg=name)


def test_a_damaged_graph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"model\.onnx cannot be loaded"):
        OnnxRuntime(tmp_path / "model.onnx")


def _padded(texts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    nothing = np.zeros(1, dtype=np.float32)
    examples = [
        Example(
            id="", ids=ids, order_type=0, leaf=0, subcause=0, channel=0, causes=nothing, flags=nothing,
            evidence=np.zeros((len(ids), 1), dtype=np.float32),
        )
        for ids in texts
    ]  # fmt: skip
    batch = collate(examples)
    return batch.input_ids, batch.attention_mask
