"""The audit log: append-only, chained with a keyed hash. In: who did what. Out: entries; what was tampered with.

Each entry's hash is an HMAC over the hash before it and the canonical JSON of the entry, with a key that is not in the
database. Who can write to the database can therefore damage the log, but not so that it still verifies. Only a cut tail
leaves a valid chain: note the head elsewhere and verify against it. Entries hold ids and redacted reasons, so that a
purge of personal data need not touch them.
"""

import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.crypto import keyed_hash
from data.store.engine import is_sqlite
from data.store.scope import ROOT, units_within
from data.store.tables import AuditEntry, User

Scalar = str | int | float | bool | None
_START = "0" * 64
_LOCK = 7_011_002
_BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class AuditHead:
    """The last entry, to be noted elsewhere as `seq:hash`."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `seq:hash`. Raises StoreError."""
        seq, _, digest = text.strip().partition(":")
        if not seq.isdecimal() or len(digest) != len(_START):
            raise StoreError(
                "an audit head looks like 12:3fa9…, a number and 64 digits",
                "审计链头格式应为 序号:哈希",
                code="head_invalid",
            )
        return cls(seq=int(seq), hash=digest)


@dataclass(frozen=True, kw_only=True)
class AuditProblem:
    """`missing`: entries before `seq` are gone. `changed`: entry `seq` was edited or is not in its place.
    `cut`: the log no longer holds, or never came to, the noted head."""

    kind: Literal["missing", "changed", "cut"]
    seq: int


VERIFIED = "audit.verified"
"""Somebody had the whole chain recomputed."""


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Conditions that all hold; None does not matter. From `since`, before `until`."""

    actor_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def conditions(self) -> Iterator[ColumnElement[bool]]:
        if self.actor_id is not None:
            yield AuditEntry.actor_id == self.actor_id
        if self.action is not None:
            yield AuditEntry.action == self.action
        if self.since is not None:
            yield AuditEntry.at >= self.since
        if self.until is not None:
            yield AuditEntry.at < self.until


ANYTHING = AuditFilter()


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    entries: int
    head: AuditHead
    problems: tuple[AuditProblem, ...]


class AuditLog:
    """The log, for one transaction."""

    def __init__(self, session: Session, *, key: bytes, now: Callable[[], datetime]) -> None:
        self._session = session
        self._key = key
        self._now = now

    def append(self, action: str, *, actor_id: str, subject: str = "", details: Mapping[str, Scalar] = {}) -> AuditHead:
        """Write one entry, at once and in this transaction; other writers of audit wait until it ends."""
        if not is_sqlite(self._session.connection()):
            self._session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        last = self.head()
        entry = AuditEntry(
            seq=last.seq + 1,
            at=self._now().astimezone(UTC),
            actor_id=actor_id,
            action=action,
            subject=subject,
            details=_canonical(dict(details)),
        )
        entry.hash = self._hash(last.hash, entry)
        self._session.add(entry)
        self._session.flush()
        return AuditHead(seq=entry.seq, hash=entry.hash)

    def head(self) -> AuditHead:
        """The last entry's number and hash."""
        row = self._session.execute(select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc())).first()
        return AuditHead(seq=row.seq, hash=row.hash) if row else AuditHead(seq=0, hash=_START)

    def entries(
        self,
        *,
        within: str,
        before: int | None = None,
        limit: int = 100,
        subject: str | None = None,
        only: AuditFilter = ANYTHING,
    ) -> Sequence[AuditEntry]:
        """Latest first, of actors of the caller's part of the organisation; at the root, of all actors."""
        query = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit)
        if within != ROOT:
            query = query.where(AuditEntry.actor_id.in_(select(User.id).where(User.unit_id.in_(units_within(within)))))
        if before is not None:
            query = query.where(AuditEntry.seq < before)
        if subject is not None:
            query = query.where(AuditEntry.subject == subject)
        return self._session.scalars(query.where(*only.conditions)).all()

    def actions(self, *, within: str) -> Sequence[str]:
        """What has been done at all, for lists to choose from."""
        query = select(AuditEntry.action).distinct().order_by(AuditEntry.action)
        if within != ROOT:
            query = query.where(AuditEntry.actor_id.in_(select(User.id).where(User.unit_id.in_(units_within(within)))))
        return self._session.scalars(query).all()

    def begins_at(self) -> datetime | None:
        """When the first entry was written."""
        return self._session.scalar(select(func.min(AuditEntry.at)))

    def verify(self, noted: AuditHead | None = None) -> AuditReport:
        """Recompute the whole chain, and compare with a head noted elsewhere."""
        problems: list[AuditProblem] = []
        head = AuditHead(seq=0, hash=_START)
        entries = 0
        noted_hash = _START if noted and noted.seq == 0 else None
        for entry in self._all():
            if entry.seq != head.seq + 1:
                problems.append(AuditProblem(kind="missing", seq=entry.seq))
            elif not hmac.compare_digest(entry.hash, self._hash(head.hash, entry)):
                problems.append(AuditProblem(kind="changed", seq=entry.seq))
            head = AuditHead(seq=entry.seq, hash=entry.hash)
            noted_hash = entry.hash if noted and noted.seq == entry.seq else noted_hash
            entries += 1
        if noted and noted.hash != noted_hash:
            problems.append(AuditProblem(kind="cut", seq=noted.seq))
        return AuditReport(entries=entries, head=head, problems=tuple(problems))

    def _all(self) -> Iterator[AuditEntry]:
        yield from self._session.scalars(
            select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=_BATCH)
        )

    def _hash(self, previous: str, entry: AuditEntry) -> str:
        content = _canonical(
            {
                "seq": entry.seq,
                "at": entry.at.isoformat(timespec="microseconds"),
                "actor_id": entry.actor_id,
                "action": entry.action,
                "subject": entry.subject,
                "details": entry.details,
            }
        )
        return keyed_hash(self._key, f"{previous}\n{content}".encode())


def _canonical(content: Mapping[str, Scalar]) -> str:
    return json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
