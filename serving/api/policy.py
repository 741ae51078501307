"""The policy over HTTP, for FastAPI. In: nothing, or a row's code. Out: every row with its source; confirmations."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from data.policy.schema import Policy, Row
from data.store.clock_tables import PolicyConfirmation
from data.store.unit_of_work import Store, UnitOfWork
from serving.access.guard import require, require_top_unit
from serving.access.principal import Principal
from serving.api.responses import problems
from serving.stored import store_access

Reader = Annotated[Principal, Depends(require("cases.read"))]


async def _confirmer(caller: Annotated[Principal, Depends(require("policy.confirm"))]) -> Principal:
    return require_top_unit(caller)


Confirmer = Annotated[Principal, Depends(_confirmer)]
router = APIRouter(prefix="/v1/policy", tags=["policy"], responses=problems(401, 403, 503))


class ConfirmationBody(BaseModel):
    confirmed_by: str
    confirmed_at: datetime
    policy_version: str
    """The version it was confirmed in; a later one with the same wording keeps it."""


class PolicyRow(BaseModel):
    """One row. `needs_confirmation`: it is from memory (confidence M) and only warns until `confirmation` is there."""

    code: str
    name: str
    source: str
    confidence: str
    article: str | None
    needs_confirmation: bool
    confirmation: ConfirmationBody | None
    content: dict[str, Any]
    """What the row says beside that: limit, unit, triggers, duty; of an extension, the clock that it `extends` …"""


class PolicyBody(BaseModel):
    """The policy that new cases are opened with; `versions` are those at hand for older cases."""

    version: str
    versions: list[str]
    rows: list[PolicyRow]


@router.get("", summary="The policy: every row, its source, whether it is confirmed")
async def read_policy(request: Request, _caller: Reader) -> PolicyBody:
    """Limits of clocks, extensions and rules, in the order of the file."""

    def read(store: Store) -> PolicyBody:
        with store.reading() as work:
            return policy_body(work, store)

    return await store_access(request).run(read)


@router.post("/confirmations/{code}", status_code=201, summary="Confirm a row marked M", responses=problems(404, 409))
async def confirm(request: Request, caller: Confirmer, code: str) -> ConfirmationBody:
    """Persons in compliance of a top unit only: it holds for the whole bank.

    Its limit binds from now on; due dates of open cases follow within minutes.
    """
    return await store_access(request).change(
        lambda work: _confirmation(work.confirmations.confirm(code, user_id=caller.id))
    )


@router.delete(
    "/confirmations/{code}", status_code=204, summary="Withdraw a confirmation", responses=problems(404, 409)
)
async def withdraw(request: Request, caller: Confirmer, code: str) -> Response:
    """Persons in compliance of a top unit only. The row only warns again; the audit log keeps that it was confirmed."""
    await store_access(request).change(lambda work: work.confirmations.withdraw(code, user_id=caller.id))
    return Response(status_code=204)


def policy_body(work: UnitOfWork, store: Store) -> PolicyBody:
    """Every row of the current policy, in the order of the file."""
    policy = store.book.current
    standing = {row.code: row for row in work.confirmations.standing(policy)}
    return PolicyBody(
        version=policy.version,
        versions=sorted(store.book.versions),
        rows=[_row(row, policy, standing.get(row.code)) for row in policy.rows.values()],
    )


def _row(row: Row, policy: Policy, confirmation: PolicyConfirmation | None) -> PolicyRow:
    content = row.model_dump(mode="json", exclude={*Row.model_fields, "extensions"}, exclude_none=True)
    if row.code in policy.steps:
        content["extends"] = policy.steps[row.code][0].code
    return PolicyRow(
        code=row.code,
        name=row.name,
        source=row.source,
        confidence=row.confidence,
        article=row.article,
        needs_confirmation=row.confidence == "M",
        confirmation=_confirmation(confirmation) if confirmation else None,
        content=content,
    )


def _confirmation(row: PolicyConfirmation) -> ConfirmationBody:
    return ConfirmationBody(
        confirmed_by=row.confirmed_by, confirmed_at=row.confirmed_at, policy_version=row.policy_version
    )
