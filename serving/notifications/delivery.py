"""The delivery worker. In: deliveries that are due. Out: posted, recorded, tried again later or given up.

A thread with an event loop of its own: a slow receiver holds up nobody else, an attempt has one limit of time for all
its parts, and a stop cuts off what is under way. What was cut off, or was in hand when the process died, is sent again
by whoever comes once its lease has run out.
"""

import asyncio
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta

from data.store.deliveries import LEASE, Claim
from data.store.unit_of_work import Store
from serving.notifications.hosts import AllowedHosts
from serving.notifications.posting import Outcome, Poster
from serving.notifications.repeating import PAUSE_AFTER_FAILURE, STOP_SECONDS, Trouble
from serving.settings import Settings
from serving.telemetry import Telemetry

LOOKING = "looking"
LOOK_SECONDS = 0.5
RECEIVERS_AT_ONCE = 8
BATCH = 5
BATCHES_IN_A_ROW = 20
JITTER = 0.2


class DeliveryWorker:
    """`get_store` may fail while the database is away."""

    def __init__(
        self,
        get_store: Callable[[], Store],
        settings: Settings,
        telemetry: Telemetry,
        *,
        jitter: Callable[[], float] = lambda: random.uniform(1 - JITTER, 1 + JITTER),
        stopping: threading.Event | None = None,
    ) -> None:
        assert timedelta(seconds=BATCH * settings.webhook_timeout_seconds) < LEASE
        self._get_store = get_store
        self._hosts = AllowedHosts(settings.webhook_hosts)
        self._retry_seconds = settings.webhook_retry_seconds
        self._timeout_seconds = settings.webhook_timeout_seconds
        self._attempts = telemetry.webhook_attempts
        self._jitter = jitter
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()), name="webhook delivery")
        self._stopping = stopping or threading.Event()
        self._trouble: dict[str, Trouble] = defaultdict(lambda: Trouble("webhook delivery"))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Cuts off attempts under way; returns within two seconds unless the database hangs."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def deliver_due(self) -> None:
        """Attempt everything that is due now, without a thread. Raises StoreError."""

        async def once() -> None:
            async with self._poster() as poster:
                due = await asyncio.to_thread(self._due)
                await asyncio.gather(*(self._serve(webhook_id, poster) for webhook_id in due))

        asyncio.run(once())

    async def _work(self) -> None:
        serving: dict[str, asyncio.Task[None]] = {}
        async with self._poster() as poster:
            while not self._stopping.is_set():
                serving = {key: task for key, task in serving.items() if not task.done()}
                due = await self._due_or_none()
                for webhook_id in due or ():
                    if webhook_id not in serving and len(serving) < RECEIVERS_AT_ONCE:
                        serving[webhook_id] = asyncio.create_task(self._serve_safely(webhook_id, poster))
                await asyncio.to_thread(self._stopping.wait, PAUSE_AFTER_FAILURE if due is None else LOOK_SECONDS)
            for task in serving.values():
                task.cancel()
            await asyncio.gather(*serving.values(), return_exceptions=True)

    async def _due_or_none(self) -> Sequence[str] | None:
        try:
            due = await asyncio.to_thread(self._due)
        except Exception as error:  # a loop's edge: the database comes back
            self._trouble[LOOKING].failed(error)
            return None
        self._trouble[LOOKING].went_well()
        return due

    async def _serve_safely(self, webhook_id: str, poster: Poster) -> None:
        try:
            await self._serve(webhook_id, poster)
        except Exception as error:  # a loop's edge: the leases run out, and it is tried again
            self._trouble[webhook_id].failed(error)
        else:
            self._trouble[webhook_id].went_well()

    async def _serve(self, webhook_id: str, poster: Poster) -> None:
        """What is due for one webhook, until there is no more, it fails, or it is another's turn."""
        for _ in range(BATCHES_IN_A_ROW):
            claims = await asyncio.to_thread(self._claim, webhook_id)
            if not claims:
                return
            for index, claim in enumerate(claims):
                outcome = await poster.post(claim)
                await asyncio.to_thread(self._record, claim, outcome, claims[index + 1 :])
                if outcome.is_down:
                    return

    def _poster(self) -> Poster:
        return Poster(self._hosts, timeout_seconds=self._timeout_seconds)

    def _due(self) -> Sequence[str]:
        with self._get_store().reading() as work:
            return work.deliveries.due_webhooks()

    def _claim(self, webhook_id: str) -> Sequence[Claim]:
        with self._get_store().writing() as work:
            return work.deliveries.claim(webhook_id, limit=BATCH)

    def _record(self, claim: Claim, outcome: Outcome, untried: Sequence[Claim]) -> None:
        is_dead = False
        with self._get_store().writing() as work:
            if outcome.is_delivered:
                work.deliveries.delivered(claim, outcome.status)
            else:
                is_dead = work.deliveries.failed(
                    claim, outcome.status, retry_after=self._retry_after(claim), is_down=outcome.is_down
                )
            if outcome.is_down:
                work.deliveries.release(untried)
        self._attempts.labels("delivered" if outcome.is_delivered else "dead" if is_dead else "failed").inc()

    def _retry_after(self, claim: Claim) -> timedelta | None:
        """None after the last attempt."""
        if claim.attempts >= len(self._retry_seconds):
            return None
        return timedelta(seconds=self._retry_seconds[claim.attempts] * self._jitter())
