"""Export to ONNX and quantise. In: a trained classifier. Out: `model.onnx` files, fp32 and int8.

Dynamic int8 of the raw export (QInt8 weights, per channel): optimising first made it slower on the CPUs measured in
the performance notes. The small heads stay in fp32.
"""

import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from models.classifier import OUTPUTS, ComplaintClassifier


def export_onnx(model: ComplaintClassifier, file: Path) -> None:
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
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT, "MatMulConstBOnly": True},
        )
