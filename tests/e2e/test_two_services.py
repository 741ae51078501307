"""Two services on one PostgreSQL, as behind a balancer: a case has one owner, a message is told once, by one of them.

Real processes in production mode. What is to be told lies in the database before they start, so that both come upon all
of it at once.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from data.store.api_keys import NewApiKey
from data.store.outbox import AUDIT_HEAD, HIGH_RISK, REMINDER
from data.store.scope import ROOT
from data.store.sign_in import hash_password
from data.store.unit_of_work import Store, open_store
from eval.proofs.banks import Service
from tests.data.store.cases import Clock, build_organisation, master_key, masters, put, result, user_id
from tests.serving.banks import PASSWORD, bearer
from tests.serving.notifications.receiver import Receiver, receiving

CASES = 8
PATIENCE_SECONDS = 60
PEOPLE = ("handler-east", "supervisor-east")

pytestmark = pytest.mark.proof


@dataclass(frozen=True, kw_only=True)
class Pair:
    addresses: tuple[str, str]
    store: Store
    receiver: Receiver
    token: str
    case_ids: list[str]


@pytest.fixture
def pair(url: str, tmp_path: Path) -> Iterator[Pair]:
    """Two services; before they started, cases were stored that are overdue by now."""
    clock = Clock()
    clock.advance(days=-60)
    store = open_store(url, masters("2026a"), now=clock)
    build_organisation(store)
    with receiving() as receiver:
        token = _prepare(store, receiver)
        case_ids = [put(store, received_at=clock.now, result=result(flags=("P02",))).id for _ in range(CASES)]
        services = [_service(tmp_path / name, url, receiver) for name in ("one", "two")]
        try:
            with ThreadPoolExecutor() as threads:
                list(threads.map(Service.start, services))
            one, two = (f"http://127.0.0.1:{service.port}" for service in services)
            yield Pair(addresses=(one, two), store=store, receiver=receiver, token=token, case_ids=case_ids)
        finally:
            for service in services:
                service.stop()
    store.close()


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_nothing_is_done_twice(pair: Pair) -> None:
    """One test, since each start of two services costs seconds."""
    _no_case_is_claimed_twice(pair)
    _no_complaint_becomes_two_cases(pair)
    told = [(HIGH_RISK, case_id) for case_id in pair.case_ids] + [(REMINDER, case_id) for case_id in pair.case_ids]
    _wait(lambda: len(pair.receiver.requests) > len(told))
    with pair.store.reading() as work:
        messages = work.outbox.after(0, (HIGH_RISK, REMINDER, AUDIT_HEAD), within=ROOT)
        reminders = [row for case_id in pair.case_ids for row in work.reminders.of_case(case_id, within=ROOT)]
    found = Counter((message.kind, message.case_id) for message in messages)
    assert found == Counter(told) + Counter({(AUDIT_HEAD, None): 1})
    assert [message.position for message in messages] == list(range(1, len(messages) + 1))
    assert Counter(reminder.case_id for reminder in reminders) == Counter(pair.case_ids)
    _wait(lambda: _waiting(pair.store) == 0)
    assert Counter(pair.receiver.ids) == Counter(message.id for message in messages)


def _no_case_is_claimed_twice(pair: Pair) -> None:
    people = [_signed_in(address, login) for address, login in zip(pair.addresses, PEOPLE, strict=True)]
    for case_id in pair.case_ids:
        path = f"/v1/cases/{case_id}/claim"
        answers = _at_once(pair.addresses, path, [(headers, None) for headers in people])
        assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]
        with pair.store.reading() as work:
            owners = work.assignments.of_case(case_id, within=ROOT)
        assert len(owners) == 1
        winner = next(i for i, answer in enumerate(answers) if answer.status_code == 200)
        assert owners[0].user_id == user_id(pair.store, PEOPLE[winner])


def _no_complaint_becomes_two_cases(pair: Pair) -> None:
    for number in range(3):
        body = {"text": f"第{number}次来电：卡里少了钱", "external_id": f"H{number}"}
        answers = _at_once(pair.addresses, "/v1/triage?store=true", [(bearer(pair.token), body)] * 2)
        assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
        cases = [answer.json()["case"] for answer in answers]
        assert cases[0]["id"] == cases[1]["id"]
        assert sorted(case["is_new"] for case in cases) == [False, True]


def _prepare(store: Store, receiver: Receiver) -> str:
    """A webhook, two people, a hotline's key; the key's token."""
    hashed = hash_password(PASSWORD)
    with store.writing() as work:
        kinds = (HIGH_RISK, REMINDER, AUDIT_HEAD)
        work.webhooks.add(name="测试", url=receiver.url, unit_id="head", kinds=kinds, within=ROOT)
        for login in PEOPLE:
            person = work.users.by_login(login, within=ROOT).id
            work.sign_in.set_password(person, hashed, actor_id="test", within=ROOT)
        scopes = ("triage", "cases.store", "cases.read")
        new = NewApiKey(name="热线", source_system="hotline-two", role="system", unit_id="west", scopes=scopes)
        return work.api_keys.add(new, actor_id="test", within=ROOT).token


def _service(folder: Path, url: str, receiver: Receiver) -> Service:
    folder.mkdir()
    environment = {
        "XIAOBAO_ENVIRONMENT": "production",
        "XIAOBAO_DATA_FOLDER": str(folder),
        "XIAOBAO_DATABASE_URL": url,
        "XIAOBAO_MASTER_KEYS": master_key("2026a"),
        "XIAOBAO_WEBHOOK_HOSTS": receiver.host,
        "XIAOBAO_WORKERS": "1",
    }
    return Service(folder, environment)


def _signed_in(address: str, login: str) -> dict[str, str]:
    """Retried while the service is too busy to hash in time."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        body = {"login": login, "password": PASSWORD}
        answer = httpx.post(f"{address}/v1/sessions", json=body, timeout=30, trust_env=False)
        if answer.status_code != 503 or time.monotonic() > end:
            return bearer(answer.json()["token"])


def _at_once(
    addresses: tuple[str, str], path: str, calls: list[tuple[dict[str, str], dict[str, object] | None]]
) -> list[httpx.Response]:
    """The same call at both services, as close together as threads can."""
    barrier = threading.Barrier(len(addresses))

    def call(address: str, headers: dict[str, str], body: dict[str, object] | None) -> httpx.Response:
        with httpx.Client(base_url=address, headers=headers, timeout=30, trust_env=False) as client:
            client.get("/healthz")  # connected
            barrier.wait()
            return client.post(path, json=body)

    with ThreadPoolExecutor() as threads:
        futures = [threads.submit(call, address, *one) for address, one in zip(addresses, calls, strict=True)]
        return [future.result() for future in futures]


def _waiting(store: Store) -> int:
    with store.reading() as work:
        return work.deliveries.state(within=ROOT).waiting


def _wait(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
