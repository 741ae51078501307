"""Webhooks over HTTP: made, listed, switched, forgotten; their dead messages sent again."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from data.store.scope import ROOT
from models.predictor import Predictor
from tests.data.store.cases import all_values, put, result
from tests.serving.banks import Bank, open_bank
from tests.serving.notifications.receiver import Receiver, receiving
from tests.serving.notifications.test_delivery import until

KIND = "case.high_risk"
HIGH = result(flags=("P02",))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@pytest.fixture
def bank(url: str, tiny_predictor: Predictor, receiver: Receiver) -> Iterator[Bank]:
    more = {"webhook_hosts": (receiver.host,), "webhook_retry_seconds": (0.05,)}
    with open_bank(url, tiny_predictor, **more) as opened:
        yield opened


def admin(bank: Bank, unit: str = "head") -> dict[str, str]:
    return bank.key(unit, role="admin")


def add(bank: Bank, headers: dict[str, str], url: str, **more: Any) -> Any:
    return bank.client.post("/v1/webhooks", headers=headers, json={"name": "告警", "url": url, "kinds": [KIND], **more})


def states(bank: Bank, headers: dict[str, str], webhook_id: str, state: str) -> list[str]:
    answer = bank.client.get(f"/v1/webhooks/{webhook_id}/deliveries", params={"state": state}, headers=headers)
    assert answer.status_code == 200, answer.text
    return [row["message_id"] for row in answer.json()["deliveries"]]


def test_from_a_case_to_a_signed_message(bank: Bank, receiver: Receiver) -> None:
    """The secret is shown once, opens the signature, and stands nowhere in clear."""
    headers = admin(bank)
    made = add(bank, headers, receiver.url)
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    listed = bank.client.get("/v1/webhooks", headers=headers).json()["webhooks"]
    assert [(row["id"], "secret" in row) for row in listed] == [(made.json()["id"], False)]
    case = put(bank.store, result=HIGH)
    until(lambda: receiver.requests)
    [(sent, body)] = receiver.requests
    assert Webhook(secret).verify(body, sent)["data"]["case_id"] == case.id
    assert [table for table, value in all_values(bank.store) if secret.removeprefix("whsec_") in value] == []
    until(lambda: states(bank, headers, made.json()["id"], "delivered") == [sent["webhook-id"]])


def test_dead_messages_are_listed_and_sent_again(bank: Bank, receiver: Receiver) -> None:
    headers = admin(bank)
    webhook_id = add(bank, headers, receiver.url).json()["id"]
    receiver.status = 404
    put(bank.store, result=HIGH)
    until(lambda: states(bank, headers, webhook_id, "dead"))
    assert len(receiver.requests) == 2
    receiver.status = 200
    resend = f"/v1/webhooks/{webhook_id}/deliveries/resend"
    assert bank.client.post(resend, headers=headers, json={"message_ids": ["msg_x"]}).json() == {"resent": 0}
    assert bank.client.post(resend, headers=headers, json={}).json() == {"resent": 1}
    until(lambda: states(bank, headers, webhook_id, "delivered"))
    assert len(set(receiver.ids)) == 1
    assert states(bank, headers, webhook_id, "dead") == []


def test_a_host_that_is_not_listed_is_refused(bank: Bank) -> None:
    headers = admin(bank)
    for url in ("http://127.0.0.1:1/hook", "https://evil.example/", "http://169.254.169.254/"):
        answer = add(bank, headers, url)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "webhook_host_refused")
    assert bank.client.get("/v1/webhooks", headers=headers).json() == {"webhooks": []}


def test_a_branch_manages_and_gets_its_own_only(bank: Bank, receiver: Receiver) -> None:
    head, east, west = (admin(bank, unit) for unit in ("head", "east", "west"))
    own = add(bank, east, receiver.url).json()
    assert own["unit_id"] == "east"
    assert add(bank, east, receiver.url, unit="west").status_code == 404
    assert add(bank, east, receiver.url, kinds=["audit.head"]).json()["error"]["code"] == "webhook_kind_invalid"
    path = f"/v1/webhooks/{own['id']}"
    for method, at, body in (
        ("PATCH", path, {"is_active": False}),
        ("DELETE", path, None),
        ("GET", f"{path}/deliveries", None),
        ("POST", f"{path}/deliveries/resend", {}),
    ):
        assert bank.client.request(method, at, headers=west, json=body).status_code == 404
    assert bank.client.get("/v1/webhooks", headers=west).json() == {"webhooks": []}
    assert len(bank.client.get("/v1/webhooks", headers=head).json()["webhooks"]) == 1
    put(bank.store, unit_id="west", result=HIGH)
    case = put(bank.store, unit_id="east-1", result=HIGH)
    until(lambda: receiver.requests)
    assert [json.loads(body)["data"]["case_id"] for _, body in receiver.requests] == [case.id]


def test_switched_off_and_forgotten(bank: Bank, receiver: Receiver) -> None:
    headers = admin(bank)
    first, second = (add(bank, headers, receiver.url).json()["id"] for _ in range(2))
    off = bank.client.patch(f"/v1/webhooks/{first}", headers=headers, json={"is_active": False})
    assert off.json()["is_active"] is False
    assert bank.client.delete(f"/v1/webhooks/{second}", headers=headers).status_code == 204
    assert bank.client.delete(f"/v1/webhooks/{second}", headers=headers).status_code == 404
    put(bank.store, result=HIGH)
    until(lambda: not _waits(bank))
    assert states(bank, headers, first, "waiting") == receiver.requests == []
    with bank.store.reading() as work:
        actions = [entry.action for entry in work.audit.entries(within=ROOT) if entry.action.startswith("webhook.")]
    assert actions == ["webhook.removed", "webhook.switched", "webhook.added", "webhook.added"]


@pytest.mark.parametrize("role", ["system", "supervisor", "handler", "compliance"])
def test_other_roles_may_not(bank: Bank, receiver: Receiver, role: str) -> None:
    headers = bank.key(role=role)
    assert bank.client.get("/v1/webhooks", headers=headers).status_code == 403
    assert add(bank, headers, receiver.url).status_code == 403


def _waits(bank: Bank) -> bool:
    with bank.store.reading() as work:
        return work.outbox.waiting_since() is not None
