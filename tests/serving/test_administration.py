"""Units, people, keys, audit over HTTP: changes act at once, are written down, nobody gets more than they may."""

import threading
from typing import Any

import pytest
from httpx import Response

from data.store.scope import ROOT
from data.store.sign_in import ATTEMPTS
from tests.data.store.cases import user_id
from tests.serving.banks import PASSWORD, Bank, bearer

KEY = {"name": "热线", "source_system": "hotline", "unit_id": "east", "scopes": ["triage", "cases.store"]}
NEW_PASSWORD = "another horse battery"


def call(bank: Bank, method: str, path: str, headers: dict[str, str], body: Any = None) -> Response:
    answer: Response = bank.client.request(method, path, headers=headers, json=body)
    return answer


def code(answer: Response) -> str:
    return str(answer.json()["error"]["code"])


def audited(bank: Bank) -> list[tuple[str, str]]:
    """Actions and actors, oldest first."""
    with bank.store.reading() as work:
        return [(entry.action, entry.actor_id) for entry in reversed(work.audit.entries(within=ROOT))]


def test_a_new_branch_with_its_people_and_a_key(bank: Bank) -> None:
    admin = bank.person("admin")
    unit = call(bank, "POST", "/v1/units", admin, {"id": "south", "name": "南区分行", "parent_id": "head"})
    assert (unit.status_code, unit.json()["path"]) == (201, "/head/south/")
    person = {"login": "li", "name": "李", "role": "supervisor", "unit_id": "south", "password": PASSWORD}
    assert call(bank, "POST", "/v1/users", admin, person).status_code == 201
    session = bank.client.post("/v1/sessions", json={"login": "li", "password": PASSWORD})
    assert session.status_code == 201
    key = call(bank, "POST", "/v1/keys", admin, {**KEY, "unit_id": "south"})
    assert key.status_code == 201, key.text
    kept = call(bank, "POST", "/v1/triage?store=true", bearer(key.json()["token"]), {"text": "卡被盗刷了"})
    assert kept.json()["case"]["unit"] == "south"
    listed = call(bank, "GET", "/v1/keys", admin)
    assert key.json()["token"].rsplit("_", 1)[1] not in listed.text
    assert "hash" not in listed.text
    mine = user_id(bank.store, "admin")
    assert {("unit.added", mine), ("user.added", mine), ("password.set", mine), ("key.created", mine)} <= set(
        audited(bank)
    )


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"scopes": ["triage", "audit.read"]}, "scopes_invalid"),
        ({"scopes": ["cases.label"]}, "scopes_invalid"),
        ({"scopes": ["everything"]}, "scopes_invalid"),
        ({"role": "supervisor"}, "role_invalid"),
        ({"role": "admin", "scopes": ["keys.manage"]}, "role_invalid"),
        ({"role": "king"}, "role_invalid"),
        ({"source_system": " console "}, "source_reserved"),
        ({"scopes": []}, "request_invalid"),
        ({"texts_per_minute": 0}, "request_invalid"),
        ({"name": "a\0b"}, "request_invalid"),
        ({"secret_hash": "x"}, "request_invalid"),
    ],
)
def test_a_key_gets_no_more_than_its_role_and_no_role_of_a_person(
    bank: Bank, change: dict[str, Any], found: str
) -> None:
    answer = call(bank, "POST", "/v1/keys", bank.person("admin"), {**KEY, **change})
    assert (answer.status_code, code(answer)) == (422, found)


def test_rotation_and_revocation_act_at_once(bank: Bank) -> None:
    admin = bank.person("admin")
    made = call(bank, "POST", "/v1/keys", admin, KEY).json()
    key_id, old = made["key"]["id"], bearer(made["token"])
    assert call(bank, "GET", "/v1/me", old).status_code == 200
    new = bearer(call(bank, "POST", f"/v1/keys/{key_id}/rotate", admin, {"grace_hours": 0}).json()["token"])
    assert [call(bank, "GET", "/v1/me", headers).status_code for headers in (old, new)] == [401, 200]
    assert call(bank, "DELETE", f"/v1/keys/{key_id}", admin).status_code == 204
    assert call(bank, "GET", "/v1/me", new).status_code == 401
    again = call(bank, "POST", f"/v1/keys/{key_id}/rotate", admin, {"grace_hours": 0})
    assert (again.status_code, code(again)) == (409, "key_revoked")


def test_a_change_of_role_unit_or_state_acts_at_once(bank: Bank) -> None:
    admin, handler = bank.person("admin"), bank.person("handler-east")
    path = f"/v1/users/{user_id(bank.store, 'handler-east')}"
    assert "cases.label" in call(bank, "GET", "/v1/me", handler).json()["permissions"]
    call(bank, "PATCH", path, admin, {"role": "auditor"})
    assert "cases.label" not in call(bank, "GET", "/v1/me", handler).json()["permissions"]
    call(bank, "PATCH", path, admin, {"unit_id": "west"})
    assert call(bank, "GET", "/v1/me", handler).json()["unit"] == "west"
    call(bank, "PATCH", path, admin, {"is_active": False})
    assert call(bank, "GET", "/v1/me", handler).status_code == 401


def test_a_moved_unit_changes_what_is_seen_at_once(bank: Bank) -> None:
    admin, supervisor = bank.person("admin"), bank.person("supervisor-west")
    assert "east-1" not in call(bank, "GET", "/v1/units", supervisor).text
    assert call(bank, "PATCH", "/v1/units/east", admin, {"parent_id": "west"}).json()["path"] == "/head/west/east/"
    assert "east-1" in call(bank, "GET", "/v1/units", supervisor).text
    below_itself = call(bank, "PATCH", "/v1/units/west", admin, {"parent_id": "east-1"})
    assert code(below_itself) == "unit_invalid"


def test_nobody_changes_their_own_role(bank: Bank) -> None:
    answer = call(
        bank, "PATCH", f"/v1/users/{user_id(bank.store, 'admin')}", bank.person("admin"), {"role": "compliance"}
    )
    assert (answer.status_code, code(answer)) == (403, "own_account")


@pytest.mark.parametrize("change", [{}, {"role": None}, {"role": "system"}, {"role": "king"}, {"login": "x"}])
def test_a_change_that_is_none_is_refused(bank: Bank, change: dict[str, Any]) -> None:
    path = f"/v1/users/{user_id(bank.store, 'handler-east')}"
    assert call(bank, "PATCH", path, bank.person("admin"), change).status_code == 422


def test_ones_own_password_needs_the_old_one(bank: Bank) -> None:
    """Whatever the role, also an administrator's."""
    for login in ("handler-east", "admin"):
        headers, path = bank.person(login), f"/v1/users/{user_id(bank.store, login)}/password"
        for wrong in ({}, {"old_password": "wrong password 1"}):
            answer = call(bank, "POST", path, headers, {"password": NEW_PASSWORD, **wrong})
            assert (answer.status_code, code(answer)) == (403, "password_wrong")
        right = {"password": NEW_PASSWORD, "old_password": PASSWORD}
        assert call(bank, "POST", path, headers, right).status_code == 204
        assert call(bank, "GET", "/v1/me", headers).status_code == 401
        signed_in = bank.client.post("/v1/sessions", json={"login": login, "password": NEW_PASSWORD})
        assert signed_in.status_code == 201


def test_guessing_the_old_password_locks(bank: Bank) -> None:
    headers, path = bank.person("handler-east"), f"/v1/users/{user_id(bank.store, 'handler-east')}/password"
    for _ in range(ATTEMPTS):
        call(bank, "POST", path, headers, {"password": NEW_PASSWORD, "old_password": "wrong password 1"})
    right = call(bank, "POST", path, headers, {"password": NEW_PASSWORD, "old_password": PASSWORD})
    assert (right.status_code, code(right)) == (403, "password_wrong")


def test_an_administrator_sets_another_persons_password(bank: Bank) -> None:
    admin, path = bank.person("admin"), f"/v1/users/{user_id(bank.store, 'handler-east')}/password"
    weak = call(bank, "POST", path, admin, {"password": "short"})
    assert (weak.status_code, code(weak)) == (422, "password_weak")
    assert call(bank, "POST", path, admin, {"password": NEW_PASSWORD}).status_code == 204
    assert bank.client.post("/v1/sessions", json={"login": "handler-east", "password": NEW_PASSWORD}).status_code == 201


def test_the_audit_log_is_paged_and_verified(bank: Bank) -> None:
    auditor = bank.person("auditor")
    for _ in range(4):
        bank.give_password("handler-east")
    found: list[int] = []
    path = "/v1/audit?limit=2"
    while True:
        page = call(bank, "GET", path, auditor).json()
        found += [entry["seq"] for entry in page["entries"]]
        if page["next"] is None:
            break
        path = f"/v1/audit?limit=2&before={page['next']}"
    assert found == sorted(found, reverse=True)
    assert found[-1] == 1
    subject = user_id(bank.store, "handler-east")
    mine = call(bank, "GET", f"/v1/audit?subject={subject}", auditor).json()["entries"]
    assert [entry["action"] for entry in mine] == ["password.set"] * 4
    head = call(bank, "GET", "/v1/audit/head", auditor).json()["head"]
    verdict = call(bank, "GET", f"/v1/audit/verify?head={head}", auditor).json()
    assert (verdict["is_intact"], verdict["head"], verdict["problems"]) == (True, head, [])
    cut = call(bank, "GET", f"/v1/audit/verify?head=99:{'0' * 64}", auditor).json()
    assert (cut["is_intact"], cut["problems"]) == (False, [{"kind": "cut", "seq": 99}])
    assert call(bank, "GET", "/v1/audit/verify?head=x", auditor).status_code == 422


def test_two_administrators_add_the_same_login_once(bank: Bank) -> None:
    admin, statuses = bank.person("admin"), []
    body = {"login": "li", "name": "李", "role": "handler", "unit_id": "east"}

    def add() -> None:
        statuses.append(call(bank, "POST", "/v1/users", admin, body).status_code)

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409]
