"""How a case goes on, over HTTP: more time with four eyes, escalation, closing with a root cause, replies, repeats."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest

from data.days import CHINA
from data.store.rectifications import NewRectification
from data.store.scope import ROOT
from data.store.tables import Case
from tests.serving.console.office import Office, Seat

TEXT = "信用卡年费去年说首年免，今年直接扣了三百六十元，要求退还年费。"


def put(office: Office, days: float = 2, text: str = TEXT) -> str:
    return office.put(text, received_at=datetime.now(UTC) - timedelta(days=days))


def stored(office: Office, case_id: str) -> Case:
    with office.store.reading() as work:
        return work.cases.get(case_id, within=ROOT)


def last_event(office: Office, case_id: str) -> str:
    with office.store.reading() as work:
        return work.events.of_case(case_id, within=ROOT)[-1].kind


def person(office: Office, login: str) -> str:
    with office.store.reading() as work:
        return work.users.by_login(login, within=ROOT).id


def send(seat: Seat, case_id: str, what: str, **fields: str) -> int:
    path = f"/cases/{case_id}"
    return seat.post(f"{path}/{what}", page=path, list="", **fields).status_code


def close(office: Office, seat: Seat, case_id: str, **more: str) -> int:
    with office.store.reading() as work:
        seen = work.cases.version(case_id, within=ROOT)
    now = datetime.now(CHINA).strftime("%Y-%m-%dT%H:%M")
    return send(seat, case_id, "close", **({"seen": seen, "outcome": "supported", "told_at": now} | more))


def test_more_time_is_decided_by_somebody_else_and_counts_once_told(office: Office) -> None:
    case, asker, approver = put(office), office.seat("lin"), office.seat("zhou")
    before = stored(office, case).due_at
    assert send(asker, case, "extension", step="D2|情况复杂", note="向卡组织调单") == 303
    extension = {"extension": "1", "answer": "approve", "sure": "yes"}
    assert 'name="answer"' not in asker.get(f"/cases/{case}").text
    assert send(asker, case, "extension/decide", **extension) == 403
    waiting = approver.get("/extensions").text
    assert case in waiting
    assert "查看并审批" in waiting
    assert send(approver, case, "extension/decide", **extension | {"sure": ""}) == 422
    assert send(approver, case, "extension/decide", **extension) == 303
    assert stored(office, case).due_at == before, "not told yet"
    assert send(approver, case, "extension/told", extension="1", notified_on=f"{datetime.now(CHINA):%F}") == 303
    assert stored(office, case).due_at == before + timedelta(days=15)  # type: ignore[operator]
    assert "没有待审批的延期申请" in approver.get("/extensions").text
    page = approver.get(f"/cases/{case}").text
    assert "已生效" in page
    assert "向卡组织调单" in page


def test_escalation_goes_one_level_up_to_a_named_person(office: Office) -> None:
    case = office.put(TEXT)
    with office.store.writing() as work:
        work.cases.hand_over(case, unit_id="east-1", actor_id="test", within=ROOT)
    seat = office.seat("zhou")
    page = seat.get(f"/cases/{case}").text
    assert "升级至东城分行" in page
    assert "周敏 · 东城分行" in page
    assert send(seat, case, "escalate", reason="不行", responsible=person(office, "lin")) == 422
    assert send(seat, case, "escalate", reason="超出网点权限", responsible=person(office, "he")) == 422
    with office.store.writing() as work:
        auditor = work.users.add(login="zhu", name="朱明", role="auditor", unit_id="east", within=ROOT).id
    assert send(seat, case, "escalate", reason="超出网点权限", responsible=auditor) == 422, "works on no case"
    assert send(seat, case, "escalate", reason="超出网点权限", responsible=person(office, "lin")) == 303
    found = stored(office, case)
    assert (found.unit_id, found.assignee_id, found.concerned_unit_id) == ("east", person(office, "lin"), "east-1")
    page = seat.get(f"/cases/{case}").text
    assert "升级至东城分行，责任人：林远" in page
    assert "超出网点权限" in page
    assert send(seat, case, "escalate", reason="分行无权减免", responsible="") == 303
    assert stored(office, case).unit_id == "head"


def test_closing_with_a_root_cause_reaches_the_board_and_can_be_undone(office: Office) -> None:
    case, seat = put(office), office.seat("zhou")
    assert close(office, seat, case, told_at="") == 409, "the complainant was not told"
    assert close(office, seat, case, redress="三百") == 422
    item = {"measure": "=到期提醒", "root": "C02.1", "owner": person(office, "wu"), "mend_due_on": "2099-01-31"}
    assert close(office, seat, case, redress="360.5", satisfaction="satisfied", responsible="yes", **item) == 303
    with office.store.reading() as work:
        [closing] = work.cases.closings(case, within=ROOT)
    assert (closing.redress_fen, closing.satisfaction, closing.is_responsible) == (36_050, "satisfied", True)
    page = seat.get(f"/cases/{case}?did={case}").text
    assert f"已办结 {case}" in page
    assert "360.50" in page
    for path in ("/rectification", "/rectification?state=under_way&subcause=C02.1&unit=east"):
        assert case in seat.get(path).text
    assert case not in seat.get("/rectification?state=finished").text
    assert case not in office.seat("he").get("/rectification").text
    assert "'=到期提醒" in seat.get("/rectification.csv").text
    with office.store.reading() as work:
        event = work.undoing.latest(case, user_id=person(office, "zhou"))
    assert event is not None
    assert send(seat, case, "undo", event=str(event.id)) == 303
    assert stored(office, case).status == "open"
    finish = {"page": "/rectification", "list": "", "do": "finish", "words": "已上线"}
    assert "已结束" in seat.post("/rectification/1", **finish).text, "dropped with the closing"
    assert close(office, seat, case, **item) == 303
    assert seat.get("/rectification?state=under_way").text.count("=到期提醒") == 1
    assert seat.post("/rectification/2", **finish).status_code == 303
    assert "观察中（0 件 / 0 天）" in seat.get("/rectification").text


def test_a_form_that_is_refused_comes_back_as_it_was_typed(office: Office) -> None:
    case, seat = put(office), office.seat("zhou")
    with office.store.reading() as work:
        seen = work.cases.version(case, within=ROOT)
    typed = {"outcome": "supported", "note": "已电话沟通", "measure": "改短信提醒", "list": "", "seen": seen}
    path = f"/cases/{case}"
    html = seat.post(f"{path}/close", page=path, told_at="", redress="360.5", **typed).text
    assert '<details id="close" open>' in html
    for value in ('value="360.5"', 'value="已电话沟通"', ">改短信提醒</textarea>", '"supported" selected'):
        assert value in html
    html = seat.post(f"{path}/close", page=path, told_at="", redress="三百", **typed | {"measure": ""}).text
    assert 'value="三百" aria-invalid="true" aria-describedby="why"' in html
    html = seat.post(f"{path}/escalate", page=path, list="", reason="不行").text
    assert '<details id="escalate" open>' in html
    assert 'value="不行"' in html
    assert '<details id="close">' in html
    assert stored(office, case).status == "open"


def test_the_board_goes_on_and_its_file_is_whole(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.console.rectification.ROWS", 2)
    case, seat = put(office), office.seat("zhou")
    item = NewRectification(subcause="C02.1", owner_id=person(office, "wu"), due_on=date(2099, 1, 31), measure="修订")
    with office.store.writing() as work:
        for _ in range(5):
            work.rectifications.open(case, item, actor_id=person(office, "zhou"), within=ROOT)
    address, seen = "/rectification?unit=east", []
    while address:
        page = seat.get(address).text
        seen.append(re.findall(r'id="item-(\d)"', page))
        found = re.search(r'rel="next" href="/console([^"]+)"', page)
        address = unescape(found[1]) if found else ""
    assert seen == [["5", "4"], ["3", "2"], ["1"]]
    assert seat.get("/rectification.csv?unit=east&after=3").text.count("修订") == 5


def test_reopening_says_why(office: Office) -> None:
    case, seat = put(office), office.seat("zhou")
    close(office, seat, case)
    with office.store.reading() as work:
        seen = work.cases.version(case, within=ROOT)
    reopening = {"seen": seen, "why": "mistake", "sure": "yes"}
    assert send(seat, case, "reopen", **reopening | {"why": "new_facts"}) == 422, "when did they come in?"
    assert send(seat, case, "reopen", **reopening | {"sure": ""}) == 422
    assert send(seat, case, "reopen", **reopening) == 303
    assert stored(office, case).status == "open"
    assert "误办结" in seat.get(f"/cases/{case}").text


def test_a_reply_is_filled_from_the_case_edited_and_redacted(office: Office) -> None:
    case, seat = put(office), office.seat("zhou")
    close(office, seat, case, redress="360")
    page = seat.get(f"/cases/{case}/reply?template=outcome").text
    for word in (case, "支持", "360.00 元", "东城分行"):
        assert word in page
    assert send(seat, case, "reply", text="") == 422
    assert send(seat, case, "reply", text="尊敬的客户：年费已退，详询13800138000。") == 303
    page = seat.get(f"/cases/{case}/reply").text
    assert "年费已退" in page
    assert "13800138000" not in page
    assert last_event(office, case) == "reply_saved"


def test_a_repeat_is_linked_and_both_go_on(office: Office) -> None:
    first, second, seat = put(office, 5), put(office, 1, TEXT + "还没人理！"), office.seat("zhou")
    assert "关联为其重复投诉" in seat.get(f"/cases/{second}").text
    assert send(seat, first, "repeat", earlier=second) == 422
    assert send(seat, second, "repeat", earlier=first) == 303
    assert "此后有 1 件重复投诉" in seat.get(f"/cases/{first}").text
    assert {stored(office, first).status, stored(office, second).status} == {"open"}
    assert send(seat, second, "repeat") == 303
    assert stored(office, second).repeats_case_id is None


def test_who_only_reads_sees_what_waits_and_may_do_nothing(office: Office) -> None:
    case, asker = office.put(TEXT), person(office, "wu")
    with office.store.writing() as work:
        work.extensions.request(case, step="D2", total=30, reason="情况复杂", user_id=asker, within=ROOT)
    auditor = office.seat("tan")
    page = auditor.get(f"/cases/{case}").text
    assert "待审批" in page
    assert 'name="answer"' not in page
    assert auditor.get("/extensions").status_code == 403
    for what in ("extension", "extension/decide", "extension/told", "close", "reopen", "escalate", "repeat", "reply"):
        assert send(auditor, case, what, sure="yes") == 403, what
