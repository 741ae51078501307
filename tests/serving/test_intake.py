"""Complaints that are kept: answered only when committed, once per external_id, never at a neighbour's cost."""

from typing import Any

import pytest

from data.store.records import CaseFilter
from data.store.scope import ROOT
from eval.scale import cost
from serving import intake
from tests.data.store.cases import EAST
from tests.serving.banks import TOKEN, Bank, bearer

COMPLAINT = "信用卡被盗刷三千元，打客服没人管，要去银保监投诉。电话13912345678"


def send(bank: Bank, headers: dict[str, str], text: str = COMPLAINT, **more: Any) -> Any:
    return bank.client.post("/v1/triage", params={"store": "true"}, headers=headers, json={"text": text, **more})


def test_a_kept_complaint_is_answered_with_its_case(bank: Bank) -> None:
    answer = send(bank, bank.key(), external_id="H1", branch="east-1", region="东部", source="hotline")
    assert answer.status_code == 200, answer.text
    reference = answer.json()["case"]
    assert (reference["is_new"], reference["unit"]) == (True, "east-1")
    assert "probabilities" not in answer.json()
    with bank.store.reading() as work:
        case = work.cases.get(reference["id"], within=ROOT)
        results = work.triage_results.of_case(case.id, within=ROOT)
    assert (case.external_id, case.branch, case.region) == ("H1", "east-1", "东部")
    assert "13912345678" not in case.redacted_text
    assert results[0].probabilities["category"]


def test_without_store_nothing_is_kept(bank: Bank) -> None:
    answer = bank.client.post("/v1/triage", headers=bank.key(), json={"text": COMPLAINT})
    assert "case" not in answer.json()
    with bank.store.reading() as work:
        assert not work.case_list.page(CaseFilter(), within=ROOT).cases


def test_sent_twice_it_is_kept_once_and_answered_alike(bank: Bank) -> None:
    key = bank.key()
    first, second = (send(bank, key, external_id="H1").json() for _ in range(2))
    assert second.pop("case") == {**first.pop("case"), "is_new": False}
    assert second == first


def test_the_same_number_with_another_text_is_refused(bank: Bank) -> None:
    key = bank.key()
    send(bank, key, external_id="H1")
    again = send(bank, key, "房贷提前还款要收违约金", external_id="H1")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "external_id_reused")


def test_two_systems_may_use_the_same_number(bank: Bank) -> None:
    ids = {send(bank, bank.key(unit), external_id="H1").json()["case"]["id"] for unit in ("east", "west")}
    assert len(ids) == 2


def test_an_unknown_branch_loses_no_complaint(bank: Bank) -> None:
    reference = send(bank, bank.key(), branch="某某支行").json()["case"]
    assert reference["unit"] == "east"
    with bank.store.reading() as work:
        assert work.cases.get(reference["id"], within=EAST).branch == "某某支行"


def test_another_parts_unit_is_no_place_for_a_case(bank: Bank) -> None:
    assert send(bank, bank.key(), branch="west").json()["case"]["unit"] == "east"


def test_the_settings_token_triages_but_keeps_nothing(bank: Bank) -> None:
    headers = bearer(TOKEN)
    assert bank.client.post("/v1/triage", headers=headers, json={"text": COMPLAINT}).status_code == 200
    assert send(bank, headers).status_code == 403


def test_in_a_batch_each_item_has_its_own_case_or_error(bank: Bank) -> None:
    key = bank.key()
    send(bank, key, external_id="H2")
    items = [
        {"text": COMPLAINT, "external_id": "H1"},
        {"text": "完全是另一件事，理财亏了", "external_id": "H2"},
        {"text": ""},
        {"text": "柜台排队两个小时", "external_id": "H3"},
    ]
    answer = bank.client.post("/v1/triage/batch", params={"store": "true"}, headers=key, json={"items": items})
    results = answer.json()["results"]
    assert [(result["error"] or {}).get("code") for result in results] == [
        None,
        "external_id_reused",
        "text_empty",
        None,
    ]
    assert all(results[index]["answer"]["case"]["is_new"] for index in (0, 3))
    assert "probabilities" not in results[0]["answer"]


def test_an_item_that_cannot_be_stored_unexpectedly_fails_alone(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = intake.keep

    def fail(store: Any, complaint: Any, principal: Any) -> Any:
        if complaint.body.external_id == "H2":
            raise RuntimeError(complaint.body.text)
        return real(store, complaint, principal)

    monkeypatch.setattr(intake, "keep", fail)
    items = [{"text": COMPLAINT, "external_id": number} for number in ("H1", "H2", "H3")]
    answer = bank.client.post("/v1/triage/batch", params={"store": "true"}, headers=bank.key(), json={"items": items})
    assert [bool(result["answer"]) for result in answer.json()["results"]] == [True, False, True]
    assert answer.json()["results"][1]["error"]["code"] == "internal"
    assert "RuntimeError" in caplog.text
    assert "盗刷" not in caplog.text


def test_what_measures_the_costs_of_storing_stores(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "text_of", lambda number: f"{COMPLAINT}，第{number}件")
    bank.client.headers.update(bank.key())
    cost.store(bank.client, range(3))
    with bank.store.reading() as work:
        kept = work.case_list.page(CaseFilter(), within=ROOT).cases
    assert len(kept) == 3
