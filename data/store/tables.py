"""The tables of the case store. Names are the field's terms; times are aware UTC.

A case row holds what is currently held true of it (the model's answer until a person decides); every answer stays in
`triage_results`, every decision of a person in `labels`. What hangs on a case is deleted with it by the database.
`audit` refers to nothing, so that no purge can touch it. Other tables stand in `*_tables.py` beside this file.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from data.store.columns import BigId, Json, Path, UtcDateTime

ROLES = ("system", "handler", "supervisor", "engineer", "auditor", "compliance", "admin")
OPEN, CLOSED = "open", "closed"


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own way)
        datetime: UtcDateTime(),
        date: Date(),
        dict[str, Any]: Json,
        list[str]: Json,
        bytes: LargeBinary(),
        bool: Boolean(),
        float: Float(),
        int: Integer(),
        str: String(64),
    }


def case_key(**options: Any) -> Mapped[str]:
    """Of what is deleted with its case."""
    return mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), **options)


class Unit(Base):
    """One node of the organisation tree; `path` is `/head/branch/this/`, so a subtree is a range of paths."""

    __tablename__ = "units"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("units.id"), index=True)
    path: Mapped[str] = mapped_column(Path, unique=True)


class User(Base):
    __tablename__ = "users"
    __table_args__ = (CheckConstraint(f"role IN {ROLES}", name="role"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(128), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str]
    unit_id: Mapped[str] = mapped_column(ForeignKey("units.id"), index=True)
    is_active: Mapped[bool]
    created_at: Mapped[datetime]
    email: Mapped[str | None] = mapped_column(String(254))
    """Where reminders and alerts go; None for nobody who reads mail."""


class Case(Base):
    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("source_system", "external_id"),
        CheckConstraint(f"status IN {(OPEN, CLOSED)}", name="status"),
        Index(None, "status", "received_at", "id"),
        Index(None, "received_at", "id"),
        Index(None, "unit_id", "status"),
        Index(None, "assignee_id", "status"),
        Index(None, "status", "due_at"),
        Index(None, "status", "clock_check_at"),
        Index(None, "subcause", "concerned_unit_id", "received_at"),
        # Holds all that the queue sorts by, filters by most and counts, so that no row is read for it.
        Index("ix_cases_queue", "status", "queue_rank", "due_at", "id", "unit_id", "labelled_at", "assignee_id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    source_system: Mapped[str]
    """Who delivered it: the hotline's name, or `console`."""
    external_id: Mapped[str | None] = mapped_column(String(200))
    """The delivering system's own number; unique within it."""
    source: Mapped[str | None]
    """Where the complaint came in: hotline, counter, nfra, 12345 …"""
    branch: Mapped[str | None] = mapped_column(String(200))
    """The branch as the deliverer named it; `unit_id` is the one of the organisation tree."""
    region: Mapped[str | None] = mapped_column(String(200))
    regulator_reference: Mapped[str | None] = mapped_column(String(200))
    unit_id: Mapped[str] = mapped_column(ForeignKey("units.id"))
    concerned_unit_id: Mapped[str | None]
    """The unit that the complaint is about: the first that had it, or the last that it was handed down to."""
    assignee_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    status: Mapped[str]
    received_at: Mapped[datetime]
    stored_at: Mapped[datetime]
    ticket_due_at: Mapped[datetime | None]
    """The limit that the forwarder set, if any."""
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    month: Mapped[str] = mapped_column(String(7), index=True)
    """Month of receipt in China, 2026-11."""
    redacted_text: Mapped[str] = mapped_column(Text)
    customer_key: Mapped[str | None] = mapped_column(index=True)
    repeats_case_id: Mapped[str | None] = mapped_column(String(32), index=True)
    """The earlier case that a person found it to repeat; both go on and count."""
    sketch: Mapped[bytes | None]
    order_type: Mapped[str]
    category: Mapped[str | None] = mapped_column(index=True)
    leaf: Mapped[str | None]
    cause: Mapped[str | None] = mapped_column(index=True)
    subcause: Mapped[str | None]
    channel: Mapped[str]
    band: Mapped[str]
    priority: Mapped[str]
    queue_rank: Mapped[int]
    """Place of its flags in the queue by its policy, 0 first."""
    policy_version: Mapped[str]
    """The policy it was opened with, for ever."""
    due_at: Mapped[datetime | None]
    """First moment that is too late by the deciding clock; None while none runs and on closed cases."""
    due_code: Mapped[str | None] = mapped_column(String(16))
    clock_check_at: Mapped[datetime | None]
    """From when on due date and reminders have to be looked at again; None for not before something happens."""
    labelled_at: Mapped[datetime | None]
    """When a person last decided; from then on a new answer of a model is kept but changes nothing here."""
    erased_at: Mapped[datetime | None]


class CaseFlag(Base):
    """A risk flag that currently stands."""

    __tablename__ = "case_flags"
    __table_args__ = (Index(None, "flag", "case_id"),)

    case_id: Mapped[str] = case_key(primary_key=True)
    flag: Mapped[str] = mapped_column(String(8), primary_key=True)


class TriageResult(Base):
    """One answer of a model, with every calibrated probability by code."""

    __tablename__ = "triage_results"
    __table_args__ = (UniqueConstraint("case_id", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = case_key()
    version: Mapped[int]
    """Counts from 1 within a case."""
    created_at: Mapped[datetime]
    bundle: Mapped[str]
    taxonomy: Mapped[str]
    redaction: Mapped[str]
    policy: Mapped[str]
    answer: Mapped[dict[str, Any]]
    probabilities: Mapped[dict[str, Any]]


class Assignment(Base):
    __tablename__ = "assignments"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = case_key(index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    assigned_by: Mapped[str]
    assigned_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SavedView(Base):
    """A person's name for a list of cases; `query` is what stands behind the `?` of its address."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    query: Mapped[str] = mapped_column(String(1000))
    created_at: Mapped[datetime]


class Event(Base):
    """One line of a case's timeline. `actor_id` is a user's or an API key's."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = case_key(index=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    actor_id: Mapped[str]
    details: Mapped[dict[str, Any]]
    """Codes and numbers only."""
    note: Mapped[str] = mapped_column(Text)
    """What a person wrote, redacted; empty for events of the machine."""


class Original(Base):
    """The text as received, without credentials, encrypted with its case's own key."""

    __tablename__ = "originals"

    case_id: Mapped[str] = case_key(primary_key=True)
    cipher: Mapped[str]
    ciphertext: Mapped[bytes]


class KeyMaterial(Base):
    """A key wrapped by a master key: one for each case and each unfinished import, and the store's own secret."""

    __tablename__ = "key_material"

    owner: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str | None] = case_key(unique=True)
    master_key_id: Mapped[str] = mapped_column(index=True)
    cipher: Mapped[str]
    wrapped: Mapped[bytes]


class SketchBand(Base):
    """Part of a case's sketch; cases that share one may be near-identical."""

    __tablename__ = "sketch_bands"
    __table_args__ = (Index(None, "band", "case_id"),)

    case_id: Mapped[str] = case_key(primary_key=True)
    band: Mapped[int] = mapped_column(BigInteger(), primary_key=True)


class SearchText(Base):
    """The text that is searched. Its bigrams stand in `search_grams`, a table of each database's own making."""

    __tablename__ = "search_texts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = case_key(unique=True)
    text: Mapped[str] = mapped_column(Text)


class AuditEntry(Base):
    """Who did what; append-only. `hash` chains it to the entry before. Holds no personal data of customers."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_id: Mapped[str]
    action: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    """Id of the case, user or key it was done to; empty if to none."""
    details: Mapped[str] = mapped_column(Text)
    """Canonical JSON."""
    hash: Mapped[str]


class ReplyDraft(Base):
    """What is going to be answered to the complainant, redacted; the last one that was saved."""

    __tablename__ = "reply_drafts"

    case_id: Mapped[str] = case_key(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    saved_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    saved_at: Mapped[datetime]


class PurgedCase(Base):
    """What statistics keep of a purged case: nothing that leads back to it."""

    __tablename__ = "purged_cases"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    month: Mapped[str] = mapped_column(String(7), index=True)
    unit_id: Mapped[str] = mapped_column(ForeignKey("units.id"), index=True)
    order_type: Mapped[str]
    category: Mapped[str | None]
    cause: Mapped[str | None]
    channel: Mapped[str]
    days_to_close: Mapped[int]
    outcome: Mapped[str | None]
    redress_fen: Mapped[int | None] = mapped_column(BigInteger())
    satisfaction: Mapped[str | None]
    is_responsible: Mapped[bool | None]
    is_in_time: Mapped[bool | None]


class PurgedCaseFlag(Base):
    __tablename__ = "purged_case_flags"

    purged_case_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("purged_cases.id", ondelete="CASCADE"), primary_key=True
    )
    flag: Mapped[str] = mapped_column(String(8), primary_key=True)
