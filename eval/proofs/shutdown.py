"""SIGTERM under load. In: a database. Out: what became of requests that were under way, how long the end took.

    python -m eval.proofs shutdown

Clients store complaints; the service is told to stop. What it had accepted must be answered, what it acknowledged must
be there, and the process must be gone in time, also while its database hangs.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from eval.proofs.banks import Bank, open_bank, read_kept, temporary_folder
from eval.proofs.calls import LOST, Ledger, keep_calling
from eval.proofs.complaints import to_keep
from eval.proofs.postgres import Postgres

CLIENTS = 16
BEFORE_SECONDS = 3.0
LONGEST_SECONDS = 12.0


@dataclass(frozen=True, kw_only=True)
class ShutdownOutcome:
    kind: str
    seconds: float
    """From the signal to the end of the process; infinite if it had to be killed."""
    under_way: int
    """Requests sent before the signal and not yet answered then."""
    answered_after: int
    unanswered: int
    """Of those under way, and not 2xx or an error either."""
    acknowledged: int
    lost: int
    twice: int

    def is_good(self) -> bool:
        return self.seconds <= LONGEST_SECONDS and not (self.unanswered or self.lost or self.twice)


def prove_shutdowns() -> list[ShutdownOutcome]:
    """On both databases, and with PostgreSQL frozen."""
    with temporary_folder("shutdown") as folder:
        with open_bank(f"sqlite:///{folder / 'xiaobao.db'}", folder) as bank:
            outcomes = [_shut_down(bank, "SQLite")]
        (folder / "pg").mkdir(mode=0o755)
        with Postgres(folder / "pg") as postgres, open_bank(postgres.url, folder) as bank:
            outcomes.append(_shut_down(bank, "PostgreSQL"))
            outcomes.append(_shut_down(bank, "PostgreSQL frozen", before=postgres.freeze, after=postgres.thaw))
    return outcomes


def _shut_down(
    bank: Bank, kind: str, *, before: Callable[[], None] | None = None, after: Callable[[], None] | None = None
) -> ShutdownOutcome:
    bank.service.start()
    ledger = Ledger()
    told, seconds = asyncio.run(_call_through(bank, kind, ledger, before))
    if after is not None:
        after()
    times = read_kept(bank).times
    # A request that was due a moment before the signal may have met a closed door: its connection was being opened.
    under_way = [one for one in ledger.outcomes if one.due < told <= one.at]
    return ShutdownOutcome(
        kind=kind,
        seconds=seconds,
        under_way=len(under_way),
        answered_after=sum(one.status != LOST for one in under_way),
        unanswered=sum(one.status == LOST for one in under_way),
        acknowledged=len(ledger.of_status(200)),
        lost=sum(times[one.request.external_id or ""] == 0 for one in ledger.of_status(200)),
        twice=sum(count > 1 for count in times.values()),
    )


async def _call_through(
    bank: Bank, kind: str, ledger: Ledger, before: Callable[[], None] | None
) -> tuple[float, float]:
    """The time of the signal, and the seconds until the process was gone."""
    ended = asyncio.Event()

    async def tell() -> tuple[float, float]:
        await asyncio.sleep(BEFORE_SECONDS)
        if before is not None:
            await asyncio.to_thread(before)
            await asyncio.sleep(0.5)
        told = time.monotonic()
        bank.service.terminate()
        code = await asyncio.to_thread(bank.service.wait, LONGEST_SECONDS + 3)
        ended.set()
        return told, float("inf") if code is None else time.monotonic() - told

    requests = to_keep(f"shutdown-{kind.replace(' ', '-')}")
    port, token = bank.service.port, bank.token
    calls = keep_calling(port, token, requests, clients=CLIENTS, note=ledger.note, going=lambda: not ended.is_set())
    times, _ = await asyncio.gather(tell(), calls)
    return times
