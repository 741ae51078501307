"""The yearly table for the public (投诉数据公示). In: a year, a unit. Out: shares by category, cause and channel.

Shown is what banks publish: the total and the shares. What is small in any quarter, and so hidden in that quarter's
report, is put together in one line, so that the year less three quarters gives nothing away.
"""

from collections import Counter
from collections.abc import Sequence

from data.quarter import quarters_of
from data.store.unit_of_work import UnitOfWork
from serving.reports.document import Column, Document, Row, Section, Table
from serving.reports.figures import ALL, Key, QuarterFigures, Scope, quarter_figures
from serving.reports.headings import ReportFiles
from serving.reports.small_cells import Sum, hidden_cells

TOGETHER = "其他（合并）"
FACETS = (("category", "业务类别"), ("cause", "投诉原因"), ("channel", "业务办理渠道"))


def disclosure(work: UnitOfWork, year: int, *, unit_id: str, within: str, files: ReportFiles) -> Document:
    """Raises NotFoundError for a unit that the caller does not see."""
    scope = Scope.of(work, unit_id, within=within)
    figures = [
        quarter_figures(work, quarter, scope=scope, files=files, least=files.headings.least_count)
        for quarter in quarters_of(year)
    ]
    total = sum(quarter.cells[ALL] for quarter in figures)
    tables = [_table(figures, kind, title, files, total) for kind, title in FACETS]
    return Document(
        title="年度消费投诉数据公示",
        subtitle=f"{scope.unit.name} · {year}年",
        mark="供公示",
        sections=[
            Section(title="一、总体情况", paragraphs=[f"{year}年共受理消费投诉{total}件。"]),
            Section(title="二、分类占比", tables=tables),
            Section(title="三、口径说明", paragraphs=[
                "按收到日期（北京时间）统计，不含核实、咨询、建议与表扬。件数较少的类别合并列示。",
            ]),
        ],
    )  # fmt: skip


def _table(figures: Sequence[QuarterFigures], kind: str, title: str, files: ReportFiles, total: int) -> Table:
    counts: Counter[Key] = Counter()
    small: set[Key] = set()
    for quarter in figures:
        counts.update({key: count for key, count in quarter.cells.items() if key[0] == kind})
        small |= {key for key in quarter.hidden if key[0] == kind}
    cells = {**counts, ALL: total}
    hidden = hidden_cells(cells, [Sum(ALL, tuple(counts))], least=files.headings.least_count, forced=small)
    entries = files.taxonomy.entries
    rows = [
        Row([entries[code].name if code in entries else code or "未分类", counts[kind, code] / total])
        for _, code in sorted(counts, key=lambda key: (-counts[key], key))
        if (kind, code) not in hidden
    ]
    rest = sum(count for key, count in counts.items() if key in hidden)
    if rest:
        rows.append(Row([TOGETHER, rest / total]))
    columns = [Column(title, "text"), Column("占比", "share")]
    return Table(name=f"disclosure_{kind}", title=f"按{title}", columns=columns, rows=rows)
