"""Every accepted text is answered; the queue is bounded; a dead worker shows."""

import asyncio
import time
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from models.predictor import Inference, Predictor, PreparedInput
from serving.app import create_app
from serving.errors import ServiceError
from serving.inference.cores import usable_cores
from serving.inference.loop_watch import LoopWatch
from serving.inference.pool import InferencePool, Job, join_near
from serving.settings import Settings


class Failing(Predictor):
    """A predictor whose network fails on a marked text."""

    def infer(self, items: Any) -> list[Inference]:
        if any(item.id == "bad" for item in items):
            raise RuntimeError("boom")
        return super().infer(items)


async def _gather(pool: InferencePool, items: list[PreparedInput]) -> list[Any]:
    return await asyncio.gather(*(pool.infer([item]) for item in items), return_exceptions=True)


def test_many_texts_are_all_answered(tiny_predictor: Predictor) -> None:
    pool = InferencePool(tiny_predictor, workers=2, queue_size=500)
    pool.start()
    items = [tiny_predictor.prepare("没人接电话" * (1 + i % 30), id=str(i)) for i in range(300)]
    results = asyncio.run(_gather(pool, items))
    pool.stop()
    assert len(results) == 300
    assert all(len(result[0][0].evidence) == len(item.tokens.ids) for result, item in zip(results, items, strict=True))
    assert pool.unanswered == 0


def test_a_failing_run_answers_its_callers_and_the_worker_lives_on(tiny_predictor: Predictor) -> None:
    predictor = Failing(tiny_predictor.bundle)
    pool = InferencePool(predictor, workers=1, queue_size=10)
    pool.start()
    good, bad = predictor.prepare("好的", id="good"), predictor.prepare("坏的" * 50, id="bad")
    results = asyncio.run(_gather(pool, [bad, good]))
    assert isinstance(results[0][0], ServiceError)
    assert isinstance(results[1][0], tuple)
    assert pool.is_alive
    pool.stop()


def test_a_dying_worker_answers_its_callers_and_the_last_one_all(tiny_predictor: Predictor) -> None:
    class Dying(Predictor):
        def infer(self, items: Any) -> list[Inference]:
            raise SystemExit("坏的秘密")

    predictor = Dying(tiny_predictor.bundle)
    pool = InferencePool(predictor, workers=2, queue_size=50)
    pool.start()
    items = [predictor.prepare("钱" * (10 + 30 * i), id=str(i)) for i in range(12)]
    results = asyncio.run(asyncio.wait_for(_gather(pool, items), timeout=60))
    assert [result[0].code for result in results] == ["inference_failed"] * 12
    assert not pool.is_alive
    assert pool.unanswered == 0


def test_one_failing_item_does_not_fail_its_batch(settings: Settings, tiny_predictor: Predictor) -> None:
    app = create_app(settings, Failing(tiny_predictor.bundle))
    items = [{"text": "好的" * (9 + i), "external_id": "bad" if i == 1 else str(i)} for i in range(6)]
    with TestClient(app) as client:
        results = client.post("/v1/triage/batch", json={"items": items}).json()["results"]
    assert results[1]["error"]["code"] == "inference_failed"
    assert sum(bool(result["answer"]) for result in results) == 5


def test_a_failing_run_is_500_and_no_text_is_logged(
    settings: Settings, tiny_predictor: Predictor, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(settings, Failing(tiny_predictor.bundle))
    with TestClient(app) as client:
        response = client.post("/v1/triage", json={"text": "坏的秘密", "external_id": "bad"})
    assert (response.status_code, response.json()["error"]["code"]) == (500, "inference_failed")
    assert "秘密" not in response.text + caplog.text


def test_an_unexpected_error_is_500_and_no_text_is_logged(
    settings: Settings, tiny_predictor: Predictor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quote(*_: object, **__: object) -> None:
        raise ValueError("坏的秘密")

    with TestClient(create_app(settings, tiny_predictor)) as client:
        monkeypatch.setattr("models.predictor.Predictor.answer", quote)
        response = client.post("/v1/triage", json={"text": "坏的秘密"})
    assert (response.status_code, response.json()["error"]["code"]) == (500, "internal")
    assert "unexpected ValueError" in caplog.text
    assert "秘密" not in response.text + caplog.text


def test_a_full_queue_refuses_with_retry_after(tiny_predictor: Predictor) -> None:
    pool = InferencePool(tiny_predictor, workers=1, queue_size=4)
    pool.start()
    with pytest.raises(ServiceError) as caught:
        pool.admit(5)
    pool.stop()
    assert caught.value.code == "queue_full"
    assert caught.value.headers == {"Retry-After": "1"}


def test_who_would_wait_too_long_is_refused_and_later_admitted(tiny_predictor: Predictor) -> None:
    class Slow(Predictor):
        def infer(self, items: Any) -> list[Inference]:
            time.sleep(0.3)
            return super().infer(items)

    pool = InferencePool(Slow(tiny_predictor.bundle), workers=1, queue_size=50, queue_seconds=0.1)
    items = [tiny_predictor.prepare("钱" * 20, id=str(i)) for i in range(20)]

    async def press() -> list[Any]:
        few = asyncio.create_task(_gather(pool, items[:3]))
        await asyncio.sleep(0.2)
        pool.admit(1)
        waiting = asyncio.create_task(_gather(pool, items))
        await asyncio.sleep(0.2)
        with pytest.raises(ServiceError) as caught:
            pool.admit(1)
        assert (caught.value.code, caught.value.headers) == ("queue_full", {"Retry-After": "1"})
        results = await waiting + await few
        pool.admit(1)
        return results

    pool.start()
    assert len(asyncio.run(press())) == 23
    pool.stop()


def test_a_loop_that_is_far_behind_refuses_and_says_when_to_come_again(
    settings: Settings, tiny_predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.inference.pool.FEW", 0)
    app = create_app(settings, tiny_predictor)
    with TestClient(app) as client:
        watch = app.state.loop_watch
        app.state.loop_watch = SimpleNamespace(behind_seconds=settings.queue_seconds + 1)
        for path, body in (("/v1/triage", {"text": "你好"}), ("/v1/triage/batch", {"items": [{"text": "你好"}]})):
            response = client.post(path, json=body)
            assert (response.status_code, response.headers["retry-after"]) == (429, "1")
            assert response.json()["error"]["code"] == "queue_full"
        app.state.loop_watch = watch
        assert client.post("/v1/triage", json={"text": "你好"}).status_code == 200


def test_a_loop_is_behind_until_it_comes_to_rest() -> None:
    async def measured() -> list[float]:
        watch = LoopWatch()
        found = [watch.behind_seconds]
        async with watch.running():
            await asyncio.sleep(0.12)
            found.append(watch.behind_seconds)
            time.sleep(0.4)
            found.append(watch.behind_seconds)
            await asyncio.sleep(0.06)
            found.append(watch.behind_seconds)
        return [*found, watch.behind_seconds]

    before, at_rest, busy, rested, after = asyncio.run(measured())
    assert before == after == 0.0
    assert busy >= 0.3
    assert max(at_rest, rested) < 0.2


def test_full_queue_is_429_over_http(settings: Settings, tiny_predictor: Predictor) -> None:
    small = settings.model_copy(update={"queue_size": 2})
    with TestClient(create_app(small, tiny_predictor)) as client:
        response = client.post("/v1/triage/batch", json={"items": [{"text": "一"}] * 3})
    assert response.status_code == 429
    assert response.headers["retry-after"] == "1"


def test_one_dead_worker_turns_ready_to_503(
    settings: Settings, tiny_predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    app: FastAPI = create_app(settings, tiny_predictor)
    with TestClient(app) as client:
        pool = app.state.live.model.pool
        monkeypatch.setattr(pool, "_take_group", lambda: None)  # whoever takes the next text ends after it
        assert client.post("/v1/triage", json={"text": "你好"}).status_code == 200
        deadline = time.monotonic() + 10
        while all(thread.is_alive() for thread in pool._threads) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert sum(thread.is_alive() for thread in pool._threads) == 1
        assert client.get("/readyz").status_code == 503
        assert "xiaobao_ready 0.0" in client.get("/metrics").text


def test_a_stopping_pool_turns_ready_to_503(settings: Settings, tiny_predictor: Predictor) -> None:
    app: FastAPI = create_app(settings, tiny_predictor)
    with TestClient(app) as client:
        assert client.get("/readyz").status_code == 200
        app.state.live.model.pool.stop()
        assert client.get("/readyz").status_code == 503
        assert client.post("/v1/triage", json={"text": "你好"}).status_code == 503
        assert client.get("/healthz").status_code == 200


def test_only_near_lengths_are_joined(tiny_predictor: Predictor) -> None:
    async def joined() -> tuple[list[str], list[str]]:
        loop = asyncio.get_running_loop()
        lengths = [20, 400, 22, 21, 25, 19, 23]
        jobs = deque(
            Job(
                item=tiny_predictor.prepare("钱" * length, id=str(length)),
                future=loop.create_future(), loop=loop, queued_at=0.0,
            )
            for length in lengths
        )  # fmt: skip
        jobs[2].future.cancel()
        group = join_near(jobs)
        return [job.item.id for job in group], [job.item.id for job in jobs]

    group, left = asyncio.run(joined())
    assert group[0] == "20"
    assert len(group) == 4
    assert "22" not in group  # its caller has left
    assert "400" in left


def test_cores_respect_the_containers_quota(tmp_path: Any) -> None:
    (tmp_path / "max").write_text("max 100000\n")
    (tmp_path / "one").write_text("50000 100000\n")
    assert usable_cores(tmp_path / "max") == usable_cores(tmp_path / "missing") >= 1
    assert usable_cores(tmp_path / "one") == 1


def test_a_worker_leaves_the_others_their_share(tiny_predictor: Predictor) -> None:
    async def taken(most: int) -> int:
        loop = asyncio.get_running_loop()
        item = tiny_predictor.prepare("钱" * 20)
        jobs = deque(Job(item=item, future=loop.create_future(), loop=loop, queued_at=0.0) for _ in range(9))
        return len(join_near(jobs, most=most))

    assert [asyncio.run(taken(most)) for most in (0, 1, 2, 4, 9)] == [1, 1, 2, 4, 4]
