"""The routes that triage. In: one complaint or up to 256. Out: answers, or an error per item."""

import asyncio
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ValidationError

from data.errors import TextError
from models.answer import TriageAnswer
from models.predictor import Predictor, PreparedInput
from serving.api.requests import BATCH_REQUEST, TRIAGE_REQUEST, BatchRequest, TriageRequest, body_schema, read_body
from serving.errors import ErrorBody, ErrorContent, ErrorDetail, error_content
from serving.inference.pool import InferencePool
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
    item = await _prepare(request, body)
    answers = await _answer(request, [item], full=detail == "full")
    return Response(answers[0].model_dump_json(), media_type="application/json")


@router.post(
    "/triage/batch", response_model=BatchAnswer, responses=ERRORS, openapi_extra=body_schema(BatchRequest),
    summary="Triage up to 256 complaints",
)  # fmt: skip
async def triage_batch(request: Request, detail: Detail = "normal") -> Response:
    """Each item gets its own answer or error; a bad item never fails its neighbours."""
    body = await read_body(request, BATCH_REQUEST)
    results = [BatchResult(index=i) for i in range(len(body.items))]
    good: list[tuple[int, PreparedInput]] = []
    for i, item in enumerate(body.items):
        try:
            good.append((i, await _prepare(request, TRIAGE_REQUEST.validate_python(item))))
        except ValidationError as error:
            results[i].error = _item_error(error)
        except TextError as error:
            results[i].error = error_content(error)
    answers = await _answer(request, [item for _, item in good], full=detail == "full")
    for (i, _), answer in zip(good, answers, strict=True):
        results[i].answer = answer
    return Response(BatchAnswer(results=results).model_dump_json(), media_type="application/json")


async def _prepare(request: Request, body: TriageRequest) -> PreparedInput:
    predictor: Predictor = request.app.state.predictor
    name = body.external_id or uuid.uuid4().hex
    try:
        if len(body.text) <= PREPARED_ON_LOOP:
            return predictor.prepare(body.text, id=name)
        return await asyncio.to_thread(predictor.prepare, body.text, id=name)
    except TextError as error:
        _telemetry(request).rejected.labels(error.code).inc()
        raise


async def _answer(request: Request, items: list[PreparedInput], *, full: bool) -> list[TriageAnswer]:
    pool: InferencePool = request.app.state.pool
    predictor: Predictor = request.app.state.predictor
    pool.admit(len(items))
    answers = [
        predictor.answer(item, inference, full=full, queue_seconds=waited)
        for item, (inference, waited) in zip(items, await pool.infer(items), strict=True)
    ]
    for answer in answers:
        _telemetry(request).count_answer(answer)
    return answers


def _telemetry(request: Request) -> Telemetry:
    telemetry: Telemetry = request.app.state.telemetry
    return telemetry


def _item_error(error: ValidationError) -> ErrorContent:
    problems = error.errors(include_input=False, include_url=False)
    details = [
        ErrorDetail(field="(unknown field)", problem="this field is not known")
        if problem["type"] == "extra_forbidden"
        else ErrorDetail(field=".".join(map(str, problem["loc"])) or "(item)", problem=problem["msg"])
        for problem in problems
    ]
    fields = ", ".join(detail.field for detail in details)
    return ErrorContent(
        code="request_invalid",
        message=f"the item does not fit: {fields}; see details and /docs",
        message_zh=f"该条不符合要求：{fields}，请看 details",
        details=details,
    )
