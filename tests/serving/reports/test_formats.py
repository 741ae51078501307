"""Every format opened with its own library: the same numbers in each, Chinese as Chinese."""

import csv
import io
import zipfile
from pathlib import Path

import pypdfium2
import pytest
from click.testing import CliRunner
from docx import Document as open_word
from openpyxl import load_workbook

from data.errors import ReportFileError
from data.quarter import Quarter
from data.store.scope import ROOT
from data.store.unit_of_work import Store
from data.taxonomy import Taxonomy, default_taxonomy
from serving.cli import main
from serving.reports.csv_files import csv_file
from serving.reports.document import Column, Document, Row, Table
from serving.reports.formats import write_report
from serving.reports.headings import ReportFiles, read_report_files
from serving.reports.making import make_document
from serving.reports.word import CHINESE
from tests.data.store.cases import Clock, master_key
from tests.serving.reports.bank import PARAGRAPH, rest, seven

Q3 = Quarter(2026, 3)


def made(store: Store, files: ReportFiles, *, unit: str = "head", **asked: object) -> Document:
    chosen = {"kind": "report", "is_exact": True} | asked
    with store.reading() as work:
        return make_document(work, Q3, unit_id=unit, within=ROOT, files=files, **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_every_format_says_the_same(store: Store, clock: Clock, files: ReportFiles) -> None:
    seven(store, clock)
    rest(store, clock)
    document = made(store, files)
    assessment = next(table for table in document.tables if table.name == "assessment")
    expected = [list(row.values) for row in assessment.rows]

    book = load_workbook(io.BytesIO(write_report(document, "xlsx").content))
    rows = list(book["机构考核指标"].iter_rows(min_row=2))
    assert [cell.value for cell in rows[0]][:5] == ["east", 7, 0, 5, pytest.approx(5 / 7, abs=1e-6)]
    assert rows[0][4].number_format == "0.0%"
    assert len(book.sheetnames) == len(document.tables) + 1

    word = open_word(io.BytesIO(write_report(document, "docx").content))
    grid = word.tables[[table.name for table in document.tables].index("assessment")]
    assert [cell.text for cell in grid.rows[1].cells][:5] == ["east", "7", "0", "5", "71.4%"]
    assert f'w:eastAsia="{CHINESE}"' in word.styles["Normal"].element.xml

    with zipfile.ZipFile(io.BytesIO(write_report(document, "csv").content)) as archive:
        assert len(archive.namelist()) == len(document.tables)
        lines = list(csv.reader(io.StringIO(archive.read("assessment.csv").decode("utf-8-sig"))))
    assert [line[:4] for line in lines[1:]] == [[str(value) for value in row[:4]] for row in expected]

    page = write_report(document, "html").content.decode()
    assert '<td class="share">71.4%</td>' in page
    assert "<script" not in page

    pdf = pypdfium2.PdfDocument(write_report(document, "pdf").content)
    text = "".join(page.get_textpage().get_text_bounded() for page in pdf)
    pdf.close()
    assert "按业务类别分" in text
    assert "71.4%" in text
    assert "内部资料" in text


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_regulators_file_has_each_complaint_and_the_standard_codes(store: Store, clock: Clock) -> None:
    seven(store, clock)
    rest(store, clock)
    written = default_taxonomy().model_dump()
    for channel in written["channels"]:
        channel["std_code"] = f"S{channel['code']}"
    files = read_report_files(None, Taxonomy.model_validate(written))
    [table] = made(store, files, kind="regulator").tables
    titles = [column.title for column in table.columns]
    rows = [dict(zip(titles, row.values, strict=True)) for row in table.rows]
    assert len(rows) == 13
    assert {row["渠道标准代码"] for row in rows} == {"Scounter", "Selectronic"}
    assert {row["业务类别标准代码"] for row in rows} == {""}
    assert sum(row["是否按期"] == "否" for row in rows) == 2
    assert [row["业务明细名称"] for row in rows if row["业务明细代码"] == "B02.01"] == ["个人住房贷款"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_yearly_disclosure_has_shares_and_puts_small_ones_together(
    store: Store, clock: Clock, files: ReportFiles
) -> None:
    """2026: 17 complaints; what was small in one quarter stands in no line of its own."""
    seven(store, clock)
    rest(store, clock)
    document = made(store, files, kind="disclosure")
    assert document.sections[0].paragraphs == ["2026年共受理消费投诉17件。"]
    categories = {str(row.values[0]): row.values[1] for row in document.tables[0].rows}
    assert sum(categories.values()) == pytest.approx(1)  # type: ignore[arg-type]
    assert "贷款" not in categories
    assert "其他（合并）" in categories


def test_a_word_that_looks_like_a_formula_stays_a_word() -> None:
    table = Table(name="t", title="t", columns=[Column("词", "text")], rows=[Row(["=1+1"])])
    assert b"'=1+1" in csv_file(table)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_command(store: Store, clock: Clock, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seven(store, clock)
    monkeypatch.setenv("XIAOBAO_DATABASE_URL", url)
    monkeypatch.setenv("XIAOBAO_MASTER_KEYS", master_key("2026a"))
    file = tmp_path / "east.html"
    given = ["report", "--quarter", "2026q3", "--unit", "east-1", "--exact", "--output", str(file)]
    answer = CliRunner().invoke(main, given)
    assert answer.exit_code == 0, answer.output
    assert PARAGRAPH.split("截至")[0] in file.read_text(encoding="utf-8")
    for wrong, says in (
        (["--quarter", "2026-3"], "2026Q3"),
        (["--quarter", "2026Q3", "--unit", "none"], "no such unit"),
    ):
        refused = CliRunner().invoke(main, ["report", *wrong])
        assert (refused.exit_code, says in refused.output) == (1, True)


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        ("business: [{heading: 储蓄, codes: [B77]}]\ncauses: []", "B77"),
        ("business: [{heading: a, codes: [B01]}, {heading: b, codes: [B01]}]\ncauses: []", "two headings"),
        ("business: []\ncauses: []\nleast: 3", "least"),
    ],
)
def test_a_wrong_groups_file_says_what_is_wrong(groups: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "report_groups.yaml").write_text(groups, encoding="utf-8")
    with pytest.raises(ReportFileError, match=says):
        read_report_files(tmp_path, default_taxonomy())
