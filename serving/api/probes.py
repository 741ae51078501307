"""Routes for machines that watch the service. In: nothing. Out: alive, ready, metrics."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from serving.errors import ErrorBody, ServiceError
from serving.inference.pool import InferencePool
from serving.telemetry import Telemetry

router = APIRouter(tags=["operations"])


class Status(BaseModel):
    status: str
    bundle: str | None = None


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Status:
    return Status(status="alive")


@router.get("/readyz", summary="Can it answer?", responses={503: {"model": ErrorBody}})
async def readyz(request: Request) -> Status:
    """503 until the model is warm, when a worker has died, and while stopping."""
    pool: InferencePool | None = getattr(request.app.state, "pool", None)
    if pool is None or not pool.is_alive:
        raise ServiceError("not_ready", "the service is not ready; a worker is missing", "服务未就绪")
    return Status(status="ready", bundle=request.app.state.predictor.bundle.name)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    telemetry: Telemetry = request.app.state.telemetry
    pool: InferencePool | None = getattr(request.app.state, "pool", None)
    telemetry.queue.set(pool.unanswered if pool else 0)
    telemetry.ready.set(bool(pool and pool.is_alive))
    return Response(generate_latest(telemetry.registry), media_type=CONTENT_TYPE_LATEST)
