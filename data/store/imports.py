"""Imports of files: the job, its encrypted file, what became of each row. In: an upload. Out: jobs and outcomes.

The file lies in pieces of 1 MiB, each encrypted with a key of the job's own, so that no statement is larger than that
and a restart loses nothing. When the job ends, key and pieces are destroyed; cases, outcomes and numbers stay.

A worker holds a job by a lease. Whoever finds the lease run out takes the job over; the former holder then fails at its
next batch (`held`), before it has written anything.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, tuple_
from sqlalchemy.orm import Session

from data.errors import StoreError, StoreUnavailableError, XiaobaoError
from data.store.crypto import decrypt, encrypt, new_key
from data.store.flags import flags_of
from data.store.import_tables import CANCELLED, DONE, FAILED, QUEUED, RUNNING, ImportChunk, ImportJob, ImportRow
from data.store.insertion import insert_if_new
from data.store.key_material import KeyRing
from data.store.records import ImportedRow, ImportOutcome, NewImport, StoredImport
from data.store.scope import not_found, units_within
from data.store.tables import Case, Unit

CHUNK_BYTES = 1 << 20
MOST_ATTEMPTS = 5


class ImportRepository:
    def __init__(self, session: Session, *, keys: KeyRing, cipher: str, now: Callable[[], datetime]) -> None:
        self._session = session
        self._keys = keys
        self._cipher = cipher
        self._now = now

    def add(self, new: NewImport, *, within: str) -> StoredImport:
        """Queue an upload; the same file of the same caller, while unfinished, is the earlier job.

        Raises NotFoundError if the unit is not in the caller's part of the organisation.
        """
        if self._session.scalar(units_within(within).where(Unit.id == new.unit_id)) is None:
            raise not_found("unit", "机构")
        job_id, unfinished = secrets.token_hex(8), f"{new.actor_id} {new.sha256}"
        values = {
            "id": job_id, "created_at": self._now(), "actor_id": new.actor_id, "unit_id": new.unit_id,
            "source_system": new.source_system, "format": new.format, "file_name": new.file_name,
            "sha256": new.sha256, "size_bytes": len(new.content), "rows_total": new.rows, "rows_stored": 0,
            "rows_existing": 0, "rows_failed": 0, "state": QUEUED, "error_message": "", "error_message_zh": "",
            "attempts": 0, "unfinished": unfinished,
        }  # fmt: skip
        if not insert_if_new(self._session, ImportJob, values, unique=["unfinished"]):
            return StoredImport(job=self._earlier(unfinished, within), is_new=False)
        self._add_chunks(job_id, new.content)
        return StoredImport(job=self._session.get_one(ImportJob, job_id), is_new=True)

    def get(self, job_id: str, *, within: str) -> ImportJob:
        """One job. Raises NotFoundError, the same for a job of another branch as for one that never was."""
        return self._one(ImportJob.id == job_id, within)

    def page(self, *, within: str, limit: int, before: str | None = None) -> Sequence[ImportJob]:
        """Jobs of the caller's part of the organisation, latest first, behind `before`. Raises NotFoundError."""
        query = select(ImportJob).where(ImportJob.unit_id.in_(units_within(within)))
        if before is not None:
            last = self.get(before, within=within)
            query = query.where(tuple_(ImportJob.created_at, ImportJob.id) < (last.created_at, last.id))
        return self._session.scalars(
            query.order_by(ImportJob.created_at.desc(), ImportJob.id.desc()).limit(limit)
        ).all()

    def unfinished(self, actor_id: str, *, within: str) -> int:
        """How many jobs of this caller are queued or running."""
        query = select(func.count()).where(ImportJob.actor_id == actor_id, ImportJob.state.in_((QUEUED, RUNNING)))
        return self._session.scalar(query.where(ImportJob.unit_id.in_(units_within(within)))) or 0

    def errors(self, job_id: str, *, within: str, limit: int) -> Sequence[ImportRow]:
        """The first rows that failed, in the order of the file. Raises NotFoundError."""
        job = self.get(job_id, within=within)
        failed = (ImportRow.job_id == job.id) & ImportRow.error_code.is_not(None)
        return self._session.scalars(select(ImportRow).where(failed).order_by(ImportRow.line).limit(limit)).all()

    def rows(self, job_id: str, *, within: str, after: int = 0, limit: int) -> Sequence[ImportedRow]:
        """Outcomes behind line `after`, each with its case as it stands now, if the caller sees that. NotFoundError."""
        job = self.get(job_id, within=within)
        seen = (Case.id == ImportRow.case_id) & Case.unit_id.in_(units_within(within))
        query = (
            select(ImportRow, Case)
            .outerjoin(Case, seen)
            .where(ImportRow.job_id == job.id, ImportRow.line > after)
            .order_by(ImportRow.line)
            .limit(limit)
        )
        found = [(row, case) for row, case in self._session.execute(query)]
        flags = flags_of(self._session, [case.id for _, case in found if case])
        return [ImportedRow(row=row, case=case, flags=flags[case.id] if case else ()) for row, case in found]

    def cancel(self, job_id: str, *, within: str) -> ImportJob:
        """End a queued or running job; cases already stored stay. Cancelling twice is no error.

        Raises StoreError `import_finished`, NotFoundError.
        """
        job = self._one(ImportJob.id == job_id, within, for_update=True)
        if job.state in (DONE, FAILED):
            raise StoreError(
                "the import has ended already, there is nothing to cancel; its cases stay",
                "导入已结束，无可取消；已入库的案件保留",
                code="import_finished",
            )
        if job.state != CANCELLED:
            self._end(job, CANCELLED)
        return job

    def is_waiting(self, *, within: str) -> bool:
        """Whether a job can be claimed."""
        query = select(ImportJob.id).where(self._claimable(), ImportJob.unit_id.in_(units_within(within)))
        return self._session.scalar(query.limit(1)) is not None

    def claim(self, worker_id: str, *, lease: timedelta, within: str) -> ImportJob | None:
        """Take the oldest job that is queued or whose worker let its lease run out; None if there is none.

        A job that was taken up `MOST_ATTEMPTS` times without recording a row fails: it would end every worker.
        """
        query = (
            select(ImportJob)
            .where(self._claimable(), ImportJob.unit_id.in_(units_within(within)))
            .order_by(ImportJob.created_at, ImportJob.id)
            .limit(1)
            .with_for_update(of=ImportJob, skip_locked=True)
        )
        job = self._session.scalar(query)
        if job is None:
            return None
        if job.attempts >= MOST_ATTEMPTS:
            self.fail(job, _stuck())
        else:
            job.state, job.worker_id, job.lease_until = RUNNING, worker_id, self._now() + lease
            job.attempts += 1
        return job

    def held(self, job_id: str, worker_id: str, *, lease: timedelta, within: str) -> ImportJob:
        """The job, locked, with its lease renewed. Raises StoreError `import_lost` if it is no longer this worker's."""
        job = self._one(ImportJob.id == job_id, within, for_update=True)
        if job.state != RUNNING or job.worker_id != worker_id:
            raise StoreError(
                "the import was cancelled or taken over", "导入已取消或已由其他进程接管", code="import_lost"
            )
        job.lease_until = self._now() + lease
        return job

    def content(self, job_id: str, *, within: str) -> bytes:
        """The uploaded file. Raises NotFoundError once the job has ended, KeyMaterialError if it does not open."""
        job = self.get(job_id, within=within)
        key = self._keys.kept(_owner(job.id))
        chunks = self._session.scalars(
            select(ImportChunk).where(ImportChunk.job_id == job.id).order_by(ImportChunk.number)
        ).all()
        return b"".join(
            decrypt(chunk.ciphertext, key=key, cipher=chunk.cipher, bound_to=_place(job.id, number, len(chunks)))
            for number, chunk in enumerate(chunks)
        )

    def last_line(self, job_id: str, *, within: str) -> int:
        """The last line whose outcome is recorded, 0 if none is. Rows are recorded in the order of the file."""
        job = self.get(job_id, within=within)
        return self._session.scalar(select(func.max(ImportRow.line)).where(ImportRow.job_id == job.id)) or 0

    def record(self, job: ImportJob, outcome: ImportOutcome) -> None:
        """What became of a row of a job that the caller holds."""
        error = outcome.error
        self._session.add(
            ImportRow(
                job_id=job.id,
                line=outcome.line,
                external_id=outcome.external_id,
                case_id=outcome.case_id,
                is_new=outcome.is_new,
                error_code=error.code if error else None,
                message=error.message if error else "",
                message_zh=error.message_zh if error else "",
            )
        )
        job.attempts = 0
        job.rows_failed += error is not None
        job.rows_stored += outcome.is_new
        job.rows_existing += error is None and not outcome.is_new

    def release(self, job: ImportJob) -> None:
        """Let another worker go on at once with a job that the caller holds."""
        job.lease_until = self._now()

    def finish(self, job: ImportJob) -> None:
        """All rows of a job that the caller holds are recorded."""
        self._end(job, DONE)

    def fail(self, job: ImportJob, error: XiaobaoError) -> None:
        """The file of a job that the caller holds cannot be worked on; what is stored stays."""
        job.error_code, job.error_message, job.error_message_zh = error.code, error.message, error.message_zh
        self._end(job, FAILED)

    def _end(self, job: ImportJob, state: str) -> None:
        job.state, job.finished_at = state, self._now()
        job.worker_id = job.lease_until = job.unfinished = None
        self._session.execute(delete(ImportChunk).where(ImportChunk.job_id == job.id))
        self._keys.forget(_owner(job.id))
        self._session.flush()

    def _add_chunks(self, job_id: str, content: bytes) -> None:
        key = new_key(self._cipher)
        self._keys.keep(key, owner=_owner(job_id))
        starts = range(0, len(content), CHUNK_BYTES)
        for number, start in enumerate(starts):
            sealed = encrypt(
                content[start : start + CHUNK_BYTES],
                key=key,
                cipher=self._cipher,
                bound_to=_place(job_id, number, len(starts)),
            )
            self._session.add(ImportChunk(job_id=job_id, number=number, cipher=self._cipher, ciphertext=sealed))
            self._session.flush()

    def _claimable(self) -> ColumnElement[bool]:
        abandoned = (ImportJob.state == RUNNING) & (ImportJob.lease_until <= self._now())
        return (ImportJob.state == QUEUED) | abandoned

    def _one(self, condition: ColumnElement[bool], within: str, *, for_update: bool = False) -> ImportJob:
        query = select(ImportJob).where(condition, ImportJob.unit_id.in_(units_within(within)))
        job = self._session.scalar(query.with_for_update(of=ImportJob) if for_update else query)
        if job is None:
            raise not_found("import", "导入任务")
        return job

    def _earlier(self, unfinished: str, within: str) -> ImportJob:
        query = select(ImportJob).where(ImportJob.unfinished == unfinished)
        job = self._session.scalar(query.where(ImportJob.unit_id.in_(units_within(within))))
        if job is None:  # it ended, or its caller was moved, between the two statements
            raise StoreUnavailableError("the same file was being imported a moment ago; try again", "请稍后重试")
        return job


def _stuck() -> StoreError:
    return StoreError(
        f"the import was taken up {MOST_ATTEMPTS} times without getting on; see the service's log; split the file",
        f"导入连续 {MOST_ATTEMPTS} 次未能继续，请查看服务日志，并拆分文件后重试",
        code="import_stuck",
    )


def _owner(job_id: str) -> str:
    return f"import {job_id}"


def _place(job_id: str, number: int, count: int) -> str:
    """What a piece is bound to: moved, swapped or without its neighbours it does not open."""
    return f"import {job_id} piece {number} of {count}"
