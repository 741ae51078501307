"""What follows the tables of a report: high risk, hot words, education, rules. In: its figures. Out: sections."""

from collections.abc import Iterator, Sequence

from data.days import CHINA
from data.store.report_figures import UrgentCase
from data.store.tables import OPEN
from serving.reports.document import Column, Row, Section, Table, Value
from serving.reports.figures import ALL, Mark
from serving.reports.hot_terms import LEAST_TEXTS
from serving.reports.report import Report

LEADING_CAUSES = 3


def high_risk(report: Report) -> Section:
    """Complaints of the highest priority; a report that is sent out says no more than number and state."""
    title = "七、高风险投诉"
    if isinstance(report.now.number(ALL), Mark):
        return Section(title=title, paragraphs=["投诉件数较少，不列清单。"])
    shown = len(report.urgent)
    note = f"按风险规则为“紧急”的投诉共{report.urgent_total}件" + (
        f"，列出最近{shown}件" if shown < report.urgent_total else ""
    )
    details = "。" if report.is_exact else "；业务、机构与风险标记请凭编号在工作台查阅。"
    columns = [Column("编号", "text"), Column("状态", "text")]
    if report.is_exact:
        columns += [Column(title, "text") for title in ("收到日期", "机构", "业务", "原因", "风险标记")]
    rows = [Row(_urgent_values(report, case)) for case in report.urgent]
    table = Table(name="high_risk", title="高风险投诉清单（不含个人信息）", columns=columns, rows=rows)
    return Section(title=title, paragraphs=[note + details], tables=[table] if rows else [])


def _urgent_values(report: Report, case: UrgentCase) -> Sequence[Value]:
    values = [case.case_id, "在办" if case.status == OPEN else "已办结"]
    if report.is_exact:
        names = {unit.id: unit.name for unit in report.scope.units}
        values += [
            f"{case.received_at.astimezone(CHINA):%Y-%m-%d}",
            names[case.unit_id],
            _name(report, case.leaf or case.category),
            _name(report, case.subcause or case.cause),
            "、".join(_name(report, flag) for flag in case.flags),
        ]
    return values


def _name(report: Report, code: str | None) -> str:
    entry = report.files.taxonomy.entries.get(code or "")
    return entry.name if entry else code or "—"


def hot_words(report: Report) -> Section:
    title = "八、热词"
    found = report.hot_terms
    if found is None:
        return Section(title=title, paragraphs=["未安装分词组件（xiaobao[reports]），本节从略。"])
    note = (
        f"比较本季度{found.texts_now}件与上季度{found.texts_before}件投诉的脱敏文本，统计出现该词的件数；只列至少"
        f"{LEAST_TEXTS}件且占比明显上升的词。"
    )
    if not found.terms:
        return Section(title=title, paragraphs=[f"{note}本季度没有这样的词。"])
    counts = [Column("本季度件数"), Column("占比", "share"), Column("上季度件数"), Column("上季度占比", "share")]
    columns = [Column("词", "text"), *counts]
    rows = []
    for term in found.terms:
        is_small = 0 < term.before < report.least
        before: list[Value] = [Mark.HIDDEN] * 2 if is_small else [term.before, term.before / found.texts_before]
        rows.append(Row([term.word, term.now, term.now / found.texts_now, *before]))
    return Section(title=title, paragraphs=[note], tables=[
        Table(name="hot_terms", title="占比上升的词", columns=columns, rows=rows)
    ])  # fmt: skip


def education(report: Report) -> Section:
    """Texts that people wrote, for the causes with the most complaints."""
    return Section(title="九、消费者教育提示", paragraphs=list(_advice(report)) or ["本季度没有可列示的主要原因。"])


def _advice(report: Report) -> Iterator[str]:
    counted = [(code, report.now.number(("subcause", code))) for code in report.now.codes("subcause")]
    printed = [(code, count) for code, count in counted if not isinstance(count, Mark)]
    for code, count in sorted(printed, key=lambda found: (-found[1], found[0]))[:LEADING_CAUSES]:
        text = report.files.advice(code.split(".")[0], code)
        if text is not None:
            yield f"{_name(report, code)}（{count}件）：{text}"


def rules(report: Report) -> Section:
    """How the figures were made."""
    return Section(title="十、口径说明", paragraphs=list(_rules(report)))


def _rules(report: Report) -> Iterator[str]:
    yield _labels(report)
    yield "核实、咨询、表扬建议和无关来件不属于投诉，只在“来件类型”中列示。"
    yield "季度按收到日期（北京时间）划分，数据截至报告生成时。"
    if report.purged and report.is_exact:
        yield f"{report.purged}件投诉已按保存期限清除，只计入仍有留存的项目，不计监管转办与重复投诉。"
    elif report.purged:
        yield "部分投诉已按保存期限清除，只计入仍有留存的项目，不计监管转办与重复投诉。"
    if report.is_exact:
        yield "本版本未隐去少量件数，不得外发。"
    else:
        yield (
            f"1 至 {report.least - 1} 件的数字以＊代替；为防止用合计、上级类别或本行口径相减推算，另有部分数字一并"
            "隐去，其占比和增减幅度也不列示。0 件照列。"
        )


def _labels(report: Report) -> str:
    """Whose word the classification is, with counts unless one of them is small."""
    rule = "分类以人工确认为准，未经确认的采用模型结论，已撤回的确认不计"
    counts = (report.reviewed, report.by_model, report.purged)
    is_small = any(0 < count < report.least for count in (*counts, report.withdrawn))
    if is_small or isinstance(report.now.number(ALL), Mark):
        return f"{rule}；其中有件数较少的，不列数字。"
    return (
        f"{rule}：本季度{report.reviewed}件经人工确认，{report.by_model}件为模型结论，"
        f"另有{report.withdrawn}次确认被撤回。"
    )
