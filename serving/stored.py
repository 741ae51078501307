"""The store as the event loop sees it. In: work to do in it. Out: its result, or an error within two seconds.

The database is waited for on a few threads of its own. One that hangs (a server that was stopped, a full disk) occupies
those threads and nothing else: who waits longer than the limit is told so, later callers are refused at once until it
gives a sign of life, and what needs no store goes on. A database that works, but slower than complaints arrive, makes
them wait a third of the limit at most; then they are refused with 429. The store is opened when it is first needed and
can be: a service starts, and triages, while its database is down.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from starlette.requests import Request

from data.errors import StoreUnavailableError
from data.policy.book import PolicyBook
from data.store.engine import parse_url
from data.store.migration import migrate
from data.store.scope import ROOT
from data.store.unit_of_work import Store, UnitOfWork, open_store
from serving.errors import ServiceError, store_off
from serving.settings import DEVELOPMENT_FOLDER, Settings

THREADS = 8
# With what comes before and after, an answer leaves within two seconds.
LIMIT_SECONDS = 1.5
DATABASE_SECONDS = 1.2
# While the database is silent one caller in so many seconds may try whether it is.
TRIAL_SECONDS = 1.0
SHARE_OF_LATEST = 0.1  # in the mean of the seconds that a text takes
HASHING_SECONDS = 5.0
"""More for what hashes a password: 50 ms on a machine with nothing else to do, seconds on a busy one."""
DEVELOPMENT_UNIT = "head"
Result = TypeVar("Result")


class StoreAccess:
    """Runs work on the store away from the event loop."""

    def __init__(self, open_it: Callable[[], Store], *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._open = open_it
        self._store: Store | None = None
        self._opening = threading.Lock()
        self.limit_seconds = limit_seconds
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="store")
        self._counting = threading.Lock()
        self._calls = 0
        self._texts = 0
        self._seconds_a_text = 0.0
        self._silent = False
        self._trial_at = 0.0

    @property
    def store(self) -> Store:
        """The open store, for threads that may wait. Raises StoreUnavailableError, StoreError."""
        with self._opening:
            if self._store is None:
                self._store = self._open()
            return self._store

    def admit(self) -> None:
        """Raise ServiceError `store_busy` if texts to be stored would wait too long, StoreUnavailableError if the
        database is silent."""
        if self._silent:
            if time.monotonic() < self._trial_at:
                raise _silent()
        elif self._calls >= THREADS and self._texts * self._seconds_a_text / THREADS > self.limit_seconds / 3:
            raise ServiceError(
                "store_busy",
                f"{self._texts} complaints are waiting for the database; try again",
                "待保存的投诉过多，请稍后重试",
                {"Retry-After": "1"},
            )

    async def run(self, work: Callable[[Store], Result], *, texts: int = 1, extra_seconds: float = 0.0) -> Result:
        """Do the work. Raises what it raises, StoreUnavailableError if it takes too long.

        Work that has begun cannot be taken back: it may still be done after the error, which says so. `texts`: how many
        complaints it stores.
        """
        if self._silent:
            self._try_again()
        future = self._threads.submit(self._timed, work, texts)
        with self._counting:
            self._calls, self._texts = self._calls + 1, self._texts + texts
        future.add_done_callback(lambda done: self._count_done(done, texts))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.limit_seconds + extra_seconds)
        except TimeoutError:
            self._silent, self._trial_at = True, time.monotonic() + TRIAL_SECONDS
            raise StoreUnavailableError(
                "the database does not answer in time; it is not certain whether the request was stored; "
                "send it again with the same external_id",
                "数据库未能及时响应，无法确定是否已保存，请使用相同的 external_id 重新提交",
            ) from None

    async def change(self, work: Callable[[UnitOfWork], Result], *, extra_seconds: float = 0.0) -> Result:
        """The same in one transaction. Raises as `run`, and what it raises undoes it."""

        def write(store: Store) -> Result:
            with store.writing() as unit:
                return work(unit)

        return await self.run(write, extra_seconds=extra_seconds)

    def close(self) -> None:
        """Let go of threads and connections; work that waits is dropped, its callers have been answered."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._store is not None:
            self._store.close()

    def _try_again(self) -> None:
        """Let one caller through now and then. Raises StoreUnavailableError for all others."""
        now = time.monotonic()
        if now < self._trial_at:
            raise _silent()
        self._trial_at = now + TRIAL_SECONDS

    def _timed(self, work: Callable[[Store], Result], texts: int) -> Result:
        started = time.monotonic()
        try:
            result = work(self.store)
        except StoreUnavailableError:
            raise  # no sign of life, and no measure of how long a text takes
        except BaseException:
            self._silent = False
            raise
        # What hung and was done in the end is no measure either.
        took = min(time.monotonic() - started, self.limit_seconds) / max(1, texts)
        with self._counting:
            self._seconds_a_text += SHARE_OF_LATEST * (took - self._seconds_a_text)
        self._silent = False
        return result

    def _count_done(self, _done: "Future[Result]", texts: int) -> None:
        with self._counting:
            self._calls, self._texts = self._calls - 1, self._texts - texts


def _silent() -> StoreUnavailableError:
    return StoreUnavailableError(
        "the database does not answer; nothing was stored; try again shortly", "数据库暂不可用，本次未保存，请稍后重试"
    )


def access_of(settings: Settings, book: PolicyBook) -> StoreAccess:
    """Access to the store of the settings; SQLite and development databases are migrated when first opened."""

    def open_it() -> Store:
        url = settings.database
        if settings.is_development or parse_url(url).get_backend_name() == "sqlite":
            if settings.is_development:
                DEVELOPMENT_FOLDER.mkdir(mode=0o700, exist_ok=True)
            migrate(url)
        masters = settings.read_master_keys()
        store = open_store(url, masters, cipher=settings.cipher, book=book, timeout_seconds=DATABASE_SECONDS)
        if settings.is_development:
            _add_development_unit(store)
        return store

    return StoreAccess(open_it)


def store_access(request: Request) -> StoreAccess:
    """The app's store. Raises ServiceError `store_off` where it runs without one."""
    access: StoreAccess | None = request.app.state.store_access
    if access is None:
        raise store_off()
    return access


def _add_development_unit(store: Store) -> None:
    with store.writing() as work:
        if not work.units.all(within=ROOT):
            work.units.add(DEVELOPMENT_UNIT, name="总行", parent_id=None, within=ROOT)
