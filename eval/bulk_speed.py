"""What bulk work costs beside the engine alone. In: texts. Out: texts a second, of the command and of the session.

    python -m eval.bulk_speed engine --input texts.jsonl [--bundle FOLDER] [--threads 2]
    python -m eval.bulk_speed command --input texts.jsonl [--bundle FOLDER]

`engine`: the token ids that triaging the texts gives to the session (windows of letters and segments of mixed
complaints included) are sorted by length before the clock starts, joined as in bulk (at most four, at most 512 padded
tokens) and run by one thread per core on one session: what bulk would reach if everything else were free.
`command`: wall time of the whole command, less that of the command on one text, so that loading does not count.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

from data.json_lines import read_lines
from models.network import near_lengths


def measure_engine(file: Path, bundle_folder: Path | None, threads: int) -> dict[str, Any]:
    """Throughput of the bare session on the token ids of a file's texts."""
    from models.bundle import current_bundle_folder, load_bundle
    from models.predictor import Predictor
    from models.runtimes.onnx_runtime import OnnxRuntime

    bundle = load_bundle(bundle_folder or current_bundle_folder())
    texts = [json.loads(line)["text"] for line in read_lines(file)]
    ids: list[list[int]] = []
    run = OnnxRuntime.run

    def record(self: OnnxRuntime, batch: Sequence[list[int]]) -> Any:
        ids.extend(batch)
        return run(self, batch)

    with patch.object(OnnxRuntime, "run", record):
        predictor = Predictor(bundle)
        for text in texts:
            predictor.triage([text])
    runtime, groups = OnnxRuntime(bundle.model_file), join_longest_first(ids)
    runtime.run(groups[0])
    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        for _ in pool.map(runtime.run, groups):
            pass
        seconds = time.perf_counter() - started
    return {
        "texts": len(texts),
        "runs_per_text": round(len(ids) / len(texts), 2),
        "tokens_per_text": round(sum(map(len, ids)) / len(texts), 1),
        "texts_per_second": round(len(texts) / seconds, 1),
    }


def join_longest_first(ids: Sequence[list[int]]) -> list[list[list[int]]]:
    """Batches of near length, as bulk joins them."""
    return [[ids[i] for i in group] for group in near_lengths([len(text) for text in ids])]


def measure_command(file: Path, bundle_folder: Path | None) -> dict[str, Any]:
    """Throughput of `xiaobao predict` on a file."""
    lines = read_lines(file)
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.jsonl"
        one.write_text(lines[0] + "\n", encoding="utf-8")
        loading = min(_seconds(one, bundle_folder) for _ in range(2))
        whole = _seconds(file, bundle_folder)
    return {
        "texts": len(lines),
        "texts_per_second": round((len(lines) - 1) / (whole - loading), 1),
        "seconds_of_one_text": round(loading, 2),
        "seconds": round(whole, 2),
    }


def _seconds(file: Path, bundle_folder: Path | None) -> float:
    command = [str(Path(sys.executable).with_name("xiaobao")), "predict", "--input", str(file)]
    command += ["--output", str(file.with_suffix(".answers.jsonl"))]
    command += ["--bundle", str(bundle_folder)] if bundle_folder else []
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["engine", "command"])
    parser.add_argument("--input", type=Path, required=True, help="JSON Lines with text.")
    parser.add_argument("--bundle", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    if options.what == "engine":
        report = measure_engine(options.input, options.bundle, options.threads)
    else:
        report = measure_command(options.input, options.bundle)
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
