"""How long the queue's page takes over HTTP with many open cases. In: how many. Out: milliseconds, one JSON object.

    python -m tests.serving.console.speed [--open 10000] [--closed 40000] [--runs 20]

SQLite in a temporary file, filled like `eval.queue_speed`; one person signed in, one request at a time, HTML included.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from sqlalchemy import text

from data.store.migration import migrate
from data.store.scope import ROOT
from data.store.unit_of_work import Store, open_store
from eval.queue_speed import fill, look_at_all
from models.predictor import Predictor
from serving.app import create_app
from tests.data.store.cases import masters
from tests.serving.banks import bank_settings
from tests.serving.console.complaints import PASSWORD
from tests.serving.console.office import Office

PAGES = {
    "to confirm": "/queue?decided=no",
    "all open": "/queue",
    "one group of flags": "/queue?flag=E",
    "overdue": "/queue?due=overdue",
    "one branch": "/queue?unit=b07",
    "words": "/queue?words=年费",
    "no hit": "/queue?words=没有这样的词",
}


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--open", type=int, default=10_000)
    parser.add_argument("--closed", type=int, default=40_000)
    parser.add_argument("--runs", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'speed.db'}"
        migrate(url)
        store = open_store(url, masters("2026a"))
        fill(store, given.open, given.closed)
        look_at_all(store)
        with store.engine.connect() as connection:
            connection.execute(text("ANALYZE"))
            connection.commit()
        report = {"open": given.open, "closed": given.closed, "milliseconds": _measure(url, store, given.runs)}
        store.close()
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=1) + "\n")


def _measure(url: str, store: Store, runs: int) -> dict[str, dict[str, float]]:
    with store.writing() as work:
        user = work.users.add(login="speed", name="测速", role="supervisor", unit_id="head", within=ROOT)
        work.sign_in.set_password(user.id, PasswordHasher().hash(PASSWORD), actor_id="speed", within=ROOT)
    predictor = Predictor.load()
    app = create_app(bank_settings(url), predictor)
    with TestClient(app, base_url="https://bank.example") as client:
        seat = Office(client=client, app=app, store=store, predictor=predictor).seat("speed")
        first = seat.get("/queue").text.partition('rel="next" href="/console')[2].partition('"')[0]
        pages = PAGES | {"second page": first.replace("&amp;", "&")}
        return {name: _timed(lambda path=path: seat.get(path).raise_for_status(), runs) for name, path in pages.items()}


def _timed(call: Callable[[], object], runs: int) -> dict[str, float]:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return {"median": round(statistics.median(times), 1), "slowest": round(max(times), 1)}


if __name__ == "__main__":
    main()
