"""Calls to a service as its clients see them. In: a port, requests. Out: one outcome for each, none forgotten.

Bare HTTP/1.1 on asyncio streams: the clients share the cores with the service, and httpx takes a millisecond a call.
"""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

PATIENCE_SECONDS = 60.0
IDLE_SECONDS = 60.0
"""A connection that was idle for longer is not used again, as balancers do; the service closes it after 75."""
LOST = 0
"""Status of a call that was not answered: the connection broke, or patience ended."""
PAUSE_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Request:
    """One POST under /v1/triage."""

    body: bytes = field(repr=False)
    external_id: str | None = None
    store: bool = False

    @classmethod
    def of(cls, text: str, *, external_id: str | None = None, store: bool = False) -> Self:
        content = {"text": text} if external_id is None else {"text": text, "external_id": external_id}
        return cls(body=json.dumps(content).encode(), external_id=external_id, store=store)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one request; `due` and `at` (the answer) are times of `time.monotonic`."""

    request: Request
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    due: float
    at: float

    @property
    def seconds(self) -> float:
        return self.at - self.due

    @property
    def error_code(self) -> str | None:
        if self.status in (LOST, 200):
            return None
        code: str = json.loads(self.body)["error"]["code"]
        return code


class Connection:
    """A kept-alive connection, opened again when it breaks."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used = 0.0

    async def send(self, request: Request, *, due: float | None = None) -> Outcome:
        """The outcome, with status `LOST` where no whole answer came."""
        due = time.monotonic() if due is None else due
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status, headers, body = await self._exchange(request)
        except (OSError, EOFError, ValueError, TimeoutError):
            self.close()
            status, headers, body = LOST, {}, b""
        if headers.get("connection") == "close":
            self.close()
        return Outcome(request=request, status=status, headers=headers, body=body, due=due, at=time.monotonic())

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        if self._streams is not None and (self._streams[0].at_eof() or time.monotonic() - self._used > IDLE_SECONDS):
            self.close()  # the service let go of it while it was idle, or is about to
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(self._head(request) + request.body)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        content = await reader.readexactly(int(headers["content-length"]))
        self._used = time.monotonic()
        return int(first.split()[1]), headers, content

    def _head(self, request: Request) -> bytes:
        path = "/v1/triage?store=true" if request.store else "/v1/triage"
        return (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(request.body)}\r\n\r\n"
        ).encode()


Note = Callable[[Outcome], None]


async def keep_calling(
    port: int, token: str, requests: Iterator[Request], *, clients: int, note: Note, going: Callable[[], bool]
) -> None:
    """Closed loop: each client waits for its answer before it sends its next request, while `going` says so.

    Who gets none or is told to wait pauses for a moment, so that refusals do not become the load.
    """

    async def client() -> None:
        connection = Connection(port, token)
        while going():
            request = next(requests)
            outcome = await connection.send(request)
            note(outcome)
            if outcome.status in (LOST, 429):
                await asyncio.sleep(PAUSE_SECONDS)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))


async def call_at_rate(
    port: int, token: str, requests: Iterator[Request], *, clients: int, note: Note, seconds: float, per_second: float
) -> None:
    """Open loop: every client sends on its schedule, whether or not its earlier requests were answered.

    Latency counts from the time a request was due, so that a slow service cannot hide behind a waiting client.
    """
    started = time.monotonic()
    gap = clients / per_second

    async def client(number: int) -> None:
        idle: deque[Connection] = deque()
        running: set[asyncio.Task[None]] = set()
        due = started + gap * number / clients
        while due < started + seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            connection = idle.pop() if idle else Connection(port, token)
            task = asyncio.create_task(_send_and_return(connection, next(requests), due, note, idle))
            running.add(task)
            task.add_done_callback(running.discard)
            due += gap
        await asyncio.gather(*running)
        for connection in idle:
            connection.close()

    await asyncio.gather(*(client(number) for number in range(clients)))


async def _send_and_return(
    connection: Connection, request: Request, due: float, note: Note, idle: deque[Connection]
) -> None:
    note(await connection.send(request, due=due))
    idle.append(connection)


def for_seconds(seconds: float) -> Callable[[], bool]:
    """True until this time is over."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() < until


@dataclass(kw_only=True)
class Ledger:
    """All outcomes of a run."""

    outcomes: list[Outcome] = field(default_factory=list)

    def note(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def statuses(self) -> Counter[int]:
        return Counter(outcome.status for outcome in self.outcomes)

    def between(self, start: float, end: float) -> "Ledger":
        """Those that were due in this span of time."""
        return Ledger(outcomes=[outcome for outcome in self.outcomes if start <= outcome.due < end])

    def of_status(self, status: int) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == status]


def percentiles_ms(outcomes: Sequence[Outcome]) -> tuple[float, float, float]:
    """p50, p99 and the longest, in milliseconds; nan without outcomes."""
    if not outcomes:
        return (float("nan"),) * 3
    seconds = [outcome.seconds for outcome in outcomes]
    p50, p99 = np.percentile(seconds, [50, 99])
    return float(p50) * 1e3, float(p99) * 1e3, max(seconds) * 1e3
