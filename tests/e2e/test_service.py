"""The real service as a process: start, answer, load, stop."""

import asyncio
import signal
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from data.schema import LabelledText
from eval.load import load, start_service
from eval.services import free_port


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("service"))
        port = free_port()
        process = start_service(port)
    yield f"http://127.0.0.1:{port}", process
    process.terminate()
    process.wait(20)


def test_shipped_model_answers_over_http(service: tuple[str, "subprocess.Popen[bytes]"]) -> None:
    text = "催收一天给我打三十几个电话，还打到我单位领导那里，说我欠钱不还"
    answer = httpx.post(f"{service[0]}/v1/triage", json={"text": text}, trust_env=False).json()
    assert answer["order_type"]["code"] == "complaint"
    assert answer["cause"]["code"] == "C12"
    assert "P06" in {flag["code"] for flag in answer["flags"]}
    assert answer["decision"]["band"] == "human"


def test_short_load_has_no_error(
    service: tuple[str, "subprocess.Popen[bytes]"], shipped_corpus: tuple[LabelledText, ...]
) -> None:
    texts = [text.text for text in shipped_corpus[:200]]
    outcome = asyncio.run(load(service[0], texts, clients=8, seconds=4, pid=service[1].pid))
    assert set(outcome.statuses) == {200}
    assert sum(outcome.statuses.values()) > 50


def test_stops_cleanly_on_a_signal(service: tuple[str, "subprocess.Popen[bytes]"]) -> None:
    """The last one: there is no service after it."""
    service[1].send_signal(signal.SIGTERM)
    assert service[1].wait(20) in (0, -signal.SIGTERM)
