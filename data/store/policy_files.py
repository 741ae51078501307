"""Whether the policies at hand are those that cases were opened with. In: a book. Out: nothing, or what is wrong.

A version that is missing or was changed under its number would move deadlines of old cases without a word, so the store
is not opened with it. A changed holiday table is allowed: days off are announced year by year.
"""

import json
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.errors import PolicyError
from data.policy.book import PolicyBook
from data.policy.calendar import Calendar
from data.policy.schema import digest_of
from data.store.clock_tables import PolicyFile
from data.store.insertion import insert_if_new
from data.store.tables import OPEN, Case

HOLIDAYS = "holidays"


def check_policies(session: Session, book: PolicyBook, *, now: datetime) -> None:
    """Note new versions; have all clocks looked at again behind a new holiday table. Raises PolicyError."""
    used = set(session.scalars(select(Case.policy_version).where(Case.status == OPEN).distinct()))
    if missing := sorted(used - set(book.versions)):
        raise PolicyError(
            f"open cases were opened with policy {', '.join(missing)}, found {', '.join(sorted(book.versions))}; put "
            f"their files (policy-VERSION.yaml) back into XIAOBAO_POLICY_FOLDER",
            f"有未办结案件按政策版本{'、'.join(missing)}受理，现有版本为{'、'.join(sorted(book.versions))}；"
            f"请将其文件（policy-版本号.yaml）放回 XIAOBAO_POLICY_FOLDER",
        )
    digests = {version: digest_of(policy) for version, policy in book.versions.items()}
    changed = [version for version, digest in digests.items() if _is_changed(session, version, digest, now)]
    if changed:
        raise PolicyError(
            f"policy {', '.join(changed)} is not what this store was opened with before; give a changed file a new "
            "version and keep the old one beside it",
            f"政策版本{'、'.join(changed)}的内容与此前不同；修改后的文件须使用新版本号，原文件保留在旁",
        )
    digest = _digest_of_calendar(book.calendar)
    if _is_changed(session, HOLIDAYS, digest, now):
        session.execute(update(PolicyFile).where(PolicyFile.name == HOLIDAYS).values(digest=digest, seen_at=now))
        session.execute(update(Case).where(Case.status == OPEN).values(clock_check_at=now))


def _is_changed(session: Session, name: str, digest: str, now: datetime) -> bool:
    values = {"name": name, "digest": digest, "seen_at": now}
    return not insert_if_new(session, PolicyFile, values, unique=["name"]) and (
        session.scalar(select(PolicyFile.digest).where(PolicyFile.name == name)) != digest
    )


def _digest_of_calendar(calendar: Calendar) -> str:
    parts = [calendar.years, calendar.days_off, calendar.extra_workdays]
    return sha256(json.dumps([sorted(map(str, part)) for part in parts]).encode()).hexdigest()
