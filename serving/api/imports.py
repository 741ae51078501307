"""Routes that import files, for FastAPI. In: a file of complaints. Out: a job, what became of each row."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from data.store.import_tables import CANCELLED, QUEUED, ImportJob, ImportRow
from data.store.unit_of_work import Store
from serving.access.guard import require
from serving.access.principal import Principal
from serving.api.responses import problems
from serving.errors import ErrorContent
from serving.imports.examination import Preview, preview
from serving.imports.queueing import UPLOAD_SECONDS, cancel, examined, most_bytes, queue
from serving.imports.results import comma_separated, json_lines
from serving.imports.upload import FORM_TYPE, FORMAT_OF_TYPE, UploadSlots, read_upload
from serving.imports.worker import ImportWorker
from serving.settings import Settings
from serving.stored import store_access
from serving.telemetry import Telemetry

MOST_ERRORS = 100
Importer = Annotated[Principal, Depends(require("cases.import"))]
router = APIRouter(prefix="/v1", tags=["imports"], responses=problems(401, 403, 503))

_FILE = {"schema": {"type": "string", "format": "binary"}}
_FORM = {"schema": {"type": "object", "required": ["file"], "properties": {"file": _FILE["schema"]}}}
UPLOAD: dict[str, Any] = {
    "requestBody": {"required": True, "content": {**dict.fromkeys(FORMAT_OF_TYPE, _FILE), FORM_TYPE: _FORM}}
}


class ImportRows(BaseModel):
    """How many rows; `done` of `total` are stored, existing (stored before) or failed."""

    total: int
    done: int
    stored: int
    existing: int
    failed: int


class ImportBody(BaseModel):
    """An import. `error`: why all of it failed; rows have errors of their own."""

    id: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    created_at: datetime
    finished_at: datetime | None
    unit: str
    file_name: str
    format: str
    bytes: int
    sha256: str
    rows: ImportRows
    error: ErrorContent | None

    @classmethod
    def of(cls, job: ImportJob, **more: Any) -> Self:
        return cls(
            id=job.id,
            state=job.state,  # type: ignore[arg-type]
            created_at=job.created_at,
            finished_at=job.finished_at,
            unit=job.unit_id,
            file_name=job.file_name,
            format=job.format,
            bytes=job.size_bytes,
            sha256=job.sha256,
            rows=ImportRows(
                total=job.rows_total,
                done=job.rows_stored + job.rows_existing + job.rows_failed,
                stored=job.rows_stored,
                existing=job.rows_existing,
                failed=job.rows_failed,
            ),
            error=_error(job.error_code, job.error_message, job.error_message_zh),
            **more,
        )


class ImportRowError(BaseModel):
    row: int
    external_id: str | None
    error: ErrorContent

    @classmethod
    def of(cls, row: ImportRow) -> Self:
        content = ErrorContent(code=row.error_code or "", message=row.message, message_zh=row.message_zh)
        return cls(row=row.line, external_id=row.external_id, error=content)


class ImportDetails(ImportBody):
    """With the first rows that failed; the result has all."""

    errors: list[ImportRowError]


class ImportPage(BaseModel):
    """`next` is the `before` of the following page; null on the last one."""

    imports: list[ImportBody]
    next: str | None


class ImportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=200)
    before: str | None = Field(default=None, max_length=32, description="`next` of the page before.")


@router.post(
    "/cases/import", status_code=202, summary="Import a file of complaints", openapi_extra=UPLOAD,
    responses=problems(400, 413, 415, 422, 429),
)  # fmt: skip
async def import_file(request: Request, caller: Importer, response: Response) -> ImportBody:
    """CSV, XLSX or JSON Lines, as the body or in a form. Each row is triaged and stored in the background.

    The same file sent again while it is worked on is the same import. A row whose number was stored before keeps its
    first answer; a bad row never fails its neighbours.
    """
    settings, telemetry = _settings(request), _telemetry(request)
    with _slots(request).taken():
        upload = await read_upload(request, most_bytes=most_bytes(caller, settings))
        new = await asyncio.to_thread(examined, upload, caller, settings)
        stored = await store_access(request).run(
            lambda store: queue(store, new, caller, most_waiting=settings.import_max_waiting),
            extra_seconds=UPLOAD_SECONDS,
        )
    if stored.is_new:
        telemetry.imports.labels(QUEUED).inc()
        _worker(request).wake()
    response.headers["Location"] = f"/v1/imports/{stored.job.id}"
    return ImportBody.of(stored.job)


@router.post(
    "/cases/import/preview", summary="How a file of complaints would be read", openapi_extra=UPLOAD,
    responses=problems(400, 413, 415, 422, 429),
)  # fmt: skip
async def preview_file(request: Request, caller: Importer) -> Preview:
    """Which columns are understood, and the first 20 rows with redacted texts and their errors. Nothing is stored."""
    settings = _settings(request)
    with _slots(request).taken():
        upload = await read_upload(request, most_bytes=most_bytes(caller, settings))
        return await asyncio.to_thread(preview, upload, settings)


@router.get("/imports", summary="Imports, latest first", responses=problems(404, 422))
async def imports(request: Request, caller: Importer, wanted: Annotated[ImportQuery, Query()]) -> ImportPage:
    """Those of the caller's unit and the units below."""

    def page(store: Store) -> ImportPage:
        with store.reading() as work:
            found = work.imports.page(within=caller.unit_path, limit=wanted.limit + 1, before=wanted.before)
            shown = [ImportBody.of(job) for job in found[: wanted.limit]]
            return ImportPage(imports=shown, next=shown[-1].id if len(found) > wanted.limit else None)

    return await store_access(request).run(page)


@router.get("/imports/{job_id}", summary="How far an import has come", responses=problems(404))
async def import_state(request: Request, caller: Importer, job_id: str) -> ImportDetails:
    """State, counts and the first 100 rows that failed."""

    def read(store: Store) -> ImportDetails:
        with store.reading() as work:
            job = work.imports.get(job_id, within=caller.unit_path)
            failed = work.imports.errors(job_id, within=caller.unit_path, limit=MOST_ERRORS)
            return ImportDetails.of(job, errors=[ImportRowError.of(row) for row in failed])

    return await store_access(request).run(read)


@router.get(
    "/imports/{job_id}/result", summary="What became of each row", response_class=StreamingResponse,
    responses=problems(404, 422),
)  # fmt: skip
async def import_result(
    request: Request, caller: Importer, job_id: str, format: Annotated[Literal["jsonl", "csv"], Query()] = "jsonl"
) -> StreamingResponse:
    """A line for each row done so far: its case with the codes that stand now, or its error."""
    access = store_access(request)
    await access.run(lambda store: _check_visible(store, job_id, caller))
    make, kind = (json_lines, "application/x-ndjson") if format == "jsonl" else (comma_separated, "text/csv")
    return StreamingResponse(
        make(access.store, job_id, within=caller.unit_path),
        media_type=kind,
        headers={"Content-Disposition": f'attachment; filename="import-{job_id}.{format}"'},
    )


@router.delete("/imports/{job_id}", summary="Cancel an import", responses=problems(404, 409))
async def cancel_import(request: Request, caller: Importer, job_id: str) -> ImportBody:
    """What is not yet stored is not; the file is deleted. Cases that are stored stay."""

    job, is_new = await store_access(request).run(lambda store: cancel(store, job_id, caller))
    if is_new:
        _telemetry(request).imports.labels(CANCELLED).inc()
    return ImportBody.of(job)


def _check_visible(store: Store, job_id: str, caller: Principal) -> None:
    with store.reading() as work:
        work.imports.get(job_id, within=caller.unit_path)


def _error(code: str | None, message: str, message_zh: str) -> ErrorContent | None:
    return None if code is None else ErrorContent(code=code, message=message, message_zh=message_zh)


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _telemetry(request: Request) -> Telemetry:
    telemetry: Telemetry = request.app.state.telemetry
    return telemetry


def _slots(request: Request) -> UploadSlots:
    slots: UploadSlots = request.app.state.upload_slots
    return slots


def _worker(request: Request) -> ImportWorker:
    worker: ImportWorker = request.app.state.import_worker
    return worker
