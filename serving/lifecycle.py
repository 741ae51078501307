"""What both services have in common. In: settings. Out: an app with model, queue, counters and the one error shape."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette

from data.errors import SettingsError
from models.predictor import Predictor
from serving.access.authentication import Authenticator
from serving.errors import add_error_handlers
from serving.inference.cores import usable_cores
from serving.inference.pool import InferencePool
from serving.settings import Settings
from serving.telemetry import RequestMetrics, Telemetry

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def model_lifespan(settings: Settings, predictor: Predictor | None) -> Lifespan:
    """Loads policies and, unless a predictor is given, the bundle on start-up; runs the workers until shutdown.

    Raises PolicyError; SettingsError for a predictor that goes by another policy.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        book = settings.read_policies()
        app.state.policies = book
        app.state.predictor = predictor or Predictor.load(settings.bundle, policy=book.current)
        if app.state.predictor.policy != book.current:
            raise SettingsError(
                f"the predictor decides by policy {app.state.predictor.policy.version}, the settings name "
                f"{book.current.version}; load it with policy=book.current"
            )
        pool = InferencePool(
            app.state.predictor, workers=settings.workers or usable_cores(), queue_size=settings.queue_size
        )
        pool.start()
        app.state.pool = pool
        yield
        pool.stop()

    return lifespan


def equip(app: Starlette, settings: Settings) -> None:
    """Settings, counters, error handlers; no case store unless it is added."""
    app.state.settings = settings
    token = settings.api_token
    app.state.authenticator = Authenticator(api_token=token.get_secret_value() if token else None)
    app.state.store_access = app.state.intake = app.state.text_limits = app.state.development_unit = None
    app.state.telemetry = Telemetry()
    add_error_handlers(app)
    app.add_middleware(RequestMetrics, telemetry=app.state.telemetry)  # outermost: counts what the others answer
