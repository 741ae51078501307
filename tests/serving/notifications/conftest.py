"""An open store with an organisation on both databases, and a receiver."""

from collections.abc import Iterator

import pytest

from data.store.unit_of_work import Store, open_store
from tests.data.store.cases import Clock, build_organisation, masters
from tests.serving.notifications.receiver import Receiver, receiving


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    opened = open_store(url, masters("2026a"), now=clock)
    build_organisation(opened)
    yield opened
    opened.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened
