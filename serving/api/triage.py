"""The routes that triage, for FastAPI. In: one complaint or up to 256. Out: answers, or an error per item."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from models.answer import TriageAnswer
from serving.api.answering import BatchAnswer, answer_batch, answer_one
from serving.api.requests import BatchRequest, TriageRequest, body_schema
from serving.errors import ErrorBody
from serving.security import require_token

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": description}
    for status, description in {
        400: "The body is not UTF-8 or not JSON.",
        401: "No valid token.",
        413: "The body is too large.",
        422: "The request or the text does not fit.",
        429: "Too many texts are waiting; see Retry-After.",
        500: "The model failed on this text, or something unexpected happened.",
        503: "Not ready.",
    }.items()
}
Detail = Annotated[
    Literal["normal", "full"], Query(description="`full` adds the probability of every label to each answer.")
]


async def _authorized(request: Request) -> None:
    """Async, because FastAPI sends a plain function to a thread, which costs more than the check."""
    require_token(request)


router = APIRouter(prefix="/v1", tags=["triage"], dependencies=[Depends(_authorized)])


@router.post(
    "/triage", response_model=TriageAnswer, responses=ERRORS, openapi_extra=body_schema(TriageRequest),
    summary="Triage one complaint",
)  # fmt: skip
async def triage(request: Request, detail: Detail = "normal") -> Response:
    """Facets with calibrated confidence, risk flags with the words that show them, and what to do next."""
    return await answer_one(request, full=detail == "full")


@router.post(
    "/triage/batch", response_model=BatchAnswer, responses=ERRORS, openapi_extra=body_schema(BatchRequest),
    summary="Triage up to 256 complaints",
)  # fmt: skip
async def triage_batch(request: Request, detail: Detail = "normal") -> Response:
    """Each item gets its own answer or error; a bad item never fails its neighbours."""
    return await answer_batch(request, full=detail == "full")
