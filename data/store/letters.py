"""Which message goes to whom by e-mail, and what became of it. In: a lease. Out: what to send, once at a time.

As deliveries to webhooks (`data.store.deliveries`), with one difference: all letters go through one server. While that
does not answer, no attempt is counted and they wait, for three days at most. What was given up stands here until it is
sent again or forgotten, but for letters to people who have left or have no address any more: nobody is to mend those.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from data.store.notification_tables import Letter, OutboxMessage
from data.store.scope import ROOT, units_within
from data.store.tables import User

LEASE = timedelta(minutes=5)
"""Longer than a batch may take."""
REST = timedelta(seconds=60)
LONGEST_WAIT = timedelta(days=3)
"""A reminder that comes later than this helps nobody."""
NO_ADDRESS = "no_address"


@dataclass(frozen=True, kw_only=True)
class LetterClaim:
    """One letter to send now. `attempts` were made before."""

    message_id: str
    user_id: str
    kind: str
    created_at: datetime
    payload: dict[str, Any]
    name: str = field(repr=False)
    email: str = field(repr=False)
    attempts: int


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One that was given up; `status` is the server's answer as a number, or a word such as `timeout`."""

    kind: str
    login: str
    created_at: datetime
    status: str


@dataclass(frozen=True, kw_only=True)
class LetterState:
    waiting: int
    dead: int


class LetterRepository:
    def __init__(self, session: Session, *, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now

    def is_due(self) -> bool:
        """Whether there is anything to send now."""
        return self._session.scalar(select(Letter.message_id).where(*self._due()).limit(1)) is not None

    def claim(self, *, limit: int) -> Sequence[LetterClaim]:
        """Take up to `limit` letters that are due, oldest first; for LEASE no other worker gets them.

        Those of people who have left or have no address any more are given up.
        """
        query = (
            select(Letter, OutboxMessage, User)
            .join(OutboxMessage, OutboxMessage.id == Letter.message_id)
            .join(User, User.id == Letter.user_id)
            .where(*self._due())
            .order_by(OutboxMessage.position, Letter.user_id)
            .limit(limit)
            .with_for_update(of=Letter, skip_locked=True)
        )
        claims = []
        for letter, message, user in self._session.execute(query).all():
            if user.email is None or not user.is_active:
                self._give_up(letter, NO_ADDRESS)
                continue
            letter.lease_until = self._now() + LEASE
            claims.append(
                LetterClaim(
                    message_id=message.id,
                    user_id=user.id,
                    kind=message.kind,
                    created_at=message.created_at,
                    payload=message.payload,
                    name=user.name,
                    email=user.email,
                    attempts=letter.attempts,
                )
            )
        self._session.flush()
        return claims

    def sent(self, claim: LetterClaim, status: str) -> None:
        """The server has taken it."""
        letter = self._in_hand(claim)
        if letter is not None:
            letter.attempts, letter.last_status = claim.attempts + 1, status
            letter.sent_at, letter.next_attempt_at, letter.lease_until = self._now(), None, None

    def failed(self, claim: LetterClaim, status: str, *, retry_after: timedelta | None) -> bool:
        """The server refused it: try again after a while, or (None) never; true if it is dead now."""
        letter = self._in_hand(claim)
        if letter is None:
            return False
        letter.attempts = claim.attempts + 1
        if retry_after is None:
            self._give_up(letter, status)
        else:
            letter.last_status, letter.lease_until = status, None
            letter.next_attempt_at = self._now() + retry_after
        return retry_after is None

    def postpone(self, claims: Sequence[LetterClaim], status: str) -> None:
        """The server does not answer: all wait, those that waited too long are given up."""
        for claim in claims:
            letter = self._in_hand(claim)
            if letter is None:
                continue
            if self._now() - claim.created_at > LONGEST_WAIT:
                self._give_up(letter, status)
            else:
                letter.last_status, letter.lease_until = status, None
                letter.next_attempt_at = self._now() + REST

    def state(self) -> LetterState:
        """How many wait and how many are dead."""
        return LetterState(waiting=self._count(Letter.next_attempt_at.is_not(None)), dead=self._count(*_dead(ROOT)))

    def dead(self, *, within: str) -> Sequence[DeadLetter]:
        """Dead letters to people of the caller's part of the organisation, oldest first."""
        query = (
            select(OutboxMessage.kind, User.login, OutboxMessage.created_at, Letter.last_status)
            .join(OutboxMessage, OutboxMessage.id == Letter.message_id)
            .join(User, User.id == Letter.user_id)
            .where(*_dead(within))
            .order_by(Letter.dead_at, User.login, OutboxMessage.position)
        )
        return [
            DeadLetter(kind=kind, login=login, created_at=created_at, status=status or "")
            for kind, login, created_at, status in self._session.execute(query)
        ]

    def resend(self, *, within: str) -> int:
        """Let these begin anew; returns how many."""
        letters = self._session.scalars(select(Letter).where(*_dead(within)).with_for_update()).all()
        for letter in letters:
            letter.attempts, letter.dead_at, letter.next_attempt_at = 0, None, self._now()
        return len(letters)

    def forget(self, *, within: str) -> int:
        """Delete these; returns how many."""
        letters = self._session.scalars(select(Letter).where(*_dead(within)).with_for_update()).all()
        for letter in letters:
            self._session.delete(letter)
        return len(letters)

    def _give_up(self, letter: Letter, status: str) -> None:
        letter.last_status, letter.lease_until, letter.next_attempt_at = status, None, None
        letter.dead_at = self._now()

    def _count(self, *conditions: ColumnElement[bool]) -> int:
        return self._session.scalar(select(func.count()).select_from(Letter).where(*conditions)) or 0

    def _due(self) -> tuple[ColumnElement[bool], ...]:
        now = self._now()
        return (Letter.next_attempt_at <= now, or_(Letter.lease_until.is_(None), Letter.lease_until <= now))

    def _in_hand(self, claim: LetterClaim) -> Letter | None:
        """None once it was sent by another (the lease ran out), or its case is gone."""
        letter = self._session.get(Letter, (claim.message_id, claim.user_id), with_for_update=True)
        return letter if letter is not None and letter.sent_at is None else None


def _dead(within: str) -> tuple[ColumnElement[bool], ...]:
    """Given up although there was somebody to write to, to people of this part of the organisation."""
    people = select(User.id).where(User.unit_id.in_(units_within(within)))
    return (Letter.dead_at.is_not(None), Letter.last_status != NO_ADDRESS, Letter.user_id.in_(people))
