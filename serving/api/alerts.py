"""Routes of alerts, for FastAPI. In: an alert's id. Out: alerts of the caller's units, an acknowledged one silent."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from data.store.alerts import MOST_LISTED
from data.store.notification_tables import Alert
from data.store.tables import Case
from data.store.unit_of_work import Store, UnitOfWork
from serving.access.guard import require
from serving.access.principal import Principal
from serving.api.responses import problems
from serving.stored import store_access

Acknowledger = Annotated[Principal, Depends(require("alerts.acknowledge"))]
router = APIRouter(prefix="/v1/alerts", tags=["alerts"], responses=problems(401, 403, 422, 503))


class AlertRow(BaseModel):
    """`level` was told last, `next_notice_at` is when the next is; both are codes and times of the policy."""

    id: str
    case_id: str
    unit_id: str
    flags: list[str]
    raised_at: datetime
    level: str | None
    next_notice_at: datetime | None
    acknowledged_at: datetime | None

    @classmethod
    def of(cls, alert: Alert, case: Case) -> Self:
        return cls(
            id=alert.id,
            case_id=case.id,
            unit_id=case.unit_id,
            flags=alert.flags,
            raised_at=alert.raised_at,
            level=alert.level,
            next_notice_at=alert.next_notice_at,
            acknowledged_at=alert.acknowledged_at,
        )


class AlertList(BaseModel):
    alerts: list[AlertRow]


@router.get("", summary="Alerts, latest first")
async def alerts(
    request: Request,
    caller: Acknowledger,
    state: Literal["open", "acknowledged"] | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> AlertList:
    """`open` are those that nobody has acknowledged."""
    is_open = None if state is None else state == "open"

    def read(store: Store) -> AlertList:
        with store.reading() as work:
            rows = work.alerts.listed(within=caller.unit_path, is_open=is_open, limit=limit)
            return AlertList(alerts=[AlertRow.of(alert, case) for alert, case in rows])

    return await store_access(request).run(read)


@router.post("/{alert_id}/acknowledge", summary="Take an alert", responses=problems(404))
async def acknowledge(request: Request, caller: Acknowledger, alert_id: str) -> AlertRow:
    """Persons only. No further notice is sent; a second acknowledgement is noted and changes nothing."""

    def take(work: UnitOfWork) -> AlertRow:
        alert, case = work.alerts.acknowledge(alert_id, user_id=caller.id, within=caller.unit_path)
        return AlertRow.of(alert, case)

    return await store_access(request).change(take)
