"""紧急预警: which urgent cases has nobody taken? In: a visitor. Out: alerts of their part of the bank; one taken."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from data.store.alerts import AlertHistory
from data.store.notification_tables import Alert
from data.store.tables import Case
from data.store.unit_of_work import Store, UnitOfWork
from serving.console.names import names
from serving.console.pages import Me, page
from serving.console.people import people_named
from serving.console.stored import in_store, in_transaction
from serving.console.visitors import Visitor, visitor

LONGEST_TEXT = 160
MOST_TAKEN = 30
Taker = Annotated[Visitor, Depends(visitor("alerts.acknowledge"))]
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class AlertView:
    """An alert as the page shows it. `waited`: until somebody took it, or until now."""

    alert: Alert
    case: Case
    level: str
    history: AlertHistory
    waited: timedelta
    unit: str
    assignee: str
    text: str


@router.get("/alerts")
async def alerts(request: Request, visitor: Taker) -> Response:
    """Those that wait, the oldest first; those that were taken, the latest first."""

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            levels = {level.code: level.name for level in store.book.current.alerts.levels}
            context = {
                "waiting": list(reversed(_views(work, visitor, levels, is_open=True))),
                "taken": _views(work, visitor, levels, is_open=False),
                "names": names(visitor.language),
                "now": work.now(),
            }
            return Me.of(work, visitor), context

    me, context = await in_store(request, read)
    return page(request, "alerts", me=me, context=context)


@router.post("/alerts/{alert_id}/acknowledge")
async def acknowledge(request: Request, visitor: Taker, alert_id: str) -> Response:
    """Take an alert: it rings no more, and the case is opened. Raises NotFoundError, NotAllowedError."""
    await visitor.form(request)

    def take(work: UnitOfWork) -> str:
        _, case = work.alerts.acknowledge(alert_id, user_id=visitor.id, within=visitor.within)
        return case.id

    return RedirectResponse(f"/console/cases/{await in_transaction(request, take)}", 303)


def _views(work: UnitOfWork, visitor: Visitor, levels: dict[str, str], *, is_open: bool) -> list[AlertView]:
    found = (
        work.alerts.listed(within=visitor.within, is_open=True)
        if is_open
        else work.alerts.listed(within=visitor.within, is_open=False, limit=MOST_TAKEN)
    )
    histories = work.alerts.histories([alert for alert, _ in found], within=visitor.within)
    units = {unit.id: unit.name for unit in work.units.all(within=visitor.within)}
    people = people_named(work, (case.assignee_id for _, case in found))
    return [
        AlertView(
            alert=alert,
            case=case,
            level=levels.get(alert.level or "", alert.level or "") if visitor.language == "zh" else alert.level or "",
            history=histories[alert.id],
            waited=(alert.acknowledged_at or work.now()) - alert.raised_at,
            unit=units[case.unit_id],
            assignee=people.get(case.assignee_id or "", ""),
            text=case.redacted_text[:LONGEST_TEXT],
        )
        for alert, case in found
    ]
