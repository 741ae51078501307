"""A store with a clock that can be moved, and workers on it that run when a test says so."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

import pytest
from sqlalchemy import func, select

from data.store.import_tables import ImportJob
from data.store.records import ImportedRow, NewImport
from data.store.scope import ROOT
from data.store.tables import Case
from data.store.unit_of_work import Store, open_store
from models.predictor import Predictor
from serving.imports.examination import count_rows
from serving.imports.worker import ImportWorker
from serving.input_files import FileFormat
from serving.telemetry import Telemetry
from tests.data.store.cases import Clock, build_organisation, masters
from tests.serving.imports.files import settings, upload


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where files are queued and worked on."""

    store: Store
    clock: Clock
    predictor: Predictor
    telemetry: Telemetry = field(default_factory=Telemetry)

    def queue(self, content: bytes, file_format: FileFormat = "csv", *, unit: str = "east") -> str:
        file = upload(content, file_format)
        new = NewImport(
            actor_id=f"key-{unit}",
            unit_id=unit,
            source_system=f"hotline-{unit}",
            format=file_format,
            file_name=file.name,
            sha256=hashlib.sha256(content).hexdigest(),
            rows=count_rows(file, settings()),
            content=content,
        )
        with self.store.writing() as work:
            return work.imports.add(new, within=ROOT).job.id

    def worker(
        self, *, open_store: Callable[[], Store] | None = None, is_busy: Callable[[], bool] = lambda: False
    ) -> ImportWorker:
        return ImportWorker(
            open_store or (lambda: self.store),
            lambda: nullcontext(self.predictor),
            settings=settings(),
            telemetry=self.telemetry,
            is_busy=is_busy,
        )

    def job(self, job_id: str) -> ImportJob:
        with self.store.reading() as work:
            return work.imports.get(job_id, within=ROOT)

    def rows(self, job_id: str) -> list[ImportedRow]:
        with self.store.reading() as work:
            return list(work.imports.rows(job_id, within=ROOT, limit=100_000))

    def cases(self) -> int:
        with self.store.reading() as work:
            return work.session.scalar(select(func.count()).select_from(Case)) or 0


@pytest.fixture
def desk(url: str, tiny_predictor: Predictor) -> Iterator[Desk]:
    clock = Clock()
    store = open_store(url, masters("2026a"), now=clock)
    build_organisation(store)
    yield Desk(store=store, clock=clock, predictor=tiny_predictor)
    store.close()
