"""The routes that triage. In: one complaint or up to 256. Out: answers, or an error per item."""

import asyncio
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ValidationError

from data.errors import TextError
from models.answer import TriageAnswer
from models.predictor import Inference, Predictor, PreparedInput
from serving.api.requests import BATCH_REQUEST, TRIAGE_REQUEST, BatchRequest, TriageRequest, body_schema, read_body
from serving.errors import ErrorBody, ErrorContent, ServiceError, error_content, invalid_request
from serving.inference.pool import InferencePool, Outcome
from serving.security import require_token
from serving.telemetry import Telemetry

# Preparing takes about 0.5 ms per 1,000 characters: longer texts leave the event loop.
PREPARED_ON_LOOP = 2_000
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": description}
    for status, description in {
        400: "The body is not UTF-8 or not JSON.",
        401: "No valid token.",
        413: "The body is too large.",
        422: "The request or the text does not fit.",
        429: "Too many texts are waiting; see Retry-After.",
        503: "Not ready.",
    }.items()
}
Detail = Annotated[
    Literal["normal", "full"], Query(description="`full` adds the probability of every label to each answer.")
]

router = APIRouter(prefix="/v1", tags=["triage"], dependencies=[Depends(require_token)])


class BatchResult(BaseModel):
    """What became of one item: an answer or an error."""

    index: int
    answer: TriageAnswer | None = None
    error: ErrorContent | None = None


class BatchAnswer(BaseModel):
    """Results in the order of the items."""

    results: list[BatchResult]


@router.post(
    "/triage", response_model=TriageAnswer, responses=ERRORS, openapi_extra=body_schema(TriageRequest),
    summary="Triage one complaint",
)  # fmt: skip
async def triage(request: Request, detail: Detail = "normal") -> Response:
    """Facets with calibrated confidence, risk flags with the words that show them, and what to do next."""
    body = await read_body(request, TRIAGE_REQUEST)
    if len(body.text) <= PREPARED_ON_LOOP:
        item = _prepare(request, body)
    else:
        item = await asyncio.to_thread(_prepare, request, body)
    outcome = (await _infer(request, [item]))[0]
    if isinstance(outcome, ServiceError):
        raise outcome
    answer = _answer(request, item, outcome, full=detail == "full")
    return Response(answer.model_dump_json(), media_type="application/json")


@router.post(
    "/triage/batch", response_model=BatchAnswer, responses=ERRORS, openapi_extra=body_schema(BatchRequest),
    summary="Triage up to 256 complaints",
)  # fmt: skip
async def triage_batch(request: Request, detail: Detail = "normal") -> Response:
    """Each item gets its own answer or error; a bad item never fails its neighbours."""
    body = await read_body(request, BATCH_REQUEST)
    # A batch is long work: it leaves the event loop, so that single requests beside it are not held up.
    prepared = await asyncio.to_thread(_prepare_each, request, body.items)
    good = [item for item in prepared if isinstance(item, PreparedInput)]
    outcomes = iter(await _infer(request, good))
    matched = [(item, next(outcomes) if isinstance(item, PreparedInput) else None) for item in prepared]
    content = await asyncio.to_thread(_batch_content, request, matched, detail == "full")
    return Response(content, media_type="application/json")


def _prepare(request: Request, body: TriageRequest) -> PreparedInput:
    predictor: Predictor = request.app.state.predictor
    try:
        return predictor.prepare(body.text, id=body.external_id or uuid.uuid4().hex)
    except TextError as error:
        _telemetry(request).rejected.labels(error.code).inc()
        raise


def _prepare_each(request: Request, items: list[Any]) -> list[PreparedInput | ErrorContent]:
    prepared: list[PreparedInput | ErrorContent] = []
    for item in items:
        try:
            prepared.append(_prepare(request, TRIAGE_REQUEST.validate_python(item)))
        except ValidationError as error:
            prepared.append(error_content(invalid_request(error.errors(include_url=False))))
        except TextError as error:
            prepared.append(error_content(error))
    return prepared


async def _infer(request: Request, items: list[PreparedInput]) -> list[Outcome]:
    pool: InferencePool = request.app.state.pool
    pool.admit(len(items))
    return await pool.infer(items)


def _answer(request: Request, item: PreparedInput, outcome: tuple[Inference, float], *, full: bool) -> TriageAnswer:
    predictor: Predictor = request.app.state.predictor
    inference, waited = outcome
    answer = predictor.answer(item, inference, full=full, queue_seconds=waited)
    _telemetry(request).count_answer(answer)
    return answer


def _batch_content(
    request: Request, matched: list[tuple[PreparedInput | ErrorContent, Outcome | None]], full: bool
) -> str:
    results = []
    for index, (item, outcome) in enumerate(matched):
        if isinstance(item, ErrorContent):
            results.append(BatchResult(index=index, error=item))
        elif isinstance(outcome, tuple):
            results.append(BatchResult(index=index, answer=_answer(request, item, outcome, full=full)))
        elif outcome is not None:
            results.append(BatchResult(index=index, error=error_content(outcome)))
    return BatchAnswer(results=results).model_dump_json()


def _telemetry(request: Request) -> Telemetry:
    telemetry: Telemetry = request.app.state.telemetry
    return telemetry
