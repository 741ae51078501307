"""Every figure of the report against a quarter that was counted by hand, on both databases."""

from data.quarter import Quarter
from data.store.records import Facets
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from serving.reports.compose import compose
from serving.reports.document import Document, Table, shown
from serving.reports.headings import ReportFiles
from serving.reports.report import Report, build_report
from tests.data.store.cases import Clock, label, user_id
from tests.serving.reports.bank import MAY, PARAGRAPH, complain, rest, seven

Q3 = Quarter(2026, 3)


def made(store: Store, files: ReportFiles, unit: str = "head", *, is_exact: bool = True) -> Report:
    with store.reading() as work:
        return build_report(work, Q3, unit_id=unit, within=ROOT, files=files, is_exact=is_exact)


def lines(document: Document, name: str) -> dict[str, list[str]]:
    """A table as people read it: the first column, and the rest of the row."""
    [table] = [table for table in document.tables if table.name == name]
    return {str(row.values[0]): _shown(table, row.values[1:]) for row in table.rows}


def _shown(table: Table, values: object) -> list[str]:
    kinds = [column.kind for column in table.columns[1:]]
    return [shown(value, kind) for value, kind in zip(values, kinds, strict=True)]  # type: ignore[call-overload]


def test_the_branchs_paragraph(store: Store, clock: Clock, files: ReportFiles) -> None:
    seven(store, clock)
    summary = compose(made(store, files, "east-1")).sections[0]
    assert summary.paragraphs[0] == PARAGRAPH


def test_paragraph_that_is_sent_out_holds_no_small_number(store: Store, clock: Clock, files: ReportFiles) -> None:
    seven(store, clock)
    text = compose(made(store, files, "east-1", is_exact=False)).sections[0].paragraphs[0]
    assert "投诉7件" in text
    assert not any(f"类{few}件" in text for few in (1, 2))
    assert "贷款业务类、个人金融信息的收集与使用类、功能业务类件数较少不单列" in text


def test_whole_report_by_hand(store: Store, clock: Clock, files: ReportFiles) -> None:
    seven(store, clock)
    rest(store, clock)
    document = compose(made(store, files))
    total = ["13", "100.0%", "4", "+225.0%", "10", "+30.0%"]
    assert document.sections[0].paragraphs[1] == "上季度4件，环比+225.0%；上年同期10件，同比+30.0%。"
    assert lines(document, "order_types") == {
        "投诉": ["13", "4", "+225.0%", "10", "+30.0%"],
        "核实": ["2", "0", "—", "0", "—"],
        "表扬/建议": ["1", "0", "—", "0", "—"],
    }
    assert lines(document, "channels") == {
        "营业现场": ["7", "53.8%", "4", "+75.0%", "10", "-30.0%"],
        "电子渠道": ["6", "46.2%", "0", "—", "0", "—"],
        "合计": total,
    }
    assert lines(document, "units") == {
        "east": ["7", "53.8%", "4", "+75.0%", "0", "—"],
        "west": ["6", "46.2%", "0", "—", "10", "-40.0%"],
        "合计": total,
    }
    assert lines(document, "regions") == {
        "城东": ["7", "53.8%", "4", "+75.0%", "0", "—"],
        "城西": ["6", "46.2%", "0", "—", "10", "-40.0%"],
        "合计": total,
    }
    leaves = lines(document, "leaves")
    assert {name: row[0] for name, row in leaves.items()} == {
        "人民币储蓄": "3", "存取款": "1", "定期利率与提前支取": "1", "存单存折": "1", "贷款": "1", "个人住房贷款": "1",
        "信用卡": "6", "使用和还款": "6", "个人金融信息": "1", "除信用信息之外的个人金融信息的收集与使用": "1",
        "其他": "2", "功能类业务": "2", "合计": "13",
    }  # fmt: skip
    assert leaves["存取款"] == ["1", "7.7%", "4", "-75.0%", "0", "—"]
    assert {name: row[0] for name, row in lines(document, "subcauses").items()} == {
        "服务态度及服务质量": "3", "服务态度": "1", "业务操作与效率": "2", "管理制度、业务规则与流程": "4",
        "开销户与证明材料": "1", "审批放款与提前还款流程": "1", "密码、换卡与继承手续": "1",
        "其他业务规则与限制": "1", "债务催收方式和手段": "6", "频繁来电": "6", "合计": "13",
    }  # fmt: skip
    assert {name: row[0] for name, row in lines(document, "reasons").items()} == {
        "服务态度": "1", "业务操作与效率": "2", "业务规则与流程": "4", "债务催收": "6", "合计": "13",
    }  # fmt: skip


def test_assessment_by_hand(store: Store, clock: Clock, files: ReportFiles) -> None:
    """East: five closed in time, two late, four of five satisfied. West: six open and overdue, four forwarded, of
    which three by a customer who had complained before."""
    seven(store, clock)
    rest(store, clock)
    assert lines(compose(made(store, files)), "assessment") == {
        "east": ["7", "0", "5", "71.4%", "4", "80.0%", "0", "0.0%", "0", "0.0%"],
        "west": ["6", "6", "0", "0.0%", "0", "—", "4", "66.7%", "3", "50.0%"],
        "合计": ["13", "6", "5", "38.5%", "4", "80.0%", "4", "30.8%", "3", "23.1%"],
    }


def test_a_reviewers_label_counts_and_a_withdrawn_one_does_not(store: Store, clock: Clock, files: ReportFiles) -> None:
    cases = seven(store, clock)
    person = user_id(store, "supervisor-east")
    codes = {
        "category": "B05",
        "leaf": "B05.02",
        "cause": "C07",
        "subcause": "C07.1",
        "channel": "counter",
        "flags": (),
    }
    with store.writing() as work:
        before = work.cases.get(cases[0], within=ROOT)
        model = {
            name: getattr(before, name) for name in ("order_type", "category", "leaf", "cause", "subcause", "channel")
        }
        work.labels.add(cases[0], label(person, **codes), within=ROOT)
        work.labels.add(cases[1], label(person, **codes), within=ROOT)
        work.labels.add(cases[2], label(person, **codes, is_blind=True), within=ROOT)
        work.labels.add(cases[3], label(person, **codes | {"order_type": "verification"}), within=ROOT)
    with store.writing() as work:
        work.labels.withdraw(cases[0], Facets(**model, flags=()), user_id=person, within=ROOT)
    document = compose(made(store, files, "east-1"))
    assert {name: row[0] for name, row in lines(document, "business").items()} == {
        "储蓄类": "2", "支付结算类": "1", "个人金融信息的收集与使用类": "1", "功能业务类": "2", "合计": "6",
    }  # fmt: skip
    rule = document.sections[-1].paragraphs[0]
    assert rule.endswith("本季度1件经人工确认，5件为模型结论，另有1次确认被撤回。")


def test_high_risk_list_names_no_person_and_when_sent_no_matter(store: Store, clock: Clock, files: ReportFiles) -> None:
    seven(store, clock)
    rest(store, clock)
    exact, sent = (compose(made(store, files, is_exact=is_exact)) for is_exact in (True, False))
    assert [len(row) for row in lines(exact, "high_risk").values()] == [6] * 3
    assert {tuple(row[1:]) for row in lines(exact, "high_risk").values()} == {
        ("2026-08-12", "west", "使用和还款", "频繁来电", "诈骗或资金被盗")
    }
    assert list(lines(sent, "high_risk").values()) == [["在办"]] * 3


def test_education_follows_the_leading_causes(store: Store, clock: Clock, files: ReportFiles) -> None:
    rest(store, clock)
    [section] = [part for part in compose(made(store, files)).sections if "教育" in part.title]
    assert section.paragraphs == [f"频繁来电（6件）：{files.education['C12']}"]


def test_hot_terms_are_words_of_many_complaints(store: Store, clock: Clock, files: ReportFiles) -> None:
    with store.writing() as work:
        for number in range(8):
            complain(work, "B01.01", "C01.1", text="取号机坏了，排队两小时" if number < 6 else "柜员王丽态度不好")
        for _ in range(6):
            complain(work, "B01.01", "C01.1", text="柜员态度不好", received_at=MAY)
    terms = lines(compose(made(store, files)), "hot_terms")
    assert terms["排队"] == ["6", "75.0%", "0", "0.0%"]
    assert not {"柜员", "态度", "王丽"} & set(terms)


def test_report_of_a_quarter_without_complaints(store: Store, clock: Clock, files: ReportFiles) -> None:
    document = compose(made(store, files, "west"))
    assert document.sections[0].paragraphs[0] == "2026年第三季度，west未受理消费投诉。"
    assert lines(document, "channels") == {"合计": ["0", "—", "0", "—", "0", "—"]}
