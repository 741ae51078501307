"""Tokens: which are let in, how long they are believed, what happens while the database is gone."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from data.errors import StoreUnavailableError
from data.store.scope import ROOT
from data.store.sign_in import ATTEMPTS
from serving.access.authentication import BELIEVED_SECONDS, BELIEVED_WITHOUT_DATABASE, Authenticator
from serving.access.principal import Principal, developer
from tests.data.store.cases import all_values, put, user_id
from tests.serving.banks import PASSWORD, Bank, bearer


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def key_id(headers: dict[str, str]) -> str:
    return headers["Authorization"].split("_")[1]


def me(bank: Bank, headers: dict[str, str]) -> int:
    return int(bank.client.get("/v1/me", headers=headers).status_code)


def forget(bank: Bank) -> None:
    bank.client.app.state.authenticator.forget()  # type: ignore[attr-defined]


def test_keys_and_sessions_are_let_in_and_nothing_else(bank: Bank) -> None:
    assert me(bank, bank.key()) == me(bank, bank.person("supervisor-east")) == 200
    assert me(bank, {}) == me(bank, bearer("xb_123_456")) == me(bank, bearer("nonsense")) == 401


def test_a_revoked_key_is_refused(bank: Bank) -> None:
    headers = bank.key()
    with bank.store.writing() as work:
        work.api_keys.revoke(key_id(headers), actor_id="test", within=ROOT)
    assert me(bank, headers) == 401


def test_after_a_rotation_the_old_secret_lives_as_long_as_was_said(bank: Bank) -> None:
    long, short = bank.key(), bank.key()
    with bank.store.writing() as work:
        for headers, grace in ((long, timedelta(days=1)), (short, timedelta())):
            issued = work.api_keys.rotate(key_id(headers), grace=grace, actor_id="test", within=ROOT)
    assert me(bank, bearer(issued.token)) == 200
    assert (me(bank, long), me(bank, short)) == (200, 401)


def test_a_wrong_password_is_refused_and_enough_of_them_lock(bank: Bank) -> None:
    bank.give_password("supervisor-east")
    wrong = {"login": "supervisor-east", "password": "wrong password 1"}
    answers = [bank.client.post("/v1/sessions", json=wrong).json()["error"]["code"] for _ in range(ATTEMPTS)]
    assert set(answers) == {"login_refused"}
    right = {"login": "supervisor-east", "password": PASSWORD}
    assert bank.client.post("/v1/sessions", json=right).status_code == 401
    unknown = bank.client.post("/v1/sessions", json={"login": "nobody", "password": PASSWORD})
    assert unknown.json()["error"]["code"] == "login_refused"


def test_signing_out_ends_the_session(bank: Bank) -> None:
    headers = bank.person("handler-east")
    assert bank.client.delete("/v1/sessions/current", headers=headers).status_code == 204
    assert me(bank, headers) == 401


def test_a_new_password_ends_the_sessions(bank: Bank) -> None:
    headers = bank.person("handler-east")
    bank.give_password("handler-east")
    assert me(bank, headers) == 401


def test_who_left_is_refused(bank: Bank) -> None:
    headers = bank.person("handler-east")
    with bank.store.writing() as work:
        work.users.change(user_id(bank.store, "handler-east"), is_active=False, within=ROOT)
    forget(bank)
    assert me(bank, headers) == 401


def test_no_secret_and_no_password_stands_in_the_database(bank: Bank) -> None:
    headers, person = bank.key(), bank.person("handler-east")
    put(bank.store)
    values = [value for _, value in all_values(bank.store)]
    for secret in (headers["Authorization"].rsplit("_", 1)[1], person["Authorization"].split(" ")[1], PASSWORD):
        assert not any(secret in value for value in values)


@pytest.mark.parametrize(("kind", "outlives"), [("key", True), ("person", False)])
def test_without_its_database_a_key_goes_on_and_a_session_does_not(kind: str, outlives: bool) -> None:
    seconds, gone = Seconds(), [False]
    known = replace(developer("head"), kind=kind)  # type: ignore[arg-type]

    async def look_up(_token: str) -> Principal | None:
        if gone[0]:
            raise StoreUnavailableError("gone")
        return known

    authenticator = Authenticator(api_token=None, look_up=look_up, clock=seconds)
    assert asyncio.run(authenticator.principal("t")) is known
    gone[0], seconds.now = True, BELIEVED_SECONDS + 1
    if outlives:
        assert asyncio.run(authenticator.principal("t")) is known
        seconds.now = BELIEVED_WITHOUT_DATABASE + 1
    with pytest.raises(StoreUnavailableError):
        asyncio.run(authenticator.principal("t"))


class Asked:
    """A store that answers when told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.times = 0
        self.answers = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, _token: str) -> Principal | None:
        self.times += 1
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        return developer("head")


def test_who_asks_at_once_asks_the_store_once() -> None:
    async def ask() -> int:
        asked = Asked()
        authenticator = Authenticator(api_token=None, look_up=asked, clock=Seconds())
        waiting = [asyncio.create_task(authenticator.principal("t")) for _ in range(50)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        asked.answers.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(one == developer("head") for one in found[1:])
        return asked.times

    assert asyncio.run(ask()) == 1


def test_in_a_steady_stream_nobody_waits_for_a_store_that_hangs() -> None:
    """It is asked beside the requests, and its silence changes nothing for a key until a quarter of an hour is over."""

    async def stream() -> int:
        asked, seconds = Asked(), Seconds()
        asked.answers.set()
        authenticator = Authenticator(api_token=None, look_up=asked, clock=seconds)
        await authenticator.principal("t")
        asked.answers.clear()
        asked.error = StoreUnavailableError("gone")
        for _ in range(int(BELIEVED_WITHOUT_DATABASE) - 10):
            seconds.now += 1
            assert await asyncio.wait_for(authenticator.principal("t"), 0.1) is not None
            asked.answers.set()  # the question of this second fails now
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            asked.answers.clear()
        return asked.times

    assert asyncio.run(stream()) < BELIEVED_WITHOUT_DATABASE / 4


def test_what_was_forgotten_while_the_store_was_asked_is_not_remembered() -> None:
    async def forget_meanwhile() -> int:
        asked = Asked()
        authenticator = Authenticator(api_token=None, look_up=asked, clock=Seconds())
        first = asyncio.create_task(authenticator.principal("t"))
        await asyncio.sleep(0)
        authenticator.forget("t")
        asked.answers.set()
        await first
        await authenticator.principal("t")
        return asked.times

    assert asyncio.run(forget_meanwhile()) == 2
