"""What machines that watch the service may ask. In: a request. Out: alive, ready, metrics. No FastAPI here."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from serving.errors import ServiceError
from serving.inference.pool import InferencePool
from serving.telemetry import Telemetry


class Status(BaseModel):
    status: str
    bundle: str | None = None


def alive() -> Status:
    return Status(status="alive")


def ready(request: Request) -> Status:
    """Raises ServiceError `not_ready` until the model is warm, when a worker has died, and while stopping."""
    pool: InferencePool | None = getattr(request.app.state, "pool", None)
    if pool is None or not pool.is_alive:
        raise ServiceError("not_ready", "the service is not ready; a worker is missing", "服务未就绪")
    return Status(status="ready", bundle=request.app.state.predictor.bundle.name)


def current_metrics(request: Request) -> Response:
    """In the text format of Prometheus."""
    telemetry: Telemetry = request.app.state.telemetry
    pool: InferencePool | None = getattr(request.app.state, "pool", None)
    telemetry.queue.set(pool.unanswered if pool else 0)
    telemetry.ready.set(bool(pool and pool.is_alive))
    return Response(generate_latest(telemetry.registry), media_type=CONTENT_TYPE_LATEST)
