"""The database's disk full for a while. In: a database. Out: what was answered meanwhile, what stands afterwards.

    python -m eval.proofs full-disk

The database lives on a small file system in memory, which a file fills to the last byte and then frees again. Mounting
needs root; without it SQLite's process is forbidden to write files any longer (RLIMIT_FSIZE) instead, and PostgreSQL is
left out.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eval.proofs.banks import Bank, open_bank, read_kept, temporary_folder
from eval.proofs.calls import Ledger, Outcome, for_seconds, keep_calling, percentiles_ms
from eval.proofs.complaints import text_sent, to_answer, to_keep
from eval.proofs.postgres import Postgres

CLIENTS = 4
BEFORE_SECONDS, FULL_SECONDS, AFTER_SECONDS = 3.0, 12.0, 10.0
SQLITE_MEGABYTES, POSTGRES_MEGABYTES = 32, 160
BLOCK = 4096


@dataclass(frozen=True, kw_only=True)
class FullDiskOutcome:
    database: str
    how: str
    acknowledged: int
    refused: int
    """503 with Retry-After while the disk was full, and until the database was back."""
    longest_refusal_ms: float
    unexpected: int
    """Other answers than 200, 429 and 503 with Retry-After to requests that store; other than 200 to those that do
    not; or none."""
    triaged_during: tuple[float, float, float]
    server_restarted: bool
    """PostgreSQL ends itself when it cannot write its log; then somebody has to start it."""
    recovery_seconds: float
    lost: int
    twice: int
    wrong_text: int
    incomplete: int

    def is_good(self) -> bool:
        return (
            self.refused > 0
            and self.recovery_seconds < AFTER_SECONDS
            and not (self.unexpected or self.lost or self.twice or self.wrong_text or self.incomplete)
        )


def prove_full_disks() -> list[FullDiskOutcome]:
    """SQLite, then PostgreSQL where a file system can be mounted."""
    with temporary_folder("disk") as folder:
        if not _can_mount():
            with open_bank(f"sqlite:///{folder / 'xiaobao.db'}", folder) as bank:
                bank.service.start()
                limit = _WriteLimit(bank.service.pid)
                return [_fill_up(bank, "SQLite", "RLIMIT_FSIZE of the process", limit.set, limit.lift)]
        with (
            mounted(folder / "sqlite", megabytes=SQLITE_MEGABYTES) as disk,
            open_bank(f"sqlite:///{disk / 'xiaobao.db'}", folder) as bank,
        ):
            bank.service.start()
            outcomes = [_fill_up(bank, "SQLite", "full file system", lambda: fill(disk), lambda: free(disk))]
        with (
            mounted(folder / "pg", megabytes=POSTGRES_MEGABYTES) as disk,
            # Little log is kept, so that it has to grow and not only the tables.
            Postgres(disk, settings=("max_wal_size=32MB", "min_wal_size=32MB")) as postgres,
            open_bank(postgres.url, folder) as bank,
        ):
            bank.service.start()
            outcomes.append(_fill_up_postgres(bank, postgres, disk))
    return outcomes


def _fill_up_postgres(bank: Bank, postgres: Postgres, disk: Path) -> FullDiskOutcome:
    restarted = False

    def free_and_start() -> None:
        nonlocal restarted
        free(disk)
        restarted = postgres.start_if_down()

    outcome = _fill_up(bank, "PostgreSQL", "full file system", lambda: fill(disk), free_and_start)
    return FullDiskOutcome(**{**vars(outcome), "server_restarted": restarted})


def _fill_up(
    bank: Bank, database: str, how: str, fill_it: Callable[[], None], free_it: Callable[[], None]
) -> FullDiskOutcome:
    kept, triaged = Ledger(), Ledger()
    full, back = asyncio.run(_call_through(bank, fill_it, free_it, kept, triaged))
    stored = [one for one in kept.of_status(200) if one.at >= back]
    there = read_kept(bank)
    refused = [one for one in kept.of_status(503) if one.at >= full]
    return FullDiskOutcome(
        database=database,
        how=how,
        acknowledged=len(kept.of_status(200)),
        refused=len(refused),
        longest_refusal_ms=max((one.seconds for one in refused), default=0.0) * 1e3,
        unexpected=sum(not _is_expected(one) for one in kept.outcomes) + len(triaged.outcomes)
        - len(triaged.of_status(200)),
        triaged_during=percentiles_ms(triaged.between(full, back).outcomes),
        server_restarted=False,
        recovery_seconds=min((one.at for one in stored), default=float("inf")) - back,
        lost=sum(there.times[one.request.external_id or ""] == 0 for one in kept.of_status(200)),
        twice=sum(times > 1 for times in there.times.values()),
        wrong_text=sum(text_sent(name) != text for name, text in there.originals.items()),
        incomplete=len(there.incomplete),
    )  # fmt: skip


def _is_expected(outcome: Outcome) -> bool:
    return outcome.status == 200 or (outcome.status in (429, 503) and "retry-after" in outcome.headers)


async def _call_through(
    bank: Bank, fill_it: Callable[[], None], free_it: Callable[[], None], kept: Ledger, triaged: Ledger
) -> tuple[float, float]:
    """Call before, during and after; the times when the disk was full and when the database was back."""

    async def fill_and_free() -> tuple[float, float]:
        await asyncio.sleep(BEFORE_SECONDS)
        await asyncio.to_thread(fill_it)
        full = time.monotonic()
        await asyncio.sleep(FULL_SECONDS)
        await asyncio.to_thread(free_it)
        return full, time.monotonic()

    to_be_kept, to_be_answered = to_keep("disk"), to_answer()  # reads the corpus: before the time runs
    going = for_seconds(BEFORE_SECONDS + FULL_SECONDS + AFTER_SECONDS)
    port, token = bank.service.port, bank.token
    times, *_ = await asyncio.gather(
        fill_and_free(),
        keep_calling(port, token, to_be_kept, clients=CLIENTS, note=kept.note, going=going),
        keep_calling(port, token, to_be_answered, clients=1, note=triaged.note, going=going),
    )
    return times


@contextmanager
def mounted(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """A file system of this size in memory, reachable by every user."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def fill(folder: Path) -> None:
    """Write a file until nothing more fits."""
    with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(BLOCK))


def free(folder: Path) -> None:
    (folder / "filler").unlink()


class _WriteLimit:
    """No file of the process may grow beyond what it is now, nearly."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def set(self) -> None:
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (BLOCK, resource.RLIM_INFINITY))

    def lift(self) -> None:
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _can_mount() -> bool:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with (
        temporary_folder("mount") as folder,
        contextlib.suppress(subprocess.CalledProcessError),
        mounted(folder / "try", megabytes=1),
    ):
        return True
    return False
