"""政策, 人员, 密钥, 审计, 模型 over HTTP: what administrators, compliance and auditors do, and who else is kept out."""

import csv
import io
import re
import sqlite3

import pytest

from data.shares import Share
from data.store.scope import ROOT
from eval.proportions import share_with_interval
from tests.serving.console.office import Office, Seat, fields_of

ODD_DAYS = ("yesterday", "9999-12-31", "0001-01-01")
PAGES = {
    "/model": ("zhou", "wu", "he", "tan", "gu", "jin"),
    "/policy": ("zhou", "wu", "he", "tan", "gu"),
    "/users": ("shen",),
    "/keys": ("shen",),
    "/audit": ("tan", "gu", "shen"),
}


def links(seat: Seat) -> set[str]:
    nav = seat.get("/model").text if seat.get("/model").status_code == 200 else seat.get("/").text
    return set(re.findall(r'<a href="/console(/[a-z]+)"', nav.split("</nav>")[0]))


def test_each_page_and_its_link_are_for_their_roles_alone(office: Office) -> None:
    for login in ("zhou", "wu", "tan", "shen", "gu", "jin"):
        seat = office.seat(login)
        may = {path for path, logins in PAGES.items() if login in logins}
        assert {path for path in PAGES if seat.get(path).status_code == 200} == may, login
        assert {path for path in PAGES if seat.get(path).status_code == 403} == PAGES.keys() - may, login
        assert links(seat) & PAGES.keys() == may, login
    with office.store.writing() as work:  # the log is the whole bank's
        work.users.change(work.users.by_login("tan", within=ROOT).id, unit_id="east", within=ROOT)
    office.app.state.authenticator.forget()
    assert office.seat("tan").get("/audit").status_code == 403


def test_a_person_is_added_changed_and_locked_out(office: Office) -> None:
    shen = office.seat("shen")
    new = {"login": "mei", "name": "梅青", "role": "handler", "unit": "east", "email": "mei@bank.example"}
    assert shen.post("/users", page="/users", **new, password="another horse battery").status_code == 303
    assert shen.post("/users", page="/users", **new).status_code == 409
    for wrong in ({"email": "none"}, {"role": "system"}, {"login": "a b"}):
        assert shen.post("/users", page="/users", **new | {"login": "other"} | wrong).status_code == 422
    mei = office.seat("mei", "another horse battery")
    assert mei.get("/queue").status_code == 200
    with office.store.reading() as work:
        ids = {user.login: user.id for user in work.users.all(within=ROOT)}
    change = {"role": "auditor", "unit": "west", "email": "", "active": "no"}
    assert shen.post(f"/users/{ids['mei']}", page="/users", **change).status_code == 303
    assert mei.get("/queue").headers["location"].startswith("/console/sign-in")
    with office.store.reading() as work:
        user = work.users.get(ids["mei"], within=ROOT)
        assert (user.role, user.unit_id, user.email, user.is_active) == ("auditor", "west", None, False)
    own = shen.post(f"/users/{ids['shen']}", page="/users", role="supervisor")
    assert (own.status_code, "不能修改自己" in own.text) == (403, True)
    assert office.seat("zhou").post(f"/users/{ids['wu']}", role="admin").status_code == 403
    assert shen.post("/users/never", page="/users", role="auditor").status_code == 404


def test_a_key_is_shown_once_works_rotates_and_ends(office: Office) -> None:
    shen = office.seat("shen")
    new = {"name": "热线", "source": "hotline-2", "unit": "east", "role": "system", "scope": ["triage"]}
    made = shen.post("/keys", page="/keys", **new)
    token = re.search(r'class="token">(xb_[^<]+)<', made.text)
    assert token
    assert made.headers["cache-control"] == "no-store"
    assert token[1] not in shen.get("/keys").text

    def works(key: str) -> int:
        answer = office.client.post("/v1/triage", json={"text": "年费"}, headers={"Authorization": f"Bearer {key}"})
        return answer.status_code

    assert works(token[1]) == 200
    [path] = set(re.findall(r'action="/console(/keys/[0-9a-f]+)/rotate"', made.text))
    for hours in ("-1", "9" * 5000):
        assert shen.post(f"{path}/rotate", page="/keys", hours=hours).status_code == 422
    rotated = re.search(r'class="token">(xb_[^<]+)<', shen.post(f"{path}/rotate", page="/keys", hours="0").text)
    assert rotated
    assert (works(token[1]), works(rotated[1])) == (401, 200)
    assert shen.post(f"{path}/revoke", page="/keys").status_code == 303
    assert works(rotated[1]) == 401
    assert shen.post(f"{path}/rotate", page="/keys", hours="1").status_code == 409
    no_days = [{"expires": day} for day in ODD_DAYS]
    for wrong in ({"scope": []}, {"scope": ["cases.label"]}, {"role": "supervisor"}, *no_days):
        assert shen.post("/keys", page="/keys", **new | wrong).status_code == 422, wrong


def test_compliance_confirms_a_row_from_memory(office: Office) -> None:
    gu, zhou = office.seat("gu"), office.seat("zhou")
    page = gu.get("/policy?show=open").text
    codes = re.findall(r'action="/console/policy/([^/]+)/confirm"', page)
    assert codes
    assert "/confirm" not in zhou.get("/policy").text
    assert zhou.post(f"/policy/{codes[0]}/confirm").status_code == 403
    assert gu.post(f"/policy/{codes[0]}/confirm", page="/policy").status_code == 303
    assert codes[0] not in re.findall(r'action="/console/policy/([^/]+)/confirm"', gu.get("/policy").text)
    assert "顾宁" in zhou.get("/policy").text
    assert gu.post("/policy/D1/confirm", page="/policy").status_code == 409
    assert gu.post(f"/policy/{codes[0]}/withdraw", page="/policy").status_code == 303
    assert codes[0] in re.findall(r'action="/console/policy/([^/]+)/confirm"', gu.get("/policy").text)


def test_the_log_is_filtered_verified_and_taken_along(office: Office) -> None:
    case_id = office.put("卡被盗刷三千元")
    zhou, tan = office.seat("zhou"), office.seat("tan")
    assert zhou.post(f"/cases/{case_id}/reveal", reason="=核对身份").status_code == 200

    def found(query: str) -> set[str]:
        rows = tan.get(f"/audit?{query}").text.partition("<tbody>")[2]
        return set(re.findall(r'title="([a-z_.]+)"', rows))

    assert found(f"subject={case_id}") == {"original.revealed"}
    assert found("who=zhou&what=original.revealed") == {"original.revealed"}
    assert found("who=tan") == {"session.opened"}
    assert found("since=2020-01-01&until=2020-12-31") == set()
    for day in ODD_DAYS:
        assert [tan.get(f"/audit?{name}={day}").status_code for name in ("since", "until")] == [422, 422], day
    assert tan.get(f"/audit?before={2**64}").status_code == 200
    assert "尚未在工作台校验" in tan.get("/audit").text
    assert tan.post("/audit/verify", page="/audit").status_code == 303
    assert "链完整" in tan.get("/audit").text
    answer = tan.get(f"/audit.csv?subject={case_id}")
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["action"], row["subject"]) == ("original.revealed", case_id)
    assert zhou.get("/audit.csv").status_code == 403


def test_a_damaged_chain_is_said_so(office: Office, url: str) -> None:
    if not url.startswith("sqlite:///"):
        pytest.skip("the damage is done with sqlite3")
    tan = office.seat("tan")
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute("UPDATE audit SET actor_id = 'x' WHERE seq = 1")
    database.close()
    tan.post("/audit/verify", page="/audit")
    assert "1 处损坏" in tan.get("/audit").text


def test_the_model_page_counts_how_often_people_agreed(office: Office) -> None:
    zhou = office.seat("zhou")
    assert "尚无人工确认" in zhou.get("/model").text
    for number in range(3):
        case_id = office.put(f"信用卡年费说好首年免，今年扣了{number + 3}百元，要求退还。")
        page = f"/cases/{case_id}"
        fields = fields_of(zhou.get(page).text, case_id)
        if number == 0:
            fields["channel"] = "self_service"  # which none of them is about
        assert zhou.post(f"{page}/label", page=page, **fields).status_code == 303
    shown = zhou.get("/model").text
    assert Share(count=3, n=3).words in shown
    channel = shown[shown.index("业务渠道") :]
    assert Share(count=2, n=3).words in channel
    assert "尚无人工确认" in office.seat("he").get("/model").text  # of other units


@pytest.mark.parametrize(("count", "n"), [(0, 7), (3, 3), (2, 3), (41, 60), (999, 1000)])
def test_intervals_are_those_of_scipy(count: int, n: int) -> None:
    interval = Share(count=count, n=n).interval
    assert interval is not None
    assert [count / n, *interval] == pytest.approx(share_with_interval(count, n), abs=1e-4)
