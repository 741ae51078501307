"""The console in Chromium: by keyboard, with the picker, hostile texts, roles, accessibility."""

from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from data.store.scope import ROOT
from tests.serving.console.complaints import PASSWORD
from tests.serving.console.desk import Desk

HOSTILE = (
    "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">信用卡年费多扣了，要求退还。"
)
SERIOUS = ("serious", "critical")


def leaf_of(desk: Desk, case_id: str) -> str | None:
    with desk.store.reading() as work:
        return work.cases.get(case_id, within=ROOT).leaf


def test_signing_in_and_out(desk: Desk) -> None:
    page = desk.sit()
    page.fill("#login", "zhou")
    page.fill("#password", "not the password")
    page.keyboard.press("Enter")
    expect(page.locator(".problem")).to_contain_text("用户名或密码错误，或账号暂时锁定")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".me")).to_contain_text("周敏")
    page.click("text=退出登录")
    expect(page.locator("#login")).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.locator("#login")).to_be_visible()
    page.context.close()


def test_filters_stand_in_the_address_and_survive_a_case(desk: Desk) -> None:
    page = desk.sit("zhou")
    page.select_option("select[name=flag]", "S")
    page.click("text=筛选 >> nth=-1")
    page.wait_for_url("**flag=S**")
    numbers = page.locator("table.queue .number").all_inner_texts()
    assert numbers
    page.locator("a.open").first.click()
    page.locator("#to-queue").click()
    assert "flag=S" in page.url
    assert page.locator("table.queue .number").all_inner_texts() == numbers
    page.context.close()


def test_reviewing_by_keyboard_alone(desk: Desk) -> None:
    """From the queue through two cases: correct one by an alternative, confirm one, undo."""
    page = desk.sit("zhou")
    page.goto(f"{desk.address}/console/queue?decided=no&unit=east-1")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("table.queue tbody tr").first.locator("a.open")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/**")
    first = page.url.split("/")[-1].partition("?")[0]
    before = leaf_of(desk, first)
    page.keyboard.press("2")
    expect(page.locator("#next")).to_contain_text("改正并下一件")
    page.keyboard.press("c")
    page.wait_for_url(f"**did={first}**")
    assert leaf_of(desk, first) != before
    expect(page.locator("form.done")).to_contain_text(f"已确认 {first}")
    page.keyboard.press("u")
    page.wait_for_url(f"**/cases/{first}?**undone=1**")
    assert leaf_of(desk, first) == before
    page.wait_for_timeout(150)
    page.keyboard.press("c")
    page.wait_for_url(f"**did={first}**")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    page.wait_for_url("**/console/queue?**")
    assert first not in page.content().partition("<table")[2]
    with desk.store.reading() as work:
        label = work.labels.standing(first, within=ROOT)
    assert label is not None
    assert 0.1 <= label.seconds_spent < 60
    page.context.close()


def test_correcting_with_the_picker(desk: Desk) -> None:
    case = desk.put("你们银行网点的保险箱到期了不让我续租，也没有提前通知。")
    page = desk.sit("zhou")
    page.goto(desk.case(case))
    page.keyboard.press("/")
    expect(page.locator("#leaf")).to_be_focused()
    page.keyboard.type("住房 贷款")
    expect(page.locator("#leaf-list [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#leaf")).to_have_value("贷款 › B02.01 个人住房贷款")
    page.locator("#subcause").focus()
    page.keyboard.type("没有这种原因")
    expect(page.locator("#subcause-list")).to_contain_text("没有匹配的类别")
    page.keyboard.press("Escape")
    page.click("#stay")
    page.wait_for_url("**did=**")
    assert leaf_of(desk, case) == "B02.01"
    expect(page.locator(".timeline li").first).to_contain_text("贷款 › 个人住房贷款")
    page.context.close()


def test_a_flag_goes_only_with_a_reason(desk: Desk) -> None:
    case = desk.put("刚刚被骗共享屏幕转走三万元，请马上止付！")
    page = desk.sit("zhou")
    page.goto(desk.case(case))
    page.keyboard.press("f")
    page.keyboard.press("Space")
    page.click("#stay")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.type("钱已经追回")
    page.keyboard.press("Enter")
    page.wait_for_url("**did=**")
    page.goto(desk.case(case))
    expect(page.locator(".timeline li").first).to_contain_text("钱已经追回")
    page.context.close()


def test_a_script_in_a_complaint_does_not_run(desk: Desk) -> None:
    case = desk.put(HOSTILE)
    page = desk.sit("zhou")
    violations: list[str] = []
    page.on("console", lambda message: violations.append(message.text) if message.type == "error" else None)
    for address in (desk.case(case), f"{desk.address}/console/queue?words=信用卡年费多扣了"):
        page.goto(address)
        expect(page.locator("main")).to_contain_text("<script>")
        assert "ran" not in page.title()
    assert violations == []
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=`ran`\">')")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'document.title=`ran`'}))"
    )
    page.wait_for_function("() => true")
    assert "ran" not in page.title()
    assert any("Content Security Policy" in text for text in violations)
    page.context.close()


def test_nothing_is_asked_of_anybody_else(desk: Desk) -> None:
    page = desk.sit()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.fill("#login", "zhou")
    page.fill("#password", PASSWORD)
    page.click("button.primary")
    page.locator("a.open").first.click()
    page.wait_for_url("**/cases/**")
    assert asked
    assert [url for url in asked if not url.startswith(desk.address)] == []
    page.context.close()


def test_who_may_not_sees_neither_button_nor_data(desk: Desk) -> None:
    case = desk.put("东城分行的投诉，信用卡年费多扣了。")
    page = desk.sit("he")
    page.goto(desk.case(case))
    expect(page.locator(".problem")).to_contain_text("没有该案件，或不在您的机构范围内")
    page.goto(f"{desk.address}/console/queue?words=信用卡年费")
    assert page.locator("table.queue").count() == 0
    page.context.close()
    page = desk.sit("tan")
    page.goto(desk.case(case))
    expect(page.locator(".complaint")).to_contain_text("信用卡年费多扣了")
    assert page.locator("#decide, .actions, .reveal, button.primary").count() == 0
    page.context.close()
    page = desk.sit("shen")
    expect(page.locator("main")).to_contain_text("没有查看案件的权限")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(desk: Desk, scheme: str) -> None:
    now = datetime.now(UTC)
    late = desk.put("理财经理说保本，结果亏了八万，要求赔偿，不然找媒体曝光。", received_at=now - timedelta(days=20))
    soon = desk.put("催收打给我父母和同事，说我欠钱，我快活不下去了。", received_at=now - timedelta(days=14))
    page = desk.sit(color_scheme=scheme)
    assert faults(page) == []
    page.goto(f"{desk.address}/console/public")
    assert faults(page) == []
    page.goto(f"{desk.address}/console")
    page.fill("#login", "zhou")
    page.fill("#password", PASSWORD)
    page.click("button.primary")
    for path in (
        "queue",
        "queue?lang=en",
        "queue?words=没有这样的词&lang=zh",
        "nowhere",
        f"cases/{late}",
        f"cases/{soon}",
    ):
        page.goto(f"{desk.address}/console/{path}")
        assert faults(page) == [], path
    page.click("#leaf")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert faults(page) == []
    page.context.close()


def test_a_phone_never_scrolls_sideways(desk: Desk) -> None:
    page = desk.sit("zhou", viewport={"width": 390, "height": 844})
    for path in ("queue", page.locator("a.open").first.get_attribute("href")):
        page.goto(f"{desk.address}/console/{path}" if path == "queue" else f"{desk.address}{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.context.close()


def test_a_case_is_decided_without_scripts(desk: Desk) -> None:
    case = desk.put("存折丢了去挂失，柜员让我跑三趟，太折腾人了。")
    page = desk.sit("zhou", java_script_enabled=False)
    page.goto(desk.case(case))
    page.select_option("select[name=leaf]", "B01.03")
    page.click("#stay")
    assert leaf_of(desk, case) == "B01.03"
    page.context.close()


def faults(page: Page) -> list[str]:
    """What axe finds, as rule: place."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['target']} {fault['nodes'][0]['failureSummary'][:200]}"
        for fault in found
        if fault["impact"] in SERIOUS
    ]
