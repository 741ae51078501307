"""The thread that works on imports. In: queued jobs. Out: cases, and what became of each row.

One job at a time, in small batches. The outcome of a row is written in the transaction that writes its case, and a job
goes on behind the last outcome: killed anywhere, it neither loses a row nor stores one twice. A database that is gone
is waited for. Requests over HTTP go first: before each run of the network the thread waits while any is in the queue.
(Its priority stays normal: a thread that the system puts off while it holds Python's lock would hold up all others.)
"""

import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import islice
from typing import TypeVar, cast

from data.errors import InputFileError, KeyMaterialError, StoreError, StoreUnavailableError, XiaobaoError, place_of
from data.store.import_tables import DONE, FAILED, ImportJob
from data.store.maintenance import scrub
from data.store.records import ImportOutcome
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork
from models.predictor import Predictor
from serving.access.permissions import PERMISSIONS_OF_ROLE
from serving.access.principal import Principal
from serving.imports.examination import open_import
from serving.imports.rows import RowTriage, TriagedRow, unexpected
from serving.input_files import BadRow, FileFormat, Record
from serving.intake import keep_in
from serving.notifications.repeating import Trouble
from serving.settings import Settings
from serving.telemetry import Telemetry

logger = logging.getLogger("xiaobao.imports")

# Storing a row takes 7 ms, and SQLite lets nobody else write until the batch is done.
ROWS_IN_BATCH = 8
LEASE = timedelta(seconds=60)
# While rows that are done are passed over: some thousand a second are read.
ROWS_PER_RENEWAL = 5_000
POLL_SECONDS = 2.0
MOST_GIVEN_WAY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 5.0
Result = TypeVar("Result")


class _StoppedError(Exception):
    """The thread was told to stop in the middle of a job."""


class ImportWorker:
    """`open_store` raises StoreUnavailableError while it cannot; `lease` gives the model for one batch of rows;
    `is_busy` tells whether requests are waiting."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        lease: Callable[[], AbstractContextManager[Predictor]],
        *,
        settings: Settings,
        telemetry: Telemetry,
        is_busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._open_store = open_store
        self._settings = settings
        self._telemetry = telemetry
        self._is_busy = is_busy
        self._lease = lease
        self._id = secrets.token_hex(8)
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name="imports", daemon=False)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Put the present job down for another worker, and end the thread."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def wake(self) -> None:
        """A job was queued."""
        self._wake.set()

    def run_once(self) -> bool:
        """Take the oldest job up and work on it; False if none waits, or what failed is better left for a moment.

        Raises StoreError.
        """
        job = self._claim()
        if job is None:
            return False
        if job.state == FAILED:  # taken up too often
            self._count_end(FAILED)
            return True
        return self._run(job)

    def _work(self) -> None:
        """The thread's edge: no error ends it."""
        trouble = Trouble("imports")
        while not self._stopping.is_set():
            self._wake.clear()
            found = False
            try:
                found = self.run_once()
                trouble.went_well()
            except Exception as error:
                trouble.failed(error)
            if not found and not self._stopping.is_set():
                self._wake.wait(POLL_SECONDS)

    def _claim(self) -> ImportJob | None:
        store = self._open_store()
        with store.reading() as work:
            if not work.imports.is_waiting(within=ROOT):
                return None
        with store.writing() as work:
            return work.imports.claim(self._id, lease=LEASE, within=ROOT)

    def _run(self, job: ImportJob) -> bool:
        """The job's edge: what fails it for good is written down, after anything else it is taken up again.

        False after what may be over in a moment: at once, five tries would be one.
        """
        try:
            self._import(job)
        except _StoppedError:
            self._put_down(job)
        except (InputFileError, KeyMaterialError) as error:
            self._fail(job, error)
        except StoreError as error:
            logger.warning("import %s was left: %s", job.id, error.message)
            if error.code != "import_lost":
                self._put_down(job)
                return False
        except Exception as error:
            logger.error("import %s failed: %s at %s", job.id, type(error).__name__, place_of(error))
            self._put_down(job)
            return False
        return True

    def _import(self, job: ImportJob) -> None:
        content, last, principal = self._insist(lambda work: _taken_up(work, job), reading=True)
        file_format = cast(FileFormat, job.format)
        table = open_import(content, file_format, name=job.file_name, settings=self._settings)
        for batch in _batches(self._behind(last, table.records, job)):
            with self._lease() as predictor:
                triage = RowTriage(predictor, self._settings, self._give_way)
                rows = triage.triage(batch, numbered=f"import-{job.sha256[:16]}-{job.unit_id}")
            self._count_rows(rows, self._insist(lambda work: self._store(work, job, principal, rows)))  # noqa: B023
        self._insist(lambda work: work.imports.finish(self._held(work, job)))
        self._count_end(DONE)

    def _behind(self, last: int, records: Iterable[Record | BadRow], job: ImportJob) -> Iterator[Record | BadRow]:
        """The records that are still to be done; the lease is renewed while the others are passed over."""
        for passed, record in enumerate(records, 1):
            if self._stopping.is_set():
                raise _StoppedError
            if record.line > last:
                yield record
            elif passed % ROWS_PER_RENEWAL == 0:
                self._insist(lambda work: self._held(work, job))

    def _store(
        self, work: UnitOfWork, job: ImportJob, principal: Principal, rows: Sequence[TriagedRow | ImportOutcome]
    ) -> list[ImportOutcome]:
        """One batch in one transaction. Where a former try was committed after all, nothing is left to do."""
        held = self._held(work, job)
        last = work.imports.last_line(job.id, within=ROOT)
        outcomes = [_kept(work, principal, row) for row in rows if row.line > last]
        for outcome in outcomes:
            work.imports.record(held, outcome)
        return outcomes

    def _held(self, work: UnitOfWork, job: ImportJob) -> ImportJob:
        return work.imports.held(job.id, self._id, lease=LEASE, within=ROOT)

    def _insist(self, step: Callable[[UnitOfWork], Result], *, reading: bool = False) -> Result:
        """One transaction, again and again while the database is gone. Raises _StoppedError, StoreError."""
        wait = 0.1
        while not self._stopping.is_set():
            try:
                store = self._open_store()
                with store.reading() if reading else store.writing() as work:
                    return step(work)
            except StoreUnavailableError:
                self._stopping.wait(wait)
                wait = min(2 * wait, LONGEST_RETRY_SECONDS)
        raise _StoppedError

    def _put_down(self, job: ImportJob) -> None:
        """Without this the job would wait for the end of its lease."""
        try:
            with self._open_store().writing() as work:
                work.imports.release(self._held(work, job))
        except StoreError as error:
            logger.warning("import %s waits for the end of its lease: %s", job.id, error.message)

    def _fail(self, job: ImportJob, error: XiaobaoError) -> None:
        try:
            self._insist(lambda work: work.imports.fail(self._held(work, job), error))
        except (_StoppedError, StoreError):
            return
        self._count_end(FAILED)

    def _give_way(self) -> None:
        """Let requests go first, but not for ever. Raises _StoppedError."""
        until = time.monotonic() + MOST_GIVEN_WAY_SECONDS
        while self._is_busy() and time.monotonic() < until:
            if self._stopping.wait(0.005):
                break
        if self._stopping.is_set():
            raise _StoppedError

    def _count_rows(self, rows: Sequence[TriagedRow | ImportOutcome], outcomes: Sequence[ImportOutcome]) -> None:
        for row in rows:
            if isinstance(row, TriagedRow):
                self._telemetry.count_answer(row.complaint.answer)
        names = ("failed" if one.error else "stored" if one.is_new else "existing" for one in outcomes)
        for name, count in Counter(names).items():
            self._telemetry.import_rows.labels(name).inc(count)

    def _count_end(self, state: str) -> None:
        self._telemetry.imports.labels(state).inc()
        scrub(self._open_store())  # the file's pieces are deleted; let go of them


def _taken_up(work: UnitOfWork, job: ImportJob) -> tuple[bytes, int, Principal]:
    """The file, the last line that is done, and in whose name cases are stored."""
    content = work.imports.content(job.id, within=ROOT)
    return content, work.imports.last_line(job.id, within=ROOT), _uploader(work, job)


def _uploader(work: UnitOfWork, job: ImportJob) -> Principal:
    """Who uploaded the file, with what the intake of cases needs; permission was checked at the upload."""
    return Principal(
        id=job.actor_id,
        kind="key",
        role="system",
        permissions=PERMISSIONS_OF_ROLE["system"],
        unit_id=job.unit_id,
        unit_path=work.units.get(job.unit_id, within=ROOT).path,
        source_system=job.source_system,
    )


def _kept(work: UnitOfWork, principal: Principal, row: TriagedRow | ImportOutcome) -> ImportOutcome:
    """The outcome of storing a row; what fails is undone alone. Raises StoreUnavailableError."""
    if isinstance(row, ImportOutcome):
        return row
    external_id = row.complaint.body.external_id
    try:
        with work.attempt():
            case = keep_in(work, row.complaint, principal).case
    except StoreUnavailableError:
        raise
    except XiaobaoError as error:
        return ImportOutcome(line=row.line, external_id=external_id, error=error)
    except Exception as error:
        return ImportOutcome(line=row.line, external_id=external_id, error=unexpected(error))
    assert case is not None
    return ImportOutcome(line=row.line, external_id=external_id, case_id=case.id, is_new=case.is_new)


def _batches(records: Iterable[Record | BadRow]) -> Iterator[list[Record | BadRow]]:
    rows = iter(records)
    while batch := list(islice(rows, ROWS_IN_BATCH)):
        yield batch
