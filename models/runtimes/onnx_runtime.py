"""Run a model with ONNX Runtime. In: token ids of several texts. Out: arrays by output name.

One session may be shared by all threads; each call uses one thread, so that N workers use N cores and a lone request
does not fight its neighbours (docs/speed.md).
"""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.errors import BundleError

# From 1.29 on it sends usage events to Microsoft and writes ~/.cache/Microsoft, unless this is set before its import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

PAD_ID = 1


class OnnxRuntime:
    def __init__(self, file: Path, threads: int = 1) -> None:
        """Load a graph. Raises BundleError if ONNX Runtime refuses it."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # A planned block per new shape never meets the arena's free ones: 113 MB instead of 70 after mixed lengths.
        options.enable_mem_pattern = False
        # The fusions beyond this level make dynamic int8 5 % slower (docs/speed.md).
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        try:
            self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no base class
            raise BundleError(f"{file.name} cannot be loaded by ONNX Runtime: {type(error).__name__}") from error
        self._outputs = [output.name for output in self._session.get_outputs()]
        return_freed_memory()

    def run(self, texts: Sequence[Sequence[int]]) -> dict[str, npt.NDArray[np.float32]]:
        """Logits for token ids, padded to the longest: name → (texts, …)."""
        length = max(map(len, texts))
        ids = np.full((len(texts), length), PAD_ID, dtype=np.int64)
        mask = np.zeros((len(texts), length), dtype=np.int64)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        values = self._session.run(self._outputs, {"input_ids": ids, "attention_mask": mask})
        return dict(zip(self._outputs, values, strict=True))


def return_freed_memory() -> None:
    """Give back what the C library keeps of freed memory: parsing the graph frees about 8 MB. Linux with glibc only."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return
