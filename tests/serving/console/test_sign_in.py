"""Coming in and going out: cookies, tokens of forms, headers, and what a refusal tells."""

import re

import pytest
from fastapi.testclient import TestClient

from data.store.sign_in import ATTEMPTS
from models.predictor import Predictor
from serving.app import create_app
from serving.console.texts import FOLDER, LANGUAGES, texts
from serving.console.visitors import own_page
from serving.settings import Settings
from tests.serving.console.complaints import PASSWORD
from tests.serving.console.office import Office, form_token

PAGES = sorted(file.stem for file in FOLDER.glob("*.yaml"))


def test_a_page_leads_to_the_sign_in_form_and_back(office: Office) -> None:
    seat = office.seat()
    away = seat.get("/queue?flag=E01")
    assert away.status_code == 303
    assert away.headers["location"] == "/console/sign-in?next=%2Fconsole%2Fqueue%3Fflag%3DE01"
    form = seat.get("/sign-in?next=/console/queue?flag=E01")
    back = seat.post(
        "/sign-in", token=form_token(form.text), login="zhou", password=PASSWORD, next="/console/queue?flag=E01"
    )
    assert back.headers["location"] == "/console/queue?flag=E01"
    page = seat.get("/queue?flag=E01")
    assert page.status_code == 200
    assert "周敏 · 主管 · 东城分行" in page.text


def test_the_sessions_cookie_is_for_this_console_over_tls_only(office: Office) -> None:
    answer = office.seat().post("/sign-in", page="/sign-in", login="zhou", password=PASSWORD)
    [cookie] = [value for value in answer.headers.get_list("set-cookie") if value.startswith("xiaobao_session=")]
    assert {part.strip().lower() for part in cookie.split(";")[1:]} >= {
        "httponly", "secure", "path=/console", "samesite=lax",
    }  # fmt: skip


def test_nothing_but_our_own_files_runs_and_no_page_is_kept(office: Office) -> None:
    for answer in (
        office.seat().get("/sign-in"),
        office.seat("zhou").get("/queue"),
        office.seat("zhou").get("/nowhere"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" in answer.headers
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|javascript:|https?://", answer.text)


def test_files_are_named_by_what_is_in_them(office: Office) -> None:
    seat = office.seat()
    address = re.search(r'href="/console(/static/console\.[0-9a-f]{10}\.css)"', seat.get("/sign-in").text)
    assert address
    sheet = seat.get(address[1])
    assert sheet.status_code == 200
    assert "immutable" in sheet.headers["cache-control"]
    assert seat.get("/static/console.0000000000.css").status_code == 404


def test_a_refusal_is_the_same_for_unknown_wrong_and_locked(office: Office) -> None:
    def refusal(login: str, password: str) -> str:
        answer = office.seat().post("/sign-in", page="/sign-in", login=login, password=password)
        assert answer.status_code == 401
        assert "xiaobao_session" not in answer.headers.get("set-cookie", "")
        return re.sub(r'value="[^"]*"', "", answer.text)

    wrong = [refusal("zhou", "wrong wrong wrong") for _ in range(ATTEMPTS)]
    assert {refusal("nobody", PASSWORD), refusal("zhou", PASSWORD), *wrong} == {wrong[0]}


def test_forms_of_elsewhere_are_refused(office: Office) -> None:
    seat, other = office.seat("zhou"), office.seat("lin")
    token_of_other = form_token(other.get("/queue").text)
    for token in ("", "0" * 64, token_of_other):
        answer = seat.post("/queue/views", token=token, name="x", list="")
        assert answer.status_code == 403
        assert "未保存" in answer.text
    cross = seat.client.post(
        "/console/queue/views",
        data={"form_token": form_token(seat.get("/queue").text), "name": "x"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert cross.status_code == 403
    assert 'class="view"' not in seat.get("/queue").text
    assert office.seat().post("/sign-in", token="0" * 64, login="zhou", password=PASSWORD).status_code == 403


def test_signing_out_ends_the_session_here_and_there(office: Office) -> None:
    seat = office.seat("zhou")
    token = seat.client.cookies["xiaobao_session"]
    assert seat.post("/sign-out").headers["location"] == "/console/sign-in"
    seat.client.cookies.set("xiaobao_session", token, domain="bank.example", path="/console")
    assert seat.get("/queue").headers["location"].startswith("/console/sign-in?")
    assert "over=1" in seat.get("/queue").headers["location"]
    assert office.client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_key_is_no_visitor_and_a_header_no_cookie(office: Office) -> None:
    seat = office.seat("zhou")
    token = seat.client.cookies["xiaobao_session"]
    bare = office.client.get("/console/queue", headers={"Authorization": f"Bearer {token}"}, follow_redirects=False)
    assert bare.status_code == 303
    stranger = office.seat()
    stranger.client.cookies.set("xiaobao_session", "t0ken-of-the-tests-0123456789-abcdef", domain="bank.example")
    assert stranger.get("/queue").status_code == 303


@pytest.mark.parametrize(
    "address", ["//evil.example/console", "https://evil.example/console", "/v1/me", "/consolex", "/console\\..\\x", ""]
)
def test_the_way_back_never_leaves_the_console(address: str) -> None:
    assert own_page(address) == "/console"


def test_the_language_is_remembered(office: Office) -> None:
    seat = office.seat()
    assert "用户名" in seat.get("/sign-in").text
    assert "User name" in seat.get("/sign-in?lang=en").text
    assert "User name" in seat.get("/sign-in").text


@pytest.mark.parametrize("page", PAGES)
def test_every_text_stands_there_in_both_languages(page: str) -> None:
    """Reading checks that; the Chinese page has no English words beside codes, keys and the link to English."""
    for language in LANGUAGES:
        assert texts(page, language)


def test_without_a_store_there_is_no_console(settings: Settings, shipped_predictor: Predictor) -> None:
    assert TestClient(create_app(settings, shipped_predictor)).get("/console", follow_redirects=True).status_code == 404
