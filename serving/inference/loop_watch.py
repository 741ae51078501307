"""How far behind the event loop is. In: its clock. Out: seconds since it last came to rest.

Under overload the loop may be what is full: it works off what it has read, and what waits in sockets that it has not
read no queue counts. A task that wakes twenty times a second shows it: as long as it has not woken again, everything
that comes to its turn has waited at least so long.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from serving.background import beside

TICK_SECONDS = 0.05


class LoopWatch:
    """Says 0 while it does not run."""

    def __init__(self) -> None:
        self._woken: float | None = None

    @property
    def behind_seconds(self) -> float:
        """Since the loop last woke this watch, less its sleep."""
        return 0.0 if self._woken is None else max(0.0, time.perf_counter() - self._woken - TICK_SECONDS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the loop of the caller while the block runs."""
        try:
            async with beside(self._tick()):
                yield
        finally:
            self._woken = None

    async def _tick(self) -> None:
        while True:
            self._woken = time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
