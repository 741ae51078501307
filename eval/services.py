"""Services as processes of their own. In: a command that listens on a port. Out: first answer, memory, a stop.

Memory is that of the whole process tree: resident pages summed (`rss_mb`), and with pages that several processes share
counted once (`pss_mb`). Linux only.
"""

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

POLL_SECONDS = 0.005
PATIENCE_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class ServiceCommand:
    """How to start a service; `{port}` in a word of the command is replaced."""

    name: str
    command: Sequence[str]
    path: str
    environment: dict[str, str]


class RunningService:
    """Started on entry and stopped on exit; `first_answer_seconds` counts from the start of the process."""

    def __init__(self, service: ServiceCommand, body: bytes, *, token: str, folder: Path) -> None:
        self._service, self._body, self._token, self._folder = service, body, token, folder
        self.port, self.path = free_port(), service.path
        self.first_answer_seconds = 0.0

    def __enter__(self) -> Self:
        command = [word.replace("{port}", str(self.port)) for word in self._service.command]
        self._log = (self._folder / f"{self._service.name.replace(' ', '-')}.log").open("wb")
        started = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **self._service.environment},
            cwd=self._folder,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait_for_answer(started)
        except BaseException:
            self._stop()
            raise
        self.first_answer_seconds = time.perf_counter() - started
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def memory_mb(self) -> dict[str, float]:
        """Of the process and everything it started."""
        pids = process_tree(self._process.pid)
        return {
            "rss_mb": round(sum(_kilobytes(pid, "status", "VmRSS:") for pid in pids) / 1024, 1),
            "pss_mb": round(sum(_kilobytes(pid, "smaps_rollup", "Pss:") for pid in pids) / 1024, 1),
        }

    def cpu_seconds(self) -> float:
        """Processor time that the process and everything it started have used so far."""
        return tree_cpu_seconds(self._process.pid)

    def _wait_for_answer(self, started: float) -> None:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request("POST", self.path, self._body, headers)
                response = connection.getresponse()
                response.read()
                if response.status == 200:
                    return
            except OSError:
                pass
            finally:
                connection.close()
            if self._process.poll() is not None or time.perf_counter() - started > PATIENCE_SECONDS:
                log = Path(self._log.name).read_text(errors="replace").strip().splitlines()
                raise RuntimeError(f"{self._service.name} did not answer; its last line: {log[-1] if log else 'none'}")
            time.sleep(POLL_SECONDS)

    def _stop(self) -> None:
        pids = process_tree(self._process.pid)
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in pids[1:]:  # workers that outlive their parent
            if _is_alive(pid):
                os.kill(pid, 9)
        self._log.close()


def process_tree(root: int) -> list[int]:
    """A process and all its descendants, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            parent = _kilobytes(int(entry.name), "status", "PPid:")
            children.setdefault(parent, []).append(int(entry.name))
    tree = [root]
    for pid in tree:
        tree += children.get(pid, [])
    return tree


def tree_cpu_seconds(root: int) -> float:
    """Processor time of a process and all its descendants that live."""
    return sum(_cpu_ticks(pid) for pid in process_tree(root)) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def _cpu_ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _kilobytes(pid: int, file: str, name: str) -> int:
    """The number beside a name in a file of /proc; 0 when the process has gone."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
