"""Routes of the audit log, for FastAPI. In: where to go on, a noted head. Out: entries, a verdict.

The log is the whole bank's, so it is open to callers of the head office alone.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from data.store.audit import AuditHead
from data.store.maintenance import verify
from data.store.scope import ROOT
from data.store.tables import AuditEntry
from data.store.unit_of_work import Store
from serving.access.guard import require, require_top_unit
from serving.access.principal import Principal
from serving.api.responses import problems
from serving.api.shapes import RowNumber
from serving.stored import store_access

MOST_ON_PAGE = 500
VERIFY_SECONDS = 120.0
"""A million entries take about 30 s of a core."""


async def _auditor(caller: Annotated[Principal, Depends(require("audit.read"))]) -> Principal:
    return require_top_unit(caller)


Auditor = Annotated[Principal, Depends(_auditor)]
router = APIRouter(prefix="/v1/audit", tags=["audit"], responses=problems(401, 403, 422, 503))


class AuditRow(BaseModel):
    """`hash` chains the entry to the one before."""

    seq: int
    at: datetime
    actor_id: str
    action: str
    subject: str
    details: Mapping[str, Any]
    hash: str


class AuditPage(BaseModel):
    """`next` is the `before` of the following page; null on the last one."""

    entries: list[AuditRow]
    next: int | None


class HeadBody(BaseModel):
    """`head` is `seq:hash` of the last entry: note it outside of the database, give it to `verify` later."""

    head: str


class ProblemBody(BaseModel):
    """missing: entries before `seq` are gone. changed: `seq` was edited. cut: the log does not hold the noted head."""

    kind: str
    seq: int


class VerdictBody(BaseModel):
    is_intact: bool
    entries: int
    head: str
    problems: list[ProblemBody]


@router.get("", summary="Audit entries, latest first")
async def entries(
    request: Request,
    _caller: Auditor,
    before: Annotated[RowNumber | None, Query(description="`next` of the page before.")] = None,
    subject: Annotated[str | None, Query(max_length=64, description="A case's, user's, key's or unit's id.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ON_PAGE)] = 100,
) -> AuditPage:
    """Who did what to which case, person, key or unit."""

    def read(store: Store) -> AuditPage:
        with store.reading() as work:
            found = work.audit.entries(within=ROOT, before=before, limit=limit + 1, subject=subject)
            rows = [_row(entry) for entry in found[:limit]]
            return AuditPage(entries=rows, next=rows[-1].seq if len(found) > limit else None)

    return await store_access(request).run(read)


@router.get("/head", summary="Number and hash of the last entry")
async def head(request: Request, _caller: Auditor) -> HeadBody:
    """The chain cannot show that its end was cut off; a head that was noted elsewhere can."""

    def read(store: Store) -> HeadBody:
        with store.reading() as work:
            return HeadBody(head=str(work.audit.head()))

    return await store_access(request).run(read)


@router.get("/verify", summary="Check the whole chain")
async def verdict(
    request: Request,
    _caller: Auditor,
    noted: Annotated[str | None, Query(alias="head", max_length=100, description="A head noted earlier.")] = None,
) -> VerdictBody:
    """Recomputes every hash; on a large log it takes its time."""
    noted_head = None if noted is None else AuditHead.parse(noted)
    report = await store_access(request).run(lambda store: verify(store, noted_head), extra_seconds=VERIFY_SECONDS)
    return VerdictBody(
        is_intact=not report.problems,
        entries=report.entries,
        head=str(report.head),
        problems=[ProblemBody(kind=problem.kind, seq=problem.seq) for problem in report.problems],
    )


def _row(entry: AuditEntry) -> AuditRow:
    return AuditRow(
        seq=entry.seq,
        at=entry.at,
        actor_id=entry.actor_id,
        action=entry.action,
        subject=entry.subject,
        details=json.loads(entry.details),
        hash=entry.hash,
    )
