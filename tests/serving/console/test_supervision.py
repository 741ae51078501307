"""督办 and 紧急预警 over HTTP: who sees what, what waits in the head of every page, who may act."""

from datetime import UTC, datetime, timedelta

from data.store.scope import ROOT
from serving.clock_rounds import look_at_clocks
from serving.console.forms import new_entry
from tests.serving.console.office import Office, fields_of

FRAUD = "刚刚被骗共享屏幕转走五万元，请马上止付！"
FEE = "信用卡年费说好首年免，今年扣了三百六十元，要求退还。"
BAR = 'class="alert-bar"'


def person(office: Office, login: str) -> str:
    with office.store.reading() as work:
        return work.users.by_login(login, within=ROOT).id


def test_who_has_not_acted_is_pressed_and_acknowledges(office: Office) -> None:
    late = office.put(FEE, received_at=datetime.now(UTC) - timedelta(days=20))
    look_at_clocks(office.store)
    zhou, wu, he = office.seat("zhou"), office.seat("wu"), office.seat("he")
    page = zhou.get("/supervision").text
    assert late in page
    assert "未处理" in page
    assert 'class="badge">1<' in zhou.get("/queue").text
    assert late not in wu.get("/supervision").text  # nobody's case yet
    assert late not in he.get("/supervision").text
    # A handler sees no button for it, and has none.
    assert "/supervise" not in wu.get("/supervision").text
    token_page = f"/cases/{late}"
    form = {"to": person(office, "wu"), "note": "请今日联系客户", "entry": new_entry()}
    assert wu.post(f"/cases/{late}/supervise", page=token_page, **form).status_code == 403
    assert he.post(f"/cases/{late}/supervise", **form).status_code == 404
    assert zhou.post(f"/cases/{late}/supervise", **form | {"to": person(office, "he")}).status_code == 404
    assert zhou.post(f"/cases/{late}/supervise", **form | {"to": person(office, "tan")}).status_code == 404
    assert zhou.post(f"/cases/{late}/supervise", **form | {"note": " "}).status_code == 422
    assert zhou.post(f"/cases/{late}/supervise", **form | {"entry": ""}).status_code == 403
    assert [zhou.post(f"/cases/{late}/supervise", **form).status_code for _ in range(2)] == [303, 303]  # a double click
    assert zhou.get("/supervision").text.count("未签收") == 1
    page = wu.get("/supervision").text
    assert "请今日联系客户" in page
    assert 'class="badge">1<' in page
    [path] = {part.split('"')[0] for part in page.split('action="/console') if part.startswith("/supervision/")}
    assert zhou.post(path).status_code == 403  # not theirs to acknowledge
    assert he.post(path).status_code == 404
    assert wu.post(f"/supervision/{2**63}/acknowledge").status_code == 422
    answer = wu.post(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/cases/{late}")
    assert "请今日联系客户" in wu.get(f"/cases/{late}").text
    assert 'class="badge"' not in wu.get("/queue").text
    with office.store.writing() as work:
        work.events.add(late, "noted", actor_id=person(office, "wu"), within=ROOT, note="已联系")
    assert "没有提醒后未处理的案件" in zhou.get("/supervision").text
    assert late in zhou.get("/supervision?show=all").text


def test_an_urgent_alert_stands_on_every_page_until_taken(office: Office) -> None:
    case_id = office.put(FRAUD)
    zhou, wu, he, tan, shen = (office.seat(login) for login in ("zhou", "wu", "he", "tan", "shen"))
    for seat in (zhou, wu):
        assert BAR in seat.get("/queue").text
        assert "1 件紧急预警" in seat.get("/queue").text
    assert all(BAR not in seat.get("/queue").text for seat in (he, tan))  # elsewhere; who only reads
    assert BAR not in shen.get("/").text
    page = wu.get("/alerts").text
    assert case_id in page
    assert BAR not in page
    assert case_id not in he.get("/alerts").text
    assert [tan.get("/alerts").status_code, shen.get("/alerts").status_code] == [403, 403]
    [path] = {part.split('"')[0] for part in page.split('action="/console') if part.startswith("/alerts/")}
    assert he.post(path).status_code == 404
    assert wu.post(path, page="/alerts", token="0" * 64).status_code == 403
    answer = wu.post(path, page="/alerts")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/cases/{case_id}")
    assert BAR not in zhou.get("/queue").text
    assert "吴桐" in zhou.get("/alerts").text


def test_a_lowered_urgent_flag_waits_where_the_second_person_sees_it(office: Office) -> None:
    case_id = office.put(FRAUD)
    wu, zhou, lin = office.seat("wu"), office.seat("zhou"), office.seat("lin")
    page = f"/cases/{case_id}"
    fields = fields_of(zhou.get(page).text, case_id)
    fields |= {"flag": [flag for flag in fields["flag"] if flag != "E07"], "reason": "客户确认系本人操作"}
    assert zhou.post(f"{page}/label", page=page, **fields).status_code == 303
    shown = lin.get("/supervision").text
    assert "待您复核" in shown
    assert "客户确认系本人操作" in shown
    assert all("待您复核" not in seat.get("/supervision").text for seat in (zhou, wu))  # not who lowered it, no handler
    with office.store.reading() as work:
        version = work.cases.version(case_id, within=ROOT)
    assert zhou.post(f"{page}/confirm-flags", page=page, seen=version).status_code == 403
    assert lin.post(f"{page}/confirm-flags", page=page, seen=version).status_code == 303
    assert "待您复核" not in lin.get("/supervision").text
    with office.store.reading() as work:
        assert "E07" not in work.cases.flags(case_id, within=ROOT)
