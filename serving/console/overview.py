"""总览: is anything going wrong this week? In: a period, a unit. Out: the page, its tables as CSV, where people differ.

Every figure leads to its cases. For all who may read cases, of their part of the bank.
"""

from collections.abc import Collection, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from data.store.readings import BANDS, FIELDS
from data.store.supervision_tables import MISSED
from data.store.unit_of_work import Store
from data.taxonomy import default_taxonomy
from serving.access.guard import forbidden
from serving.console.names import names
from serving.console.overview_figures import ANY_FLAG, FACETS, Figures, Table
from serving.console.overview_query import OverviewQuery
from serving.console.pages import Me, page
from serving.console.quality_results import sees_results
from serving.console.stored import in_store
from serving.console.texts import texts
from serving.console.visitors import Visitor, visitor
from serving.errors import ServiceError
from serving.spreadsheets import csv_bytes

ROWS_SHOWN = 12
DIFFERING_SHOWN = 200
TABLES = ("trend", *FACETS, "unit", "flag", "units", "agreement", MISSED)
Reader = Annotated[Visitor, Depends(visitor("cases.read"))]
router = APIRouter(include_in_schema=False)


@router.get("/overview")
async def overview(request: Request, visitor: Reader) -> Response:
    """The page. Raises ServiceError `query_invalid`, NotFoundError for another branch's unit."""
    query = OverviewQuery.of(request.query_params)

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            figures = Figures(work, query, names(visitor.language), within=visitor.within)
            columns, by_time = figures.weeks_or_days()
            return Me.of(work, visitor), {
                "query": query,
                "figures": figures,
                "open_now": figures.open_now(),
                "warnings": work.warnings.count_open(within=figures.path),
                "columns": columns,
                "by_time": by_time,
                "counted_tables": [
                    *(figures.by_facet(code) for code in _facets(query)),
                    figures.by_unit(),
                    figures.by_flag(),
                ],
                "units_table": figures.units(),
                "agreement": figures.agreement(),
                "missed": figures.missed(_not_a_risk(store)) if sees_results(visitor) else None,
                "units": work.units.all(within=visitor.within),
                "order_types": default_taxonomy().order_types,
                "names": names(visitor.language),
                "rows_shown": ROWS_SHOWN,
            }

    me, context = await in_store(request, read)
    return page(request, "overview", me=me, context=context)


@router.get("/overview/table.csv")
async def table(request: Request, visitor: Reader, table: str = "") -> Response:
    """One table, for a spreadsheet. Raises as `overview`, `forbidden` to whom the page does not show it."""
    query = OverviewQuery.of(request.query_params)
    if table not in TABLES:
        raise ServiceError("query_invalid", f"unknown table; expected one of {', '.join(TABLES)}", "没有该数据表")
    if table == MISSED and not sees_results(visitor):
        raise forbidden("cases.assign", "audit.read")

    def read(store: Store) -> Table:
        with store.reading() as work:
            figures = Figures(work, query, names(visitor.language), within=visitor.within)
            return figures.missed(_not_a_risk(store)) if table == MISSED else _table(figures, table)

    content = _csv(await in_store(request, read), visitor)
    name = f"overview-{table}-{query.days}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/overview/differing")
async def differing(request: Request, visitor: Reader, field: str = "", band: str = "") -> Response:
    """Cases in which a person decided otherwise than the model. Raises as `overview`."""
    query = OverviewQuery.of(request.query_params)
    if field not in FIELDS or band not in ("", "blind", *BANDS):
        raise ServiceError("query_invalid", "unknown field or band", "没有该字段或置信度")

    def read(store: Store) -> tuple[Me, dict[str, Any]]:
        with store.reading() as work:
            figures = Figures(work, query, names(visitor.language), within=visitor.within)
            return Me.of(work, visitor), {
                "found": figures.differing(field, band)[:DIFFERING_SHOWN],
                "field": field,
                "band": band,
                "query": query,
                "names": names(visitor.language),
            }

    me, context = await in_store(request, read)
    return page(request, "differing", me=me, context=context)


def _not_a_risk(store: Store) -> Collection[str]:
    return store.book.current.priority.not_a_risk


def _facets(query: OverviewQuery) -> Sequence[str]:
    """Of one kind of order there is no table of kinds."""
    return [code for code in FACETS if code != "order_type" or query.order_type == "any"]


def _table(figures: Figures, code: str) -> Table:
    if code in FACETS:
        return figures.by_facet(code)
    made = {
        "trend": lambda: figures.weeks_or_days()[1],
        "unit": figures.by_unit,
        "flag": figures.by_flag,
        "units": figures.units,
        "agreement": figures.agreement,
    }
    return made[code]()


def _csv(table: Table, visitor: Visitor) -> bytes:
    t = texts("overview", visitor.language)
    head = [t["tables"][table.code], *(t["columns"][name] for name in table.columns)]
    row_names = {"agreement": t["fields"], MISSED: {ANY_FLAG: t["any_flag"]}}.get(table.code, {})
    rows = ([row_names.get(line.name, line.name), *(cell.value for cell in line.cells)] for line in table.lines)
    return csv_bytes([head, *rows])
