"""A bank's service in production, as a process. In: a database. Out: `xiaobao serve` with a key, and what it stored.

The service runs as operators run it: production mode, a data folder and a master key of its own, an API key that the
store made. What it keeps is read through a store of our own on the same database.
"""

import base64
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import select

from data.store.api_keys import NewApiKey
from data.store.crypto import MasterKeys, decrypt
from data.store.migration import migrate
from data.store.scope import ROOT
from data.store.tables import Case, Event, Original, TriageResult
from data.store.unit_of_work import Store, UnitOfWork, open_store
from eval.proofs.postgres import remove
from eval.services import free_port

SOURCE_SYSTEM = "hotline"
UNIT = "head"
START_SECONDS = 60
SCOPES = ("triage", "cases.store", "cases.read")


def command(*words: str) -> list[str]:
    """`xiaobao` of this environment."""
    return [str(Path(sys.executable).with_name("xiaobao")), *words]


class Service:
    """One process of `xiaobao serve`; `start` again after `kill` or `stop`, on the same port."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.port = free_port()
        self._folder = folder
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "service.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> float:
        """Start and wait until it is ready; seconds it took. Raises RuntimeError with its last line if it ends."""
        started = time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command("serve"), "--port", str(self.port)],
                cwd=self._folder, env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip
        while self._process.poll() is None and time.monotonic() - started < START_SECONDS:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False).status_code == 200:
                    return time.monotonic() - started
            time.sleep(0.02)
        lines = self.log.read_text(errors="replace").splitlines()
        raise RuntimeError(f"the service did not become ready; its last line: {lines[-1] if lines else 'none'}")

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, None if it still runs after this time."""
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """End it, kindly at first."""
        if self._process is None or self._process.poll() is not None:
            return
        self.terminate()
        if self.wait(15) is None:
            self.kill()


@dataclass(frozen=True, kw_only=True)
class Bank:
    """A migrated database with one unit and one key, a service on it, and our own look into it."""

    url: str
    masters: MasterKeys
    service: Service
    token: str
    folder: Path

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = open_store(self.url, self.masters)
        try:
            yield store
        finally:
            store.close()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What stands in the database: how often each external_id, its opened original, and rows that hang loose."""

    times: Counter[str]
    originals: Mapping[str, str]
    incomplete: Sequence[str]
    """Cases that lack their original, their result or their first event."""


@contextmanager
def open_bank(url: str, folder: Path, **environment: str) -> Iterator[Bank]:
    """A bank on an empty database; its service is not started, and stopped at the end."""
    master = f"proof:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    masters = MasterKeys.parse(master)
    token = make_key(url, masters)
    production = {
        "XIAOBAO_ENVIRONMENT": "production",
        "XIAOBAO_DATA_FOLDER": str(folder),
        "XIAOBAO_DATABASE_URL": url,
        "XIAOBAO_MASTER_KEYS": master,
    }
    service = Service(folder, production | environment)
    try:
        yield Bank(url=url, masters=masters, service=service, token=token, folder=folder)
    finally:
        service.stop()


def make_key(url: str, masters: MasterKeys) -> str:
    """Migrate, add a unit and a hotline's key; its token."""
    migrate(url)
    store = open_store(url, masters)
    with store.writing() as work:
        work.units.add(UNIT, name="总行", parent_id=None, within=ROOT)
        new = NewApiKey(name="热线", source_system=SOURCE_SYSTEM, role="system", unit_id=UNIT, scopes=SCOPES)
        token = work.api_keys.add(new, actor_id="proof", within=ROOT).token
    store.close()
    return token


def read_kept(bank: Bank) -> Kept:
    """Every case of the database with its original opened."""
    with bank.store() as store, store.reading() as work:
        session = work.session
        cases = session.execute(select(Case.id, Case.external_id)).all()
        results = set(session.scalars(select(TriageResult.case_id)))
        events = set(session.scalars(select(Event.case_id).where(Event.kind == "received")))
        sealed = {row.case_id: row for row in session.scalars(select(Original))}
        texts = {case.external_id or "": _opened(work, sealed[case.id]) for case in cases if case.id in sealed}
    whole = results & events & set(sealed)
    return Kept(
        times=Counter(case.external_id or "" for case in cases),
        originals=texts,
        incomplete=[case.id for case in cases if case.id not in whole],
    )


def _opened(work: UnitOfWork, row: Original) -> str:
    key = work.keys.open(row.case_id)
    bound_to = f"original of {row.case_id}"
    return decrypt(row.ciphertext, key=key, cipher=row.cipher, bound_to=bound_to).decode("utf-8", "surrogatepass")


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """A folder that every user can reach, since PostgreSQL runs as another, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"xiaobao-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        remove(folder)
