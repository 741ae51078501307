"""The audit log cannot be changed unseen, and the database itself refuses to."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import text

from data.errors import StoreError
from data.store.audit import AuditHead, AuditProblem
from data.store.maintenance import verify
from data.store.scope import ROOT
from data.store.tables import AuditEntry
from data.store.unit_of_work import Store
from tests.data.store.cases import EAST, user_id

ENTRIES = 6
Tamper = Callable[..., None]


def write(store: Store, count: int = ENTRIES) -> AuditHead:
    for number in range(count):
        with store.writing() as work:
            head = work.audit.append(
                "user.changed", actor_id="cli", subject=f"u{number}", details={"role": "审计", "n": 1.5}
            )
    return head


@pytest.fixture
def tamper(store: Store) -> Tamper:
    """`tamper(sql…)`: what somebody does who owns the database: switches the triggers off and writes."""

    def run(*statements: str) -> None:
        with store.engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                for trigger in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
                    connection.execute(text(f"DROP TRIGGER IF EXISTS {trigger}"))
            else:
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                connection.execute(text(statement))

    return run


def test_an_untouched_log_verifies(store: Store) -> None:
    assert verify(store).problems == ()
    head = write(store)
    report = verify(store, head)
    assert (report.entries, report.head, report.problems) == (ENTRIES, head, ())
    assert verify(store, AuditHead.parse(str(head))).problems == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor_id = 'x' WHERE seq = 1",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE seq = 6",
        "INSERT INTO audit SELECT * FROM audit WHERE seq = 1",
    ],
)
def test_the_database_refuses_to_change_the_log(store: Store, statement: str) -> None:
    write(store)
    with pytest.raises(StoreError), store.writing() as work:
        work.session.execute(text(statement))
    assert verify(store).problems == ()


def test_the_databases_own_ways_around_are_closed(store: Store, url: str) -> None:
    """Replacing a row on SQLite, truncating on PostgreSQL."""
    write(store)
    statement = "TRUNCATE audit"
    if url.startswith("sqlite"):
        statement = "INSERT OR REPLACE INTO audit SELECT seq, at, 'x', action, subject, details, hash FROM audit"
    with pytest.raises(StoreError), store.writing() as work:
        work.session.execute(text(statement))
    assert verify(store).problems == ()


@pytest.mark.parametrize(
    "change",
    [
        "actor_id = 'somebody'",
        "action = 'x'",
        "subject = 'u9'",
        "details = '{}'",
        "hash = '" + "0" * 64 + "'",
        "at = '2020-01-01 00:00:00.000000'",
    ],
)
def test_an_edited_row_is_detected(store: Store, tamper: Tamper, change: str) -> None:
    write(store)
    tamper(f"UPDATE audit SET {change} WHERE seq = 3")
    assert AuditProblem(kind="changed", seq=3) in verify(store).problems


def test_a_deletion_is_detected(store: Store, tamper: Tamper) -> None:
    write(store)
    tamper("DELETE FROM audit WHERE seq IN (1, 4)")
    assert verify(store).problems == (AuditProblem(kind="missing", seq=2), AuditProblem(kind="missing", seq=5))


def test_a_deletion_hidden_by_new_numbers_is_detected(store: Store, tamper: Tamper) -> None:
    write(store)
    tamper("DELETE FROM audit WHERE seq = 3", *(f"UPDATE audit SET seq = {n - 1} WHERE seq = {n}" for n in (4, 5, 6)))
    assert AuditProblem(kind="changed", seq=3) in verify(store).problems


def test_reordering_is_detected(store: Store, tamper: Tamper) -> None:
    write(store)
    swap = ("SET seq = -1 WHERE seq = 3", "SET seq = 3 WHERE seq = 4", "SET seq = 4 WHERE seq = -1")
    tamper(*(f"UPDATE audit {part}" for part in swap))
    assert AuditProblem(kind="changed", seq=3) in verify(store).problems


def test_a_cut_tail_is_detected_against_a_noted_head(store: Store, tamper: Tamper) -> None:
    """Also after the service has gone on writing behind the cut."""
    head = write(store)
    tamper("DELETE FROM audit WHERE seq > 4")
    assert verify(store).problems == ()
    assert verify(store, head).problems == (AuditProblem(kind="cut", seq=ENTRIES),)
    write(store, 5)
    assert verify(store).problems == ()
    assert verify(store, head).problems == (AuditProblem(kind="cut", seq=ENTRIES),)


def test_an_emptied_log_is_detected_against_a_noted_head(store: Store, tamper: Tamper) -> None:
    head = write(store)
    tamper("DELETE FROM audit")
    assert verify(store, head).problems == (AuditProblem(kind="cut", seq=ENTRIES),)


def test_a_head_noted_before_later_entries_still_fits(store: Store) -> None:
    empty = verify(store).head
    head = write(store)
    write(store, 3)
    assert verify(store, head).problems == ()
    assert verify(store, empty).problems == ()


def test_a_head_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(StoreError):
        AuditHead.parse("12")


def test_many_writers_make_one_chain(store: Store) -> None:
    threads = [threading.Thread(target=write, args=(store, 5)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = verify(store)
    assert (report.entries, report.problems) == (25, ())


def test_an_entry_of_a_failed_transaction_is_not_there(store: Store) -> None:
    def fail() -> None:
        with store.writing() as work:
            work.audit.append("user.changed", actor_id="cli")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert verify(store).entries == 0


def test_an_auditor_sees_the_own_part(store: Store) -> None:
    with store.writing() as work:
        for actor in ("cli", user_id(store, "supervisor-east"), user_id(store, "supervisor-west")):
            work.audit.append("signed.in", actor_id=actor)
    with store.reading() as work:
        assert len(work.audit.entries(within=ROOT)) == 3
        [own] = work.audit.entries(within=EAST)
        assert len(work.audit.entries(within=ROOT, before=3, limit=1)) == 1
    assert own.actor_id == user_id(store, "supervisor-east")


def test_audit_refers_to_nothing_that_can_be_purged() -> None:
    assert not AuditEntry.__table__.foreign_keys
