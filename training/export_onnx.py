"""Export to ONNX and quantise. In: a trained classifier, fused or not. Out: `model.onnx` files, fp32 and int8.

Dynamic int8 of the raw export (QInt8 weights, per channel): optimising first made it slower on the CPUs measured
(docs/speed.md). Two things stay in fp32: the small heads, and the first layer's feed-forward output, whose inputs
hold outliers that one scale for all activations cannot carry (docs/experiments.md).
"""

import os
import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

from models.classifier import OUTPUTS

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # as in models.runtimes.onnx_runtime
from onnxruntime.quantization import QuantType, quantize_dynamic


def export_onnx(model: nn.Module, file: Path) -> None:
    """Write the fp32 graph with dynamic batch and length; inputs `input_ids` and `attention_mask`, int64."""
    ids = torch.randint(4, 100, (2, 16))
    mask = torch.ones_like(ids)
    mask[1, 10:] = 0
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=2, max=512)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the exporter
        program = torch.onnx.export(
            model.eval(),
            (ids, mask),
            input_names=["input_ids", "attention_mask"],
            output_names=list(OUTPUTS),
            dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # it is None only for the older exporter
    program.save(str(file), external_data=False)


def quantize_int8(fp32: Path, int8: Path) -> None:
    """Dynamic int8 of every matrix product and of the word embedding."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        graph = onnx.load(fp32)
        del graph.graph.value_info[:]  # the exporter's recorded shapes confuse the quantiser's own inference
        onnx.save(graph, plain)
        quantize_dynamic(
            plain,
            int8,
            per_channel=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            nodes_to_exclude=sensitive_nodes(graph.graph),
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT, "MatMulConstBOnly": True},
        )


def sensitive_nodes(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes that stay in fp32."""
    shapes = {weight.name: tuple(weight.dims) for weight in graph.initializer if len(weight.dims) == 2}
    products = [
        (node.name, shapes[name])
        for node in graph.node
        if node.op_type in ("MatMul", "Gemm")
        for name in node.input
        if name in shapes
    ]
    hidden = min(max(shape) for _, shape in products if shape[0] == shape[1])
    heads = [name for name, shape in products if min(shape) < hidden]
    narrowing = [name for name, shape in products if shape[0] > shape[1] == hidden]
    return heads + narrowing[:1]
