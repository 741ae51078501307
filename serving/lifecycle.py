"""What both services have in common. In: settings. Out: an app with model, queue, counters and the one error shape."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette

from data.errors import SettingsError
from data.policy.schema import Policy
from models.predictor import Predictor
from models.registry import Registry
from serving.access.authentication import Authenticator
from serving.background import beside
from serving.errors import add_error_handlers
from serving.inference.cores import usable_cores
from serving.inference.following import Follower, checked_predictor
from serving.inference.live import Live, LiveModel
from serving.inference.loop_watch import LoopWatch
from serving.inference.pool import InferencePool
from serving.settings import Settings
from serving.telemetry import RequestMetrics, Telemetry

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def load_predictor(settings: Settings, policy: Policy) -> Predictor:
    """The bundle of the settings, or the current model of the registry, which must give its golden answers.

    Raises BundleError, SettingsError.
    """
    if settings.bundle is None and settings.models is not None:
        registry = Registry(settings.models)
        return checked_predictor(registry.folder_of("current"), registry.folder, policy=policy)
    return Predictor.load(settings.bundle, policy=policy)


def model_lifespan(settings: Settings, predictor: Predictor | None) -> Lifespan:
    """Loads policies and, unless a predictor is given, the model on start-up; runs the workers until shutdown.

    With a registry of models and no bundle named, the service then follows the registry.
    Raises PolicyError; SettingsError for a predictor that goes by another policy.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        book = settings.read_policies()
        app.state.policies = book
        first = predictor or load_predictor(settings, book.current)
        if first.policy != book.current:
            raise SettingsError(
                f"the predictor decides by policy {first.policy.version}, the settings name "
                f"{book.current.version}; load it with policy=book.current"
            )
        live = Live(LiveModel(predictor=first, pool=_pool(settings, first)))
        live.model.pool.start()
        app.state.live = live
        app.state.telemetry.show_model(live.model.name)
        try:
            async with app.state.loop_watch.running(), _following(app, settings, book.current):
                yield
        finally:
            live.stop()

    return lifespan


def _pool(settings: Settings, predictor: Predictor) -> InferencePool:
    return InferencePool(
        predictor,
        workers=settings.workers or usable_cores(),
        queue_size=settings.queue_size,
        queue_seconds=settings.queue_seconds,
    )


@asynccontextmanager
async def _following(app: Starlette, settings: Settings, policy: Policy) -> AsyncIterator[None]:
    """While the block runs, the registry is followed, if there is one."""
    if settings.models is None or settings.bundle is not None:
        yield
        return
    live: Live = app.state.live
    follower = Follower(
        live,
        Registry(settings.models),
        policy=policy,
        telemetry=app.state.telemetry,
        make_pool=lambda predictor: _pool(settings, predictor),
    )
    try:
        async with beside(follower.run()):
            yield
    finally:
        if live.shadow is not None:
            await asyncio.to_thread(live.shadow.stop)


def equip(app: Starlette, settings: Settings) -> None:
    """Settings, counters, error handlers; no case store unless it is added."""
    app.state.settings = settings
    token = settings.api_token
    app.state.authenticator = Authenticator(api_token=token.get_secret_value() if token else None)
    app.state.store_access = app.state.intake = app.state.text_limits = app.state.development_unit = None
    app.state.telemetry = Telemetry()
    app.state.loop_watch = LoopWatch()
    add_error_handlers(app)
    app.add_middleware(
        RequestMetrics, telemetry=app.state.telemetry, is_logged=settings.log_requests == "on"
    )  # outermost: counts what the others answer
