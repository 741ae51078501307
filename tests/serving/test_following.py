"""The service follows the registry: swaps without losing a request, keeps the old model on failure, runs shadows."""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import generate_latest

from data.files import write_whole
from models.bundle import Bundle, write_manifest
from models.predictor import Predictor
from models.promotion import add, promote, rollback, set_shadow
from models.registry import Registry, Shadow
from serving.app import create_app
from serving.commands.shadow import shadow_lines
from serving.inference.live import Live, LiveModel
from serving.inference.pool import InferencePool
from serving.lifecycle import load_predictor
from serving.settings import Settings
from serving.telemetry import Telemetry

TEXT = "存三年定期，回家一看是保险，我都六十八了"


@pytest.fixture
def registry(tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Models a and b; a serves. A tiny network knows no golden answers but its own."""
    monkeypatch.setattr("serving.inference.following.POLL_SECONDS", 0.02)
    registry = Registry(tmp_path / "models")
    for name in "ab":
        copy = Path(shutil.copytree(tiny_bundle.folder, tmp_path / name))
        write_manifest(copy, name)
        add(registry, copy)
    order_type = Predictor(tiny_bundle).triage([TEXT])[0].order_type.code
    golden = f"- {{id: g1, text: {TEXT}, order_type: {order_type}}}\n"
    (registry.folder / "golden.yaml").write_text(golden, encoding="utf-8")
    promote(registry, "a", who="cli:lin", reason="first model", force=True)
    return registry


@pytest.fixture
def app(registry: Registry, settings: Settings) -> FastAPI:
    own = settings.model_copy(update={"models": registry.folder})
    return create_app(own, load_predictor(own, own.read_policies().current))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def bundle_of(client: TestClient) -> str:
    return str(client.post("/v1/triage", json={"text": TEXT}).json()["versions"]["bundle"])


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_promotion_and_rollback_are_followed_and_no_request_is_lost(client: TestClient, registry: Registry) -> None:
    seen: list[tuple[int, str]] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            response = client.post("/v1/triage", json={"text": TEXT})
            seen.append((response.status_code, response.json()["versions"]["bundle"]))

    callers = [threading.Thread(target=ask) for _ in range(3)]
    for caller in callers:
        caller.start()
    try:
        promote(registry, "b", who="cli:lin", reason="a good reason", force=True)
        until(lambda: seen[-1:] != [] and seen[-1][1] == "b")
        rollback(registry, who="cli:wu", reason="complaints")
        until(lambda: seen[-1][1] == "a")
    finally:
        stop.set()
        for caller in callers:
            caller.join()
    assert {status for status, _ in seen} == {200}
    assert 'xiaobao_model_swaps_total{outcome="swapped"} 2.0' in client.get("/metrics").text


def test_a_damaged_model_never_answers_and_everybody_is_told(
    client: TestClient, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    (registry.folder / "b" / "thresholds.json").write_text("{}")
    write_whole(registry.folder / "CURRENT", "b\n")
    until(lambda: client.get("/readyz").json()["detail"] is not None)
    assert "thresholds.json of bundle b" in client.get("/readyz").json()["detail"]
    assert bundle_of(client) == "a"
    metrics = client.get("/metrics").text
    assert 'xiaobao_model_swaps_total{outcome="refused"} 1.0' in metrics
    assert "xiaobao_model_refused 1.0" in metrics
    assert 'xiaobao_model{bundle="a"} 1.0' in metrics
    assert "a goes on answering" in caplog.text
    write_whole(registry.folder / "CURRENT", "a\n")
    until(lambda: client.get("/readyz").json()["detail"] is None)
    assert "xiaobao_model_refused 0.0" in client.get("/metrics").text


def test_a_wrong_golden_answer_keeps_the_old_model(client: TestClient, registry: Registry) -> None:
    (registry.folder / "golden.yaml").write_text(f"- {{id: g1, text: {TEXT}, category: B99}}\n", encoding="utf-8")
    promote(registry, "b", who="cli:lin", reason="a good reason", force=True)
    until(lambda: client.get("/readyz").json()["detail"] is not None)
    detail = client.get("/readyz").json()["detail"]
    assert "1 golden answers of b are wrong: g1: category" in detail
    assert TEXT not in detail
    assert bundle_of(client) == "a"


def test_a_shadow_reads_along_and_answers_nobody(client: TestClient, app: FastAPI, registry: Registry) -> None:
    set_shadow(registry, Shadow(name="b", share=1.0))
    until(lambda: app.state.live.shadow is not None)
    assert {bundle_of(client) for _ in range(5)} == {"a"}
    compared = 'xiaobao_shadow_texts_total{bundle="b",outcome="compared"} 5.0'
    until(lambda: compared in client.get("/metrics").text)
    assert "xiaobao_shadow_disagreements_total{" not in client.get("/metrics").text  # the same network
    promote(registry, "b", who="cli:lin", reason="a good reason", force=True)
    until(lambda: app.state.live.model.name == "b" and app.state.live.shadow is None)  # not beside itself
    rollback(registry, who="cli:lin", reason="a good reason")
    until(lambda: app.state.live.shadow is not None)
    set_shadow(registry, None)
    until(lambda: app.state.live.shadow is None)


def test_damage_in_the_registry_is_told_once_and_stops_nothing_else(
    client: TestClient, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    write_whole(registry.folder / "SHADOW", '{"name": "gone", "share": 0.5}')
    drift = registry.folder / "drift" / "latest.json"
    drift.parent.mkdir()
    write_whole(drift, '{"measures": {"length": 0.25}, "alerts": []}')
    until(lambda: 'xiaobao_drift{measure="length"} 0.25' in client.get("/metrics").text)
    drift.write_text("{")
    until(lambda: "the registry's drift" in caplog.text)
    time.sleep(0.2)  # ten looks
    assert "no model 'gone'" in caplog.text
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert sorted(line.split(":")[0] for line in told) == ["the registry's drift", "the registry's shadow"]


def test_the_workers_end_also_where_the_service_breaks(app: FastAPI) -> None:
    async def broken() -> None:
        async with app.router.lifespan_context(app):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(broken())
    assert not app.state.live.model.pool.is_alive


def test_a_replaced_model_works_until_its_last_lease(tiny_predictor: Predictor) -> None:
    def model() -> LiveModel:
        pool = InferencePool(tiny_predictor, workers=1, queue_size=10)
        pool.start()
        return LiveModel(predictor=tiny_predictor, pool=pool)

    async def swapped() -> tuple[bool, bool, bool]:
        live = Live(model())
        with live.lease() as old:
            replacing = asyncio.create_task(live.replace(model()))
            await asyncio.sleep(0.1)
            item = old.predictor.prepare(TEXT)
            [outcome] = await old.pool.infer([item])
            still, other = old.pool.is_alive, live.model is not old
        await replacing
        ended = not old.pool.is_alive
        live.stop()
        return still and isinstance(outcome, tuple), other, ended

    assert asyncio.run(swapped()) == (True, True, True)


def test_the_report_of_a_shadow_adds_up_all_replicas() -> None:
    telemetry = Telemetry()
    telemetry.shadow_texts.labels("b", "compared").inc(40)
    telemetry.shadow_texts.labels("b", "dropped").inc(2)
    telemetry.shadow_disagreements.labels("b", "cause").inc(10)
    page = generate_latest(telemetry.registry).decode()
    assert shadow_lines("b", [page, page]) == [
        "b: compared 80, dropped 4, failed 0",
        "cause        20  0.250 [0.168, 0.355]",
    ]


def test_the_shipped_model_gives_the_shipped_golden_answers(shipped_predictor: Predictor) -> None:
    from models.golden import golden_failures, read_golden

    assert golden_failures(shipped_predictor, read_golden()) == []
