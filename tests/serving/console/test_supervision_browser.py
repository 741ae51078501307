"""Supervision in Chromium: an alert taken, new cases announced, roles, accessibility."""

from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from data.days import china_day
from data.store.supervision_tables import MISSED, QualityDraw
from serving.clock_rounds import look_at_clocks
from tests.serving.console.desk import Desk

pytestmark = pytest.mark.proof

SERIOUS = ("serious", "critical")
PAGES = {
    "zhou": ("supervision", "supervision?show=all&lang=en", "alerts?lang=zh", "quality", "model"),
    "shen": ("users", "keys", "audit"),
    "gu": ("policy",),
}


def test_an_urgent_alert_is_taken(desk: Desk) -> None:
    page = desk.sit("wu")
    expect(page.locator(".alert-bar")).to_contain_text("紧急预警")
    page.click("text=查看并签收")
    expect(page.locator(".alert-bar")).to_have_count(0)
    waiting = page.locator("section.alert-card")
    before = waiting.count()
    number = waiting.first.locator("a.number").inner_text()
    waiting.first.locator("button").click()
    page.wait_for_url(f"**/cases/{number}")
    expect(page.locator(".timeline")).to_contain_text("签收紧急预警")
    page.goto(f"{desk.address}/console/alerts")
    expect(waiting).to_have_count(before - 1)
    expect(page.locator("table.rows")).to_contain_text("吴桐")
    page.context.close()


def test_new_cases_are_announced_and_move_nothing(desk: Desk) -> None:
    page = desk.sit("zhou")
    numbers = page.locator("table.queue .number").all_inner_texts()
    expect(page.locator("#new-cases")).to_be_hidden()
    number = desk.put("理财经理承诺保本，结果亏了八万元，要求赔偿。")
    page.dispatch_event("body", "visibilitychange", {"bubbles": True})
    expect(page.locator("#new-cases")).to_contain_text("1 件新案件")
    assert page.locator("table.queue .number").all_inner_texts() == numbers
    page.click("#new-cases a")
    expect(page.locator("table.queue")).to_contain_text(number)
    page.context.close()


def test_who_may_not_sees_neither_button_nor_data(desk: Desk) -> None:
    page = desk.sit("tan")  # an auditor: reads, acts on nothing
    expect(page.locator(".alert-bar")).to_have_count(0)
    page.goto(f"{desk.address}/console/supervision")
    expect(page.locator("main button, main summary")).to_have_count(0)
    page.goto(f"{desk.address}/console/alerts")
    expect(page.locator("main")).to_contain_text("您的角色不能使用该页面或操作")
    expect(page.locator(".alert-card")).to_have_count(0)
    page.context.close()
    page = desk.sit("he")  # another branch
    page.goto(f"{desk.address}/console/alerts")
    expect(page.locator("main")).to_contain_text("没有待签收的紧急预警")
    page.context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1366), ("dark", 390)])
def test_axe_finds_no_serious_fault_and_nothing_runs_over(desk: Desk, scheme: str, width: int) -> None:
    late = desk.put("信用卡年费说好首年免，要求退还。", received_at=datetime.now(UTC) - timedelta(days=20))
    look_at_clocks(desk.store)
    with desk.store.writing() as work:
        work.session.add(QualityDraw(case_id=late, purpose=MISSED, day=china_day(work.now())))
    found = []
    for login, paths in PAGES.items():
        page = desk.sit(login, color_scheme=scheme, viewport={"width": width, "height": 800})
        for path in (*paths, f"quality/{late}/{MISSED}") if login == "zhou" else paths:
            page.goto(f"{desk.address}/console/{path}")
            for details in page.locator("main summary").all()[:1]:
                details.click()
            faults = Axe().run(page).response["violations"]
            found += [(path, fault["id"]) for fault in faults if fault["impact"] in SERIOUS]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append((path, "runs over"))
        page.context.close()
    assert found == []
