"""Routes for machines that watch the service, for FastAPI. In: nothing. Out: alive, ready, metrics."""

from fastapi import APIRouter, Request, Response

from serving.api.status import Status, alive, current_metrics, ready
from serving.errors import ErrorBody

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Status:
    return alive()


@router.get("/readyz", summary="Can it answer?", responses={503: {"model": ErrorBody}})
async def readyz(request: Request) -> Status:
    """503 until the model is warm, when a worker has died, and while stopping."""
    return ready(request)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    return current_metrics(request)
