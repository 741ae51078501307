"""Taking complaints in at the console: once, by people, with the limits that the case then has."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from data.days import CHINA
from data.policy.schema import TICKET
from data.store.records import CaseFilter
from data.store.scope import ROOT
from data.store.tables import Case
from serving.console.notice import load_notice
from tests.serving.console.office import Office, Seat, form_token

TEXT = "信用卡年费说好首年免收，今天扣了三百六十元，客服答复不一，要求退还。手机13800138000。"
FIELDS = ("entry", "opened", "received", "unit")


def filled(seat: Seat, text: str = TEXT, **more: Any) -> dict[str, Any]:
    """The fields of a fresh form."""
    html = seat.get("/intake").text
    found = {name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', html) for name in FIELDS[:3]}
    fields = {name: unescape(value[1]) for name, value in found.items() if value}
    return fields | {"source": "counter", "unit": "east", "assignee": "me", "text": text} | more


def send(seat: Seat, fields: dict[str, Any], path: str = "/intake") -> Any:
    return seat.post(path, page="/intake", **fields)


def stored(office: Office) -> list[Case]:
    with office.store.reading() as work:
        return list(work.case_list.page(CaseFilter(), within=ROOT).cases)


def minutes_ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).astimezone(CHINA).strftime("%Y-%m-%dT%H:%M")


def test_a_form_is_one_case_however_often_it_is_sent(office: Office) -> None:
    seat = office.seat("wu")
    fields = filled(seat, source="pboc", regulator="银消转〔2026〕88号", due="2027-01-04", received=minutes_ago(3000))
    answers = [send(seat, fields) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    [case] = stored(office)
    assert answers[0].headers["location"] == f"/console/cases/{case.id}/receipt"
    assert (case.source, case.unit_id, case.regulator_reference) == ("pboc", "east", "银消转〔2026〕88号")
    assert case.received_at.astimezone(CHINA).strftime("%Y-%m-%dT%H:%M") == fields["received"]
    assert "13800138000" not in case.redacted_text
    with office.store.reading() as work:
        assert case.assignee_id == work.users.by_login("wu", within=ROOT).id
        assert [event.kind for event in work.events.of_case(case.id, within=ROOT)] == ["received", "assigned"]
        clocks = {clock.code: clock for clock in work.clocks.of_case(case.id, within=ROOT).clocks}
    assert str(clocks[TICKET].due_on) == "2027-01-04"
    receipt = seat.get(f"/cases/{case.id}/receipt").text
    assert case.id in receipt
    assert f"最迟 {clocks['D11'].due_on}" in receipt
    assert load_notice().asking in receipt
    assert "年费" not in receipt


def test_another_text_in_a_stored_form_is_refused_and_names_the_case(office: Office) -> None:
    seat = office.seat("wu")
    fields = filled(seat)
    number = send(seat, fields).headers["location"].split("/")[3]
    again = send(seat, fields | {"text": "完全不同的另一件事，理财亏损了。"})
    assert again.status_code == 409
    assert f"已受理为案件 {number}" in again.text
    assert "完全不同的另一件事" in again.text
    assert len(stored(office)) == 1


WRONG = [
    ({"text": "  "}, "请录入投诉内容"),
    ({"received": ""}, "请填写收到时间"),
    ({"received": "2199-01-01T00:00"}, "不能晚于现在"),
    ({"received": "1999-01-01T00:00"}, "早于十年前"),
    ({"due": "2020-01-01"}, "早于收到日期"),
    ({"due": "9999-12-31"}, "要求答复日期不正确"),
    ({"source": "rumour"}, "请选择来源"),
    ({"unit": "west"}, "没有该机构"),
    ({"text": "太长" * 10_001}, "最多 20000 字"),
    ({"order_type": "complaint"}, "请先核对"),
]


def test_what_is_wrong_is_said_beside_the_kept_fields(office: Office) -> None:
    seat = office.seat("wu")
    fields = filled(seat, customer="K77")
    token = form_token(seat.get("/intake").text)
    for wrong, says in WRONG:
        answer = seat.post("/intake", token=token, **(fields | wrong))
        assert answer.status_code in (404, 422), wrong
        assert says in answer.text
        assert 'value="K77"' in answer.text
    assert stored(office) == []


def test_the_preview_stores_nothing_and_shows_what_will_run(office: Office) -> None:
    seat = office.seat("wu")
    earlier = office.put(TEXT, customer="K77")
    with office.store.reading() as work:
        due = work.clocks.of_case(earlier, within=ROOT).clocks[0].due_on
    fields = filled(seat, customer="K77")
    part = send(seat, fields, "/intake/preview")
    assert part.status_code == 200
    assert "<html" not in part.text
    assert "13800138000" not in part.text
    for expected in (str(due), earlier, "内容几乎相同", "信用卡", "定价收费"):
        assert expected in part.text
    whole = send(seat, fields | {"then": "preview"})
    assert whole.status_code == 200
    assert earlier in whole.text
    assert [case.id for case in stored(office)] == [earlier]
    other = office.seat("he")
    assert earlier not in send(other, filled(other, customer="K77", unit="west"), "/intake/preview").text


def test_a_chosen_order_type_is_the_persons_decision(office: Office) -> None:
    seat = office.seat("zhou")
    fields = filled(seat, order_type="verification")
    part = send(seat, fields, "/intake/preview").text
    assert "没有办理期限" in part
    shown = dict(re.findall(r'name="(model_\w+)" value="([^"]*)"', part))
    assert set(shown) == {"model_leaf", "model_subcause", "model_channel"}
    chosen = fields | shown | {"leaf": "B03A.01", "channel": shown["model_channel"]}
    number = send(seat, chosen).headers["location"].split("/")[3]
    with office.store.reading() as work:
        [label] = work.labels.of_case(number, within=ROOT)
        case = work.cases.get(number, within=ROOT)
        assert label.user_id == work.users.by_login("zhou", within=ROOT).id
    assert (label.order_type, label.leaf, label.cause) == ("verification", "B03A.01", None)
    assert (case.order_type, case.due_at) == ("verification", None)
    assert "不适用投诉办理期限" in seat.get(f"/cases/{number}/receipt").text
    assert send(seat, chosen).status_code == 303
    with office.store.reading() as work:
        assert len(work.labels.of_case(number, within=ROOT)) == 1


def test_only_who_may_store_takes_in_and_only_supervisors_give_to_others(office: Office) -> None:
    assert office.seat("tan").get("/intake").status_code == 403
    handler, supervisor = office.seat("wu"), office.seat("zhou")
    with office.store.reading() as work:
        lin = work.users.by_login("lin", within=ROOT).id
    assert lin not in handler.get("/intake").text
    assert lin in supervisor.get("/intake").text
    refused = send(handler, filled(handler, assignee=lin))
    assert refused.status_code == 403
    assert stored(office) == []
    number = send(supervisor, filled(supervisor, assignee=lin)).headers["location"].split("/")[3]
    with office.store.reading() as work:
        assert work.cases.get(number, within=ROOT).assignee_id == lin
