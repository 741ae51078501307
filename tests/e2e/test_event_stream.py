"""The event stream of the real service: a complaint comes out, and a stop ends it at once."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from eval.load import start_service
from eval.services import free_port

COMPLAINT = "刚才有人冒充客服骗我转账八万，钱刚转出去十分钟，快帮我止付，我不想活了"


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    monkeypatch.chdir(tmp_path)
    port = free_port()
    process = start_service(port)
    yield f"http://127.0.0.1:{port}", process
    process.kill()
    process.wait(5)


def test_a_stream_is_fed_and_ends_with_the_service(service: tuple[str, "subprocess.Popen[bytes]"]) -> None:
    address, process = service
    with (
        httpx.Client(trust_env=False, timeout=10) as client,
        client.stream("GET", f"{address}/v1/events") as response,
    ):
        lines = response.iter_lines()
        assert next(lines) == ": following"
        answer = client.post(f"{address}/v1/triage", params={"store": "true"}, json={"text": COMPLAINT}).json()
        data = next(line for line in lines if line.startswith("data: "))
        assert answer["case"]["id"] in data
        assert "止付" not in data
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        for _ in lines:
            pass  # to the end of a complete body
        assert time.monotonic() - started < 2
    assert process.wait(5) in (0, -signal.SIGTERM)
