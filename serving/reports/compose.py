"""The words and tables of a report. In: its figures. Out: a document in Chinese."""

from collections.abc import Mapping, Sequence

from serving.reports.closing_sections import education, high_risk, hot_words, rules
from serving.reports.document import Column, Document, Row, Section, Table, Value, shown
from serving.reports.figures import ALL, Key, Mark, Number, QuarterFigures
from serving.reports.headings import Heading
from serving.reports.paragraph import paragraph
from serving.reports.report import Report

EXACT = "内部资料，含未隐去的少量件数，仅限有权查阅案件的人员"
SENT = "已隐去少量件数（＊），可发至各机构"
MENDING_NOTE = (
    "整改按本季度立项的事项统计，状态截至报告生成时：逾期＝逾期完成＋已逾期未完成，按期完成率＝按期完成÷（按期完成＋"
    "逾期）；其余为未到期或不再整改的事项。"
)
PURGED = "（已清除，未留明细）"


def compose(report: Report) -> Document:
    return Document(
        title="季度投诉分析通报",
        subtitle=f"{report.scope.unit.name} · {report.quarter.name}",
        mark=EXACT if report.is_exact else SENT,
        sections=[
            _summary(report),
            _section(report, "二、渠道分布", [("channel", "channels", "业务办理渠道", "渠道")]),
            _business(report),
            _causes(report),
            _section(report, "五、机构与地区分布", [
                ("unit", "units", "机构", "机构"), ("region", "regions", "地区", "地区"),
            ]),
            _assessment(report),
            high_risk(report),
            hot_words(report),
            education(report),
            rules(report),
        ],
    )  # fmt: skip


def _summary(report: Report) -> Section:
    now, before, year_ago = (figures.number(ALL) for figures in report.quarters)
    text = paragraph(
        report.now, name=report.scope.unit.name, open_cases=report.total.open, files=report.files, today=report.today
    )
    compared = (
        f"上季度{_cases(before)}，环比{_percent(change(now, before))}；"
        f"上年同期{_cases(year_ago)}，同比{_percent(change(now, year_ago))}。"
    )
    return Section(title="一、总体情况", paragraphs=[text, compared], tables=[_order_types(report)])


def _order_types(report: Report) -> Table:
    names = {entry.code: entry.name for entry in report.files.taxonomy.order_types}
    codes = [code for code in names if any(code in figures.codes("order_type") for figures in report.quarters)]
    rows = [_row(report, ALL, names["complaint"], share=False)]
    rows += [_row(report, ("order_type", code), names[code], share=False) for code in codes]
    return Table(
        name="order_types", title="来件类型（以下各表只计投诉）", columns=_columns("类型", share=False), rows=rows
    )


def _section(report: Report, title: str, parts: Sequence[tuple[str, str, str, str]]) -> Section:
    return Section(title=title, tables=[_flat(report, *part) for part in parts])


def _business(report: Report) -> Section:
    headings = _by_heading(report, "business", "business", "业务类别（本行口径）", report.files.headings.business)
    tree = _tree(report, ("category", "leaf"), name="leaves", title="业务类别与明细（标准口径）", first="业务类别")
    return Section(title="三、业务类别", tables=[headings, tree])


def _causes(report: Report) -> Section:
    headings = _by_heading(report, "reason", "reasons", "投诉原因（本行口径）", report.files.headings.causes)
    tree = _tree(report, ("cause", "subcause"), name="subcauses", title="投诉原因与细分（标准口径）", first="投诉原因")
    return Section(title="四、投诉原因", tables=[headings, tree])


def _assessment(report: Report) -> Section:
    columns = [Column("机构", "text"), Column("投诉量"), Column("未办结")]
    for count, share in (("按期办结", "按期率"), ("满意", "满意率"), ("监管转办", "转办率"), ("重复投诉", "重复率")):
        columns += [Column(count), Column(share, "share")]
    rows = []
    for line in (*report.units, report.total):
        values: list[Value] = [line.name, line.cases, line.open]
        for measure in line.measures.values():
            values += [measure.count, measure.share]
        rows.append(Row(values, is_total=not line.unit_id))
    note = (
        "按期率＝按期办结÷（按期办结＋超期办结＋已超期未办结），满意率＝满意÷已评价，转办率、重复率为占投诉量的比例；重复投诉指同一客户在本季度或上季度"
        "已向同一机构投诉过。"
    )
    return Section(title="六、机构考核", paragraphs=[note, MENDING_NOTE], tables=[
        Table(name="assessment", title="机构考核指标", columns=columns, rows=rows), _mending(report),
    ])  # fmt: skip


def _mending(report: Report) -> Table:
    columns = [
        Column("机构", "text"), Column("立项"), Column("按期完成"), Column("逾期"), Column("按期完成率", "share")
    ]  # fmt: skip
    rows = [
        Row([line.name, line.opened, line.in_time.count, line.late, line.in_time.share], is_total=not line.unit_id)
        for line in report.mending
    ]
    return Table(name="rectification", title="溯源整改情况", columns=columns, rows=rows)


def _flat(report: Report, kind: str, name: str, title: str, first: str) -> Table:
    names = _names(report, kind)
    codes = _ordered(report, kind, names)
    rows = [_row(report, (kind, code), names.get(code) or code or "未说明") for code in codes]
    return Table(name=name, title=f"按{title}", columns=_columns(first), rows=[*rows, _total(report)])


def _by_heading(report: Report, kind: str, name: str, title: str, headings: Sequence[Heading]) -> Table:
    codes = _ordered(report, kind, {heading.heading: heading.heading for heading in headings})
    rows = [_row(report, (kind, code), code) for code in codes]
    return Table(name=name, title=title, columns=_columns("本行口径"), rows=[*rows, _total(report)])


def _tree(report: Report, kinds: tuple[str, str], *, name: str, title: str, first: str) -> Table:
    upper, lower = kinds
    entries = report.files.taxonomy.entries
    rows = []
    for code in sorted(_used(report, upper)):
        rows.append(_row(report, (upper, code), entries[code].name if code in entries else code or "未分类"))
        below = sorted(part for part in _used(report, lower) if part.startswith(f"{code}."))
        for part in below:
            label = entries[part].name if part in entries else PURGED
            rows.append(_row(report, (lower, part), label, depth=1))
    return Table(name=name, title=title, columns=_columns(first), rows=[*rows, _total(report)])


def _names(report: Report, kind: str) -> Mapping[str, str]:
    if kind == "unit":
        return {
            unit.id: f"{unit.name}（本级）"
            if unit.id == report.scope.unit.id and len(report.scope.units) > 1
            else unit.name
            for unit in report.scope.parts
        }
    if kind == "channel":
        return {entry.code: entry.name for entry in report.files.taxonomy.channels}
    return {}


def _used(report: Report, kind: str) -> set[str]:
    return set().union(*(figures.codes(kind) for figures in report.quarters))


def _ordered(report: Report, kind: str, names: Mapping[str, str]) -> Sequence[str]:
    """In the order of the names, then by code; what is not named comes last."""
    order = {code: i for i, code in enumerate(names)}
    return sorted(_used(report, kind), key=lambda code: (order.get(code, len(order)), not code, code))


def _columns(first: str, *, share: bool = True) -> Sequence[Column]:
    shares = [Column("占比", "share")] if share else []
    return [
        Column(first, "text"), Column("本季度"), *shares, Column("上季度"), Column("环比", "change"),
        Column("上年同期"), Column("同比", "change"),
    ]  # fmt: skip


def _row(report: Report, key: Key, label: str, *, share: bool = True, depth: int = 0) -> Row:
    now, before, year_ago = (figures.number(key) for figures in report.quarters)
    shares = [_share(now, report.now)] if share else []
    values: list[Value] = [label, now, *shares, before, change(now, before), year_ago, change(now, year_ago)]
    return Row(values, depth=depth, is_total=key == ALL and share)


def _total(report: Report) -> Row:
    return _row(report, ALL, "合计")


def _share(count: Number, figures: QuarterFigures) -> float | Mark:
    total = figures.number(ALL)
    if isinstance(count, Mark) or isinstance(total, Mark):
        return Mark.HIDDEN
    return count / total if total else Mark.NONE


def change(now: Number, then: Number) -> float | Mark:
    """By what part of it a count grew; there is none from nothing."""
    if isinstance(now, Mark) or isinstance(then, Mark):
        return Mark.HIDDEN
    return now / then - 1 if then else Mark.NONE


def _cases(count: Number) -> str:
    return "件数较少不单列" if isinstance(count, Mark) else f"{count}件"


def _percent(value: float | Mark) -> str:
    return shown(value, "change")
