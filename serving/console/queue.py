"""待办队列: what must I look at next? In: filters in the address. Out: one page of cases, high risk first.

Also what is done from there: take or give cases, save the list under a name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from data.store.records import CasePage
from data.store.tables import Case, Unit
from data.store.unit_of_work import Store, UnitOfWork
from data.taxonomy import default_taxonomy
from serving.api.requests import of_our_age
from serving.console.assigning import give
from serving.console.due import Due
from serving.console.fields import number_of
from serving.console.names import names
from serving.console.pages import Me, page
from serving.console.people import deciders, people_named
from serving.console.queue_query import MINE, QueueQuery, cursor_of
from serving.console.stored import in_store, in_transaction
from serving.console.undo import done, with_done
from serving.console.visitors import Visitor, visitor
from serving.errors import ServiceError

ROWS = 50
LONGEST_TEXT = 90
FLAGS_SHOWN = 3
RECEIVER = "receiver"
"""Value of the button that gives to whom the list beside it names."""
Reader = Annotated[Visitor, Depends(visitor("cases.read"))]
Decider = Annotated[Visitor, Depends(visitor("cases.label"))]
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A case as the queue shows it."""

    case: Case
    address: str
    flags: Sequence[str]
    more_flags: int
    due: Due | None
    text: str
    unit: str
    assignee: str


@router.get("/queue")
async def queue(request: Request, visitor: Reader) -> Response:
    """The list. Raises ServiceError `query_invalid`, `cursor_invalid`."""
    wanted = QueueQuery.of(request.query_params)

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            return Me.of(work, visitor), _context(work, visitor, wanted) | {
                "done": done(work, visitor, request.query_params)
            }

    me, context = await in_store(request, read)
    return page(request, "queue", me=me, context=context)


@router.get("/queue/new")
async def new_cases(request: Request, visitor: Reader) -> Response:
    """How many cases have come into this list since it was made: JSON for the page's script, cheap to ask again.

    With `If-None-Match` and nothing new it is 304. Raises ServiceError `query_invalid`.
    """
    wanted, since = QueueQuery.of(request.query_params), _moment(request.query_params.get("since", ""))

    def count(store: Store) -> int:
        with store.reading() as work:
            return work.case_list.count_new(wanted.conditions(work, visitor), since=since, within=visitor.within)

    found = await in_store(request, count)
    headers = {"ETag": f'"{found}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return JSONResponse({"count": found}, headers=headers)


@router.post("/queue/assign")
async def assign(request: Request, visitor: Decider) -> Response:
    """Take the ticked cases, or give them to somebody: all or none.

    Raises ServiceError `forbidden`, StoreError `case_taken`, NotFoundError.
    """
    form = await visitor.form(request)
    chosen = form.every("case")
    to = form.one("receiver") if form.one("to") == RECEIVER else MINE
    if not chosen:
        raise ServiceError(
            "request_invalid", "no case is ticked; nothing was changed", "没有勾选案件，未做任何修改，请先勾选"
        )

    def give_all(work: UnitOfWork) -> None:
        for case_id in chosen:
            give(work, visitor, case_id, to=to)

    await in_transaction(request, give_all)
    address = f"/console/queue?{form.one('list')}"
    return RedirectResponse(with_done(address, chosen[0]) if len(chosen) == 1 else address, 303)


@router.post("/queue/views")
async def save_view(request: Request, visitor: Reader) -> Response:
    """Keep the list under a name, or forget one. Raises StoreError `view_invalid`."""
    form = await visitor.form(request)
    wanted = QueueQuery.of(dict(parse_qsl(form.one("list"))))

    def change(work: UnitOfWork) -> None:
        if form.one("forget"):
            work.saved_views.forget(number_of(form, "forget"), user_id=visitor.id)
        else:
            work.saved_views.save(visitor.id, name=form.one("name"), query=wanted.query)

    await in_transaction(request, change)
    return RedirectResponse(wanted.at(), 303)


def _moment(given: str) -> datetime:
    try:
        moment = of_our_age(datetime.fromisoformat(given))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ServiceError("query_invalid", "since is no moment with its zone", "时间参数不正确")
    return moment


def _context(work: UnitOfWork, visitor: Visitor, wanted: QueueQuery) -> dict[str, Any]:
    found = work.case_list.page(
        wanted.conditions(work, visitor), within=visitor.within, limit=ROWS, after=wanted.page_key, order="queue"
    )
    units = {unit.id: unit for unit in work.units.all(within=visitor.within)}
    return {
        "wanted": wanted,
        "rows": _rows(work, found, wanted, units),
        "next": found.next and wanted.at(after=cursor_of(found.next)),
        "counts": work.case_list.open_counts(visitor.id, within=visitor.within),
        "views": work.saved_views.of_user(visitor.id),
        "people": deciders(work, within=visitor.within, units=units),
        "units": list(units.values()),
        "taxonomy": default_taxonomy(),
        "names": names(visitor.language),
        "now": work.now(),
    }


def _rows(work: UnitOfWork, found: CasePage, wanted: QueueQuery, units: Mapping[str, Unit]) -> list[Row]:
    now = work.now()
    people = people_named(work, (case.assignee_id for case in found.cases))
    return [_row(case, found.flags[case.id], wanted, units, people, now) for case in found.cases]


def _row(
    case: Case,
    flags: Sequence[str],
    wanted: QueueQuery,
    units: Mapping[str, Unit],
    people: Mapping[str, str],
    now: datetime,
) -> Row:
    return Row(
        case=case,
        address=wanted.case(case.id),
        flags=flags[:FLAGS_SHOWN],
        more_flags=max(0, len(flags) - FLAGS_SHOWN),
        due=Due.of(case.due_at, now),
        text=case.redacted_text[:LONGEST_TEXT],
        unit=units[case.unit_id].name,
        assignee=people.get(case.assignee_id or "", ""),
    )
