"""The tables of who signs in: passwords, identities elsewhere, sessions of people, keys of machines."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.store.tables import ROLES, Base


class Credential(Base):
    """A person's password, for those who sign in here and not at the bank's own identity provider."""

    __tablename__ = "credentials"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    changed_at: Mapped[datetime]
    failed_attempts: Mapped[int]
    """Since the last success; enough of them lock the login for a while."""
    locked_until: Mapped[datetime | None]


class Identity(Base):
    """Who a person is at the bank's identity provider; without a subject: their next sign-in there says it."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    issuer: Mapped[str | None] = mapped_column(String(500))
    subject: Mapped[str | None] = mapped_column(String(255))
    linked_at: Mapped[datetime | None]


class SignedIn(Base):
    """One session of a person. Only a hash of its token is kept."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ApiKey(Base):
    """What a machine signs in with. Only hashes of its secret are kept, after a rotation also of the one before."""

    __tablename__ = "api_keys"
    __table_args__ = (CheckConstraint(f"role IN {ROLES}", name="role"),)

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    source_system: Mapped[str]
    """Cases that it delivers carry this name; `external_id` is unique within it."""
    role: Mapped[str]
    unit_id: Mapped[str] = mapped_column(ForeignKey("units.id"), index=True)
    scopes: Mapped[list[str]]
    secret_hash: Mapped[str]
    previous_hash: Mapped[str | None]
    previous_until: Mapped[datetime | None]
    texts_per_minute: Mapped[int | None]
    max_body_bytes: Mapped[int | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
