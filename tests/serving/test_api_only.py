"""`--api-only` answers like the whole service, without its pages."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette

from models.predictor import Predictor
from serving.api_only import create_api_only
from serving.settings import Settings
from tests.serving.conftest import TOKEN

TEXT = "卡里少了三千块，我没有转过，电话13800138000"


@pytest.fixture(scope="module")
def lean(settings: Settings, tiny_predictor: Predictor) -> Iterator[TestClient]:
    with TestClient(create_api_only(settings, tiny_predictor), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("query", ["", "?detail=normal", "?detail=full"])
def test_answers_are_those_of_the_whole_service(client: TestClient, lean: TestClient, query: str) -> None:
    request = {"text": TEXT, "external_id": "H-1"}
    whole, ours = (service.post(f"/v1/triage{query}", json=request) for service in (client, lean))
    assert ours.headers["content-type"] == whole.headers["content-type"]
    assert _untimed(ours.json()) == _untimed(whole.json())


def test_batches_are_those_of_the_whole_service(client: TestClient, lean: TestClient) -> None:
    request = {"items": [{"text": TEXT, "external_id": "1"}, {"text": ""}, 7]}
    whole, ours = (service.post("/v1/triage/batch", json=request).json()["results"] for service in (client, lean))
    assert [_untimed(result["answer"] or {}) for result in ours] == [_untimed(r["answer"] or {}) for r in whole]
    assert [result["error"] for result in ours] == [result["error"] for result in whole]


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", "/v1/triage", b"{"),
        ("POST", "/v1/triage", b'{"text": ""}'),
        ("POST", "/v1/triage", b'{"text": "x", "colour": "red"}'),
        ("POST", "/v1/triage?detail=some", b'{"text": "x"}'),
        ("POST", "/v1/triage?store=some", b'{"text": "x"}'),
        ("POST", "/v1/triage?store=yes", b'{"text": "x"}'),
        ("POST", "/v1/triage/batch", b'{"items": []}'),
        ("GET", "/v1/triage", b""),
        ("GET", "/v1/nothing", b""),
    ],
)
def test_errors_are_those_of_the_whole_service(
    client: TestClient, lean: TestClient, method: str, path: str, content: bytes
) -> None:
    whole, ours = (service.request(method, path, content=content) for service in (client, lean))
    assert (ours.status_code, ours.json()) == (whole.status_code, whole.json())
    assert ours.status_code >= 400


def test_probes_and_metrics(lean: TestClient) -> None:
    lean.post("/v1/triage", json={"text": TEXT})
    assert lean.get("/healthz").json() == {"status": "alive", "bundle": None, "detail": None}
    assert lean.get("/readyz").json() == {"status": "ready", "bundle": "bundle", "detail": None}
    metrics = lean.get("/metrics").text
    assert 'xiaobao_http_requests_total{route="/v1/triage",status="200"}' in metrics
    assert "xiaobao_ready 1.0" in metrics


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST"])
def test_probes_refuse_what_the_whole_service_refuses(
    client: TestClient, lean: TestClient, method: str, path: str
) -> None:
    whole, ours = (service.request(method, path) for service in (client, lean))
    assert (ours.status_code, ours.content) == (whole.status_code, whole.content)
    assert ours.headers["allow"] == whole.headers["allow"] == "GET"


def test_no_message_points_to_pages_that_are_not_there(lean: TestClient) -> None:
    assert "/docs" not in lean.post("/v1/triage", json={"colour": "red"}).text


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/openapi.json", "/page.js"])
def test_there_are_no_pages(lean: TestClient, path: str) -> None:
    assert lean.get(path).status_code == 404


def test_production_wants_the_token(settings: Settings, tiny_predictor: Predictor) -> None:
    production = settings.model_copy(update={"environment": "production"})
    with TestClient(create_api_only(production, tiny_predictor)) as client:
        for path in ("/v1/triage", "/v1/triage/batch"):
            assert client.post(path, json={"text": TEXT}).status_code == 401
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert client.post("/v1/triage", json={"text": TEXT}, headers=headers).status_code == 200


def test_a_stopping_pool_turns_ready_to_503(settings: Settings, tiny_predictor: Predictor) -> None:
    app: Starlette = create_api_only(settings, tiny_predictor)
    with TestClient(app) as client:
        app.state.live.model.pool.stop()
        assert client.get("/readyz").status_code == 503
        assert client.post("/v1/triage", json={"text": "你好"}).status_code == 503
        assert client.get("/healthz").status_code == 200


def test_what_is_not_needed_is_not_loaded() -> None:
    """Pages, spreadsheets and progress bars would cost memory and time to the first answer."""
    code = "import sys, serving.cli, serving.run, serving.settings, serving.api_only; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert {"fastapi", "fastapi_offline", "openpyxl", "tqdm", "serving.page"} & set(done.stdout.split()) == set()


def _untimed(answer: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in answer.items() if key != "timings"}
