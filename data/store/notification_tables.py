"""The tables of what goes out: messages, who gets them, what became of it, alerts. Codes and numbers only, no text.

case ─┬─ alerts ── alert_notices, alert_acknowledgements
      └─ outbox ─┬─ deliveries ── webhooks      a webhook's signing secret is wrapped in `key_material`
                 └─ letters ── users            by e-mail
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from data.store.tables import Base


class OutboxMessage(Base):
    """Something that happened and must be told, written in the transaction in which it happened."""

    __tablename__ = "outbox"

    id: Mapped[str] = mapped_column(primary_key=True)
    """The `webhook-id`: the same in every attempt, so that receivers see what they had before."""
    key: Mapped[str] = mapped_column(String(128), unique=True)
    """What may be told once only, such as `audit.head/2026-11-30`."""
    position: Mapped[int | None] = mapped_column(BigInteger(), unique=True)
    """Counts up in the order of dispatch, which is that of commits; none until dispatched."""
    created_at: Mapped[datetime]
    kind: Mapped[str]
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    unit_id: Mapped[str | None] = mapped_column(ForeignKey("units.id"))
    """Whose matter it is; none for that of the whole store."""
    payload: Mapped[dict[str, Any]]


class Webhook(Base):
    """An address that gets messages of a unit and all below it."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(String(2000))
    unit_id: Mapped[str] = mapped_column(ForeignKey("units.id"), index=True)
    kinds: Mapped[list[str]]
    is_active: Mapped[bool]
    created_at: Mapped[datetime]
    failures: Mapped[int]
    """How often in a row the receiver did not answer."""
    resting_until: Mapped[datetime | None]
    """Until then nothing is tried: the receiver is down, and waiting for it would hold up the others."""


class Delivery(Base):
    """One message for one webhook. Waiting while it has a next attempt; then delivered or dead."""

    __tablename__ = "deliveries"
    __table_args__ = (Index(None, "webhook_id", "next_attempt_at"), Index(None, "webhook_id", "dead_at"))

    message_id: Mapped[str] = mapped_column(ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True)
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None] = mapped_column(index=True)
    lease_until: Mapped[datetime | None]
    """Until then one worker has it in hand; a worker that died loses it then."""
    delivered_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None] = mapped_column(index=True)
    last_status: Mapped[str | None]
    """HTTP status, or a word such as `timeout`."""


class Letter(Base):
    """One message for one person by e-mail. Waiting while it has a next attempt; then sent or dead."""

    __tablename__ = "letters"

    message_id: Mapped[str] = mapped_column(ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime | None] = mapped_column(index=True)
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None] = mapped_column(index=True)
    last_status: Mapped[str | None]
    """The server's answer as a number, or a word such as `connect_failed`."""


class Alert(Base):
    """A case that somebody must take at once. Who is told when: `data.policy.alerts`."""

    __tablename__ = "alerts"

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    flags: Mapped[list[str]]
    raised_at: Mapped[datetime] = mapped_column(index=True)
    level: Mapped[str | None]
    """Code of the level that was told last."""
    next_notice_at: Mapped[datetime | None] = mapped_column(index=True)
    """None once somebody has acknowledged."""
    acknowledged_at: Mapped[datetime | None]


class AlertNotice(Base):
    """A notice that was sent; `due_at` is when it should have been."""

    __tablename__ = "alert_notices"

    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True)
    level: Mapped[str] = mapped_column(primary_key=True)
    repeat: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime]


class AlertAcknowledgement(Base):
    """A person has taken an alert; the first one ends it."""

    __tablename__ = "alert_acknowledgements"

    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    at: Mapped[datetime]
