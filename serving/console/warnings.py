"""预警: what is rising, and who owns it? In: filters, a warning's number, small forms. Out: the list, one warning.

Who may read cases sees warnings of their part of the bank; taking and ending them is `warnings.handle`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from data.days import china_day
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork
from data.store.warning_tables import EarlyWarning
from serving.console.charts import Trend, trend
from serving.console.fields import words_of
from serving.console.forms import Form
from serving.console.names import names
from serving.console.pages import Me, page
from serving.console.people import people_named
from serving.console.stored import in_store, in_transaction
from serving.console.visitors import Visitor, visitor

WEEKS = 13
CASES_SHOWN = 50
EXCERPT = 80
LONGEST_REASON = 500
Reader = Annotated[Visitor, Depends(visitor("cases.read"))]
Handler = Annotated[Visitor, Depends(visitor("warnings.handle"))]
State = Literal["open", "mine", "ended"]
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A warning as the list shows it; `is_fading`: not found above its limit at the last look."""

    warning: EarlyWarning
    unit: str
    owner: str
    cases: int
    is_fading: bool


@router.get("/warnings")
async def warnings(request: Request, visitor: Reader, state: Annotated[State, Query()] = "open") -> Response:
    """The list: 重大 first, then what nobody has taken, then the latest."""

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            found = work.warnings.listed(
                within=visitor.within,
                is_open=state != "ended",
                owner_id=visitor.id if state == "mine" else None,
            )
            return Me.of(work, visitor), {
                "rows": _rows(work, visitor, found),
                "state": state,
                "open_count": work.warnings.count_open(within=visitor.within),
                "names": names(visitor.language),
                "now": work.now(),
            }

    me, context = await in_store(request, read)
    return page(request, "warnings", me=me, context=context)


@router.get("/warnings/{warning_id}")
async def warning(request: Request, visitor: Reader, warning_id: str) -> Response:
    """One warning with its weeks and its cases. Raises NotFoundError."""

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            return Me.of(work, visitor), _context(work, visitor, warning_id)

    me, context = await in_store(request, read)
    return page(request, "warning", me=me, context=context)


@router.post("/warnings/{warning_id}/acknowledge")
async def acknowledge(request: Request, visitor: Handler, warning_id: str) -> Response:
    """Become its owner, if nobody was before. Raises NotFoundError, StoreError `warning_ended`."""
    form = await visitor.form(request)
    return await _act(
        request,
        form,
        warning_id,
        lambda work: work.warnings.acknowledge(warning_id, user_id=visitor.id, within=visitor.within),
    )


@router.post("/warnings/{warning_id}/take-over")
async def take_over(request: Request, visitor: Handler, warning_id: str) -> Response:
    """Become its owner instead of another. Raises as `acknowledge`."""
    form = await visitor.form(request)
    return await _act(
        request,
        form,
        warning_id,
        lambda work: work.warnings.take_over(warning_id, user_id=visitor.id, within=visitor.within),
    )


@router.post("/warnings/{warning_id}/end")
async def end(request: Request, visitor: Handler, warning_id: str) -> Response:
    """Say how it ended, and why. Raises NotAllowedError `reason_missing`, StoreError `warning_not_owned`.

    ServiceError `value_invalid` for a reason that is too long.
    """
    form = await visitor.form(request)
    ending, reason = form.one("ending"), words_of(form, "reason", most=LONGEST_REASON)
    return await _act(
        request,
        form,
        warning_id,
        lambda work: work.warnings.end(
            warning_id, ending=ending, reason=reason, user_id=visitor.id, within=visitor.within
        ),
    )


async def _act(request: Request, form: Form, warning_id: str, change: Callable[[UnitOfWork], object]) -> Response:
    """Do it in one transaction and show the warning again, or the list where the form stood there."""
    await in_transaction(request, change)
    return RedirectResponse("/console/warnings" if form.one("list") else f"/console/warnings/{warning_id}", 303)


def _rows(work: UnitOfWork, visitor: Visitor, found: Any) -> list[Row]:
    units = {unit.id: unit.name for unit in work.units.all(within=ROOT)}
    people = people_named(work, (warning.owner_id for warning in found))
    cases = work.warnings.cases_counted((warning.id for warning in found), within=visitor.within)
    return [_row(work, warning, units, people, cases.get(warning.id, 0)) for warning in found]


def _row(
    work: UnitOfWork, warning: EarlyWarning, units: Mapping[str, str], people: Mapping[str, str], cases: int
) -> Row:
    return Row(
        warning=warning,
        unit=units[warning.unit_id],
        owner=people.get(warning.owner_id or "", ""),
        cases=cases,
        is_fading=work.now() - warning.seen_at > timedelta(days=2),
    )


def _context(work: UnitOfWork, visitor: Visitor, warning_id: str) -> dict[str, Any]:
    found = work.warnings.get(warning_id, within=visitor.within)
    ids = work.warnings.case_ids(warning_id, within=visitor.within)
    units = {unit.id: unit.name for unit in work.units.all(within=ROOT)}
    return {
        "row": _rows(work, visitor, [found])[0],
        "weeks": _weeks(work, found),
        "cases": [work.cases.get(case_id, within=visitor.within) for case_id in ids[:CASES_SHOWN]],
        "case_count": len(ids),
        "excerpt": EXCERPT,
        "units": units,
        "people": people_named(work, [found.owner_id, found.ended_by]),
        "names": names(visitor.language),
        "now": work.now(),
    }


def _weeks(work: UnitOfWork, warning: EarlyWarning) -> Trend:
    """The weeks up to the last full day; the line is what a week brings as a rule."""
    last = china_day(max(warning.seen_at, warning.raised_at)) - timedelta(days=1)
    first = last - timedelta(days=WEEKS * 7 - 1)
    daily = work.warning_signals.daily_of(
        warning, first, last, within=work.units.get(warning.unit_id, within=ROOT).path
    )
    figures = []
    for week in range(WEEKS):
        begins = first + timedelta(days=7 * week)
        count = sum(daily.get(begins + timedelta(days=day), 0) for day in range(7))
        figures.append((f"{begins:%m-%d}", count, ""))
    usual = None if warning.expected is None else warning.expected * 7 / warning.window_days
    return trend(figures, usual=usual)
