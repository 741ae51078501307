"""The HTTP service for machines: `xiaobao serve --api-only`. In: settings. Out: an ASGI app without pages.

The same answers and errors as `serving.app`, on bare Starlette, for triage alone: FastAPI, its pages, its per-request
dependency solving and the case store stay unloaded.
"""

from collections.abc import Awaitable, Callable

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from models.predictor import Predictor
from serving.access.guard import authorize
from serving.api.answering import answer_batch, answer_one
from serving.api.status import Status, alive, current_metrics, ready
from serving.errors import invalid_request
from serving.lifecycle import equip, model_lifespan
from serving.settings import Settings

BOOLEAN = TypeAdapter(bool)
"""Words for true and false as FastAPI takes them."""


def create_api_only(settings: Settings, predictor: Predictor | None = None) -> Starlette:
    """An app that loads the bundle on start-up, or uses a given predictor."""
    app = Starlette(
        routes=[
            Route("/v1/triage", _triage, methods=["POST"]),
            Route("/v1/triage/batch", _triage_batch, methods=["POST"]),
            _get("/healthz", _healthz),
            _get("/readyz", _readyz),
            _get("/metrics", _metrics),
        ],
        lifespan=model_lifespan(settings, predictor),
    )
    equip(app, settings)
    return app


def _get(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """A route for GET alone, as FastAPI's are: Starlette would let HEAD in as well."""
    route = Route(path, endpoint, methods=["GET"])
    route.methods = {"GET"}
    return route


async def _triage(request: Request) -> Response:
    caller = await authorize(request, "triage")
    return await answer_one(request, caller, full=_wants_full(request), keep=_wants_store(request))


async def _triage_batch(request: Request) -> Response:
    caller = await authorize(request, "triage")
    return await answer_batch(request, caller, full=_wants_full(request), keep=_wants_store(request))


async def _healthz(_request: Request) -> Response:
    return _status(alive())


async def _readyz(request: Request) -> Response:
    return _status(ready(request))


async def _metrics(request: Request) -> Response:
    return current_metrics(request)


def _status(status: Status) -> Response:
    return Response(status.model_dump_json(), media_type="application/json")


def _wants_full(request: Request) -> bool:
    """Whether `detail=full` was asked for. Raises ServiceError on any other word than `normal`."""
    detail = request.query_params.get("detail", "normal")
    if detail not in ("normal", "full"):
        problem = {"type": "literal_error", "loc": ("query", "detail"), "msg": "Input should be 'normal' or 'full'"}
        raise invalid_request([{**problem, "input": detail}])
    return detail == "full"


def _wants_store(request: Request) -> bool:
    """Whether `store=true` was asked for, which is then refused. Raises ServiceError on what is no boolean."""
    try:
        return BOOLEAN.validate_python(request.query_params.get("store", "false"))
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise invalid_request([{**problem, "loc": ("query", "store")} for problem in found]) from None
