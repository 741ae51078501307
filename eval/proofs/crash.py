"""kill -9 under load. In: a database. Out: what was acknowledged and what stands in the database afterwards.

    python -m eval.proofs crash

Clients store complaints and note every 2xx; the service is killed in the middle, again and again, and PostgreSQL itself
once. After each restart all that was not answered is sent again with the same external_id, and then every acknowledged
complaint must stand in the database exactly once, with the text that was sent.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from eval.proofs.banks import Bank, open_bank, read_kept, temporary_folder
from eval.proofs.calls import LOST, Connection, Ledger, Outcome, Request, keep_calling
from eval.proofs.complaints import text_sent, to_keep
from eval.proofs.postgres import Postgres

CLIENTS = 8
LONGEST_LOAD = 1.6
GIVE_UP_SECONDS = 30.0


@dataclass(kw_only=True)
class CrashOutcome:
    """Counts over all kills of one kind on one database."""

    database: str
    killed: str
    kills: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    """In flight when the process died; they were sent again."""
    kept_before_resending: int = 0
    """Of those, how many had been committed all the same."""
    lost: int = 0
    twice: int = 0
    wrong_text: int = 0
    incomplete: int = 0
    longest_restart_seconds: float = 0.0

    def is_good(self) -> bool:
        return self.acknowledged > 0 and not (self.lost or self.twice or self.wrong_text or self.incomplete)


def prove_crashes(kills: int, *, seed: int = 5) -> list[CrashOutcome]:
    """The service killed on both databases, then PostgreSQL itself killed under a service that goes on."""
    chance = random.Random(seed)
    with temporary_folder("crash") as folder:
        with open_bank(f"sqlite:///{folder / 'xiaobao.db'}", folder) as bank:
            outcomes = [_kill_service(bank, "SQLite", kills, chance)]
        (folder / "pg").mkdir(mode=0o755)
        with Postgres(folder / "pg") as postgres:
            assert postgres.setting("fsync") == "on"
            with open_bank(postgres.url, folder) as bank:
                outcomes.append(_kill_service(bank, "PostgreSQL", kills, chance))
                outcomes.append(_kill_postgres(bank, postgres, chance))
    return outcomes


def _kill_service(bank: Bank, database: str, kills: int, chance: random.Random) -> CrashOutcome:
    outcome = CrashOutcome(database=database, killed="service")
    requests = to_keep("crash")
    acknowledged: set[str] = set()
    bank.service.start()
    for _ in range(kills):
        ledger = asyncio.run(_load(bank, requests, bank.service.kill, after=chance.uniform(0.3, LONGEST_LOAD)))
        restart = bank.service.start()
        outcome.longest_restart_seconds = max(outcome.longest_restart_seconds, restart)
        _account(outcome, bank, ledger, acknowledged)
    return outcome


def _kill_postgres(bank: Bank, postgres: Postgres, chance: random.Random) -> CrashOutcome:
    """The service lives on; what it answered with 503 meanwhile is sent again as well."""
    outcome = CrashOutcome(database="PostgreSQL", killed="PostgreSQL")

    def kill_and_start() -> None:
        postgres.kill()
        outcome.longest_restart_seconds = postgres.start()

    after = chance.uniform(1.0, LONGEST_LOAD)
    ledger = asyncio.run(_load(bank, to_keep("postmaster"), kill_and_start, after=after))
    _account(outcome, bank, ledger, set())
    return outcome


async def _load(bank: Bank, requests: Iterator[Request], kill: Callable[[], None], *, after: float) -> Ledger:
    """Clients send until the kill is done, which happens in a thread, since they go on meanwhile."""
    ledger, killing = Ledger(), asyncio.Event()

    async def kill_later() -> None:
        await asyncio.sleep(after)
        await asyncio.to_thread(kill)
        killing.set()

    port, token = bank.service.port, bank.token
    calls = keep_calling(port, token, requests, clients=CLIENTS, note=ledger.note, going=lambda: not killing.is_set())
    await asyncio.gather(kill_later(), calls)
    return ledger


def _account(outcome: CrashOutcome, bank: Bank, ledger: Ledger, acknowledged: set[str]) -> None:
    """Send again what was not acknowledged, then compare the database with all that was."""
    outcome.kills += 1
    open_ones = [one.request for one in ledger.outcomes if one.status != 200]
    outcome.unanswered += len(open_ones)
    before = read_kept(bank).times
    outcome.kept_before_resending += sum(before[request.external_id or ""] > 0 for request in open_ones)
    outcome.lost += sum(before[one.request.external_id or ""] == 0 for one in ledger.of_status(200))
    again = asyncio.run(_send_each(bank, open_ones))
    acknowledged |= {one.request.external_id or "" for one in (*ledger.of_status(200), *again)}
    outcome.acknowledged = len(acknowledged)
    kept = read_kept(bank)
    outcome.lost += sum(kept.times[name] == 0 for name in acknowledged)
    outcome.twice += sum(times > 1 for times in kept.times.values())
    outcome.wrong_text += sum(text_sent(name) != text for name, text in kept.originals.items())
    outcome.incomplete += len(kept.incomplete)


async def _send_each(bank: Bank, requests: Sequence[Request]) -> list[Outcome]:
    """Send until each is acknowledged. Raises RuntimeError if that does not come about."""
    connection, answers = Connection(bank.service.port, bank.token), []
    until = time.monotonic() + GIVE_UP_SECONDS
    for request in requests:
        while (answer := await connection.send(request)).status in (LOST, 429, 503):
            if time.monotonic() > until:
                raise RuntimeError(f"not stored after the restart: status {answer.status}")
            await asyncio.sleep(0.1)
        if answer.status != 200:
            raise RuntimeError(f"sent again, it was answered with {answer.status} {answer.error_code}")
        answers.append(answer)
    connection.close()
    return answers
