"""导入: files of complaints. In: a CSV, XLSX or JSON Lines file. Out: how it would be read; a job, its rows.

The browser keeps the file between preview and start: nothing of it is stored before the start.
"""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from data.errors import InputFileError, XiaobaoError
from data.store.import_tables import CANCELLED, QUEUED, RUNNING
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork
from serving.console.forms import TOKEN_FIELD, check_origin, check_token
from serving.console.pages import Me, page
from serving.console.people import people_named
from serving.console.stored import in_store
from serving.console.visitors import Visitor, visitor
from serving.errors import STATUS_OF_CODE, ServiceError
from serving.imports.examination import Preview, preview
from serving.imports.queueing import UPLOAD_SECONDS, cancel, examined, most_bytes, queue
from serving.imports.results import comma_separated
from serving.imports.upload import Upload, UploadSlots, read_form_upload
from serving.imports.worker import ImportWorker
from serving.settings import Settings
from serving.stored import store_access
from serving.telemetry import Telemetry

JOBS_ON_PAGE = 30
MOST_ERRORS = 100
UNFINISHED = (QUEUED, RUNNING)
PART = "part"
"""Field or parameter of the script, which wants only what changes."""
Importer = Annotated[Visitor, Depends(visitor("cases.import"))]
router = APIRouter(include_in_schema=False)


@router.get("/imports")
async def imports(request: Request, visitor: Importer, before: str | None = None) -> Response:
    """The form and the jobs of the visitor's units, latest first. Raises NotFoundError for a `before` that is none."""
    return await _show(request, visitor, before=before)


@router.post("/imports/preview")
async def preview_file(request: Request, visitor: Importer) -> Response:
    """How the file would be read. Nothing is stored. Raises ServiceError `form_refused`."""
    settings: Settings = request.app.state.settings
    fields: Mapping[str, str] = {}
    try:
        with _slots(request).taken():
            upload, fields = await _upload(request, visitor)
            found, problem = await asyncio.to_thread(preview, upload, settings), ""
    except (ServiceError, InputFileError) as error:
        found, problem = None, _message(error, visitor)
    if PART in fields or PART in request.query_params:
        return page(request, "import_preview", words="imports", context={"preview": found, "problem": problem})
    return await _show(request, visitor, found=found, problem=problem)


@router.post("/imports")
async def start(request: Request, visitor: Importer) -> Response:
    """Queue the file; sent twice while it is worked on it is one job. Raises ServiceError `form_refused`."""
    settings: Settings = request.app.state.settings
    try:
        with _slots(request).taken():
            upload, _ = await _upload(request, visitor)
            new = await asyncio.to_thread(examined, upload, visitor.principal, settings)
            stored = await store_access(request).run(
                lambda store: queue(store, new, visitor.principal, most_waiting=settings.import_max_waiting),
                extra_seconds=UPLOAD_SECONDS,
            )
    except (ServiceError, InputFileError) as error:
        return await _show(
            request, visitor, problem=_message(error, visitor), status=STATUS_OF_CODE.get(error.code, 422)
        )
    if stored.is_new:
        _telemetry(request).imports.labels(QUEUED).inc()
        worker: ImportWorker = request.app.state.import_worker
        worker.wake()
    return RedirectResponse(f"/console/imports/{stored.job.id}", 303)


@router.get("/imports/{job_id}")
async def job(request: Request, visitor: Importer, job_id: str) -> Response:
    """How far a job has come, and the first rows that failed. Raises NotFoundError."""

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            return Me.of(work, visitor), _job(work, visitor, job_id)

    me, context = await in_store(request, read)
    template = "import_progress" if PART in request.query_params else "import_job"
    return page(request, template, words="imports", me=me, context=context)


@router.get("/imports/{job_id}/failed.csv")
async def failed_rows(request: Request, visitor: Importer, job_id: str) -> Response:
    """All rows that failed, for a spreadsheet. Raises NotFoundError."""
    return await _rows(request, visitor, job_id, failed_only=True)


@router.get("/imports/{job_id}/rows.csv")
async def all_rows(request: Request, visitor: Importer, job_id: str) -> Response:
    """What became of every row. Raises NotFoundError."""
    return await _rows(request, visitor, job_id, failed_only=False)


@router.post("/imports/{job_id}/cancel")
async def cancel_job(request: Request, visitor: Importer, job_id: str) -> Response:
    """What is not yet stored is not; what is stored stays. Raises StoreError `import_finished`, NotFoundError."""
    await visitor.form(request)
    _, is_new = await in_store(request, lambda store: cancel(store, job_id, visitor.principal))
    if is_new:
        _telemetry(request).imports.labels(CANCELLED).inc()
    return RedirectResponse(f"/console/imports/{job_id}", 303)


async def _upload(request: Request, visitor: Visitor) -> tuple[Upload, Mapping[str, str]]:
    """The file, if it comes from one of our own pages. Raises ServiceError."""
    check_origin(request)
    settings: Settings = request.app.state.settings
    upload, fields = await read_form_upload(request, most_bytes=most_bytes(visitor.principal, settings))
    check_token(fields.get(TOKEN_FIELD, ""), secret=visitor.token)
    return upload, fields


async def _show(
    request: Request,
    visitor: Visitor,
    *,
    found: Preview | None = None,
    problem: str = "",
    before: str | None = None,
    status: int = 200,
) -> Response:
    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            return Me.of(work, visitor), _list(work, visitor, before)

    me, context = await in_store(request, read)
    settings: Settings = request.app.state.settings
    context |= {"preview": found, "problem": problem, "most_megabytes": settings.import_max_bytes // 1_000_000}
    context |= {"most_rows": settings.import_max_rows}
    return page(request, "imports", me=me, context=context, status=status)


def _list(work: UnitOfWork, visitor: Visitor, before: str | None) -> dict[str, Any]:
    jobs = work.imports.page(within=visitor.within, limit=JOBS_ON_PAGE + 1, before=before)
    shown = jobs[:JOBS_ON_PAGE]
    return {
        "jobs": shown,
        "next": shown[-1].id if len(jobs) > JOBS_ON_PAGE else None,
        "people": people_named(work, [job.actor_id for job in shown]),
        "units": {unit.id: unit.name for unit in work.units.all(within=visitor.within)},
        "now": work.now(),
    }


def _job(work: UnitOfWork, visitor: Visitor, job_id: str) -> dict[str, Any]:
    found = work.imports.get(job_id, within=visitor.within)
    return {
        "job": found,
        "done": found.rows_stored + found.rows_existing + found.rows_failed,
        "is_unfinished": found.state in UNFINISHED,
        "errors": work.imports.errors(job_id, within=visitor.within, limit=MOST_ERRORS),
        "most_errors": MOST_ERRORS,
        "who": people_named(work, [found.actor_id])[found.actor_id],
        "unit_name": work.units.get(found.unit_id, within=ROOT).name,
        "now": work.now(),
    }


async def _rows(request: Request, visitor: Visitor, job_id: str, *, failed_only: bool) -> Response:
    def check(store: Store) -> None:
        with store.reading() as work:
            work.imports.get(job_id, within=visitor.within)

    await in_store(request, check)
    store = store_access(request).store
    name = "failed" if failed_only else "rows"
    return StreamingResponse(
        comma_separated(store, job_id, within=visitor.within, failed_only=failed_only),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="import-{job_id}-{name}.csv"'},
    )


def _message(error: XiaobaoError, visitor: Visitor) -> str:
    """Raises the error itself where the form was none of ours."""
    if error.code == "form_refused":
        raise error
    return error.message_zh if visitor.language == "zh" else error.message


def _slots(request: Request) -> UploadSlots:
    slots: UploadSlots = request.app.state.upload_slots
    return slots


def _telemetry(request: Request) -> Telemetry:
    telemetry: Telemetry = request.app.state.telemetry
    return telemetry
