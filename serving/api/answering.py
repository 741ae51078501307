"""What both services do with a request. In: one complaint or up to 256. Out: answers, or an error per item.

No FastAPI here: `serving.api.triage` and `serving.api_only` put these functions behind their routes.
"""

import asyncio
import logging
import uuid
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from data.errors import TextError, place_of
from models.answer import TriageAnswer
from models.predictor import Inference, Predictor, PreparedInput
from serving.api.requests import BATCH_REQUEST, TRIAGE_REQUEST, TriageRequest, read_body
from serving.errors import ErrorContent, ServiceError, error_content, invalid_request
from serving.inference.pool import InferencePool, Outcome, inference_failed
from serving.telemetry import Telemetry

logger = logging.getLogger("xiaobao")

# Preparing takes about 0.5 ms per 1,000 characters: longer texts leave the event loop.
PREPARED_ON_LOOP = 2_000


class BatchResult(BaseModel):
    """What became of one item: an answer or an error."""

    index: int
    answer: TriageAnswer | None = None
    error: ErrorContent | None = None


class BatchAnswer(BaseModel):
    """Results in the order of the items."""

    results: list[BatchResult]


async def answer_one(request: Request, *, full: bool) -> Response:
    """Triage the complaint in the body. Raises XiaobaoError."""
    body = await read_body(request, TRIAGE_REQUEST)
    if len(body.text) <= PREPARED_ON_LOOP:
        item = _prepare(request, body)
    else:
        item = await asyncio.to_thread(_prepare, request, body)
    outcome = (await _infer(request, [item]))[0]
    if isinstance(outcome, ServiceError):
        raise outcome
    answer = _answer(request, item, outcome, full=full)
    return _json(answer)


async def answer_batch(request: Request, *, full: bool) -> Response:
    """Triage each item of the body; a bad one never fails its neighbours. Raises XiaobaoError."""
    body = await read_body(request, BATCH_REQUEST)
    # A batch is long work: it leaves the event loop, so that single requests beside it are not held up.
    prepared = await asyncio.to_thread(_prepare_each, request, body.items)
    good = [item for item in prepared if isinstance(item, PreparedInput)]
    outcomes = iter(await _infer(request, good))
    matched = [(item, next(outcomes) if isinstance(item, PreparedInput) else None) for item in prepared]
    return await asyncio.to_thread(_batch_response, request, matched, full=full)


def _json(content: BaseModel) -> Response:
    """Straight from pydantic's serialiser to bytes: no dict in between."""
    return Response(content.__pydantic_serializer__.to_json(content), media_type="application/json")


def _prepare(request: Request, body: TriageRequest) -> PreparedInput:
    predictor: Predictor = request.app.state.predictor
    return predictor.prepare(body.text, id=body.external_id or uuid.uuid4().hex)


def _prepare_each(request: Request, items: list[Any]) -> list[PreparedInput | ErrorContent]:
    prepared: list[PreparedInput | ErrorContent] = []
    for item in items:
        try:
            prepared.append(_prepare(request, TRIAGE_REQUEST.validate_python(item)))
        except ValidationError as error:
            prepared.append(error_content(invalid_request(error.errors(include_url=False))))
        except TextError as error:
            prepared.append(error_content(error))
        except Exception as error:  # a loop's edge: the neighbours are answered
            prepared.append(_unexpected(error))
    return prepared


def _unexpected(error: Exception) -> ErrorContent:
    """Log where an error that nobody expected was raised, never its message, and answer the item."""
    logger.error("an item of a batch failed: %s at %s", type(error).__name__, place_of(error))
    return error_content(inference_failed())


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


def _batch_response(
    request: Request, matched: list[tuple[PreparedInput | ErrorContent, Outcome | None]], *, full: bool
) -> Response:
    results = []
    for index, (item, outcome) in enumerate(matched):
        if isinstance(item, ErrorContent):
            results.append(BatchResult(index=index, error=item))
        elif isinstance(outcome, tuple):
            results.append(_batch_result(request, item, outcome, index=index, full=full))
        elif outcome is not None:
            results.append(BatchResult(index=index, error=error_content(outcome)))
    for result in results:
        if result.error:
            _telemetry(request).rejected.labels(result.error.code).inc()
    return _json(BatchAnswer(results=results))


def _batch_result(
    request: Request, item: PreparedInput, outcome: tuple[Inference, float], *, index: int, full: bool
) -> BatchResult:
    try:
        return BatchResult(index=index, answer=_answer(request, item, outcome, full=full))
    except Exception as error:  # a loop's edge: the neighbours are answered
        return BatchResult(index=index, error=_unexpected(error))


def _telemetry(request: Request) -> Telemetry:
    telemetry: Telemetry = request.app.state.telemetry
    return telemetry
