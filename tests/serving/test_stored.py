"""The store behind the event loop: what hangs is refused soon, then at once; what is slow keeps nobody for long."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from data.errors import StoreUnavailableError
from data.store.unit_of_work import Store, open_store
from serving.errors import ServiceError
from serving.stored import THREADS, TRIAL_SECONDS, StoreAccess
from tests.data.store.cases import masters

LIMIT = 0.15


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url, masters("2026a"), timeout_seconds=0.1)
    yield store
    store.close()


@pytest.fixture
def access(store: Store) -> Iterator[StoreAccess]:
    access = StoreAccess(lambda: store, limit_seconds=LIMIT)
    yield access
    access.close()


def test_work_gives_its_result_and_its_error(access: StoreAccess) -> None:
    assert asyncio.run(access.run(lambda store: store.engine.dialect.name)) in ("sqlite", "postgresql")
    with pytest.raises(ZeroDivisionError):
        asyncio.run(access.run(lambda _store: 1 / 0))


def test_a_database_that_hangs_is_refused_at_once_until_it_answers(
    access: StoreAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    thaws, later = threading.Event(), [0.0]
    real = time.monotonic
    monkeypatch.setattr("serving.stored.time.monotonic", lambda: real() + later[0])

    async def hang() -> None:
        hanging = [access.run(lambda _store: thaws.wait()) for _ in range(3 * THREADS)]
        assert {type(one) for one in await asyncio.gather(*hanging, return_exceptions=True)} == {StoreUnavailableError}
        for _ in range(1000):  # at once: these would take minutes
            with pytest.raises(StoreUnavailableError):
                access.admit()
            with pytest.raises(StoreUnavailableError):
                await access.run(lambda _store: None)
        later[0] = TRIAL_SECONDS
        access.admit()  # one may try
        with pytest.raises(StoreUnavailableError):
            await access.run(lambda _store: None)
        with pytest.raises(StoreUnavailableError):
            access.admit()
        thaws.set()
        for _ in range(100):
            await asyncio.sleep(0.01)
            try:
                assert await access.run(lambda _store: "back") == "back"
                break
            except StoreUnavailableError:
                continue
        access.admit()

    asyncio.run(hang())
    assert thaws.is_set()


def test_a_database_that_is_slow_makes_texts_to_be_stored_be_refused(store: Store) -> None:
    access = StoreAccess(lambda: store, limit_seconds=3.0)

    def is_busy() -> bool:
        with suppress(ServiceError):
            access.admit()
            return False
        return True

    async def slow() -> None:
        await access.run(lambda _store: time.sleep(0.05))

    async def press() -> int:
        await asyncio.gather(*(slow() for _ in range(2 * THREADS)))  # it learns how long a text takes
        running: list[asyncio.Task[None]] = []
        while not is_busy():
            running.append(asyncio.create_task(slow()))
            await asyncio.sleep(0)
        await asyncio.gather(*running)  # none of those let in waits too long
        return len(running)

    assert THREADS <= asyncio.run(press()) < 1000
    assert not is_busy()
    access.close()
