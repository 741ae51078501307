"""An uploaded file becomes a job, or one ends before its time. In: an upload, who sent it. Out: the job.

The API's routes and the console's pages do the same with it.
"""

from data.store.import_tables import CANCELLED, ImportJob
from data.store.maintenance import scrub
from data.store.records import NewImport, StoredImport
from data.store.unit_of_work import Store
from serving.access.principal import Principal
from serving.errors import ServiceError
from serving.imports.examination import count_rows
from serving.imports.upload import Upload
from serving.settings import Settings

# Of storing an uploaded file: up to some tens of megabytes are encrypted and written.
UPLOAD_SECONDS = 30.0


def most_bytes(caller: Principal, settings: Settings) -> int:
    """A key's own limit on bodies holds for files as well."""
    most = settings.import_max_bytes
    return most if caller.max_body_bytes is None else min(most, caller.max_body_bytes)


def examined(upload: Upload, caller: Principal, settings: Settings) -> NewImport:
    """The whole file is read. Raises InputFileError, ServiceError `forbidden`."""
    if caller.unit_id is None:
        raise ServiceError("forbidden", "this token belongs to no unit of the bank", "该令牌不属于任何机构")
    return NewImport(
        actor_id=caller.id,
        unit_id=caller.unit_id,
        source_system=caller.source_system,
        format=upload.format,
        file_name=upload.name,
        sha256=upload.sha256,
        rows=count_rows(upload, settings),
        content=upload.content,
    )


def queue(store: Store, new: NewImport, caller: Principal, *, most_waiting: int) -> StoredImport:
    """Raises ServiceError `imports_waiting`, StoreUnavailableError."""
    with store.writing() as work:
        stored = work.imports.add(new, within=caller.unit_path)
        if stored.is_new and work.imports.unfinished(caller.id, within=caller.unit_path) > most_waiting:
            raise ServiceError(
                "imports_waiting",
                f"{most_waiting} imports of this caller are not finished; wait for one of them or cancel it",
                f"已有 {most_waiting} 个导入任务未完成，请等待或取消后再提交",
                {"Retry-After": "60"},
            )
        if stored.is_new:
            work.audit.append(
                "import.queued",
                actor_id=caller.id,
                subject=stored.job.id,
                details={"rows": new.rows, "bytes": len(new.content), "sha256": new.sha256},
            )
        return stored


def cancel(store: Store, job_id: str, caller: Principal) -> tuple[ImportJob, bool]:
    """The job, and whether it is only now cancelled. Raises StoreError `import_finished`, NotFoundError."""
    with store.writing() as work:
        was_cancelled = work.imports.get(job_id, within=caller.unit_path).state == CANCELLED
        job = work.imports.cancel(job_id, within=caller.unit_path)
        if not was_cancelled:
            work.audit.append("import.cancelled", actor_id=caller.id, subject=job_id)
    scrub(store)
    return job, not was_cancelled
