"""The queue over HTTP: order, filters in the address, paging, taking and giving, saved views."""

import base64
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from data.store.scope import ROOT
from serving.access.permissions import PERMISSIONS_OF_ROLE
from tests.serving.console.complaints import PEOPLE
from tests.serving.console.office import Office, Seat

FRAUD = "刚刚被骗共享屏幕转走五万元，请马上止付！"
FEE = "信用卡年费说好首年免，今年扣了三百六十元，要求退还。"
ENDLESS = base64.urlsafe_b64encode(b'[1e999, null, "2026-11-30T00:00:00Z", "x"]').decode().rstrip("=")
QUEUE = "西城分行柜台排队两个小时，大堂经理态度恶劣。"


def cases_of(html: str) -> list[str]:
    return re.findall(r'<tr data-case="([^"]+)"', html)


def cases_at(seat: Seat, query: str) -> list[str]:
    answer = seat.get(f"/queue?{query}")
    assert answer.status_code == 200
    return cases_of(answer.text)


def test_the_most_dangerous_comes_first_then_the_soonest_due(office: Office) -> None:
    now = datetime.now(UTC)
    young = office.put(FEE, received_at=now - timedelta(days=1))
    old = office.put(FEE.replace("三百", "四百"), received_at=now - timedelta(days=10))
    fraud = office.put(FRAUD, received_at=now - timedelta(hours=1))
    elsewhere = office.put(QUEUE, unit="west")
    assert cases_at(office.seat("zhou"), "") == [fraud, old, young]
    assert cases_at(office.seat("tan"), "")[0] == fraud
    assert elsewhere in cases_at(office.seat("tan"), "")


def test_filters_stand_in_the_address(office: Office) -> None:
    now = datetime.now(UTC)
    fraud, fee = office.put(FRAUD), office.put(FEE, unit="east-1", received_at=now - timedelta(days=20))
    seat = office.seat("zhou")
    for query, expected in (
        ("flag=E07", [fraud]),
        ("flag=E", [fraud]),
        ("category=B03B", [fee]),
        ("unit=east-1", [fee]),
        ("due=overdue", [fee]),
        ("due=soon", []),
        ("words=年费+退还", [fee]),
        ("assignee=me", []),
        ("assignee=none&flag=E07", [fraud]),
        ("decided=yes", []),
        ("status=closed", []),
        ("status=any&words=&flag=&category=B03B", [fee]),
    ):
        assert cases_at(seat, query) == expected, query
    page = seat.get("/queue?category=B03B&due=overdue").text
    assert f'href="/console/cases/{fee}?due=overdue&amp;category=B03B"' in page
    assert '<option value="B03B" selected>' in page
    for query in ("band=great", "flag=%3Cb%3E", "after=xyz", f"after={ENDLESS}", "unit=west"):
        assert seat.get(f"/queue?{query}").status_code in (404, 422)


def test_pages_follow_one_another_without_gap(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.console.queue.ROWS", 2)
    ids = {office.put(f"{FEE}第{n}次反映。") for n in range(5)}
    seat, found, path = office.seat("zhou"), [], "/queue?category=B03B"
    while path:
        html = seat.get(path).text
        found += cases_of(html)
        following = re.search(r'rel="next" href="/console([^"]+)"', html)
        path = following[1].replace("&amp;", "&") if following else ""
    assert len(found) == 5
    assert set(found) == ids


def test_empty_lists_say_what_would_appear(office: Office) -> None:
    seat = office.seat("zhou")
    assert "热线、柜面等渠道提交并保存的投诉会出现在这里" in seat.get("/queue").text
    assert "可放宽条件或清除筛选" in seat.get("/queue?flag=E01").text


def test_taking_and_giving(office: Office) -> None:
    case = office.put(FEE)
    handler, supervisor, other = office.seat("wu"), office.seat("zhou"), office.seat("lin")
    taken = handler.post("/queue/assign", case=case, to="me", list="flag=E")
    assert taken.headers["location"] == f"/console/queue?flag=E&did={case}"
    assert cases_at(handler, "assignee=me") == [case]
    lin = user_id(office, "lin")
    assert handler.post("/queue/assign", case=case, to="receiver", receiver=lin).status_code == 403
    given = supervisor.post("/queue/assign", case=case, to="receiver", receiver=lin)
    assert given.status_code == 303
    assert cases_at(other, "assignee=me") == [case]
    refused = handler.post("/queue/assign", case=case, to="me")
    assert refused.status_code == 409
    assert "林远" in refused.text
    assert handler.post("/queue/assign", to="me").status_code == 422
    undone = supervisor.post(f"/cases/{case}/undo", event=str(last_event(office, case)), list="")
    assert undone.status_code == 303
    assert cases_at(handler, "assignee=me") == [case]


def test_views_are_kept_by_name(office: Office) -> None:
    seat = office.seat("zhou")
    kept = seat.post("/queue/views", name="<b>急件", list="flag=E&due=soon&nonsense=1")
    assert kept.headers["location"] == "/console/queue?due=soon&flag=E"
    page = seat.get("/queue").text
    assert 'href="/console/queue?due=soon&amp;flag=E"' in page
    assert "&lt;b&gt;急件" in page
    assert "急件" not in office.seat("lin").get("/queue").text
    view = re.search(r'name="forget" value="(\d+)"', page)
    assert view
    office.seat("lin").post("/queue/views", forget=view[1], list="")
    assert "急件" in seat.get("/queue").text
    seat.post("/queue/views", forget=view[1], list="")
    assert "急件" not in seat.get("/queue").text


def test_new_cases_are_counted_not_slipped_in(office: Office) -> None:
    office.put(FEE)
    zhou, he = office.seat("zhou"), office.seat("he")
    found = re.search(r'data-address="/console(/queue/new[^"]+)"', zhou.get("/queue?flag=E07").text)
    assert found
    path = unescape(found[1])
    assert zhou.get(path).json() == {"count": 0}
    office.put(FRAUD)
    office.put(FEE)
    answer = zhou.get(path)
    assert answer.json() == {"count": 1}  # the fee is none of this list
    same = zhou.client.get(f"/console{path}", headers={"If-None-Match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert he.get(path).json() == {"count": 0}
    for moment in ("2026-11-30T10:00:00", "0001-01-01T00:00:00%2B08:00", "soon"):
        assert zhou.get(f"/queue/new?since={moment}").status_code == 422, moment
    for name in ("received_from", "received_to", "closed_from", "closed_to"):
        assert [zhou.get(f"/queue?{name}={day}").status_code for day in ("9999-12-31", "0001-01-01")] == [422, 422]


@pytest.mark.parametrize(("login", "role"), [(login, role) for login, _, role, _ in PEOPLE])
def test_a_role_sees_what_it_may_do_and_no_more(office: Office, login: str, role: str) -> None:
    case = office.put(FEE)
    office.put(QUEUE, unit="west")
    seat, permissions = office.seat(login), PERMISSIONS_OF_ROLE[role]
    queue = seat.get("/queue")
    assert queue.status_code == (200 if "cases.read" in permissions else 403)
    assert (FEE[:10] in queue.text) == ("cases.read" in permissions and login != "he")
    assert ('name="to" value="me"' in queue.text) == ("cases.label" in permissions)
    assert ('value="receiver"' in queue.text) == ("cases.assign" in permissions)
    page = seat.get(f"/cases/{case}")
    if "cases.read" not in permissions:
        assert page.status_code == 403
        assert "年费" not in page.text
    elif login == "he":
        assert page.status_code == 404
        assert "年费" not in page.text
    else:
        assert (f'action="/console/cases/{case}/label"' in page.text) == ("cases.label" in permissions)
        assert ("/reveal" in page.text) == ("cases.reveal" in permissions)
        assert ("assign-to" in page.text) == ("cases.assign" in permissions)
    for path in ("label", "notes", "assign", "hand-over", "undo", "reveal"):
        home = "/queue" if "cases.read" in permissions else "/"
        answer = seat.post(f"/cases/{case}/{path}", page=home, note="x", to="me", unit="head", reason="核对身份")
        needed = "cases.reveal" if path == "reveal" else "cases.label"
        if needed not in permissions:
            assert answer.status_code == 403, path
        elif login == "he":
            assert answer.status_code in (404, 409), path  # nothing of theirs to be undone


def user_id(office: Office, login: str) -> str:
    with office.store.reading() as work:
        return work.users.by_login(login, within=ROOT).id


def last_event(office: Office, case_id: str) -> int:
    with office.store.reading() as work:
        return work.events.of_case(case_id, within=ROOT)[-1].id
