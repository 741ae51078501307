"""Taking in, in Chromium: preview while typing, one click too many, the receipt, a file with a bad row."""

import pytest
from playwright.sync_api import expect

from data.store.records import CaseFilter
from data.store.scope import ROOT
from tests.serving.console.desk import Desk
from tests.serving.console.test_browser import faults
from tests.serving.console.test_imports import FILE

pytestmark = pytest.mark.proof

TEXT = "贷款必须买一份意外险才给放款，两万多保费直接从贷款里扣，合同也没给我看，要求退保费。"


def test_from_intake_to_receipt(desk: Desk) -> None:
    page = desk.sit("zhou")
    page.click("header.bar >> text=受理登记")
    page.select_option("#source", "comment_book")
    page.fill("#customer", "K12")
    page.fill("#text", TEXT)
    expect(page.locator("#preview .limits .deciding")).to_contain_text("15 日")
    expect(page.locator("#preview .hints .number")).not_to_have_count(0)
    page.focus("#order_type")
    page.select_option("#order_type", "complaint")
    expect(page.locator("#subcause")).to_be_visible()
    expect(page.locator("#order_type")).to_be_focused()
    assert faults(page) == []
    with desk.store.reading() as work:
        before = len(work.case_list.page(CaseFilter(words=TEXT[:12]), within=ROOT).cases)
    page.dblclick("button.primary")
    page.wait_for_url("**/receipt")
    expect(page.locator(".receipt")).to_contain_text("意见簿")
    assert faults(page) == []
    with desk.store.reading() as work:
        found = work.case_list.page(CaseFilter(words=TEXT[:12]), within=ROOT).cases
        assert len(found) == before + 1
        assert work.labels.standing(found[0].id, within=ROOT) is not None
    page.emulate_media(media="print")
    expect(page.locator("header.bar")).not_to_be_visible()
    page.context.close()


def test_a_file_with_a_bad_row(desk: Desk) -> None:
    page = desk.sit("zhou")
    page.click("#more summary")
    page.click("header.bar >> text=批量导入")
    page.set_input_files("#file", files=[{"name": "十一月.csv", "mimeType": "text/csv", "buffer": FILE.encode()}])
    page.click("#look-file")
    expect(page.locator("table.preview .bad")).to_have_count(1)
    assert faults(page) == []
    page.click("#start")
    page.wait_for_url("**/imports/*")
    expect(page.locator(".job")).to_contain_text("已完成")
    expect(page.locator(".job")).to_contain_text("投诉内容为空")
    with page.expect_download() as download:
        page.click("text=下载未导入的行")
    assert "H-2" in download.value.path().read_text(encoding="utf-8")
    assert faults(page) == []
    page.context.close()
