"""季度通报: what do we tell management and the regulator? In: a quarter, a unit. Out: the report, and files of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from markupsafe import Markup

from data.quarter import Quarter
from data.store.tables import Unit
from data.store.unit_of_work import Store
from serving.console.pages import Me, page
from serving.console.report_desk import Asked, ReportDesk
from serving.console.stored import in_store
from serving.console.visitors import Visitor, visitor
from serving.errors import ServiceError
from serving.reports.formats import FORMATS
from serving.reports.html import report_body
from serving.stored import store_access

QUARTERS = 8
Reader = Annotated[Visitor, Depends(visitor("reports.read"))]
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the address asks for."""

    quarter: Quarter
    unit_id: str
    is_exact: bool

    @classmethod
    def of(cls, request: Request, visitor: Visitor, *, latest: Quarter) -> Self:
        """Raises QuarterError. By default the quarter before this one, and the visitor's own unit."""
        query = request.query_params
        return cls(
            quarter=Quarter.parse(query["quarter"]) if query.get("quarter") else latest.before,
            unit_id=query.get("unit") or visitor.principal.unit_id or "",
            is_exact=query.get("numbers") == "exact",
        )

    @property
    def query(self) -> str:
        numbers = "exact" if self.is_exact else "sent"
        return urlencode({"quarter": str(self.quarter), "unit": self.unit_id, "numbers": numbers})

    def asked(self, visitor: Visitor, kind: str = "report") -> Asked:
        return Asked(
            kind=kind, quarter=self.quarter, unit_id=self.unit_id, within=visitor.within, is_exact=self.is_exact
        )


@router.get("/reports")
async def reports(request: Request, visitor: Reader) -> Response:
    """The form; with a quarter in the address also the report. Raises QuarterError, NotFoundError."""

    def read(store: Store) -> tuple[Me, Sequence[Unit], Quarter]:
        with store.reading() as work:
            return Me.of(work, visitor), work.units.all(within=visitor.within), Quarter.of(work.now())

    me, units, latest = await in_store(request, read)
    wanted = Wanted.of(request, visitor, latest=latest)
    body: Markup | None = None
    if request.query_params.get("quarter"):
        body = report_body(await _desk(request).document(store_access(request), wanted.asked(visitor)))
    context = {"wanted": wanted, "units": units, "quarters": _latest(latest), "body": body}
    return page(request, "reports", me=me, context=context)


@router.get("/reports/file")
async def report_file(request: Request, visitor: Reader) -> Response:
    """One file. Raises ServiceError `query_invalid`, QuarterError, NotFoundError, ReportFileError."""
    query = request.query_params
    wanted = Wanted.of(request, visitor, latest=Quarter.parse(query.get("quarter", "")))
    kind, given = query.get("kind", "report"), query.get("format", "")
    if given not in FORMATS:
        raise ServiceError("query_invalid", f"format is one of {', '.join(FORMATS)}", "文件格式不正确")
    asked = wanted.asked(visitor, kind)
    made = await _desk(request).file(store_access(request), asked, given)
    name = f"{kind}-{wanted.quarter}-{wanted.unit_id}.{made.suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(made.content, media_type=made.media_type, headers=headers)


def _latest(quarter: Quarter) -> Sequence[Quarter]:
    found = [quarter]
    while len(found) < QUARTERS:
        found.append(found[-1].before)
    return found


def _desk(request: Request) -> ReportDesk:
    desk: ReportDesk = request.app.state.report_desk
    return desk
