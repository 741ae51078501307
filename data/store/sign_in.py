"""People signing in: passwords and sessions. In: a login and a password, or a session's token. Out: who it is.

Passwords are hashed with argon2id (argon2-cffi's defaults, RFC 9106). Hashing takes tens of milliseconds, so it happens
between two transactions and never inside one.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from data.errors import NotAllowedError, StoreError
from data.store.audit import AuditLog
from data.store.scope import not_found, units_within
from data.store.sign_in_tables import Credential, SignedIn
from data.store.tables import Unit, User

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200
ATTEMPTS = 5
LOCKED_FOR = timedelta(minutes=15)
SESSION_FOR = timedelta(hours=12)
IDLE_FOR = timedelta(hours=1)
_SEEN_AGAIN = timedelta(minutes=1)
_HASHER = PasswordHasher()


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What has to be known to check a password outside of a transaction."""

    user_id: str | None
    password_hash: str | None = field(repr=False)
    is_locked: bool

    def fits(self, password: str) -> bool:
        """Whether the password is the right one; takes its time. A locked login refuses the right one as well.

        Of an unknown login nobody's hash is checked, so that the time of an answer does not tell which logins exist.
        """
        nobodys = _hash_of_nobody()  # whoever it is: the first attempt makes it
        try:
            _HASHER.verify(self.password_hash or nobodys, password[:LONGEST_PASSWORD])
        except VerificationError:
            return False
        return self.user_id is not None and not self.is_locked


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash("nobody has this password")


def hash_password(password: str) -> str:
    """The hash to be stored. Raises StoreError `password_weak`."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or len(set(password)) < 6:
        raise StoreError(
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, at least 6 of them different",
            f"密码须为 {SHORTEST_PASSWORD} 至 {LONGEST_PASSWORD} 位，且至少含 6 个不同字符",
            code="password_weak",
        )
    return _HASHER.hash(password)


class SignInRepository:
    def __init__(self, session: Session, *, audit: AuditLog, now: Callable[[], datetime]) -> None:
        self._session = session
        self._audit = audit
        self._now = now

    def set_password(self, user_id: str, password_hash: str, *, actor_id: str, within: str) -> None:
        """Give a user a password (made by `hash_password`); sessions end, a lock opens. Raises NotFoundError."""
        query = select(User.id).where(User.id == user_id, User.unit_id.in_(units_within(within)))
        if self._session.scalar(query) is None:
            raise not_found("user", "用户")
        self._session.execute(delete(SignedIn).where(SignedIn.user_id == user_id))
        row = self._session.get(Credential, user_id) or Credential(user_id=user_id)
        row.password_hash, row.changed_at = password_hash, self._now()
        row.failed_attempts, row.locked_until = 0, None
        self._session.add(row)
        self._session.flush()
        self._audit.append("password.set", actor_id=actor_id, subject=user_id)

    def attempt(self, login: str) -> Attempt:
        """What a password is to be checked against; of somebody unknown or inactive nothing fits."""
        query = select(Credential).join(User, User.id == Credential.user_id)
        row = self._session.scalar(query.where(User.login == login, User.is_active, User.role != "system"))
        if row is None:
            return Attempt(user_id=None, password_hash=None, is_locked=False)
        is_locked = row.locked_until is not None and self._now() < row.locked_until
        return Attempt(user_id=row.user_id, password_hash=row.password_hash, is_locked=is_locked)

    def record(self, attempt: Attempt, *, succeeded: bool) -> str | None:
        """Count the attempt; a session's token if it succeeded. `ATTEMPTS` failures lock the login for a while."""
        row = self._session.get(Credential, attempt.user_id, with_for_update=True) if attempt.user_id else None
        if row is None or attempt.is_locked:
            return None
        if not succeeded:
            self._count_failure(row)
            return None
        row.failed_attempts, row.locked_until = 0, None
        return self.open_session(row.user_id)

    def open_session(self, user_id: str) -> str:
        """A new session's token, for a person whose identity was proved."""
        now, token = self._now(), secrets.token_urlsafe(32)
        self._session.execute(delete(SignedIn).where(SignedIn.expires_at <= now))
        self._session.add(
            SignedIn(
                token_hash=_hash(token),
                user_id=user_id,
                created_at=now,
                last_seen_at=now,
                expires_at=now + SESSION_FOR,
            )
        )
        self._session.flush()
        self._audit.append("session.opened", actor_id=user_id, subject=user_id)
        return token

    def by_token(self, token: str) -> tuple[User, str] | None:
        """The active person of a running session and the path of their unit, else None."""
        now = self._now()
        query = (
            select(User, Unit.path)
            .join(SignedIn, SignedIn.user_id == User.id)
            .join(Unit, Unit.id == User.unit_id)
            .where(
                SignedIn.token_hash == _hash(token),
                SignedIn.expires_at > now,
                SignedIn.last_seen_at > now - IDLE_FOR,
                User.is_active,
            )
        )
        found = self._session.execute(query).one_or_none()
        return None if found is None else (found[0], found[1])

    def is_due(self, token: str) -> bool:
        """Whether `seen` should be called: at most once a minute."""
        row = self._session.get(SignedIn, _hash(token))
        return row is not None and row.last_seen_at <= self._now() - _SEEN_AGAIN

    def seen(self, token: str) -> None:
        """The session is in use."""
        row = self._session.get(SignedIn, _hash(token))
        if row is not None:
            row.last_seen_at = self._now()

    def close_session(self, token: str) -> None:
        """Sign out; no error where the session is over already."""
        self._session.execute(delete(SignedIn).where(SignedIn.token_hash == _hash(token)))

    def _count_failure(self, row: Credential) -> None:
        row.failed_attempts += 1
        if row.failed_attempts >= ATTEMPTS:
            row.failed_attempts, row.locked_until = 0, self._now() + LOCKED_FOR
            self._audit.append("login.locked", actor_id=row.user_id, subject=row.user_id)


def refused() -> NotAllowedError:
    """The same for an unknown login, a wrong password and a locked login."""
    return NotAllowedError(
        "login or password is wrong, or the login is locked for a while",
        "用户名或密码错误，或账号暂时锁定",
        code="login_refused",
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
