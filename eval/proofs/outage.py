"""The database gone for a while. In: a way of going. Out: what was answered before, during and after.

    python -m eval.proofs outage

`frozen`: all processes of PostgreSQL are stopped with SIGSTOP, so that connections stay open and nothing answers.
`shut down`: the server is stopped, so that connections are refused. Two kinds of clients call at a fixed rate all the
while: one stores, one only triages. The key is the store's, so triage lives on what the service remembers of it.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from eval.proofs.banks import Bank, open_bank, read_kept, temporary_folder
from eval.proofs.calls import Ledger, call_at_rate, percentiles_ms
from eval.proofs.complaints import to_answer, to_keep
from eval.proofs.postgres import Postgres

STORED_PER_SECOND = 10.0
TRIAGED_PER_SECOND = 20.0
CLIENTS = 10
BEFORE_SECONDS = 15.0
"""More than what an authenticator believes without asking, so that it has asked again."""
AFTER_SECONDS = 12.0
LONGEST_REFUSAL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class OutageOutcome:
    """Latencies in milliseconds, of the requests due before and during the outage."""

    kind: str
    seconds: float
    refused: int
    longest_refusal_ms: float
    without_retry_after: int
    busy: int
    """429 to requests that store."""
    unexpected: int
    """Any other answer or none; to requests that do not store, any but 200."""
    triaged_before: tuple[float, float, float]
    triaged_during: tuple[float, float, float]
    recovery_seconds: float
    """From the return of the database to the first complaint that was stored."""
    acknowledged: int
    lost: int
    twice: int

    def is_good(self) -> bool:
        return (
            self.refused > 0
            and self.longest_refusal_ms <= LONGEST_REFUSAL_SECONDS * 1e3
            and not (self.without_retry_after or self.unexpected or self.lost or self.twice)
        )


def prove_outages(seconds: float) -> list[OutageOutcome]:
    """PostgreSQL frozen, then PostgreSQL shut down, for so long each; the service is the same all the time."""
    with temporary_folder("outage") as folder:
        (folder / "pg").mkdir(mode=0o755)
        with Postgres(folder / "pg") as postgres, open_bank(postgres.url, folder) as bank:
            bank.service.start()
            return [
                _outage(bank, "frozen", seconds, postgres.freeze, postgres.thaw),
                _outage(bank, "shut down", seconds, postgres.stop, postgres.start),
            ]


def _outage(
    bank: Bank, kind: str, seconds: float, leave: Callable[[], None], come_back: Callable[[], object]
) -> OutageOutcome:
    kept, triaged = Ledger(), Ledger()
    gone, back = asyncio.run(_call_through(bank, kind, seconds, leave, come_back, kept, triaged))
    refused = [one for one in kept.outcomes if one.status == 503]
    stored = [one for one in kept.of_status(200) if one.at >= back]
    times = read_kept(bank).times
    return OutageOutcome(
        kind=kind,
        seconds=back - gone,
        refused=len(refused),
        longest_refusal_ms=max((one.seconds for one in refused), default=0.0) * 1e3,
        without_retry_after=sum("retry-after" not in one.headers for one in refused),
        busy=len(kept.of_status(429)),
        unexpected=sum(one.status not in (200, 429, 503) for one in kept.outcomes)
        + sum(one.status != 200 for one in triaged.outcomes),
        triaged_before=percentiles_ms(triaged.between(0, gone).outcomes),
        triaged_during=percentiles_ms(triaged.between(gone, back).outcomes),
        recovery_seconds=min((one.at for one in stored), default=float("inf")) - back,
        acknowledged=len(kept.of_status(200)),
        lost=sum(times[one.request.external_id or ""] == 0 for one in kept.of_status(200)),
        twice=sum(count > 1 for count in times.values()),
    )


async def _call_through(
    bank: Bank,
    kind: str,
    seconds: float,
    leave: Callable[[], None],
    come_back: Callable[[], object],
    kept: Ledger,
    triaged: Ledger,
) -> tuple[float, float]:
    """Call before, during and after; the times when the database went and was back."""

    async def outage() -> tuple[float, float]:
        await asyncio.sleep(BEFORE_SECONDS)
        gone = time.monotonic()
        await asyncio.to_thread(leave)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(come_back)
        return gone, time.monotonic()

    whole = BEFORE_SECONDS + seconds + AFTER_SECONDS
    port, token = bank.service.port, bank.token
    times, *_ = await asyncio.gather(
        outage(),
        call_at_rate(
            port, token, to_keep(kind.replace(" ", "-")), clients=CLIENTS, note=kept.note, seconds=whole,
            per_second=STORED_PER_SECOND,
        ),
        call_at_rate(
            port, token, to_answer(), clients=CLIENTS, note=triaged.note, seconds=whole, per_second=TRIAGED_PER_SECOND
        ),
    )  # fmt: skip
    return times
