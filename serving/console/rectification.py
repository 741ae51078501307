"""整改看板: what is being mended after complaints, by whom, and did it help? In: filters. Out: a page, a CSV; forms.

Recurrence stands with its counts: complaints of the same sub-cause about the same unit, per 30 days.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.days import china_day
from data.store.rectification_tables import DROPPED, FINISHED, UNDER_WAY, Rectification
from data.store.rectifications import Complaints, RectificationFilter, Recurrence
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork
from data.taxonomy import default_taxonomy
from serving.api.shapes import RowNumber
from serving.console.case_actions import act
from serving.console.endings import mending
from serving.console.fields import day_of, row_number
from serving.console.names import names
from serving.console.pages import Me, page
from serving.console.people import deciders, people_named
from serving.console.stored import in_store, in_transaction
from serving.console.texts import texts
from serving.console.visitors import Visitor, visitor
from serving.errors import ServiceError
from serving.spreadsheets import csv_bytes
from serving.stored import store_access

ROWS = 200
FILE_SECONDS = 60.0
"""An item takes a few milliseconds."""
LATE = "late"
STATES = (UNDER_WAY, LATE, FINISHED, DROPPED)
COLUMNS = (
    "number", "case", "cause", "unit", "owner", "due", "status", "opened", "ended", "measure", "result",
    "before_count", "before_days", "before_rate", "after_count", "after_days", "after_rate",
)  # fmt: skip
Reader = Annotated[Visitor, Depends(visitor("cases.read"))]
Worker = Annotated[Visitor, Depends(visitor("cases.label"))]
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line of the board."""

    row: Rectification
    unit_name: str
    owner: str
    is_late: bool
    recurrence: Recurrence
    case_in_sight: bool


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the address asks for."""

    state: str = ""
    subcause: str = ""
    unit: str = ""
    after: int = 0
    """The last item of the page before; 0 begins with the latest."""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "Wanted":
        state = parameters.get("state", "")
        return cls(
            state=state if state in STATES else "",
            subcause=parameters.get("subcause", ""),
            unit=parameters.get("unit", ""),
            after=row_number(parameters.get("after", "")),
        )

    @property
    def query(self) -> str:
        """The address of this page of the board."""
        return self.at(self.after)

    def at(self, after: int) -> str:
        parts = (("state", self.state), ("subcause", self.subcause), ("unit", self.unit), ("after", after))
        return urlencode([(name, value) for name, value in parts if value])

    def conditions(self, work: UnitOfWork, visitor: Visitor) -> RectificationFilter:
        """Raises NotFoundError for a unit out of sight."""
        return RectificationFilter(
            status=self.state if self.state in (UNDER_WAY, FINISHED, DROPPED) else None,
            is_overdue=True if self.state == LATE else None,
            subcause=self.subcause or None,
            below=work.units.get(self.unit, within=visitor.within).path if self.unit else None,
        )


@router.get("/rectification")
async def board(request: Request, visitor: Reader) -> Response:
    """The items of the visitor's part of the bank, latest first; `after` goes on. `.csv` is the whole as a table."""
    wanted = Wanted.of(request.query_params)

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            units = {unit.id: unit for unit in work.units.all(within=visitor.within)}
            found, after = items(work, visitor, wanted)
            context = {
                "items": found,
                "next": after and wanted.at(after),
                "units": units,
                "people": deciders(work, within=visitor.within, units=units) if visitor.may("cases.label") else [],
                "today": china_day(work.now()),
            }
            return Me.of(work, visitor), context

    me, context = await in_store(request, read)
    context |= {
        "wanted": wanted,
        "states": STATES,
        "taxonomy": default_taxonomy(),
        "names": names(visitor.language),
    }
    return page(request, "rectification", me=me, context=context)


@router.get("/rectification.csv")
async def table(request: Request, visitor: Reader) -> Response:
    """The board from its beginning to its end as CSV."""
    wanted = replace(Wanted.of(request.query_params), after=0)

    def read(store: Store) -> Sequence[Item]:
        with store.reading() as work:
            found, after = items(work, visitor, wanted)
            all_of_them = [*found]
            while after:
                found, after = items(work, visitor, replace(wanted, after=after))
                all_of_them += found
            return all_of_them

    found = await store_access(request).run(read, extra_seconds=FILE_SECONDS)
    headers = {"Content-Disposition": 'attachment; filename="rectification.csv"'}
    return Response(_csv(found, visitor), media_type="text/csv; charset=utf-8", headers=headers)


def items(work: UnitOfWork, visitor: Visitor, wanted: Wanted) -> tuple[Sequence[Item], int]:
    """One page of the board, and what the next one begins behind; 0 on the last. Raises NotFoundError for a unit out of
    sight.
    """
    conditions, after = wanted.conditions(work, visitor), wanted.after or None
    rows = work.rectifications.listed(conditions, within=visitor.within, limit=ROWS + 1, after=after)
    return lines(work, visitor, rows[:ROWS]), rows[ROWS - 1].id if len(rows) > ROWS else 0


def lines(work: UnitOfWork, visitor: Visitor, rows: Sequence[Rectification]) -> Sequence[Item]:
    """Items with what belongs to them."""
    people = people_named(work, [row.owner_id for row in rows])
    units = {unit.id: unit.name for unit in work.units.all(within=ROOT)}
    today = china_day(work.now())
    return [
        Item(
            row=row,
            unit_name=units[row.unit_id],
            owner=people[row.owner_id],
            is_late=row.status == UNDER_WAY and row.due_on < today,
            recurrence=work.rectifications.recurrence(row, within=ROOT),
            case_in_sight=row.case_id is not None and work.cases.is_visible(row.case_id, within=visitor.within),
        )
        for row in rows
    ]


def _csv(found: Iterable[Item], visitor: Visitor) -> bytes:
    t, name = texts("rectification", visitor.language), names(visitor.language)
    rows: list[list[object]] = [[t["columns"][column] for column in COLUMNS]]
    for item in found:
        row = item.row
        state = t["states"][LATE if item.is_late else row.status]
        rows.append(
            [
                row.id, row.case_id, f"{row.subcause} {name(row.subcause)}", item.unit_name, item.owner,
                row.due_on.isoformat(), state, _day(row.opened_at), _day(row.ended_at), row.measure, row.result,
                *_figures(item.recurrence.before), *_figures(item.recurrence.after),
            ]
        )  # fmt: skip
    return csv_bytes(rows)


def _figures(found: Complaints | None) -> list[str]:
    if found is None:
        return ["", "", ""]
    rate = found.per_30_days
    return [str(found.count), f"{found.days:.0f}", "" if rate is None else f"{rate:.1f}"]


def _day(moment: datetime | None) -> str:
    return "" if moment is None else china_day(moment).isoformat()


@router.post("/cases/{case_id}/rectification")
async def open_item(request: Request, visitor: Worker, case_id: str) -> Response:
    """Put an item down for a case, open or closed. Raises StoreError, ServiceError, NotFoundError."""
    form = await visitor.form(request)

    def put(work: UnitOfWork) -> None:
        work.cases.expect(case_id, version=None, within=visitor.within)
        item = mending(form)
        if item is None:
            raise ServiceError("value_invalid", "the measure is missing; nothing was stored", "请填写整改措施；未保存")
        work.rectifications.open(case_id, item, actor_id=visitor.id, within=visitor.within)

    return await act(request, visitor, case_id, form, put)


@router.post("/rectification/{item_id}")
async def change_item(request: Request, visitor: Worker, item_id: RowNumber) -> Response:
    """Another owner or day, finished, dropped, resumed: `do` says which. Raises StoreError, NotFoundError."""
    form = await visitor.form(request)

    def write(work: UnitOfWork) -> None:
        given = {"actor_id": visitor.id, "within": visitor.within}
        words = form.one("words")
        if form.one("do") == "finish":
            work.rectifications.finish(item_id, result=words, **given)
        elif form.one("do") == "drop":
            work.rectifications.drop(item_id, reason=words, **given)
        elif form.one("do") == "resume":
            work.rectifications.resume(item_id, **given)
        else:
            owner, due_on = form.one("owner") or None, day_of(form, "due_on")
            work.rectifications.change(item_id, owner_id=owner, due_on=due_on, **given)

    await in_transaction(request, write)
    return RedirectResponse(f"/console/rectification?{form.one('list')}#item-{item_id}", 303)
