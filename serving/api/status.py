"""What machines that watch the service may ask. In: a request. Out: alive, ready, metrics. No FastAPI here."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from serving.errors import ServiceError
from serving.inference.live import Live
from serving.telemetry import Telemetry


class Status(BaseModel):
    status: str
    bundle: str | None = None
    detail: str | None = None
    """What an operator should know although the service answers: a model that was refused."""


def alive() -> Status:
    return Status(status="alive")


def ready(request: Request) -> Status:
    """Raises ServiceError `not_ready` until the model is warm, when a worker has died, and while stopping."""
    live: Live | None = getattr(request.app.state, "live", None)
    if live is None or not live.model.pool.is_alive:
        raise ServiceError("not_ready", "the service is not ready; a worker is missing", "服务未就绪")
    return Status(status="ready", bundle=live.model.predictor.bundle.name, detail=live.refused)


def current_metrics(request: Request) -> Response:
    """In the text format of Prometheus."""
    telemetry: Telemetry = request.app.state.telemetry
    live: Live | None = getattr(request.app.state, "live", None)
    telemetry.queue.set(live.model.pool.unanswered if live else 0)
    telemetry.ready.set(bool(live and live.model.pool.is_alive))
    return Response(generate_latest(telemetry.registry), media_type=CONTENT_TYPE_LATEST)
