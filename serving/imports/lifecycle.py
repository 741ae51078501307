"""What an app that imports files has beside model and store. In: the app. Out: a running worker, room for uploads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from serving.imports.upload import UploadSlots
from serving.imports.worker import ImportWorker
from serving.inference.pool import InferencePool
from serving.stored import StoreAccess

MOST_UPLOADS = 4
"""Held in memory at once."""


@asynccontextmanager
async def import_lifespan(app: Starlette) -> AsyncIterator[None]:
    """Inside the lifespans of model and store; without a store nothing is imported."""
    access: StoreAccess | None = app.state.store_access
    if access is None:
        yield
        return
    pool: InferencePool = app.state.pool
    worker = ImportWorker(
        lambda: access.store,
        app.state.predictor,
        settings=app.state.settings,
        telemetry=app.state.telemetry,
        is_busy=lambda: pool.unanswered > 0,
    )
    app.state.import_worker, app.state.upload_slots = worker, UploadSlots(MOST_UPLOADS)
    worker.start()
    try:
        yield
    finally:
        await asyncio.to_thread(worker.stop)
