"""Sign-in at the bank's identity provider: a real one over HTTP, and what it must not get through with."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from joserfc.jwk import OctKey

from data.errors import SettingsError
from data.store.scope import ROOT
from data.store.unit_of_work import open_store
from models.predictor import Predictor
from serving.app import create_app
from serving.cli import main
from serving.console.oidc import provider_of
from tests.data.store.cases import master_key, masters
from tests.serving.banks import bank_settings
from tests.serving.console.complaints import found_bank
from tests.serving.console.office import Office, Seat
from tests.serving.console.provider import CLIENT, OTHER_KEY, SECRET, Provider, running_provider

BACK = "https://bank.example/console/oidc/callback"


@dataclass(kw_only=True)
class Doors:
    office: Office
    provider: Provider

    def link(self, login: str = "zhou", subject: str | None = None) -> None:
        with self.office.store.writing() as work:
            user_id = work.users.by_login(login, within=ROOT).id
            if subject is None:
                work.identities.mark(user_id, actor_id="test", within=ROOT)
            else:
                work.identities.link(
                    user_id, issuer=self.provider.issuer, subject=subject, actor_id="test", within=ROOT
                )

    def leave(self, seat: Seat, query: str = "") -> str:
        """Out to the provider; the path with which it sends the browser back."""
        away = seat.get(f"/oidc/start{query}")
        assert away.status_code == 303
        back = httpx.get(away.headers["location"]).headers["location"]
        assert back.startswith(BACK)
        return back.removeprefix("https://bank.example/console")

    def sign_in(self, seat: Seat | None = None) -> httpx.Response:
        seat = seat or self.office.seat()
        return seat.get(self.leave(seat))


@pytest.fixture
def doors(url: str, tmp_path: Path, shipped_predictor: Predictor) -> Iterator[Doors]:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    with running_provider() as provider:
        settings = bank_settings(
            url, oidc_issuer=provider.issuer, oidc_client_id=CLIENT, oidc_client_secret_file=secret,
            oidc_redirect_url=BACK,
        )  # fmt: skip
        store = open_store(url, masters("2026a"))
        found_bank(store)
        app = create_app(settings, shipped_predictor)
        with TestClient(app, base_url="https://bank.example", raise_server_exceptions=False) as client:
            yield Doors(
                office=Office(client=client, app=app, store=store, predictor=shipped_predictor), provider=provider
            )
        store.close()


def refusal(answer: httpx.Response, status: int = 401) -> str:
    assert answer.status_code == status, answer.text
    assert "xiaobao_session=" not in answer.headers.get("set-cookie", "")
    return answer.text


def test_a_linked_person_comes_in_and_goes_on(doors: Doors) -> None:
    doors.link(subject="subject-1")
    seat = doors.office.seat()
    assert "通过统一认证登录" in seat.get("/sign-in").text
    back = doors.leave(seat, "?next=/console/queue%3Fflag%3DE01")
    answer = seat.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/queue?flag=E01")
    assert "周敏 · 主管 · 东城分行" in seat.get("/queue").text
    refusal(seat.get(back))
    assert seat.get("/oidc/sign-out").headers["location"] == f"{doors.provider.issuer}/end?client_id={CLIENT}"
    with doors.office.store.writing() as work:
        work.users.change(work.users.by_login("zhou", within=ROOT).id, is_active=False, within=ROOT)
    assert "未关联本系统的在用人员" in refusal(doors.sign_in())


def test_a_mark_links_once_by_login_and_nobody_is_made(doors: Doors) -> None:
    assert "统一认证标识：subject-1" in refusal(doors.sign_in())
    with doors.office.store.reading() as work:
        before = len(work.users.all(within=ROOT))
    doors.link("lin")
    refusal(doors.sign_in())
    doors.link("zhou")
    assert doors.sign_in().status_code == 303
    doors.provider.person = {"sub": "subject-2", "preferred_username": "zhou"}
    refusal(doors.sign_in())
    doors.provider.person = {"sub": "subject-1", "preferred_username": "somebody"}
    assert doors.sign_in().status_code == 303
    with doors.office.store.reading() as work:
        assert len(work.users.all(within=ROOT)) == before
        actions = [entry.action for entry in work.audit.entries(within=ROOT)]
    assert actions.count("identity.linked") == 1


def test_a_token_that_lies_opens_nothing(doors: Doors) -> None:
    doors.link(subject="subject-1")
    now = int(time.time())
    lies: list[dict[str, Any]] = [
        {"nonce": "of-somebody-else"}, {"nonce": None}, {"aud": "another-client"}, {"aud": None},
        {"iss": "https://other.example"}, {"exp": now - 120}, {"exp": None}, {"sub": None},
        {"aud": [CLIENT, "another-client"]}, {"iat": now + 3600},
    ]  # fmt: skip
    for lie in lies:
        doors.provider.lies = lie
        assert "未通过校验" in refusal(doors.sign_in()), lie
    doors.provider.lies = {}
    doors.provider.key = OTHER_KEY
    assert "未通过校验" in refusal(doors.sign_in())
    doors.provider.key, doors.provider.algorithm = OctKey.import_key(SECRET), "HS256"  # type: ignore[assignment]
    assert "未通过校验" in refusal(doors.sign_in())


def test_what_this_browser_did_not_begin_is_refused(doors: Doors) -> None:
    doors.link(subject="subject-1")
    mine, other = doors.office.seat(), doors.office.seat()
    back = doors.leave(mine)
    assert "不是由本浏览器发起" in refusal(other.get(back))
    doors.leave(other)
    assert "不是由本浏览器发起" in refusal(other.get(back))
    mixed = doors.leave(other).split("code=")[1].split("&")[0]
    refusal(mine.get(f"/oidc/callback?code={mixed}&state={back.split('state=')[1]}"))
    assert doors.provider.refused == [mixed]
    assert "已取消或被拒绝" in refusal(mine.get("/oidc/callback?error=access_denied&state=x"))
    mine.client.cookies.set("xiaobao_oidc", "bm90IGpzb24", domain="bank.example", path="/console")
    refusal(mine.get(back))


def test_a_provider_that_is_gone_or_another_is_said(doors: Doors) -> None:
    issuer = doors.provider.issuer
    doors.provider.issuer = "https://other.example"
    assert "暂不可用" in refusal(doors.office.seat().get("/oidc/start"), 503)
    doors.provider.issuer = issuer
    assert doors.office.seat().get("/oidc/start").status_code == 303


def test_without_an_issuer_there_is_nothing_of_it(office: Office) -> None:
    assert office.seat().get("/oidc/start").status_code == 404
    assert "统一认证" not in office.seat().get("/sign-in").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_client_id": None},
        {"oidc_issuer": "http://id.bank.example"},
        {"oidc_redirect_url": "https://bank.example/elsewhere"},
        {"oidc_client_secret_file": Path("/nowhere/secret")},
        {"oidc_ca_file": Path("/nowhere/ca.pem")},
    ],
)
def test_half_a_setting_stops_the_start(wrong: dict[str, Any]) -> None:
    right = {"oidc_issuer": "https://id.bank.example", "oidc_client_id": "x", "oidc_redirect_url": BACK}
    assert provider_of(bank_settings("sqlite:///never-opened.db", **right)) is not None
    with pytest.raises(SettingsError, match="XIAOBAO_OIDC"):
        provider_of(bank_settings("sqlite:///never-opened.db", **(right | wrong)))


def test_people_are_linked_by_command(doors: Doors, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOBAO_DATABASE_URL", url)
    monkeypatch.setenv("XIAOBAO_MASTER_KEYS", master_key("2026a"))
    run = CliRunner().invoke
    assert run(main, ["user", "link", "zhou", "--subject", "subject-1"]).exit_code == 1
    monkeypatch.setenv("XIAOBAO_OIDC_ISSUER", doors.provider.issuer)
    assert run(main, ["user", "link", "zhou"]).exit_code == 2
    for command in (["link", "zhou", "--at-next-sign-in"], ["link", "zhou", "--subject", "subject-1"]):
        assert run(main, ["user", *command]).exit_code == 0
    assert doors.sign_in().status_code == 303
    taken = run(main, ["user", "link", "lin", "--subject", "subject-1"])
    assert taken.exit_code == 1
    assert run(main, ["user", "unlink", "zhou"]).exit_code == 0
    refusal(doors.sign_in())
