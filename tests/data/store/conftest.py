"""An open store on an empty, migrated database; every test that takes `store` runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from data.store.unit_of_work import Store, open_store
from tests.data.store.cases import Clock, build_organisation, masters


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    """An open store with a head office, two branches and people in them."""
    opened = open_store(url, masters("2026a"), now=clock)
    build_organisation(opened)
    yield opened
    opened.close()
