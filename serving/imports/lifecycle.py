"""What an app that imports files has beside model and store. In: the app. Out: a running worker, room for uploads."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.applications import Starlette

from models.predictor import Predictor
from serving.imports.upload import UploadSlots
from serving.imports.worker import ImportWorker
from serving.inference.live import Live
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
    live: Live = app.state.live

    @contextmanager
    def leased() -> Iterator[Predictor]:
        with live.lease() as model:
            yield model.predictor

    worker = ImportWorker(
        lambda: access.store,
        leased,
        settings=app.state.settings,
        telemetry=app.state.telemetry,
        is_busy=lambda: live.model.pool.unanswered > 0,
    )
    app.state.import_worker, app.state.upload_slots = worker, UploadSlots(MOST_UPLOADS)
    worker.start()
    try:
        yield
    finally:
        await asyncio.to_thread(worker.stop)
