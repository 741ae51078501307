"""Lines of logs for machines: JSON objects with the facts as keys, and never a text."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from models.predictor import Predictor
from serving.api_only import create_api_only
from serving.logs import json_formatter
from serving.settings import Settings
from tests.serving.banks import TOKEN, bearer


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the loggers of xiaobao write as JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    logger = logging.getLogger("xiaobao")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_a_request_is_one_object_with_its_facts(
    settings: Settings, tiny_predictor: Predictor, lines: io.StringIO
) -> None:
    logged = settings.model_copy(update={"log_requests": "on"})
    with TestClient(create_api_only(logged, tiny_predictor)) as client:
        client.post("/v1/triage", json={"text": "秘密的投诉"}, headers=bearer(TOKEN))
        client.get("/v1/nowhere/秘密")
        client.get("/readyz")
    requests = [line for line in map(json.loads, lines.getvalue().splitlines()) if line["logger"] == "xiaobao.requests"]
    facts = [(line["method"], line["route"], line["status"]) for line in requests]
    assert facts == [("POST", "/v1/triage", 200), ("GET", "unmatched", 404)]
    assert requests[0]["milliseconds"] > 0
    assert requests[0]["level"] == "INFO"
    assert requests[0]["time"].endswith("+00:00")
    assert "秘密" not in lines.getvalue()


def test_no_request_is_logged_unless_it_is_wanted(
    settings: Settings, tiny_predictor: Predictor, lines: io.StringIO
) -> None:
    with TestClient(create_api_only(settings, tiny_predictor)) as client:
        client.get("/v1/nowhere")
    assert "xiaobao.requests" not in lines.getvalue()


def test_an_exception_is_told_by_class_and_place_alone(lines: io.StringIO) -> None:
    """Whoever logs it: uvicorn gives the whole traceback."""
    try:
        raise ValueError("秘密的投诉")
    except ValueError:
        logging.getLogger("xiaobao").exception("it failed")
    [line] = map(json.loads, lines.getvalue().splitlines())
    assert line["message"] == "it failed"
    assert line["error"].startswith("ValueError at test_an_exception_is_told_by_class_and_place_alone:")
    assert "秘密" not in lines.getvalue()
