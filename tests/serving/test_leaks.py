"""Nothing that a complaint says leaves through logs, metrics or errors, whatever goes wrong.

Marked personal data and marked words go through every route and many ways of failing, with all loggers of xiaobao,
uvicorn and the database layer at DEBUG; then everything that was logged, counted or answered as an error is searched.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import exc

from models.predictor import Predictor
from tests.data.store.cases import put
from tests.serving.banks import TOKEN, Bank, bearer, open_bank

MARKS = {
    "phone": "13911112222",
    "id": "11010119900307773X",
    "card": "6222021234567890128",
    "name": "欧阳标记",
    "word": "紫荆花标记词",
    "reference": "CUST-MARK-77",
    "password": "Zx9-marked-password",
}
TEXT = (
    f"我叫{MARKS['name']}，手机{MARKS['phone']}，身份证{MARKS['id']}，卡号{MARKS['card']}被盗刷，{MARKS['word']}，"
    f"密码是{MARKS['password']}。"
)
OTHER_TEXT = f"完全是另一件事，{MARKS['word']}，理财亏了五万。"
LOGGERS = ("xiaobao", "uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy.pool", "fastapi", "starlette")
SIZE = 8_000_000


@dataclass(kw_only=True)
class Watched:
    """A client whose error answers are kept beside what was logged."""

    bank: Bank
    errors: list[str] = field(default_factory=list)

    def send(self, method: str, path: str, **request: Any) -> Any:
        answer = self.bank.client.request(method, path, **request)
        if answer.status_code >= 400:
            self.errors.append(f"{method} {answer.status_code} {answer.text} {dict(answer.headers)}")
        elif path.startswith("/v1/triage/batch"):
            self.errors += [json.dumps(one["error"], ensure_ascii=False) for one in answer.json()["results"]]
        return answer


@pytest.fixture
def watched(url: str, shipped_predictor: Predictor, caplog: pytest.LogCaptureFixture) -> Iterator[Watched]:
    for name in LOGGERS:
        caplog.set_level(logging.DEBUG, logger=name)
    with open_bank(url, shipped_predictor) as bank:
        yield Watched(bank=bank)


def marks_in(text: str) -> list[str]:
    """Marks that stand in a text, also in other spellings of JSON and Python."""
    readable = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    return [name for name, mark in MARKS.items() if mark in text or mark in readable]


def assert_clean(watched: Watched, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    formatter = logging.Formatter("%(name)s %(message)s")
    logged = [formatter.format(record) for record in caplog.records]
    printed = "".join(capfd.readouterr())
    metrics = watched.bank.client.get("/metrics").text
    said = [printed, metrics, *logged, *watched.errors]
    assert [(marks_in(line), line[:300]) for line in said if marks_in(line)] == []


def send_well_and_badly(watched: Watched, headers: dict[str, str]) -> None:
    """Complaints through both routes, kept and not, and all the ways in which a request can be wrong."""
    as_json = {**headers, "Content-Type": "application/json"}
    for path in ("/v1/triage", "/v1/triage?store=true", "/v1/triage?store=true&detail=full"):
        good = {"text": TEXT, "external_id": "H1", "customer_ref": MARKS["reference"]}
        watched.send("POST", path, headers=headers, json=good)
        for body in (
            {"text": OTHER_TEXT, "external_id": "H1"},
            {"text": [TEXT]},
            {"text": TEXT, "source": MARKS["word"]},
            {"text": TEXT, "received_at": MARKS["phone"]},
            {"text": TEXT, MARKS["word"]: MARKS["name"]},
            {"text": TEXT, "branch": {MARKS["word"]: MARKS["id"]}},
            {"text": TEXT, "customer_ref": MARKS["reference"] * 30},
            {"text": TEXT * 2000},
            [TEXT],
            TEXT,
        ):
            watched.send("POST", path, headers=headers, json=body)
        for raw in (
            TEXT.encode(),
            TEXT.encode("gb18030"),
            json.dumps({"text": TEXT})[:-2].encode(),
            json.dumps({"text": TEXT + "\ud800"}).encode(),
            json.dumps({"text": TEXT + "\0", "external_id": MARKS["word"] + "\0"}).encode(),
            f'{{"text": "{TEXT}", "text": {TEXT}}}'.encode(),
            json.dumps({"text": TEXT}).encode() + b" " * SIZE,
        ):
            watched.send("POST", path, headers=as_json, content=raw)
    items = [{"text": TEXT, "external_id": "B1"}, {"text": 5, "branch": TEXT}, TEXT, {"text": OTHER_TEXT, "x": TEXT}]
    for path in ("/v1/triage/batch", "/v1/triage/batch?store=true"):
        watched.send("POST", path, headers=headers, json={"items": items})
        watched.send("POST", path, headers=headers, json={"items": TEXT})
        watched.send("POST", path, headers=headers, json={TEXT: items})


def read_well_and_badly(watched: Watched, headers: dict[str, str], case_id: str) -> None:
    """All routes that read, with marks wherever a caller can put them."""
    for parameter in ("words", "unit", "category", "after", "received_from", "limit", MARKS["word"]):
        watched.send("GET", "/v1/cases", headers=headers, params={parameter: f"{MARKS['word']} {MARKS['phone']}"})
    for path in (f"/v1/cases/{MARKS['phone']}", f"/v1/{MARKS['word']}", f"/{MARKS['word']}/{MARKS['id']}"):
        watched.send("GET", path, headers=headers)
    for body in ({"reason": MARKS["word"]}, {"reason": [TEXT]}, {"reason": TEXT * 40}, {MARKS["word"]: TEXT}):
        watched.send("POST", f"/v1/cases/{MARKS['phone']}/reveal", headers=headers, json=body)
    watched.send("GET", f"/v1/cases/{case_id}", headers=headers)
    watched.send("POST", f"/v1/cases/{case_id}/reveal", headers=headers, json={"reason": f"核对{MARKS['phone']}"})
    for login in ({"login": MARKS["name"], "password": MARKS["password"]}, {"login": [TEXT], "password": TEXT}, TEXT):
        watched.send("POST", "/v1/sessions", json=login)
    for token in (MARKS["password"], f"xb_{MARKS['phone']}_{MARKS['password']}"):
        watched.send("GET", "/v1/me", headers=bearer(token))


def test_nothing_leaks_where_all_works(
    watched: Watched, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    key, person = watched.bank.key(), watched.bank.person("supervisor-east")
    case = put(watched.bank.store, TEXT)
    send_well_and_badly(watched, key)
    for headers in (key, person, bearer(TOKEN)):
        read_well_and_badly(watched, headers, case.id)
    assert len(watched.errors) > 60
    assert_clean(watched, caplog, capfd)


def test_nothing_leaks_where_the_database_fails(
    watched: Watched,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its errors quote statement and parameters: gone, refusing a value, and something that nobody expected."""
    key, person = watched.bank.key(), watched.bank.person("supervisor-east")
    case = put(watched.bank.store, TEXT)
    for headers in (key, person):
        watched.send("GET", "/v1/me", headers=headers)
    for error in (
        exc.OperationalError(f"INSERT {TEXT}", {"text": TEXT}, Exception(TEXT)),
        exc.IntegrityError(f"INSERT {TEXT}", {"text": TEXT}, Exception(TEXT)),
        RuntimeError(TEXT),
    ):
        monkeypatch.setattr("data.store.cases.insert_if_new", raising(error))
        monkeypatch.setattr("data.store.case_list.CaseList.page", raising(error))
        monkeypatch.setattr("data.store.cases.CaseRepository.get", raising(error))
        monkeypatch.setattr("data.store.originals.OriginalRepository.reveal", raising(error))
        send_well_and_badly(watched, key)
        read_well_and_badly(watched, person, case.id)
    assert {"store_unavailable", "store_failed", "internal"} <= codes(watched)
    assert_clean(watched, caplog, capfd)


def test_nothing_leaks_where_the_model_fails(
    watched: Watched,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = watched.bank.key()
    for step in ("prepare", "infer", "answer"):
        with monkeypatch.context() as patch:
            patch.setattr(f"models.predictor.Predictor.{step}", raising(RuntimeError(TEXT)))
            send_well_and_badly(watched, key)
    assert {"inference_failed", "internal"} <= codes(watched)
    assert_clean(watched, caplog, capfd)


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def codes(watched: Watched) -> set[str]:
    return set(re.findall(r'"code": ?"(\w+)"', "\n".join(watched.errors)))


@pytest.mark.parametrize("marked", MARKS.values())
def test_the_search_itself_finds_marks(marked: str) -> None:
    assert marks_in(f"x {marked} y") == marks_in(json.dumps(marked)) != []
