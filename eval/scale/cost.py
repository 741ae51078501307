"""What a million complaints cost. In: a service on PostgreSQL, bulk work. Out: processor hours, bytes, replicas.

Processor time is counted, not wall time: what else the machine does hardly changes it. Money is left to the bank, which
knows what an hour of its cores costs.
"""

import math
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from eval.proofs.banks import Bank, open_bank
from eval.proofs.complaints import text_of
from eval.proofs.postgres import Postgres
from eval.scale.runs import predict
from eval.scale.texts import write_texts
from eval.services import tree_cpu_seconds

MILLION = 1_000_000
WARM_UP = 20
WORKING_SECONDS = 250 * 8 * 3600
"""A year's complaints arrive on working days …"""
PEAK = 5
"""… and at the busiest time five times as many as in the mean."""
UTILISATION = 0.65
"""Of a replica's cores, where the HorizontalPodAutoscaler of deploy/ adds another."""
CORES = 2
LEAST_REPLICAS = 2
VOLUMES = (
    ("one branch", 2_000),
    ("a city", 30_000),
    ("a province", 300_000),
    ("a large bank", 3_000_000),
    ("a national hotline", 30_000_000),
)


@dataclass(frozen=True, kw_only=True)
class CostOutcome:
    """Of one complaint: processor seconds and bytes."""

    texts: int
    bulk_seconds: float
    service_seconds: float
    database_seconds: float
    database_bytes: float

    @property
    def online_seconds(self) -> float:
        return self.service_seconds + self.database_seconds

    def is_good(self) -> bool:
        return min(self.bulk_seconds, self.service_seconds, self.database_seconds, self.database_bytes) > 0

    def hours_a_million(self, seconds: float) -> float:
        return seconds * MILLION / 3600

    def peak(self, a_year: int) -> float:
        """Complaints a second at the busiest time."""
        return a_year / WORKING_SECONDS * PEAK

    def replicas(self, a_year: int) -> int:
        cores = self.peak(a_year) * self.service_seconds / UTILISATION
        return max(LEAST_REPLICAS, math.ceil(cores / CORES))


def measure_cost(folder: Path, texts: int) -> CostOutcome:
    """Bulk work on a file, then complaints that are stored one by one through HTTP."""
    few, many = _bulk_seconds(folder, WARM_UP), _bulk_seconds(folder, texts + WARM_UP)
    with Postgres(folder) as postgres, open_bank(postgres.url, folder) as bank:
        bank.service.start()
        with httpx.Client(
            base_url=f"http://127.0.0.1:{bank.service.port}",
            headers={"Authorization": f"Bearer {bank.token}"},
            timeout=60,
            trust_env=False,
        ) as client:
            store(client, range(WARM_UP))
            before = _state(bank, postgres)
            store(client, range(WARM_UP, WARM_UP + texts))
        after = _state(bank, postgres)
    service, database, size = ((b - a) / texts for a, b in zip(before, after, strict=True))
    return CostOutcome(
        texts=texts,
        bulk_seconds=(many - few) / texts,
        service_seconds=service,
        database_seconds=database,
        database_bytes=size,
    )


def _bulk_seconds(folder: Path, texts: int) -> float:
    """Processor seconds of `xiaobao predict` as a whole."""
    source = folder / f"texts-{texts}.parquet"
    write_texts(source, texts)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    predict(source, source.with_suffix(".jsonl")).wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def store(client: httpx.Client, numbers: range) -> None:
    """One by one; what is told to wait is sent again with the same external_id. Raises HTTPStatusError."""
    for number in numbers:
        body = {"text": text_of(number), "external_id": f"cost-{number}"}
        while (answer := client.post("/v1/triage", params={"store": "true"}, json=body)).status_code in (429, 503):
            time.sleep(0.1)
        answer.raise_for_status()


def _state(bank: Bank, postgres: Postgres) -> tuple[float, float, float]:
    """Processor seconds of the service, of the database, its bytes."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return tree_cpu_seconds(bank.service.pid), tree_cpu_seconds(postgres.pid), float(row[0])
