"""What both services do with a request. In: one complaint or up to 256. Out: answers, or an error per item.

With `keep` an answer is sent only once its case is committed.

No FastAPI here: `serving.api.triage` and `serving.api_only` put these functions behind their routes.
"""

import asyncio
import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from data.errors import StoreUnavailableError, TextError, place_of
from models.answer import TriageAnswer
from models.predictor import Inference, PreparedInput
from serving.access.guard import forbidden
from serving.access.principal import Principal
from serving.api.requests import BATCH_REQUEST, TRIAGE_REQUEST, TriageRequest, read_body
from serving.errors import ErrorContent, ServiceError, error_content, invalid_request, store_off
from serving.inference.live import Live, LiveModel
from serving.inference.pool import Outcome, inference_failed
from serving.telemetry import Telemetry

if TYPE_CHECKING:  # a service without a store never loads it
    from serving.access.limits import TextLimits
    from serving.intake import Intake

logger = logging.getLogger("xiaobao")

# Preparing takes about 0.5 ms per 1,000 characters: longer texts leave the event loop.
PREPARED_ON_LOOP = 2_000
TURNS_OF_A_REQUEST = 4
"""It is read, prepared, answered and sent in as many rounds of the event loop, and waits for each."""


class BatchResult(BaseModel):
    """What became of one item: an answer or an error."""

    index: int
    answer: TriageAnswer | None = None
    error: ErrorContent | None = None


class BatchAnswer(BaseModel):
    """Results in the order of the items."""

    results: list[BatchResult]


async def answer_one(request: Request, principal: Principal, *, full: bool, keep: bool = False) -> Response:
    """Triage the complaint in the body, and keep it if wanted. Raises XiaobaoError."""
    _admit(request)
    intake = _intake(request, principal) if keep else None
    body = await read_body(request, TRIAGE_REQUEST, most_bytes=principal.max_body_bytes)
    _count(request, principal, 1)
    item, answer = await triaged(request, body, full=full or keep)
    if intake is not None:
        from serving.intake import Complaint

        answer = await intake.keep_one(Complaint(body=body, item=item, answer=answer), principal)
    return _json(answer if full else _without_probabilities(answer))


async def triaged(
    request: Request, body: TriageRequest, *, full: bool, is_counted: bool = True
) -> tuple[PreparedInput, TriageAnswer]:
    """One complaint's answer; metrics and a shadow hear of it if it `is_counted`. Raises TextError, ServiceError."""
    with _live(request).lease() as model:
        if len(body.text) <= PREPARED_ON_LOOP:
            item = _prepare(model, body)
        else:
            item = await asyncio.to_thread(_prepare, model, body)
        outcome = (await _infer(model, [item]))[0]
        if isinstance(outcome, ServiceError):
            raise outcome
        entry = _Entry(body=body, item=item)
        return item, _answer(request, model, entry, outcome, full=full, is_counted=is_counted)


async def answer_batch(request: Request, principal: Principal, *, full: bool, keep: bool = False) -> Response:
    """Triage each item of the body; a bad one never fails its neighbours. Raises XiaobaoError."""
    _admit(request)
    intake = _intake(request, principal) if keep else None
    body = await read_body(request, BATCH_REQUEST, most_bytes=principal.max_body_bytes)
    _count(request, principal, len(body.items))
    # A batch is long work: it leaves the event loop, so that single requests beside it are not held up.
    with _live(request).lease() as model:
        entries = await asyncio.to_thread(_prepare_each, model, body.items)
        good = [entry for entry in entries if isinstance(entry, _Entry)]
        for entry, outcome in zip(good, await _infer(model, [entry.item for entry in good]), strict=True):
            entry.outcome = outcome
        results = await asyncio.to_thread(_results, request, model, entries, full=full or keep)
    if intake is not None:
        results = await _kept(intake, entries, results, principal)
    return await asyncio.to_thread(_batch_response, request, results, full=full)


@dataclass(kw_only=True)
class _Entry:
    """One good complaint on its way."""

    body: TriageRequest
    item: PreparedInput
    outcome: Outcome | None = None


def _admit(request: Request) -> None:
    """Before anything is done for a request: refusing must cost little when there is too much to do."""
    behind: float = request.app.state.loop_watch.behind_seconds
    _live(request).model.pool.admit(1, waited=behind * TURNS_OF_A_REQUEST)


def _intake(request: Request, principal: Principal) -> "Intake":
    """Raises ServiceError where the service keeps no cases, this caller may not store any or the store is busy,
    StoreUnavailableError where it is known to be gone."""
    intake: Intake | None = request.app.state.intake
    if intake is None:
        raise store_off()
    if not principal.may("cases.store"):
        raise forbidden("cases.store")
    intake.admit()
    return intake


def _count(request: Request, principal: Principal, texts: int) -> None:
    limits: TextLimits | None = request.app.state.text_limits
    if limits is not None:
        limits.count(principal, texts)


def _json(content: BaseModel) -> Response:
    """Straight from pydantic's serialiser to bytes: no dict in between."""
    return Response(content.__pydantic_serializer__.to_json(content), media_type="application/json")


def _live(request: Request) -> Live:
    live: Live = request.app.state.live
    return live


def _prepare(model: LiveModel, body: TriageRequest) -> PreparedInput:
    return model.predictor.prepare(body.text, id=body.external_id or uuid.uuid4().hex)


def _without_probabilities(answer: TriageAnswer) -> TriageAnswer:
    return answer.model_copy(update={"probabilities": None})


def _prepare_each(model: LiveModel, items: list[Any]) -> list[_Entry | ErrorContent]:
    prepared: list[_Entry | ErrorContent] = []
    for item in items:
        try:
            body = TRIAGE_REQUEST.validate_python(item)
            prepared.append(_Entry(body=body, item=_prepare(model, body)))
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


async def _infer(model: LiveModel, items: list[PreparedInput]) -> list[Outcome]:
    model.pool.admit(len(items))
    return await model.pool.infer(items)


def _answer(
    request: Request,
    model: LiveModel,
    entry: _Entry,
    outcome: tuple[Inference, float],
    *,
    full: bool,
    is_counted: bool = True,
) -> TriageAnswer:
    inference, waited = outcome
    answer = model.predictor.answer(entry.item, inference, full=full, queue_seconds=waited)
    if not is_counted:
        return answer
    _telemetry(request).count_answer(answer)
    if (shadow := _live(request).shadow) is not None:
        shadow.offer(entry.body.text, answer)
    return answer


def _results(
    request: Request, model: LiveModel, entries: list[_Entry | ErrorContent], *, full: bool
) -> list[BatchResult]:
    return [_result(request, model, entry, index=index, full=full) for index, entry in enumerate(entries)]


def _result(request: Request, model: LiveModel, entry: _Entry | ErrorContent, *, index: int, full: bool) -> BatchResult:
    if isinstance(entry, ErrorContent):
        return BatchResult(index=index, error=entry)
    if isinstance(entry.outcome, ServiceError):
        return BatchResult(index=index, error=error_content(entry.outcome))
    assert entry.outcome is not None
    try:
        return BatchResult(index=index, answer=_answer(request, model, entry, entry.outcome, full=full))
    except Exception as error:  # a loop's edge: the neighbours are answered
        return BatchResult(index=index, error=_unexpected(error))


async def _kept(
    intake: "Intake", entries: list[_Entry | ErrorContent], results: list[BatchResult], principal: Principal
) -> list[BatchResult]:
    """The results with what became of storing them. Raises StoreUnavailableError if nothing could be stored."""
    from serving.intake import Complaint

    wanted = [
        (result.index, Complaint(body=entry.body, item=entry.item, answer=result.answer))
        for entry, result in zip(entries, results, strict=True)
        if isinstance(entry, _Entry) and result.answer is not None
    ]
    kept = await intake.keep_each([complaint for _, complaint in wanted], principal)
    if kept and all(isinstance(one, StoreUnavailableError) for one in kept):
        raise next(one for one in kept if isinstance(one, StoreUnavailableError))
    results = list(results)
    for (index, _), one in zip(wanted, kept, strict=True):
        if isinstance(one, TriageAnswer):
            results[index] = BatchResult(index=index, answer=one)
        else:
            results[index] = BatchResult(index=index, error=error_content(one))
    return results


def _batch_response(request: Request, results: list[BatchResult], *, full: bool) -> Response:
    for result in results:
        if result.error:
            _telemetry(request).rejected.labels(result.error.code).inc()
        if result.answer and not full:
            result.answer = _without_probabilities(result.answer)
    return _json(BatchAnswer(results=results))


def _telemetry(request: Request) -> Telemetry:
    telemetry: Telemetry = request.app.state.telemetry
    return telemetry
