"""The policy over HTTP: who reads it, who confirms it, and what of it a case shows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from data.errors import PolicyError, SettingsError
from data.policy.schema import default_policy
from data.store.clock_records import Reopening
from data.store.scope import ROOT
from models.predictor import Predictor
from serving.api.case_clocks import case_clocks
from serving.app import create_app
from serving.clock_rounds import look_at_clocks
from tests.data.policy.test_book import version, write_policy
from tests.data.store.cases import EAST, put, result, told
from tests.serving.banks import Bank, bank_settings, open_bank

CONFIRMATIONS = "/v1/policy/confirmations"


def rows(bank: Bank, headers: dict[str, str]) -> dict[str, dict[str, object]]:
    answer = bank.client.get("/v1/policy", headers=headers)
    assert answer.status_code == 200, answer.text
    return {row["code"]: row for row in answer.json()["rows"]}


def test_every_row_with_its_source(bank: Bank) -> None:
    found = rows(bank, bank.key())
    assert list(found) == list(default_policy().rows)
    assert found["D1"]["confidence"] == "A"
    assert found["D1"]["needs_confirmation"] is False
    content = {"duty": "bank", "told": "complainant", "limit": 15, "unit": "calendar_days"}
    assert found["D3"]["content"]["extends"] == "D1"  # type: ignore[index]
    assert found["D1"]["content"] == content | {"triggers": list(default_policy().clock_rows["D1"].triggers)}
    assert {code for code, row in found.items() if row["needs_confirmation"]} == default_policy().unconfirmed


def test_compliance_confirms_and_withdraws(bank: Bank) -> None:
    compliance = bank.person("compliance")
    answer = bank.client.post(f"{CONFIRMATIONS}/D7.2", headers=compliance)
    assert answer.status_code == 201
    assert rows(bank, compliance)["D7.2"]["confirmation"] == answer.json()
    assert bank.client.delete(f"{CONFIRMATIONS}/D7.2", headers=compliance).status_code == 204
    assert rows(bank, compliance)["D7.2"]["confirmation"] is None
    assert bank.client.delete(f"{CONFIRMATIONS}/D7.2", headers=compliance).status_code == 404
    assert bank.client.post(f"{CONFIRMATIONS}/D99", headers=compliance).status_code == 404
    refused = bank.client.post(f"{CONFIRMATIONS}/D1", headers=compliance)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_confirmable")


def test_nobody_else_confirms(bank: Bank) -> None:
    callers = [bank.key(), bank.key("head", role="compliance"), bank.person("supervisor-east"), bank.person("auditor")]
    for headers in callers:
        assert bank.client.post(f"{CONFIRMATIONS}/D7.2", headers=headers).status_code == 403
        assert bank.client.delete(f"{CONFIRMATIONS}/D7.2", headers=headers).status_code == 403
    assert bank.client.get("/v1/policy", headers=bank.person("engineer")).status_code == 403
    assert bank.client.get("/v1/policy").status_code == 401


def test_a_case_shows_its_clocks(bank: Bank) -> None:
    """Provisional until confirmed; the confirmation reaches the case with the next round."""
    now = datetime.now(UTC)
    case = put(bank.store, received_at=now, source="nfra")
    with bank.store.writing() as work:
        work.cases.close(case.id, told(datetime.now(UTC)), actor_id="x", within=EAST)
        reopening = Reopening(reason="trigger", trigger="review_applied", at=datetime.now(UTC))
        work.cases.reopen(case.id, reopening, actor_id="x", within=EAST)
    with bank.store.reading() as work:
        body = case_clocks(work, case.id, within=EAST)
    review = next(clock for clock in body.clocks if clock.code == "D7.2")
    assert (body.due_code, review.is_provisional, review.is_binding, review.state) == (None, True, False, "running")
    assert review.source == default_policy().clock_rows["D7.2"].source
    bank.client.post(f"{CONFIRMATIONS}/D7.2", headers=bank.person("compliance"))
    look_at_clocks(bank.store)
    with bank.store.reading() as work:
        body = case_clocks(work, case.id, within=EAST)
        assert work.cases.get(case.id, within=ROOT).due_code == body.due_code == "D7.2"
    assert not next(clock for clock in body.clocks if clock.code == "D7.2").is_provisional
    assert body.model_dump(mode="json")["policy_version"] == default_policy().version


def test_the_same_policy_decides_and_counts(url: str, tiny_predictor: Predictor, tmp_path: Path) -> None:
    write_policy(tmp_path, change=version("3.0.0"))
    settings = bank_settings(url, policy_folder=tmp_path)
    predictor = Predictor(tiny_predictor.bundle, policy=settings.read_policies().current)
    with open_bank(url, predictor, policy_folder=tmp_path) as bank:
        body = {"text": "信用卡被盗刷三千元，打客服没人管。", "external_id": "H-1"}
        answer = bank.client.post("/v1/triage?store=true", headers=bank.key(), json=body)
        assert answer.json()["versions"]["policy"] == "3.0.0"
        assert bank.client.get("/v1/policy", headers=bank.key()).json()["versions"] == ["1.2.0", "3.0.0"]
        number = answer.json()["case"]["id"]
        found = bank.client.get(f"/v1/cases/{number}", headers=bank.key())
        assert found.status_code == 200


def test_a_predictor_of_another_policy_does_not_start(url: str, tiny_predictor: Predictor, tmp_path: Path) -> None:
    write_policy(tmp_path, change=version("3.0.0"))
    with pytest.raises(SettingsError, match=r"decides by policy 1\.2\.0, the settings name 3\.0\.0"):
        TestClient(create_app(bank_settings(url, policy_folder=tmp_path), tiny_predictor)).__enter__()


def test_a_wrong_policy_folder_is_told_at_the_start(url: str, tiny_predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"holds no policy\.yaml"):
        TestClient(create_app(bank_settings(url, policy_folder=tmp_path), tiny_predictor)).__enter__()


def test_the_queue_over_http(bank: Bank) -> None:
    """Risk before time, page by page; a cursor belongs to its order."""
    now = datetime.now(UTC)
    for text, flags, days in (("a", ("P02",), 1), ("b", ("E01",), 9), ("c", ("E01",), 2)):
        due_at = now + timedelta(days=days)
        put(bank.store, text * 9, received_at=now, result=result(flags=flags), ticket_due_at=due_at)
    headers, found, after = bank.key(), [], None
    while True:
        wanted = {"order": "queue", "limit": 1} | ({"after": after} if after else {})
        page = bank.client.get("/v1/cases", params=wanted, headers=headers).json()
        found += [(case["flags"], case["due_code"], case["redacted_text"][0]) for case in page["cases"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert found == [(["E01"], "TICKET", "c"), (["E01"], "TICKET", "b"), (["P02"], "TICKET", "a")]
    refused = bank.client.get("/v1/cases", params={"order": "due", "after": after}, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "cursor_invalid")
    soon = bank.client.get("/v1/cases", params={"due_within_days": 2, "is_overdue": False}, headers=headers).json()
    assert {case["redacted_text"][0] for case in soon["cases"]} == {"a", "c"}
