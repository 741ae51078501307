"""审计: who did what, when, to what? In: filters in the address. Out: entries, the chain verified, a CSV file.

The log is the whole bank's: open to auditors, compliance and administrators of the head office.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import QueryParams

from data.days import end_of, start_of
from data.store.audit import VERIFIED, AuditFilter, Scalar
from data.store.maintenance import verify
from data.store.scope import ROOT
from data.store.tables import AuditEntry
from data.store.unit_of_work import Store, UnitOfWork
from serving.access.guard import require_top_unit
from serving.api.audit import VERIFY_SECONDS
from serving.console.fields import day_of_text, row_number
from serving.console.pages import Me, page
from serving.console.people import people_named
from serving.console.readable import exact
from serving.console.stored import in_store
from serving.console.visitors import Visitor, visitor
from serving.spreadsheets import csv_bytes
from serving.stored import store_access

ROWS = 100
MOST_IN_FILE = 50_000
NAMES = ("who", "what", "subject", "since", "until")
router = APIRouter(include_in_schema=False)


async def _auditor(found: Annotated[Visitor, Depends(visitor("audit.read"))]) -> Visitor:
    require_top_unit(found.principal)
    return found


Auditor = Annotated[Visitor, Depends(_auditor)]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the latest verification of the chain found."""

    at: datetime
    by: str
    entries: int
    problems: int
    since: datetime | None
    """When the first entry was written."""


@router.get("/audit")
async def audit(request: Request, visitor: Auditor) -> Response:
    """Latest first; `before` goes on. Raises ServiceError `value_invalid`."""
    given = {name: request.query_params.get(name, "").strip() for name in NAMES}
    before = row_number(request.query_params.get("before", "")) or None

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            found = _entries(work, given, limit=ROWS + 1, before=before)
            rows = found[:ROWS]
            return Me.of(work, visitor), {
                "entries": [(entry, json.loads(entry.details)) for entry in rows],
                "people": people_named(work, (name for entry in rows for name in (entry.actor_id, entry.subject))),
                "units": {unit.id: unit.name for unit in work.units.all(within=ROOT)},
                "actions": work.audit.actions(within=ROOT),
                "next": f"?{_query(given)}&before={rows[-1].seq}" if len(found) > ROWS else "",
                "verdict": _verdict(work),
                "head": str(work.audit.head()),
                "now": work.now(),
            }

    me, context = await in_store(request, read)
    return page(request, "audit", me=me, context=context | {"given": given, "query": _query(given)})


@router.post("/audit/verify")
async def verified(request: Request, visitor: Auditor) -> Response:
    """Recompute the whole chain and note what was found."""
    await visitor.form(request)

    def check(store: Store) -> None:
        report = verify(store)
        details: Mapping[str, Scalar] = {
            "entries": report.entries, "problems": len(report.problems), "head": str(report.head),
        }  # fmt: skip
        with store.writing() as work:
            work.audit.append(VERIFIED, actor_id=visitor.id, details=details)

    await store_access(request).run(check, extra_seconds=VERIFY_SECONDS)
    return RedirectResponse("/console/audit", 303)


@router.get("/audit.csv")
async def audit_file(request: Request, visitor: Auditor) -> Response:
    """The same entries as a file, oldest last, at most 50,000."""
    given = {name: request.query_params.get(name, "").strip() for name in NAMES}

    def read(store: Store) -> bytes:
        with store.reading() as work:
            return _csv(_entries(work, given, limit=MOST_IN_FILE))

    content = await store_access(request).run(read, extra_seconds=VERIFY_SECONDS)
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def _entries(
    work: UnitOfWork, given: Mapping[str, str], *, limit: int, before: int | None = None
) -> Sequence[AuditEntry]:
    """`who` and `subject` are ids, or people's logins. Raises ServiceError `value_invalid`."""
    named = given["who"] or given["subject"]
    ids = {user.login: user.id for user in work.users.all(within=ROOT)} if named else {}
    since, until = day_of_text(given["since"]), day_of_text(given["until"])
    only = AuditFilter(
        actor_id=ids.get(given["who"], given["who"]) or None,
        action=given["what"] or None,
        since=None if since is None else start_of(since),
        until=None if until is None else end_of(until),
    )
    subject = ids.get(given["subject"], given["subject"]) or None
    return work.audit.entries(within=ROOT, before=before, limit=limit, subject=subject, only=only)


def _query(given: Mapping[str, str] | QueryParams) -> str:
    return urlencode({name: value for name, value in given.items() if value})


def _verdict(work: UnitOfWork) -> Verdict | None:
    found = work.audit.entries(within=ROOT, limit=1, only=AuditFilter(action=VERIFIED))
    if not found:
        return None
    details = json.loads(found[0].details)
    return Verdict(
        at=found[0].at,
        by=people_named(work, [found[0].actor_id])[found[0].actor_id],
        entries=details["entries"],
        problems=details["problems"],
        since=work.audit.begins_at(),
    )


def _csv(entries: Sequence[AuditEntry]) -> bytes:
    names = ("seq", "at", "actor_id", "action", "subject", "details", "hash")
    rows = ((one.seq, exact(one.at), one.actor_id, one.action, one.subject, one.details, one.hash) for one in entries)
    return csv_bytes([names, *rows])
