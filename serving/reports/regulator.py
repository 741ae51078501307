"""The regulator's file. In: a quarter, a unit. Out: one row a complaint: facets, own codes and standard codes.

Exact, since the regulator may ask for each case; no text, no customer. A standard code is empty until the bank has
filled `std_code` in the taxonomy.
"""

from collections.abc import Sequence

from data.days import CHINA
from data.quarter import Quarter
from data.store.clock_tables import OUTCOMES, SATISFACTIONS
from data.store.report_figures import ReturnedCase
from data.store.tables import OPEN
from data.store.unit_of_work import UnitOfWork
from serving.reports.document import Column, Document, Row, Section, Table, Value
from serving.reports.figures import Scope
from serving.reports.headings import ReportFiles

FACETS = ("渠道", "业务类别", "业务明细", "投诉原因", "原因细分")
COLUMNS = (
    "案件编号", "监管编号", "收到日期", "机构代码", "地区",
    *(f"{facet}{part}" for facet in FACETS for part in ("代码", "名称", "标准代码")),
    "状态", "办结日期", "处理结果", "是否按期", "满意度",
)  # fmt: skip


def regulator_file(work: UnitOfWork, quarter: Quarter, *, unit_id: str, within: str, files: ReportFiles) -> Document:
    """Raises NotFoundError for a unit that the caller does not see."""
    scope = Scope.of(work, unit_id, within=within)
    cases = work.reports.each_complaint(quarter, within=scope.unit.path)
    table = Table(
        name="regulator",
        title="投诉明细",
        columns=[Column(title, "text") for title in COLUMNS],
        rows=[Row(_values(case, files)) for case in cases],
    )
    return Document(
        title="投诉数据报送",
        subtitle=f"{scope.unit.name} · {quarter.name}",
        mark="报送监管，含逐件数据",
        sections=[Section(title="投诉明细", tables=[table])],
    )


def _values(case: ReturnedCase, files: ReportFiles) -> Sequence[Value]:
    codes = (case.channel, case.category, case.leaf, case.cause, case.subcause)
    facets: list[Value] = []
    for code in codes:
        entry = files.taxonomy.entries.get(code or "")
        facets += [code or "", entry.name if entry else "", entry.std_code if entry else ""]
    closed_at = f"{case.closed_at.astimezone(CHINA):%Y-%m-%d}" if case.closed_at else ""
    in_time = {True: "是", False: "否", None: ""}[case.is_in_time]
    return [
        case.case_id,
        case.regulator_reference or "",
        f"{case.received_at.astimezone(CHINA):%Y-%m-%d}",
        case.unit_id,
        case.region or "",
        *facets,
        "在办" if case.status == OPEN else "已办结",
        closed_at,
        OUTCOMES.get(case.outcome or "", ""),
        in_time,
        SATISFACTIONS.get(case.satisfaction or "", ""),
    ]
