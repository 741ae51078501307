"""What HTTP clients can rely on."""

import asyncio
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from models.predictor import MAX_CHARACTERS, Predictor
from serving.app import create_app
from serving.settings import Settings
from tests.serving.conftest import TOKEN

TEXT = "卡里少了三千块，我没有转过，电话13800138000"
KEYS = {
    "id", "order_type", "category", "leaf", "cause", "subcause", "channel", "causes2", "flags", "issues", "amount",
    "amounts", "decision", "redacted_text", "truncated", "versions", "timings",
}  # fmt: skip


def _error(response: Any) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    assert error["message"]
    assert error["message_zh"]
    return error


def test_answer_has_every_key(client: TestClient) -> None:
    answer = client.post("/v1/triage", json={"text": TEXT, "external_id": "H-1"}).json()
    assert set(answer) == KEYS
    assert answer["id"] == "H-1"
    assert set(answer["order_type"]) == {"code", "name", "confidence", "band", "alternatives", "evidence"}
    assert set(answer["versions"]) == {"bundle", "taxonomy", "redaction", "policy"}
    assert answer["timings"]["total_ms"] > 0


def test_full_detail_adds_all_probabilities(client: TestClient) -> None:
    answer = client.post("/v1/triage?detail=full", json={"text": TEXT}).json()
    assert set(answer) == KEYS | {"probabilities"}
    assert len(answer["probabilities"]["leaf"]) == 81


def test_every_field_of_the_request_is_accepted(client: TestClient) -> None:
    request = {
        "text": TEXT, "external_id": "a", "source": "12345", "input": "dictated",
        "branch": "南门支行", "region": "西南",
        "received_at": "2026-11-23T09:30:00+08:00", "customer_ref": "c1", "regulator_ref": "r1",
        "due_at": "2026-12-08T23:59:59+08:00",
    }  # fmt: skip
    assert client.post("/v1/triage", json=request).status_code == 200


@pytest.mark.parametrize(
    ("request_body", "status", "code", "named"),
    [
        ({"text": ""}, 422, "text_empty", None),
        ({"text": " \u200b\n"}, 422, "text_empty", None),
        ({"text": "长" * (MAX_CHARACTERS + 1)}, 422, "text_too_long", None),
        ({}, 422, "request_invalid", "text"),
        ({"text": 5}, 422, "request_invalid", "text"),
        ({"text": None}, 422, "request_invalid", "text"),
        ({"text": "x", "colour": "red"}, 422, "request_invalid", "(unknown field)"),
        ({"text": "x", "source": "fax"}, 422, "request_invalid", "source"),
        ({"text": "x", "received_at": "2026-11-23T09:30:00"}, 422, "request_invalid", "received_at"),
        ({"text": "x", "received_at": 1700000000}, 422, "request_invalid", "received_at"),
        ({"text": "x", "due_at": "1700000000"}, 422, "request_invalid", "due_at"),
        (["x"], 422, "request_invalid", "(body)"),
    ],
)
def test_bad_request_says_what_and_where(
    client: TestClient, request_body: object, status: int, code: str, named: str | None
) -> None:
    response = client.post("/v1/triage", json=request_body)
    error = _error(response)
    assert (response.status_code, error["code"]) == (status, code)
    if named:
        assert named in [detail["field"] for detail in error["details"]]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ('{"text": "卡"}'.encode("gb18030"), 400, "body_not_utf8"),
        (b"{", 400, "body_not_json"),
        (b"", 400, "body_not_json"),
        (b'{"text": "' + b"x" * 8_000_001 + b'"}', 413, "body_too_large"),
        (b'{"text": "\\ud800"}', 400, "body_not_json"),
        (b"[" * 5000, 400, "body_not_json"),
    ],
)
def test_bad_bytes_are_refused(client: TestClient, content: bytes, status: int, code: str) -> None:
    response = client.post("/v1/triage", content=content)
    assert (response.status_code, _error(response)["code"]) == (status, code)


def test_wrong_type_says_what_was_found(client: TestClient) -> None:
    error = _error(client.post("/v1/triage", json={"text": 5}))
    assert error["details"] == [{"field": "text", "problem": "Input should be a valid string; found a number"}]


def test_errors_never_repeat_the_complaint(client: TestClient) -> None:
    secret = "我的密码是八个八"
    for body in ({"text": [secret]}, {"text": "x", secret: 1}, {"text": "x", "source": secret}):
        assert secret not in client.post("/v1/triage", json=body).text


def test_batch_answers_each_item_on_its_own(client: TestClient) -> None:
    items = [{"text": TEXT, "external_id": "1"}, {"text": ""}, {"text": "x", "no": 1}, 7, {"text": "你好"}]
    response = client.post("/v1/triage/batch", json={"items": items})
    results = response.json()["results"]
    assert response.status_code == 200
    assert [bool(result["answer"]) for result in results] == [True, False, False, False, True]
    assert [result["error"]["code"] for result in results if result["error"]] == [
        "text_empty", "request_invalid", "request_invalid",
    ]  # fmt: skip
    assert results[0]["answer"]["id"] == "1"


@pytest.mark.parametrize("step", ["prepare", "answer"])
def test_an_item_that_fails_unexpectedly_fails_alone(
    step: str,
    client: TestClient,
    tiny_predictor: Predictor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real = getattr(tiny_predictor, step)

    def fail(text: Any, *arguments: Any, **options: Any) -> Any:
        if "秘密" in str(text):
            raise RuntimeError(f"cannot cope with {text}")
        return real(text, *arguments, **options)

    monkeypatch.setattr(tiny_predictor, step, fail)
    items = [{"text": TEXT}, {"text": "秘密的投诉"}, {"text": "你好，想问一下"}]
    results = client.post("/v1/triage/batch", json={"items": items}).json()["results"]
    assert [bool(result["answer"]) for result in results] == [True, False, True]
    assert results[1]["error"]["code"] == "inference_failed"
    assert "RuntimeError" in caplog.text
    assert "秘密" not in caplog.text + str(results[1])


def test_largest_batch_is_answered_and_a_larger_one_refused(client: TestClient) -> None:
    items = [{"text": f"第{i}次打电话没人接"} for i in range(257)]
    answered = client.post("/v1/triage/batch", json={"items": items[:256]})
    assert all(result["answer"] for result in answered.json()["results"])
    assert client.post("/v1/triage/batch", json={"items": items}).status_code == 422
    assert client.post("/v1/triage/batch", json={"items": []}).status_code == 422


def test_unknown_address_and_method_use_the_same_shape(client: TestClient) -> None:
    assert _error(client.get("/v1/nothing"))["code"] == "not_found"
    assert _error(client.get("/v1/triage"))["code"] == "method_not_allowed"


@pytest.mark.parametrize("header", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer "])
def test_production_wants_the_token(settings: Settings, tiny_predictor: Predictor, header: str | None) -> None:
    production = settings.model_copy(update={"environment": "production"})
    headers = {"Authorization": header} if header is not None else {}
    with TestClient(create_app(production, tiny_predictor)) as client:
        refused = client.post("/v1/triage", json={"text": TEXT}, headers=headers)
        assert (refused.status_code, _error(refused)["code"]) == (401, "unauthorized")
        good = client.post("/v1/triage", json={"text": TEXT}, headers={"Authorization": f"Bearer {TOKEN}"})
        assert good.status_code == 200


def test_development_refuses_a_wrong_token(client: TestClient) -> None:
    response = client.post("/v1/triage", json={"text": TEXT}, headers={"Authorization": "Bearer wrong"})
    assert response.status_code == 401


def test_probes_and_metrics(client: TestClient) -> None:
    client.post("/v1/triage", json={"text": TEXT})
    client.post("/v1/triage", json={"text": ""})
    assert client.get("/healthz").json()["status"] == "alive"
    assert client.get("/readyz").json() == {"status": "ready", "bundle": "bundle", "detail": None}
    metrics = client.get("/metrics").text
    assert 'xiaobao_http_requests_total{route="/v1/triage",status="200"}' in metrics
    assert 'xiaobao_rejected_total{code="text_empty"}' in metrics
    assert "xiaobao_ready 1.0" in metrics
    assert "三千块" not in metrics


def test_all_that_is_refused_is_counted_by_its_code(settings: Settings, tiny_predictor: Predictor) -> None:
    small = settings.model_copy(update={"queue_size": 2})
    with TestClient(create_app(small, tiny_predictor)) as client:
        client.post("/v1/triage", json={"text": ""})
        client.post("/v1/triage", content=b"{")
        client.post("/v1/triage?detail=some", json={"text": TEXT})
        client.post("/v1/triage", json={"text": TEXT}, headers={"Authorization": "Bearer wrong"})
        client.post("/v1/triage/batch", json={"items": [{"text": TEXT}, {"text": ""}, 7]})
        client.post("/v1/triage/batch", json={"items": [{"text": TEXT}] * 3})
        client.get("/v1/nothing")
        lines = client.get("/metrics").text.split("\n")
    counted = dict(re.findall(r'^xiaobao_rejected_total\{code="(\w+)"\} (\S+)$', "\n".join(lines), re.MULTILINE))
    wanted = {"text_empty": "2.0", "body_not_json": "1.0", "request_invalid": "2.0", "unauthorized": "1.0"}
    assert counted == wanted | {"queue_full": "1.0"}


def test_every_metric_is_documented(client: TestClient) -> None:
    from serving import telemetry

    families = {line.split()[2] for line in client.get("/metrics").text.splitlines() if line.startswith("# HELP")}
    documented = telemetry.__doc__ or ""
    assert all(f"`{family}" in documented for family in families if not family.endswith("_created"))


def test_openapi_describes_bodies_and_pages_load_nothing_from_outside(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    body = document["paths"]["/v1/triage"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/TriageRequest"}
    assert set(document["components"]["schemas"]["TriageRequest"]["properties"]) >= {"text", "source", "due_at"}
    assert document["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation.get("security") == ([{"token": []}] if path.startswith("/v1/") else None)
            assert ("500" in operation["responses"]) == path.startswith("/v1/")
    for page in ("/docs", "/redoc", "/"):
        html = client.get(page).text
        assert "<html" in html
        assert "https://" not in html.replace("https://fastapi.tiangolo.com", "")


def test_who_hangs_up_in_the_middle_is_no_error_of_ours(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    async def hang_up() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def nobody_reads(_message: Any) -> None:
        pass

    headers = [(b"content-type", b"application/json"), (b"content-length", b"100")]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/v1/triage", "raw_path": b"/v1/triage", "query_string": b"", "headers": headers,
        "client": ("testclient", 1), "server": ("testserver", 80),
    }  # fmt: skip
    asyncio.run(client.app(scope, hang_up, nobody_reads))
    assert 'xiaobao_http_requests_total{route="/v1/triage",status="499"} 1.0' in client.get("/metrics").text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
