"""The case page over HTTP, as a browser without scripts sends it: deciding, conflicts, undo, notes, originals."""

import re
from collections.abc import Sequence
from typing import Any

from data.store.label_tables import Label
from data.store.scope import ROOT
from tests.serving.console.office import Office, Seat, fields_of

ELDERLY = "我母亲78岁，存定期时经理说保本保息，回家发现是保险，要五年才能取，不然打12378投诉。"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>信用卡年费多扣了，要求退还。"
SECRET = "我叫王丽，手机13800138000，信用卡年费多扣了三百元，要求退还。"


def labels_of(office: Office, case_id: str) -> Sequence[Label]:
    with office.store.reading() as work:
        return work.labels.of_case(case_id, within=ROOT)


def flags_of(office: Office, case_id: str) -> tuple[str, ...]:
    with office.store.reading() as work:
        return work.cases.flags(case_id, within=ROOT)


def decide(seat: Seat, case_id: str, *, fields: dict[str, Any] | None = None, **changes: Any) -> Any:
    path = f"/cases/{case_id}"
    fields = fields or fields_of(seat.get(path).text, case_id)
    return seat.post(f"{path}/label", page=path, **fields | changes)


def test_the_page_shows_words_and_what_they_show(office: Office) -> None:
    case = office.put(ELDERLY, source="counter")
    page = office.seat("zhou").get(f"/cases/{case}").text
    assert re.search(r'<mark class="S"[^>]*data-tip="[^"]*S01 存款变保险等 \d\d%（[^）]+）', page)
    assert re.search(r'<mark class="E"[^>]*data-tip="[^"]*E04', page)
    text = re.search(r'<p class="complaint"[^>]*>(.*?)</p>', page, re.DOTALL)
    assert text
    assert re.sub(r"<[^>]+>", "", text[1]) == ELDERLY
    assert "最迟" in page
    assert "柜面" in page


def test_confirming_is_a_label_and_leads_on(office: Office) -> None:
    first, second = office.put(ELDERLY), office.put(SECRET)
    seat = office.seat("zhou")
    page = seat.get(f"/cases/{first}?decided=no").text
    answer = decide(seat, first, fields=fields_of(page, first), then="next", seconds="7.5")
    assert answer.headers["location"] == f"/console/cases/{second}?decided=no&did={first}"
    [label] = labels_of(office, first)
    assert label.seconds_spent <= 7.5
    assert set(label.flags) == set(flags_of(office, first))
    following = seat.get(f"/cases/{second}?decided=no&did={first}").text
    assert f"已确认 {first}" in following
    last = decide(seat, second, then="next", list="decided=no")
    assert last.headers["location"] == f"/console/queue?decided=no&did={second}"
    assert "全部案件均已确认" in seat.get(f"/queue?decided=no&did={second}").text


def test_a_correction_says_what_it_changed_and_can_be_undone(office: Office) -> None:
    case, seat = office.put(ELDERLY), office.seat("zhou")
    answer = decide(seat, case, leaf="B02.01", causes2=["C01"], then="stay")
    assert answer.headers["location"] == f"/console/cases/{case}?did={case}"
    page = seat.get(f"/cases/{case}?did={case}").text
    assert "贷款 › 个人住房贷款" in page
    assert "已由周敏确认" in page
    event = re.search(r'name="event" value="(\d+)"', page)
    assert event
    undone = seat.post(f"/cases/{case}/undo", page=f"/cases/{case}", event=event[1], list="")
    assert "undone=1" in undone.headers["location"]
    page = seat.get(f"/cases/{case}?undone=1").text
    assert "已撤销" in page
    assert "已由周敏确认" not in page
    with office.store.reading() as work:
        assert work.cases.get(case, within=ROOT).labelled_at is None
    assert seat.post(f"/cases/{case}/undo", page=f"/cases/{case}", event=event[1], list="").status_code == 409


def test_a_flag_goes_only_with_a_reason_and_nothing_typed_is_lost(office: Office) -> None:
    case, seat = office.put(ELDERLY), office.seat("zhou")
    refused = decide(seat, case, flag=["E08"], leaf="B02.01")
    assert refused.status_code == 422
    assert "理由" in refused.text
    kept = fields_of(refused.text, case)
    assert (kept["leaf"], kept["flag"]) == ("B02.01", ["E08"])
    assert not labels_of(office, case)
    assert decide(seat, case, fields=kept, reason="没有提到保险，手机13800138000").status_code == 303
    [label] = labels_of(office, case)
    assert label.flags == ["E08"]
    assert "13800138000" not in label.reason


def test_codes_that_do_not_fit_are_refused_with_the_fields(office: Office) -> None:
    case, seat = office.put(ELDERLY), office.seat("zhou")
    refused = decide(seat, case, leaf="B99.77", channel="counter")
    assert refused.status_code == 422
    assert fields_of(refused.text, case)["channel"] == "counter"
    assert decide(seat, case, order_type="consultation").status_code == 303
    [label] = labels_of(office, case)
    assert (label.cause, label.subcause) == (None, None)
    assert label.leaf is not None


def test_the_second_of_two_sees_who_was_first_and_keeps_their_fields(office: Office) -> None:
    case, first, second = office.put(ELDERLY), office.seat("zhou"), office.seat("lin")
    fields = fields_of(second.get(f"/cases/{case}").text, case)
    decide(first, case, leaf="B02.01")
    late = decide(second, case, fields=fields, leaf="B03A.01")
    assert late.status_code == 412
    assert "已由周敏确认" in late.text
    again = fields_of(late.text, case)
    assert again["leaf"] == "B03A.01"
    assert len(labels_of(office, case)) == 1
    assert decide(second, case, fields=again).status_code == 303
    assert [label.leaf for label in labels_of(office, case)] == ["B02.01", "B03A.01"]


def test_an_alerting_flag_goes_only_by_two_people(office: Office) -> None:
    case, first, second = (
        office.put("刚刚被骗共享屏幕转走三万元，请马上止付！"),
        office.seat("zhou"),
        office.seat("lin"),
    )
    decide(first, case, flag=[], reason="客户说已追回")
    assert "E07" in flags_of(office, case)
    path, button = f"/cases/{case}", f'action="/console/cases/{case}/confirm-flags"'
    assert "须由另一名主管复核" in first.get(path).text
    assert button not in first.get(path).text
    assert button not in office.seat("wu").get(path).text
    seen = fields_of(second.get(path).text, case)["seen"]
    assert first.post(f"{path}/confirm-flags", page=path, seen=seen, list="").status_code == 403
    assert second.post(f"{path}/confirm-flags", page=path, seen=seen, list="").status_code == 303
    assert "E07" not in flags_of(office, case)


def test_what_a_complaint_or_note_says_is_text_and_nothing_else(office: Office) -> None:
    case, seat = office.put(SCRIPT), office.seat("zhou")
    seat.post(f"/cases/{case}/notes", page=f"/cases/{case}", note="<script>alert(3)</script>", list='"><script>')
    for path in (f"/cases/{case}", "/queue", f"/cases/{case}?words=%22%3E%3Cscript%3Ealert(4)%3C/script%3E"):
        page = seat.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "&lt;script&gt;alert(1)" in page or "words" in path


def test_the_original_needs_a_reason_and_is_written_down(office: Office) -> None:
    case, seat = office.put(SECRET), office.seat("zhou")
    assert "13800138000" not in seat.get(f"/cases/{case}").text
    page = f"/cases/{case}"
    assert seat.post(f"{page}/reveal", page=page, reason="x").status_code == 422
    shown = seat.post(f"{page}/reveal", page=page, reason="核对客户身份", list="")
    assert "13800138000" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert "查看原文" in seat.get(page).text


def test_notes_and_handing_over(office: Office) -> None:
    case, handler = office.put(SECRET, unit="east-1"), office.seat("wu")
    page = f"/cases/{case}"
    handler.post(f"{page}/notes", page=page, note="客户手机13900139000，已致歉", list="decided=no")
    assert "13900139000" not in handler.get(page).text
    assert "已致歉" in handler.get(page).text
    assert handler.post(f"{page}/notes", page=page, note=" ").status_code == 422
    down = handler.post(f"{page}/hand-over", page=page, unit="east", list="")
    assert down.headers["location"] == f"/console/cases/{case}?did={case}"
    up = handler.post(f"{page}/hand-over", page=page, unit="head", note="超出权限", list="decided=no")
    assert up.headers["location"] == f"/console/queue?decided=no&did={case}"
    assert handler.get(page).status_code == 404
    flash = handler.get(f"/queue?did={case}").text
    assert f"已将 {case} 转交总行" in flash
    event = re.search(r'name="event" value="(\d+)"', flash)
    assert event
    assert handler.post(f"{page}/undo", event=event[1], list="").status_code == 303
    assert handler.get(page).status_code == 200
    assert handler.post(f"{page}/hand-over", page=page, unit="west", list="").status_code == 404


def test_related_cases_stand_beside(office: Office) -> None:
    first = office.put("委托代理人李某现就信用卡协商分期事宜投诉，要求贵行停息挂账，否则逐级举报。", customer="K1")
    second = office.put("委托代理人王某现就信用卡协商分期事宜投诉，要求贵行停息挂账，否则逐级举报。", customer="K1")
    elsewhere = office.put(
        "委托代理人张某现就信用卡协商分期事宜投诉，要求贵行停息挂账，否则逐级举报。", customer="K1", unit="west"
    )
    page = office.seat("zhou").get(f"/cases/{second}").text
    assert page.count(f'href="/console/cases/{first}"') >= 2
    assert "仅作提示，不降低优先级" in page
    assert elsewhere not in page


def test_an_erased_case_says_so(office: Office) -> None:
    case, seat = office.put(SECRET), office.seat("zhou")
    with office.store.writing() as work:
        work.originals.erase(case, actor_id="test", reason="客户要求删除", within=ROOT)
    page = seat.get(f"/cases/{case}")
    assert page.status_code == 200
    assert "已按规定删除" in page.text
    assert f'action="/console/cases/{case}/label"' not in page.text
