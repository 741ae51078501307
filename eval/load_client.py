"""Call one address as fast as it answers, from a process of its own. In: host, port, path, a body. Out: latencies.

    python -m eval.load_client --port 8000 --clients 8 --seconds 3 --body body.json

Bare HTTP/1.1 over kept-alive connections on an asyncio protocol, each client waiting for its answer before it asks
again. The request's bytes are made once and an answer is read only as far as its status and length, so that the client
takes little of the cores it shares with the service; the report says how much (`client_cpu_ms_per_request`).
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

WARM_UP_SHARE = 0.15  # of the time, not counted: connections open, caches and branch predictors fill


@dataclass(kw_only=True)
class Tally:
    """What all clients saw; `counts_from` and `until` are times of `time.perf_counter`.

    Nobody asks after `until`, but what was asked is waited for and counts: a slow service would seem to do nothing.
    """

    counts_from: float
    until: float
    last_answer: float = 0.0
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def report(self, cpu_seconds: float, total: int) -> dict[str, Any]:
        """Milliseconds and requests per second over the counted time."""
        ranked = sorted(self.seconds)
        return {
            "requests": len(ranked),
            "per_second": round(len(ranked) / max(1e-9, self.last_answer - self.counts_from), 1),
            "p50_ms": round(_quantile(ranked, 0.50) * 1e3, 3),
            "p99_ms": round(_quantile(ranked, 0.99) * 1e3, 3),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "client_cpu_ms_per_request": round(cpu_seconds * 1e3 / max(1, total), 4),
        }


class Client(asyncio.Protocol):
    """One connection: ask, wait for the whole answer, ask again until the time is over."""

    def __init__(self, request: bytes, tally: Tally, done: asyncio.Future[None]) -> None:
        self._request, self._tally, self._done = request, tally, done
        self._received = bytearray()
        self._expected = 0
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._expected and (head := self._received.find(b"\r\n\r\n")) >= 0:
            self._expected = head + 4 + _content_length(bytes(self._received[:head]))
        if self._expected and len(self._received) >= self._expected:
            self._count()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the service closed the connection"))

    def _ask(self) -> None:
        self._received.clear()
        self._expected = 0
        self._asked_at = time.perf_counter()
        self._transport.write(self._request)

    def _count(self) -> None:
        now = time.perf_counter()
        if now >= self._tally.counts_from:
            self._tally.seconds.append(now - self._asked_at)
            self._tally.last_answer = now
        self._tally.statuses[int(self._received[9:12])] += 1
        if now < self._tally.until:
            self._ask()
        elif not self._done.done():
            self._done.set_result(None)
            self._transport.close()


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError("the answer has no Content-Length")


def _quantile(ranked: list[float], share: float) -> float:
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else float("nan")


def request_bytes(*, path: str, body: bytes, token: str) -> bytes:
    """One POST request with a JSON body."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def call(*, port: int, request: bytes, clients: int, seconds: float) -> dict[str, Any]:
    """The report of `clients` connections over `seconds`."""
    loop = asyncio.get_running_loop()
    started, cpu = time.perf_counter(), time.process_time()
    tally = Tally(counts_from=started + seconds * WARM_UP_SHARE, until=started + seconds)
    done: list[asyncio.Future[None]] = [loop.create_future() for _ in range(clients)]
    for future in done:
        await loop.create_connection(partial(Client, request, tally, future), "127.0.0.1", port)
    await asyncio.gather(*done)
    return tally.report(time.process_time() - cpu, sum(tally.statuses.values()))


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/v1/triage")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--body", type=Path, required=True, help="File with the JSON body.")
    parser.add_argument("--token", default="none")
    options = parser.parse_args()
    request = request_bytes(path=options.path, body=options.body.read_bytes(), token=options.token)
    report = asyncio.run(call(port=options.port, request=request, clients=options.clients, seconds=options.seconds))
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
