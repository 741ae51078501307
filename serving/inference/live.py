"""The model that answers now, which may be replaced while requests run. In: models. Out: leases on the present one.

A request takes one lease and prepares, infers and answers with that model alone: tokens of one model mean nothing to
another. A replaced model works until its last lease is given back, then its threads end.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.predictor import Predictor
from serving.inference.pool import InferencePool

if TYPE_CHECKING:
    from serving.inference.shadow import ShadowReader

POLL_SECONDS = 0.02


@dataclass(eq=False, kw_only=True)
class LiveModel:
    """A predictor with the threads that run it."""

    predictor: Predictor
    pool: InferencePool
    leases: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        """Its folder: what the registry's pointer says."""
        return self.predictor.bundle.folder.name


class Live:
    """Thread-safe: requests lease on the event loop, the worker for imports in its own thread."""

    def __init__(self, model: LiveModel) -> None:
        self._model = model
        self._retired: list[LiveModel] = []
        self._counting = threading.Lock()
        self.refused: str | None = None
        """Why the model that the registry names does not answer, while another one does."""
        self.shadow: ShadowReader | None = None

    @property
    def model(self) -> LiveModel:
        return self._model

    @contextmanager
    def lease(self) -> Iterator[LiveModel]:
        """The present model, which works at least until the block ends."""
        with self._counting:
            model = self._model
            model.leases += 1
        try:
            yield model
        finally:
            with self._counting:
                model.leases -= 1

    async def replace(self, model: LiveModel) -> None:
        """New requests get the new model at once; returns when the old one has answered its last."""
        with self._counting:
            old, self._model = self._model, model
        self._retired.append(old)
        while old.leases:
            await asyncio.sleep(POLL_SECONDS)
        await asyncio.to_thread(old.pool.stop)
        self._retired.remove(old)

    def stop(self) -> None:
        """End all threads; what is queued is answered first."""
        for model in (*self._retired, self._model):
            model.pool.stop()
