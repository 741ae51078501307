"""What a command line runs on the whole store: rotate, erase, verify, purge. In: a store. Out: what was done.

Each works in small transactions and can be stopped and run again.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from data.days import CHINA, china_day
from data.errors import StoreError
from data.store.audit import AuditHead, AuditReport
from data.store.clock_tables import Closing
from data.store.engine import is_sqlite
from data.store.flags import flags_of
from data.store.import_tables import ImportJob
from data.store.scope import ROOT, units_within
from data.store.tables import CLOSED, Case, PurgedCase, PurgedCaseFlag
from data.store.unit_of_work import Store

LEAST_YEARS = 3
"""中国人民银行令〔2020〕第5号, article 44: complaint files are kept at least 3 years from closing."""
BATCH = 500
CLOSING_STATISTICS = ("outcome", "redress_fen", "satisfaction", "is_responsible", "is_in_time")
"""What a purge keeps of a closing."""


def rotate(store: Store, *, actor_id: str, batch: int = BATCH) -> int:
    """Wrap all keys with the current master key; returns how many. Older master keys may be dropped afterwards."""
    total = 0
    while True:
        with store.writing() as work:
            count = work.keys.rewrap(batch)
            total += count
            if count == 0:
                work.audit.append("keys.rotated", actor_id=actor_id, details={"keys": total})
                break
    scrub(store)
    return total


def erase(store: Store, case_id: str, *, actor_id: str, reason: str, within: str = ROOT) -> None:
    """Destroy one case's key and texts; what statistics need stays. Raises NotAllowedError, NotFoundError."""
    with store.writing() as work:
        work.originals.erase(case_id, actor_id=actor_id, reason=reason, within=within)
    scrub(store)


def verify(store: Store, head: AuditHead | None = None) -> AuditReport:
    """Check the audit chain, and against a head noted elsewhere."""
    with store.reading() as work:
        return work.audit.verify(head)


def purge(store: Store, *, actor_id: str, years: int = LEAST_YEARS, batch: int = BATCH, within: str = ROOT) -> int:
    """Delete cases closed at least `years` years ago, keep their statistics; returns how many.

    Imports that ended as long ago go as well.

    Raises StoreError for less than the three years that the regulator demands.
    """
    if years < LEAST_YEARS:
        raise StoreError(
            f"closed cases are kept at least {LEAST_YEARS} years, {years} was asked for",
            f"办结案件至少保存 {LEAST_YEARS} 年",
            code="retention_too_short",
        )
    with store.writing() as work:
        _purge_imports(work.session, years_before(work.now(), years), within)
    total = 0
    while True:
        with store.writing() as work:
            until = years_before(work.now(), years)
            count = _purge_batch(work.session, until, batch, within)
            total += count
            if count:
                work.audit.append(
                    "cases.purged", actor_id=actor_id, details={"cases": count, "closed_until": until.isoformat()}
                )
        if count < batch:
            break
    scrub(store)
    return total


def years_before(moment: datetime, years: int) -> datetime:
    """The same day and time in China some years earlier; 29 February gives 28 February."""
    local = moment.astimezone(CHINA)
    day = 28 if (local.month, local.day) == (2, 29) else local.day
    return local.replace(year=local.year - years, day=day).astimezone(UTC)


def scrub(store: Store) -> None:
    """Let go of what was deleted: SQLite overwrites it (secure_delete) and empties its journal.

    PostgreSQL reuses the space after its next vacuum. Backups made before still hold wrapped keys: rotate and destroy
    the older master key to make those unreadable too.
    """
    with store.engine.connect() as connection:
        if is_sqlite(connection):
            raw = connection.connection.driver_connection
            assert raw is not None
            connection.rollback()
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _purge_batch(session: Session, until: datetime, batch: int, within: str) -> int:
    due = (
        select(Case)
        .where(Case.status == CLOSED, Case.closed_at <= until, Case.unit_id.in_(units_within(within)))
        .order_by(Case.closed_at)
        .limit(batch)
        .with_for_update()
    )
    cases = session.scalars(due).all()
    flags = flags_of(session, [case.id for case in cases])
    closings = _standing_closings(session, [case.id for case in cases])
    for case in cases:
        kept = _statistics(case, closings.get(case.id))
        session.add(kept)
        session.flush()
        session.add_all(PurgedCaseFlag(purged_case_id=kept.id, flag=flag) for flag in flags[case.id])
    session.execute(delete(Case).where(Case.id.in_([case.id for case in cases])))
    return len(cases)


def _purge_imports(session: Session, until: datetime, within: str) -> None:
    ended = (ImportJob.finished_at <= until) & ImportJob.unit_id.in_(units_within(within))
    session.execute(delete(ImportJob).where(ended))


def _standing_closings(session: Session, case_ids: Sequence[str]) -> Mapping[str, Closing]:
    query = select(Closing).where(Closing.case_id.in_(case_ids), Closing.reopened_at.is_(None)).order_by(Closing.id)
    return {closing.case_id: closing for closing in session.scalars(query)}


def _statistics(case: Case, closing: Closing | None) -> PurgedCase:
    assert case.closed_at is not None
    days = china_day(case.closed_at) - china_day(case.received_at)
    return PurgedCase(
        month=case.month,
        unit_id=case.unit_id,
        order_type=case.order_type,
        category=case.category,
        cause=case.cause,
        channel=case.channel,
        days_to_close=days.days,
        **{name: getattr(closing, name, None) for name in CLOSING_STATISTICS},
    )
