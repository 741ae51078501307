"""Work on cases over HTTP: labels that fit the taxonomy, nobody overwritten, two people for an alerting flag."""

from typing import Any

from httpx import Response

from data.store.scope import ROOT
from tests.data.store.cases import put, user_id
from tests.serving.access.matrix import DECISION
from tests.serving.banks import Bank

IRRELEVANT = {
    "order_type": "irrelevant", "category": None, "leaf": None, "cause": None, "subcause": None, "channel": "unknown",
}  # fmt: skip


def act(
    bank: Bank, headers: dict[str, str], case_id: str, action: str, body: Any = None, *, seen: str = ""
) -> Response:
    version = seen or bank.client.get(f"/v1/cases/{case_id}", headers=headers).headers.get("ETag", '"0.0"')
    sent = {**headers, "If-Match": version}
    answer: Response = bank.client.post(f"/v1/cases/{case_id}/{action}", headers=sent, json=body)
    return answer


def code(answer: Response) -> str:
    return str(answer.json()["error"]["code"])


def test_a_label_moves_the_case_and_gives_its_new_version(bank: Bank) -> None:
    handler, case_id = bank.person("handler-east"), put(bank.store).id
    answer = act(bank, handler, case_id, "labels", {**DECISION, "causes2": ["C11"]})
    assert answer.status_code == 201, answer.text
    assert answer.json()["case"]["channel"] == "electronic"
    case = bank.client.get(f"/v1/cases/{case_id}", headers=handler)
    assert case.headers["ETag"] == answer.headers["ETag"] == f'"{answer.json()["version"]}"'
    [label] = case.json()["labels"]
    assert (label["causes2"], label["seconds_spent"]) == (["C11"], 8)


def test_a_label_that_does_not_fit_says_where_and_repeats_nothing(bank: Bank) -> None:
    handler, case_id = bank.person("handler-east"), put(bank.store).id
    answer = act(bank, handler, case_id, "labels", {**DECISION, "leaf": "B02.01", "channel": "pigeon"})
    assert (answer.status_code, code(answer)) == (422, "label_invalid")
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == ["channel", "leaf"]
    assert "pigeon" not in answer.text
    irrelevant = {**IRRELEVANT, "reason": "与银行无关", "seconds_spent": 3}
    assert act(bank, handler, case_id, "labels", irrelevant).status_code == 201


def test_who_saw_an_earlier_version_decides_nothing(bank: Bank) -> None:
    first, second, case_id = bank.person("handler-east"), bank.person("supervisor-east"), put(bank.store).id
    seen = bank.client.get(f"/v1/cases/{case_id}", headers=second).headers["ETag"]
    assert act(bank, first, case_id, "labels", DECISION).status_code == 201
    late = act(bank, second, case_id, "labels", {**DECISION, "leaf": "B03A.01"}, seen=seen)
    assert (late.status_code, code(late)) == (412, "version_stale")
    blindly = bank.client.post(f"/v1/cases/{case_id}/labels", headers=second, json=DECISION)
    assert (blindly.status_code, code(blindly)) == (428, "version_missing")
    with bank.store.reading() as work:
        assert len(work.labels.of_case(case_id, within=ROOT)) == 1


def test_lowering_a_flag_needs_a_reason_and_an_alerting_one_a_second_person(bank: Bank) -> None:
    handler, supervisor, case_id = bank.person("handler-east"), bank.person("supervisor-east"), put(bank.store).id
    calm = {**DECISION, "flags": []}
    refused = act(bank, handler, case_id, "labels", calm)
    assert (refused.status_code, code(refused)) == (422, "reason_missing")
    lowered = act(bank, handler, case_id, "labels", {**calm, "reason": "客户已澄清，手机13800138000"}).json()
    assert (lowered["case"]["flags"], lowered["unconfirmed_flags"]) == (["E07"], ["E07"])
    confirmed = act(bank, supervisor, case_id, "labels/confirm").json()
    assert (confirmed["case"]["flags"], confirmed["unconfirmed_flags"]) == ([], [])
    history = bank.client.get(f"/v1/cases/{case_id}", headers=supervisor).text
    assert "客户已澄清" in history
    assert "13800138000" not in history


def test_a_supervisor_does_not_confirm_their_own_lowering(bank: Bank) -> None:
    supervisor, case_id = bank.person("supervisor-east"), put(bank.store).id
    act(bank, supervisor, case_id, "labels", {**DECISION, "flags": [], "reason": "模型误报"})
    answer = act(bank, supervisor, case_id, "labels/confirm")
    assert (answer.status_code, code(answer)) == (403, "second_person_needed")


def test_handlers_claim_and_supervisors_take_away(bank: Bank) -> None:
    handler, supervisor, case_id = bank.person("handler-east"), bank.person("supervisor-east"), put(bank.store).id
    assert act(bank, supervisor, case_id, "claim").status_code == 200
    assert code(act(bank, handler, case_id, "claim")) == "case_taken"
    assert code(act(bank, handler, case_id, "release")) == "case_taken"
    assert code(act(bank, handler, case_id, "hand-over", {"unit_id": "east-1"})) == "case_taken"
    mine = user_id(bank.store, "handler-east")
    assert act(bank, supervisor, case_id, "assign", {"user_id": mine}).json()["case"]["assignee_id"] == mine
    assert act(bank, handler, case_id, "release").json()["case"]["assignee_id"] is None
    assert act(bank, handler, case_id, "hand-over", {"unit_id": "head"}).json() == {
        "case_id": case_id,
        "unit_id": "head",
    }
    assert bank.client.get(f"/v1/cases/{case_id}", headers=handler).status_code == 404


def test_a_case_is_given_only_to_who_can_see_and_work_on_it(bank: Bank) -> None:
    supervisor, case_id = bank.person("supervisor-east"), put(bank.store).id
    people = [("below", "handler", "east-1"), ("reader", "auditor", "east"), ("left", "handler", "east")]
    with bank.store.writing() as work:
        ids = {
            name: work.users.add(login=name, name=name, role=role, unit_id=unit, within=ROOT).id
            for name, role, unit in people
        }
        work.users.change(ids["left"], is_active=False, within=ROOT)
    for name in ids:
        assert code(act(bank, supervisor, case_id, "assign", {"user_id": ids[name]})) == "assignee_invalid", name
    western = act(bank, supervisor, case_id, "assign", {"user_id": user_id(bank.store, "handler-west")})
    nobody = act(bank, supervisor, case_id, "assign", {"user_id": "0123"})
    assert western.status_code == 404
    assert western.content == nobody.content


def test_notes_are_redacted(bank: Bank) -> None:
    handler, case_id = bank.person("handler-east"), put(bank.store).id
    assert act(bank, handler, case_id, "notes", {"text": "已回电13800138000，客户满意"}).status_code == 204
    event = bank.client.get(f"/v1/cases/{case_id}", headers=handler).json()["events"][-1]
    assert event["kind"] == "noted"
    assert "客户满意" in event["note"]
    assert "13800138000" not in event["note"]


def test_an_erased_case_keeps_its_codes_and_takes_nothing_more(bank: Bank) -> None:
    compliance, handler, case_id = bank.person("compliance"), bank.person("handler-east"), put(bank.store).id
    assert act(bank, compliance, case_id, "erase", {"reason": "客户要求删除"}).status_code == 204
    case = bank.client.get(f"/v1/cases/{case_id}", headers=handler).json()
    assert (case["case"]["redacted_text"], case["case"]["category"]) == ("", "B03A")
    for action, body in (("notes", {"text": "客户叫王丽"}), ("labels", DECISION), ("claim", None)):
        answer = act(bank, handler, case_id, action, body)
        assert (answer.status_code, code(answer)) == (410, "case_erased")
    with bank.store.reading() as work:
        [entry] = work.audit.entries(within=ROOT, subject=case_id)
    assert (entry.action, entry.actor_id) == ("case.erased", user_id(bank.store, "compliance"))
