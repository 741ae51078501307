"""The speed measurement: its client counts right, its figures follow from what it saw. Nothing here is timed."""

import asyncio
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from eval.latency import CLIENTS, OURS, Run, _load, complaint, median_load, missing_extra, ratios
from eval.latency_table import render
from eval.load_client import call, request_bytes
from eval.services import RunningService, ServiceCommand, process_tree

ECHO = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.mark.parametrize("characters", [1, 20, 100, 2000])
def test_a_complaint_has_the_length_asked_for(characters: int) -> None:
    assert len(complaint(characters)) == characters


def test_client_counts_every_answer_even_in_pieces() -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            asked.append(head + await reader.readexactly(8))
            status = b"503 Busy" if len(asked) % 2 else b"200 OK"
            for piece in (b"HTTP/1.1 " + status, b"\r\ncontent-", b"length: 2\r\n\r\n{", b"}"):
                writer.write(piece)
                await asyncio.sleep(0)

    async def run() -> dict[str, object]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            request = request_bytes(path="/v1/triage", body=b'{"t": 1}', token="t")
            return await call(port=server.sockets[0].getsockname()[1], request=request, clients=3, seconds=0.2)

    report = asyncio.run(run())
    statuses = report["statuses"]
    assert isinstance(statuses, dict)
    assert set(statuses) == {"200", "503"}
    assert sum(statuses.values()) in (len(asked), len(asked) - 1)
    assert asked[0].startswith(b"POST /v1/triage HTTP/1.1\r\n")
    assert asked[0].endswith(b'\r\n\r\n{"t": 1}')


def test_a_service_is_started_weighed_and_stopped(tmp_path: Path) -> None:
    service = ServiceCommand(name="echo", command=[sys.executable, "-c", ECHO, "{port}"], path="/", environment={})
    with RunningService(service, b"{}", token="t", folder=tmp_path) as running:
        pid = running._process.pid
        assert running.first_answer_seconds > 0
        assert running.cpu_seconds() >= 0
        assert running.memory_mb()["rss_mb"] >= running.memory_mb()["pss_mb"] > 1
    assert not Path(f"/proc/{pid}").exists()


def test_a_service_that_ends_is_reported_with_its_last_line(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no model here')"]
    service = ServiceCommand(name="broken", command=command, path="/", environment={})
    with (
        pytest.raises(RuntimeError, match="broken did not answer; its last line: no model here"),
        RunningService(service, b"{}", token="t", folder=tmp_path),
    ):
        pass


def test_process_tree_holds_grandchildren() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    try:
        while len(tree := process_tree(process.pid)) < 2:
            pass
        assert tree[0] == process.pid
    finally:
        process.communicate(b"\n")


def test_a_missing_peer_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert missing_extra("LitServe, labels only") == "bench"
    assert missing_extra("transformers pipeline") == "train"
    assert [missing_extra(name) for name in OURS] == [None, None]


def test_ratios_and_table_follow_from_the_figures() -> None:
    def service(per_second: float, p50: float, memory: float) -> dict[str, object]:
        load = {"per_second": per_second, "p50_ms": p50, "p99_ms": 2 * p50, "service_cpu_ms_per_request": 1.0}
        weights = {"rss_mb": memory, "pss_mb": memory}
        return {"clients": dict.fromkeys(CLIENTS, load), "memory_mb": weights, "first_answer_seconds": 2.0}

    services = {"peer": service(50, 16, 600), "absent": {"needs_extra": "bench"}, OURS[0]: service(400, 4, 150)}
    found = ratios({**services, OURS[1]: service(400, 4, 150)})
    assert set(found) == {f"{ours} / peer" for ours in OURS}
    ratio = found[f"{OURS[0]} / peer"]
    assert (ratio["per_second_8"], ratio["p50_1"], ratio["rss"], ratio["first_answer"]) == (8.0, 0.25, 0.25, 1.0)
    model = {"bundle": "b", "model_bytes": 16_400_000, "tokens_by_characters": {100: 73}}
    text = render({"model": model, "cores": 2, "load_before": 0.0, "services": services, "ratios": found})
    assert "absent: not measured, needs the extra `bench`" in text
    assert "| peer | 50, 16.0, 32.0 |" in text


def test_the_middle_round_counts_and_every_status_is_kept() -> None:
    def load(per_second: float, status: str) -> dict[str, object]:
        figures = ("p50_ms", "p99_ms", "service_cpu_ms_per_request", "client_cpu_ms_per_request")
        return {"per_second": per_second, **dict.fromkeys(figures, 1.0), "statuses": {status: 2}}

    middle = median_load([load(9, "200"), load(1, "429"), load(5, "200")])
    assert middle["per_second"] == 5
    assert middle["statuses"] == {"200": 4, "429": 2}


def test_failed_answers_are_no_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = {"requests": 9, "statuses": {"200": 1, "500": 8}}
    monkeypatch.setattr("eval.latency._call", lambda _command, _run: report)
    run = Run(bundle=tmp_path, weights=None, seconds=1.0, token="t", folder=tmp_path)
    running = SimpleNamespace(port=1, path="/predict", cpu_seconds=lambda: 0.0)
    with pytest.raises(RuntimeError, match="other than 200"):
        _load(cast(RunningService, running), run, b"{}", clients=1, seconds=1.0)


def test_the_command_says_how_to_use_it() -> None:
    done = subprocess.run([sys.executable, "-m", "eval.latency", "--help"], check=True, capture_output=True, text=True)
    assert "--weights" in done.stdout
    assert "LitServe" in done.stdout
