"""The service follows the registry's pointer. In: a registry. Out: the named model answers, or the old one goes on.

Twice a second the pointer is read. A new name is loaded (all hashes checked), warmed and asked the golden cases, in a
thread beside the requests; only then it takes over. On any failure the old model stays, and log, metric and `/readyz`
say so; the same files are not tried again, a changed pointer or manifest is. The shadow is followed likewise.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from data.errors import BundleError, XiaobaoError
from data.policy.schema import Policy
from models.bundle import load_bundle
from models.golden import golden_failures, read_golden
from models.predictor import Predictor
from models.registry import Registry
from serving.inference.live import Live, LiveModel
from serving.inference.pool import InferencePool
from serving.inference.shadow import ShadowReader
from serving.notifications.repeating import Trouble
from serving.telemetry import Telemetry

logger = logging.getLogger("xiaobao.inference")

POLL_SECONDS = 0.5
SHOWN_FAILURES = 3


class Follower:
    """`make_pool` gives a predictor its threads, not yet started."""

    def __init__(
        self,
        live: Live,
        registry: Registry,
        *,
        policy: Policy,
        telemetry: Telemetry,
        make_pool: Callable[[Predictor], InferencePool],
    ) -> None:
        self._live = live
        self._registry = registry
        self._policy = policy
        self._telemetry = telemetry
        self._make_pool = make_pool
        self._tried: str | None = None
        self._tried_shadow: str | None = None

    async def run(self) -> None:
        """Until cancelled; no error ends it, and a step that fails keeps no other from being done."""
        steps = [
            (self.look, Trouble("the registry's pointer")),
            (self.look_at_shadow, Trouble("the registry's shadow")),
            (self.look_at_drift, Trouble("the registry's drift")),
        ]
        while True:
            for step, trouble in steps:
                try:
                    await step()
                except Exception as error:
                    trouble.failed(error)
                else:
                    trouble.went_well()
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """Follow the pointer once."""
        try:
            wanted = await asyncio.to_thread(self._wanted)
        except (XiaobaoError, OSError) as error:
            self._refuse(None, error)
            return
        if wanted is None:
            return
        name, seal = wanted
        try:
            model = await asyncio.to_thread(self._start, name)
        except Exception as error:
            self._tried = f"{name} {seal}"
            self._refuse(name, error)
            return
        self._forget_refusal()
        logger.info("model %s answers from now on, after %s", name, self._live.model.name)
        self._telemetry.model_swaps.labels("swapped").inc()
        self._telemetry.show_model(name)
        await self._live.replace(model)

    def _wanted(self) -> tuple[str, str] | None:
        """The name and seal of another model than the one that answers. Raises XiaobaoError, OSError."""
        name = self._registry.current()
        if name is None or name == self._live.model.name:
            self._forget_refusal()
            return None
        seal = self._registry.seal(name)
        return None if self._tried == f"{name} {seal}" else (name, seal)

    def _start(self, name: str) -> LiveModel:
        predictor = checked_predictor(self._registry.folder_of(name), self._registry.folder, policy=self._policy)
        pool = self._make_pool(predictor)
        pool.start()
        return LiveModel(predictor=predictor, pool=pool)

    def _refuse(self, name: str | None, error: Exception) -> None:
        told = f"model {name or 'of the registry'} was refused: {_reason(error)}"
        if told != self._live.refused:
            logger.error("%s; %s goes on answering", told, self._live.model.name)
            self._telemetry.model_swaps.labels("refused").inc()
        self._telemetry.model_refused.set(1)
        self._live.refused = told

    def _forget_refusal(self) -> None:
        self._telemetry.model_refused.set(0)
        self._tried = self._live.refused = None

    async def look_at_shadow(self) -> None:
        """Follow the shadow once."""
        await asyncio.to_thread(self._follow_shadow)

    async def look_at_drift(self) -> None:
        """Show what the last check of drift found."""
        if (drift := await asyncio.to_thread(self._registry.drift)) is not None:
            self._telemetry.show_drift(*drift)

    def _follow_shadow(self) -> None:
        wanted, running = self._registry.shadow(), self._live.shadow
        if wanted is not None and wanted.name == self._live.model.name:
            wanted = None  # it was promoted and answers now
        if wanted is None or (running and (running.name, running.share) != (wanted.name, wanted.share)):
            self._live.shadow = None
            if running is not None:
                running.stop()
            running = None
        if wanted is None or running is not None:
            return
        seal = f"{wanted.name} {wanted.share} {self._registry.seal(wanted.name)}"
        if seal == self._tried_shadow:
            return
        try:
            predictor = Predictor(load_bundle(self._registry.folder_of(wanted.name)), policy=self._policy)
        except Exception as error:
            self._tried_shadow = seal
            logger.error("model %s does not read along: %s", wanted.name, _reason(error))
            return
        reader = ShadowReader(
            predictor,
            share=wanted.share,
            telemetry=self._telemetry,
            is_busy=lambda: self._live.model.pool.unanswered > 0,
        )
        reader.start()
        self._live.shadow = reader
        self._tried_shadow = None
        logger.info("model %s reads along on %.0f %% of the texts", wanted.name, 100 * wanted.share)


def _reason(error: Exception) -> str:
    """Messages of expected errors hold no text; of others only the kind is told."""
    return error.message if isinstance(error, XiaobaoError) else f"unexpected {type(error).__name__}"


def checked_predictor(folder: Path, registry: Path, *, policy: Policy | None = None) -> Predictor:
    """A predictor whose files, label space and golden answers are right. Raises BundleError, SettingsError."""
    predictor = Predictor(load_bundle(folder), policy=policy)
    problems = golden_failures(predictor, read_golden(registry))
    if problems:
        shown = "; ".join(problems[:SHOWN_FAILURES])
        raise BundleError(f"{len(problems)} golden answers of {folder.name} are wrong: {shown}")
    return predictor
