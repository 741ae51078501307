"""`xiaobao predict` in processes of its own. In: a file, an engine. Out: what was written, kills on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.services import process_tree

RAY = ("--engine", "ray")
POLL_SECONDS = 0.05


@dataclass(kw_only=True)
class Process:
    """A running command; its output goes into a log beside the answers."""

    command: Sequence[str]
    log: Path
    process: "subprocess.Popen[bytes]" = field(init=False)

    def __post_init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, env=environment, stdout=log, stderr=log)

    def wait(self) -> None:
        """Raises RuntimeError with its last line if it failed; 1 means that rows were skipped."""
        if self.process.wait() not in (0, 1) or "skipped" not in self._last_line():
            raise RuntimeError(f"{' '.join(self.command[:3])} failed; its last line: {self._last_line()}")

    def kill_all(self) -> int:
        """kill -9 of the command and all that it started; how many processes that were."""
        pids = process_tree(self.process.pid)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        return len(pids)

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else "none"


def predict(source: Path, output: Path, *options: str) -> Process:
    """Start `xiaobao predict`."""
    xiaobao = str(Path(sys.executable).with_name("xiaobao"))
    command = [xiaobao, "predict", "--input", str(source), "--output", str(output), *options]
    return Process(command=command, log=output.with_name(output.name + ".log"))


def records(folder: Path) -> dict[int, dict[str, Any]]:
    """The records of the partitions that stand in the folder of a run."""
    found = (json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("part-*/record.json"))
    return {record["number"]: record for record in found}


def wait_for_partitions(run: Process, folder: Path, count: int) -> dict[int, dict[str, Any]]:
    """Until so many are done. Raises RuntimeError if the run ends before."""
    while len(done := records(folder)) < count:
        if run.process.poll() is not None:
            raise RuntimeError(f"the run ended with {len(done)} partitions; expected {count} before")
        time.sleep(POLL_SECONDS)
    return done


def ids_of_answers(files: Sequence[Path]) -> Counter[str]:
    """How often each id was answered, in JSON Lines."""
    counted: Counter[str] = Counter()
    for file in files:
        with file.open("rb") as lines:
            counted.update(json.loads(line)["id"] for line in lines)
    return counted


def lines_of_problems(files: Sequence[Path]) -> Counter[int]:
    """How often each line of the input was told as a problem."""
    lines = (json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines())
    return Counter(line["line"] for line in lines)
