"""The routes that triage, for FastAPI. In: one complaint or up to 256. Out: answers, or an error per item."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from models.answer import TriageAnswer
from serving.access.guard import require
from serving.access.principal import Principal
from serving.api.answering import BatchAnswer, answer_batch, answer_one
from serving.api.requests import BatchRequest, TriageRequest, body_schema
from serving.api.responses import problems

ERRORS = problems(400, 401, 403, 409, 410, 413, 422, 429, 500, 503)
Detail = Annotated[
    Literal["normal", "full"], Query(description="`full` adds the probability of every label to each answer.")
]
Store = Annotated[
    bool, Query(description="Keep the complaint as a case, once per `external_id`; answered only when it is kept.")
]
Caller = Annotated[Principal, Depends(require("triage"))]

router = APIRouter(prefix="/v1", tags=["triage"])


@router.post(
    "/triage", response_model=TriageAnswer, responses=ERRORS, openapi_extra=body_schema(TriageRequest),
    summary="Triage one complaint",
)  # fmt: skip
async def triage(request: Request, caller: Caller, detail: Detail = "normal", store: Store = False) -> Response:
    """Facets with calibrated confidence, risk flags with the words that show them, and what to do next."""
    return await answer_one(request, caller, full=detail == "full", keep=store)


@router.post(
    "/triage/batch", response_model=BatchAnswer, responses=ERRORS, openapi_extra=body_schema(BatchRequest),
    summary="Triage up to 256 complaints",
)  # fmt: skip
async def triage_batch(request: Request, caller: Caller, detail: Detail = "normal", store: Store = False) -> Response:
    """Each item gets its own answer or error; a bad item never fails its neighbours."""
    return await answer_batch(request, caller, full=detail == "full", keep=store)
