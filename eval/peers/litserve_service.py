"""The peer for served ONNX models: LitServe, one worker per core. In: a port. Out: a service on `/predict`.

    python -m eval.peers.litserve_service --port 8002 --answer labels|whole [--bundle FOLDER]

`labels` tokenises, runs the bundle's ONNX session on one thread and returns the best code of each head: less work than
xiaobao does. `whole` calls `Predictor.triage` and returns the whole answer: the same work. Needs the extra `bench`.
"""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np

from models.bundle import current_bundle_folder, load_bundle
from models.predictor import Predictor
from models.runtimes.onnx_runtime import OnnxRuntime
from models.tokenization import TextTokenizer

try:
    import litserve
except ImportError as error:
    raise SystemExit("this peer needs the extra `bench`; run: pip install 'xiaobao[bench]'") from error

HEADS = ("order_type", "leaf", "subcause", "channel")


class LabelsApi(litserve.LitAPI):
    """The ONNX model alone: pieces in, the best code of each head out."""

    def __init__(self, bundle_folder: Path) -> None:
        super().__init__()
        self._folder = bundle_folder

    def setup(self, device: str) -> None:
        bundle = load_bundle(self._folder)
        self._codes = {head: getattr(bundle.labels, head) for head in HEADS}
        self._tokenizer = TextTokenizer(bundle.tokenizer_file, bundle.max_tokens)
        self._runtime = OnnxRuntime(bundle.model_file)

    def decode_request(self, request: dict[str, Any]) -> str:
        return str(request["text"])

    def predict(self, text: str) -> dict[str, Any]:
        logits = self._runtime.run([self._tokenizer.tokenize(text).ids])
        return {head: codes[int(np.argmax(logits[head][0]))] for head, codes in self._codes.items()}

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


class WholeAnswerApi(LabelsApi):
    """Everything xiaobao answers."""

    def setup(self, device: str) -> None:
        self._predictor = Predictor.load(self._folder)

    def predict(self, text: str) -> dict[str, Any]:
        return self._predictor.triage([text])[0].model_dump()


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bundle", type=Path, default=None)
    parser.add_argument("--answer", choices=["labels", "whole"], default="labels")
    parser.add_argument("--api-servers", type=int, default=1, help="1 is faster than LitServe's default on two cores.")
    options = parser.parse_args()
    api = (LabelsApi if options.answer == "labels" else WholeAnswerApi)(options.bundle or current_bundle_folder())
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=len(os.sched_getaffinity(0)))
    server.run(
        host="127.0.0.1",
        port=options.port,
        num_api_servers=options.api_servers,
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )


if __name__ == "__main__":
    main()
