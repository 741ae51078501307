"""How a case goes on, in Chromium: more time with four eyes, escalation, closing with an item of rectification."""

import pytest
from playwright.sync_api import expect

from data.store.scope import ROOT
from tests.serving.console.desk import Desk
from tests.serving.console.test_browser import faults

pytestmark = pytest.mark.proof

TEXT = "信用卡年费去年说首年免，今年直接扣了三百六十元，要求退还年费。"


def test_more_time_with_four_eyes(desk: Desk) -> None:
    case = desk.put(TEXT)
    asker = desk.sit("lin")
    asker.goto(desk.case(case))
    asker.click("#more-time summary")
    asker.fill("#ask-note", "向卡组织调单")
    asker.click("text=提交申请")
    expect(asker.locator("form.done")).to_contain_text("待审批")
    expect(asker.locator(".more-time")).to_contain_text("本人申请不能由本人审批")
    asker.context.close()
    approver = desk.sit("zhou")
    approver.goto(f"{desk.address}/console/extensions")
    approver.locator(f"tr:has-text('{case}') a.button").click()
    approver.check("input[name=sure]")
    approver.click("text=批准延期")
    approver.click("text=登记告知")
    expect(approver.locator(".more-time")).to_contain_text("已生效")
    approver.context.close()


def test_escalating_by_keyboard_names_who_answers_for_it(desk: Desk) -> None:
    case = desk.put(TEXT)
    with desk.store.writing() as work:
        work.cases.hand_over(case, unit_id="east-1", actor_id="test", within=ROOT)
    page = desk.sit("zhou")
    page.goto(desk.case(case))
    page.keyboard.press("e")
    expect(page.locator("#responsible")).to_be_focused()
    page.select_option("#responsible", label="林远 · 东城分行")
    page.fill("#escalate-reason", "超出网点权限")
    page.keyboard.press("Enter")
    expect(page.locator(".timeline li").first).to_contain_text("升级至东城分行，责任人：林远")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_closing_puts_the_root_cause_on_the_board(desk: Desk, scheme: str) -> None:
    case = desk.put(TEXT)
    page = desk.sit("zhou", color_scheme=scheme)
    page.goto(desk.case(case))
    page.keyboard.press("o")
    page.select_option("#outcome", "supported")
    page.fill("#redress", "360.50")
    page.fill("#measure", "到期提醒改为短信与账单双通道")
    assert faults(page) == []
    page.click("#close button.primary")
    expect(page.locator("form.done")).to_contain_text(f"已办结 {case}")
    expect(page.locator(".ending")).to_contain_text("360.50")
    for width in (390, 1366):
        page.set_viewport_size({"width": width, "height": 800})
        for path in ("rectification", f"cases/{case}", f"cases/{case}/reply", "extensions"):
            page.goto(f"{desk.address}/console/{path}")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (path, width)
    page.goto(f"{desk.address}/console/rectification")
    expect(page.locator("table.board")).to_contain_text("到期提醒改为短信与账单双通道")
    assert faults(page) == []
    page.goto(f"{desk.address}/console/cases/{case}/reply")
    assert faults(page) == []
    page.context.close()
