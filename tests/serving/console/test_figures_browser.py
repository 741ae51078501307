"""Overview, early warnings and report in a browser: readable on a phone, no fault for axe, from figures to cases."""

from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from data.quarter import Quarter
from data.store.records import CaseFilter
from data.store.scope import ROOT
from data.store.warning_records import Finding
from tests.data.store.cases import record_warnings
from tests.serving.console.desk import Desk
from tests.serving.console.test_browser import faults

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def warning(desk: Desk) -> str:
    """Of the east's cases about credit cards."""
    with desk.store.writing() as work:
        cases = work.case_list.page(CaseFilter(category="B03B"), within="/head/east/").cases
        finding = Finding(
            kind="group", key="group/east/B03B.04/C09.1", unit_id="east", case_ids=tuple(case.id for case in cases),
            window_days=7, count=len(cases), customers=len(cases), expected=0.4, limit=5,
            category="B03B", leaf="B03B.04", cause="C09", subcause="C09.1",
        )  # fmt: skip
        [raised] = record_warnings(work, finding)
        return raised.id


THIS = Quarter.of(datetime.now(UTC))
PATHS = (
    "overview?days=90&order_type=any", "warnings", "warnings/{warning}", f"reports?quarter={THIS}&numbers=exact",
    "overview/differing?field=leaf",
)  # fmt: skip


def test_pages_fit_on_a_phone_and_a_wide_screen(desk: Desk, warning: str) -> None:
    page = desk.sit("zhou")
    for width in (390, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        for path in PATHS:
            page.goto(f"{desk.address}/console/{path.format(warning=warning)}")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (width, path)
    page.context.close()


def test_axe_finds_no_fault(desk: Desk, warning: str) -> None:
    page = desk.sit("zhou", color_scheme="dark")
    for path in PATHS[:4]:
        page.goto(f"{desk.address}/console/{path.format(warning=warning)}")
        assert faults(page) == [], path
    page.context.close()


def test_from_a_figure_to_its_cases(desk: Desk) -> None:
    page = desk.sit("zhou")
    page.click("nav >> text=总览")
    line = page.locator("section[aria-labelledby=title-category] tbody tr", has_text="信用卡").first
    figure = line.locator(".figure a").first
    count = int(figure.inner_text())
    figure.click()
    expect(page.locator("table.queue tbody tr")).to_have_count(count)
    expect(page.locator(".kept")).to_contain_text("受理自")
    page.context.close()


def test_the_report_is_read_downloaded_and_printed(desk: Desk, tmp_path: Path) -> None:
    page = desk.sit("zhou")
    page.goto(f"{desk.address}/console/reports")
    page.select_option("select[name=quarter]", str(THIS))
    page.select_option("select[name=numbers]", "exact")
    page.click("text=生成通报")
    sentence = page.locator(".report-card p", has_text="共受理消费投诉").first.inner_text()
    assert "东城分行共受理消费投诉" in sentence
    with page.expect_download() as download:
        page.click(".downloads >> text=PDF")
    file = tmp_path / "report.pdf"
    download.value.save_as(file)
    with pypdfium2.PdfDocument(file) as pdf:
        text = "".join(sheet.get_textpage().get_text_bounded() for sheet in pdf)
    text = "".join(text.split())  # the PDF sets spaces around numbers
    assert "内部资料" in text
    assert sentence.partition("件")[0] in text
    page.emulate_media(media="print")
    expect(page.locator("form.filters")).to_be_hidden()
    expect(page.locator(".downloads")).to_be_hidden()
    expect(page.locator(".report-card h2").first).to_be_visible()
    page.context.close()


def test_a_warning_is_taken_and_ended_without_scripts(desk: Desk, warning: str) -> None:
    page = desk.sit("zhou", java_script_enabled=False)
    page.click("nav >> text=趋势预警")
    _press(page, "签收")
    page.click("a.open >> nth=0")
    page.check("input[value=handled]")
    page.fill("#end-reason", "已统一口径并向客户退费")
    page.click("form.end button")
    expect(page.locator("main")).to_contain_text("已统一口径并向客户退费")
    with desk.store.reading() as work:
        assert work.warnings.get(warning, within=ROOT).ending == "handled"
    page.context.close()


def _press(page: Page, name: str) -> None:
    page.locator("table.warnings button", has_text=name).first.click()
