"""Keys of machines: made, rotated, revoked, looked up. In: who makes them. Out: the key, its secret once.

A key reads `xb_ID_SECRET`. The secret is 256 random bits, so a plain SHA-256 of it is enough: nothing can be guessed.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.errors import StoreError
from data.store.audit import AuditLog
from data.store.organisation import check_role, check_unit
from data.store.scope import not_found, units_within
from data.store.sign_in_tables import ApiKey
from data.store.tables import Unit

PREFIX = "xb"
LONGEST_GRACE = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class NewApiKey:
    """What a key may do: `scopes` are permissions, at most those of its role."""

    name: str
    source_system: str
    role: str
    unit_id: str
    scopes: Sequence[str]
    texts_per_minute: int | None = None
    max_body_bytes: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class IssuedKey:
    """A key with its token, which is shown this one time."""

    key: ApiKey
    token: str = field(repr=False)


class ApiKeyRepository:
    def __init__(self, session: Session, *, audit: AuditLog, now: Callable[[], datetime]) -> None:
        self._session = session
        self._audit = audit
        self._now = now

    def add(self, new: NewApiKey, *, actor_id: str, within: str) -> IssuedKey:
        """Make a key for a unit of the caller's part of the organisation. Raises StoreError, NotFoundError."""
        check_role(new.role)
        check_unit(self._session, new.unit_id, within)
        if not new.name.strip() or not new.source_system.strip():
            raise StoreError("a key needs a name and a source system", "密钥须有名称和来源系统", code="key_incomplete")
        key_id, secret = secrets.token_hex(6), _new_secret()
        row = ApiKey(
            id=key_id,
            name=new.name,
            source_system=new.source_system,
            role=new.role,
            unit_id=new.unit_id,
            scopes=sorted(set(new.scopes)),
            secret_hash=_hash(secret),
            texts_per_minute=new.texts_per_minute,
            max_body_bytes=new.max_body_bytes,
            created_by=actor_id,
            created_at=self._now(),
            expires_at=new.expires_at,
        )
        self._session.add(row)
        self._session.flush()
        self._audit.append("key.created", actor_id=actor_id, subject=key_id, details={"unit": new.unit_id})
        return IssuedKey(key=row, token=_token(key_id, secret))

    def rotate(self, key_id: str, *, grace: timedelta, actor_id: str, within: str) -> IssuedKey:
        """A new secret; the old one is valid for `grace` more. Raises StoreError `key_revoked`, NotFoundError."""
        row = self.get(key_id, within=within)
        if row.revoked_at is not None:
            raise StoreError("the key was revoked; make a new one", "该密钥已吊销，请新建", code="key_revoked")
        if not timedelta() <= grace <= LONGEST_GRACE:
            raise StoreError(
                f"the old secret may stay valid for 0 to {LONGEST_GRACE.days} days",
                f"旧密钥的宽限期为 0 至 {LONGEST_GRACE.days} 天",
                code="grace_invalid",
            )
        secret = _new_secret()
        row.previous_hash, row.previous_until = row.secret_hash, self._now() + grace
        row.secret_hash = _hash(secret)
        self._session.flush()
        self._audit.append("key.rotated", actor_id=actor_id, subject=key_id)
        return IssuedKey(key=row, token=_token(key_id, secret))

    def revoke(self, key_id: str, *, actor_id: str, within: str) -> ApiKey:
        """End a key at once, its earlier secret too. Raises NotFoundError."""
        row = self.get(key_id, within=within)
        if row.revoked_at is None:
            row.revoked_at = self._now()
            self._session.flush()
            self._audit.append("key.revoked", actor_id=actor_id, subject=key_id)
        return row

    def get(self, key_id: str, *, within: str) -> ApiKey:
        """One key. Raises NotFoundError."""
        query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.unit_id.in_(units_within(within)))
        row = self._session.scalar(query)
        if row is None:
            raise not_found("key", "密钥")
        return row

    def all(self, *, within: str) -> Sequence[ApiKey]:
        """The keys of the caller's part of the organisation, oldest first."""
        query = select(ApiKey).where(ApiKey.unit_id.in_(units_within(within))).order_by(ApiKey.created_at, ApiKey.id)
        return self._session.scalars(query).all()

    def names(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Names of those among the ids that are keys; for who sees the case that they delivered."""
        rows = self._session.execute(select(ApiKey.id, ApiKey.name).where(ApiKey.id.in_(list(ids))))
        return {row.id: row.name for row in rows}

    def by_token(self, token: str) -> tuple[ApiKey, str] | None:
        """The valid key that a token opens and the path of its unit, else None."""
        key_id, secret = _parts(token)
        query = select(ApiKey, Unit.path).join(Unit, Unit.id == ApiKey.unit_id).where(ApiKey.id == key_id)
        found = self._session.execute(query).one_or_none()
        if found is None or not self._is_valid(found[0], _hash(secret)):
            return None
        return found[0], found[1]

    def _is_valid(self, row: ApiKey, digest: str) -> bool:
        now = self._now()
        if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
            return False
        if secrets.compare_digest(row.secret_hash, digest):
            return True
        is_earlier = row.previous_hash is not None and secrets.compare_digest(row.previous_hash, digest)
        return is_earlier and row.previous_until is not None and now < row.previous_until


def looks_like_key(token: str) -> bool:
    """Whether a bearer token has the form of a key."""
    return token.startswith(f"{PREFIX}_")


def _token(key_id: str, secret: str) -> str:
    return f"{PREFIX}_{key_id}_{secret}"


def _parts(token: str) -> tuple[str, str]:
    _, key_id, secret = (*token.split("_", 2), "", "")[:3]
    return key_id, secret


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
