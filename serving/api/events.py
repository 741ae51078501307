"""The event stream, for FastAPI. In: who follows, from where. Out: high-risk cases and alerts of their units.

    id: 4711
    event: alert.notice
    data: {"id": "msg_…", "type": "alert.notice", "timestamp": "…", "data": {"alert_id": "…", "level": "supervisor", …}}

The outbox is the queue: a stream holds one page of it, a slow client reads later, and `Last-Event-ID` goes on where it
left off. After a quarter of an hour a stream ends, so that who lost the right to follow is asked again; clients connect
anew by themselves.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Header, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from data.errors import StoreUnavailableError
from data.store.notification_tables import OutboxMessage
from data.store.outbox import ACKNOWLEDGED, HIGH_RISK, NOTICE
from data.store.unit_of_work import Store
from serving.access.guard import require
from serving.access.principal import Principal
from serving.api.responses import problems
from serving.api.shapes import RowNumber
from serving.errors import ServiceError
from serving.notifications.envelope import envelope
from serving.stored import StoreAccess, store_access

FOLLOWED = (HIGH_RISK, NOTICE, ACKNOWLEDGED)
PAGE = 100
LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
SEND_SECONDS = 10.0
LONGEST_SECONDS = 900.0
GRACE_SECONDS = 1.0
RECONNECT_MILLISECONDS = 3000
STREAMS_OF_ONE = 8

Follower = Annotated[Principal, Depends(require("alerts.follow"))]
LastEventId = Annotated[RowNumber | None, Header(alias="Last-Event-ID", description="Go on behind this event.")]
router = APIRouter(prefix="/v1/events", tags=["events"])


class OpenStreams:
    """How many streams are open, in all and of each caller."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: Counter[str] = Counter()

    def open(self, caller_id: str) -> None:
        """One more. Raises ServiceError `streams_full`."""
        if self._of.total() >= self._most or self._of[caller_id] >= STREAMS_OF_ONE:
            raise ServiceError(
                "streams_full",
                f"{self._of.total()} event streams are open, {self._of[caller_id]} of this caller; close some",
                "打开的事件流过多，请关闭不用的连接",
                {"Retry-After": "10"},
            )
        self._of[caller_id] += 1

    def close(self, caller_id: str) -> None:
        """One less."""
        self._of[caller_id] -= 1
        self._of += Counter()  # drops those at zero


class _Stream(EventSourceResponse):
    """Counted until it ends, however that happens; `stopping` is set when the service stops."""

    def __init__(
        self, events: AsyncIterator[ServerSentEvent], streams: OpenStreams, *, caller_id: str, stopping: anyio.Event
    ) -> None:
        super().__init__(
            events,
            ping=HEARTBEAT_SECONDS,
            send_timeout=SEND_SECONDS,
            shutdown_event=stopping,
            shutdown_grace_period=GRACE_SECONDS,
        )
        streams.open(caller_id)
        self._streams, self._caller_id = streams, caller_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.close(self._caller_id)


@router.get(
    "", summary="High-risk cases and alerts as they happen", response_class=EventSourceResponse,
    responses=problems(401, 403, 422, 429, 503),
)  # fmt: skip
async def events(request: Request, caller: Follower, last_event_id: LastEventId = None) -> EventSourceResponse:
    """Server-Sent Events. Without `Last-Event-ID` only what happens from now on."""
    access = store_access(request)
    last = await access.run(_last_position(caller.unit_path))
    # A store that came back from a backup may stand behind what a client has seen.
    position = last if last_event_id is None else min(last_event_id, last)
    stopping = anyio.Event()
    followed = _follow(access, caller, position, stopping)
    return _Stream(followed, request.app.state.event_streams, caller_id=caller.id, stopping=stopping)


async def _follow(
    access: StoreAccess, caller: Principal, position: int, stopping: anyio.Event
) -> AsyncIterator[ServerSentEvent]:
    until = time.monotonic() + LONGEST_SECONDS
    # An id without data: who loses the connection before the first event goes on from here.
    yield ServerSentEvent(id=str(position), retry=RECONNECT_MILLISECONDS, comment="following")
    while time.monotonic() < until and not stopping.is_set():
        page = await _next_page(access, position, caller)
        for message in page:
            yield _event(message)
            position = message.position or position
        if len(page) < PAGE:
            with anyio.move_on_after(LOOK_SECONDS):
                await stopping.wait()


async def _next_page(access: StoreAccess, position: int, caller: Principal) -> Sequence[OutboxMessage]:
    """Empty while the database is away: the stream waits for it."""
    try:
        return await access.run(_page(position, caller.unit_path))
    except StoreUnavailableError:
        return []


def _page(position: int, within: str) -> Callable[[Store], Sequence[OutboxMessage]]:
    def read(store: Store) -> Sequence[OutboxMessage]:
        with store.reading() as work:
            return work.outbox.after(position, FOLLOWED, within=within, limit=PAGE)

    return read


def _last_position(within: str) -> Callable[[Store], int]:
    def read(store: Store) -> int:
        with store.reading() as work:
            return work.outbox.last_position(within=within)

    return read


def _event(message: OutboxMessage) -> ServerSentEvent:
    body = envelope(id=message.id, kind=message.kind, created_at=message.created_at, payload=message.payload)
    return ServerSentEvent(id=str(message.position), event=message.kind, data=body)
