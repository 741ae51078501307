"""Half again as many requests as the service can answer. In: a database or none. Out: answers, times, memory.

    python -m eval.proofs overload --seconds 300

Capacity is measured first, by clients that wait for their answers. Then 200 clients send on schedules of their own, one
and a half times as much, whether or not they were answered. The clients run on the same machine and take part of it, in
both measurements. Latency counts from the time a request was due.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from eval.load import resident_mb
from eval.proofs.banks import Bank, open_bank, read_kept, temporary_folder
from eval.proofs.calls import LOST, Ledger, Outcome, Request, call_at_rate, for_seconds, keep_calling, percentiles_ms
from eval.proofs.complaints import to_answer, to_keep
from eval.proofs.postgres import Postgres

CLIENTS = 200
FACTOR = 1.5
CAPACITY_CLIENTS = 32
CAPACITY_SECONDS = 10.0
WARM_SECONDS = 3.0
SAMPLED_SECONDS = 0.5
MOST_GROWTH = 1.15
"""Of the last quarter's memory over the second quarter's: what a leak of a kilobyte a request would pass in minutes."""


@dataclass(frozen=True, kw_only=True)
class OverloadOutcome:
    kind: str
    seconds: float
    capacity_per_second: float
    offered_per_second: float
    requests: int
    accepted: int
    refused: int
    """429 with Retry-After."""
    unavailable: int
    """503 with Retry-After: the database took longer than the service waits. Only of those that store."""
    unanswered: int
    unexpected: int
    """Any other answer, and 429 or 503 without Retry-After."""
    accepted_ms: tuple[float, float, float]
    refused_ms: tuple[float, float, float]
    memory_start_mb: float
    memory_most_mb: float
    memory_last_mb: float
    memory_slope_mb_per_minute: float
    """Of a line through the second half."""
    memory_growth: float
    lost: int
    twice: int

    def is_good(self) -> bool:
        return (
            self.accepted > 0
            and self.memory_growth <= MOST_GROWTH
            and not (self.unanswered or self.unexpected or self.lost or self.twice)
        )


def prove_overload(seconds: float, *, seconds_stored: float) -> list[OverloadOutcome]:
    """Triage alone, then triage that stores, on SQLite and on PostgreSQL; each on a service and database of its own."""
    with temporary_folder("overload") as folder:
        with open_bank(f"sqlite:///{folder / 'triage.db'}", folder) as bank:
            outcomes = [_overload(bank, "triage", seconds, to_answer, is_kept=False)]
        with open_bank(f"sqlite:///{folder / 'stored.db'}", folder) as bank:
            outcomes.append(_overload(bank, "stored, SQLite", seconds_stored, lambda: to_keep("load"), is_kept=True))
        (folder / "pg").mkdir(mode=0o755)
        with Postgres(folder / "pg") as postgres, open_bank(postgres.url, folder) as bank:
            kind = "stored, PostgreSQL"
            outcomes.append(_overload(bank, kind, seconds_stored, lambda: to_keep("load"), is_kept=True))
    return outcomes


def _overload(
    bank: Bank, kind: str, seconds: float, requests: Callable[[], Iterator[Request]], *, is_kept: bool
) -> OverloadOutcome:
    bank.service.start()
    sent = requests()
    capacity = asyncio.run(_capacity(bank, sent))
    started_with = resident_mb(bank.service.pid)
    ledger, memory = asyncio.run(_press(bank, sent, seconds, capacity * FACTOR))
    accepted, refused = ledger.of_status(200), _told_when(ledger.of_status(429))
    unavailable = _told_when(ledger.of_status(503)) if is_kept else []
    unanswered = ledger.of_status(LOST)
    times = read_kept(bank).times
    quarter = max(1, len(memory) // 4)
    return OverloadOutcome(
        kind=kind,
        seconds=seconds,
        capacity_per_second=capacity,
        offered_per_second=len(ledger.outcomes) / seconds,
        requests=len(ledger.outcomes),
        accepted=len(accepted),
        refused=len(refused),
        unanswered=len(unanswered),
        unavailable=len(unavailable),
        unexpected=len(ledger.outcomes) - sum(map(len, (accepted, refused, unavailable, unanswered))),
        accepted_ms=percentiles_ms(accepted),
        refused_ms=percentiles_ms(refused),
        memory_start_mb=started_with,
        memory_most_mb=max(memory),
        memory_last_mb=memory[-1],
        memory_slope_mb_per_minute=_slope(memory[len(memory) // 2 :]) * 60 / SAMPLED_SECONDS,
        memory_growth=max(memory[-quarter:]) / max(memory[quarter : 2 * quarter] or memory),
        lost=sum(times[one.request.external_id or ""] == 0 for one in accepted) if is_kept else 0,
        twice=sum(count > 1 for count in times.values()),
    )


def _told_when(outcomes: list[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if "retry-after" in one.headers]


async def _capacity(bank: Bank, requests: Iterator[Request]) -> float:
    """Answers a second to clients that wait for them; the first seconds warm up."""
    answered: list[Outcome] = []
    port, token = bank.service.port, bank.token
    for seconds in (WARM_SECONDS, CAPACITY_SECONDS):
        answered.clear()
        started = time.monotonic()
        going = for_seconds(seconds)
        await keep_calling(port, token, requests, clients=CAPACITY_CLIENTS, note=answered.append, going=going)
    return sum(one.status == 200 for one in answered) / (time.monotonic() - started)


async def _press(
    bank: Bank, requests: Iterator[Request], seconds: float, per_second: float
) -> tuple[Ledger, list[float]]:
    ledger, memory, done = Ledger(), [resident_mb(bank.service.pid)], asyncio.Event()

    async def watch() -> None:
        while not done.is_set():
            memory.append(resident_mb(bank.service.pid))
            await asyncio.sleep(SAMPLED_SECONDS)

    async def press() -> None:
        await call_at_rate(
            bank.service.port, bank.token, requests, clients=CLIENTS, note=ledger.note, seconds=seconds,
            per_second=per_second,
        )  # fmt: skip
        done.set()

    await asyncio.gather(watch(), press())
    return ledger, memory


def _slope(values: list[float]) -> float:
    """Rise per sample of a line through them."""
    return float(np.polyfit(np.arange(len(values)), values, 1)[0]) if len(values) > 1 else 0.0
