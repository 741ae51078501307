"""The tables of the case store. Names are the field's terms; times are aware UTC.

A case row holds what is currently held true of it (the model's answer until a person decides); every answer stays in
`triage_results`, every decision of a person in `labels`. What hangs on a case is deleted with it by the database.
`audit` refers to nothing, so that no purge can touch it.
"""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Literal, get_args

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
FACT_KINDS = ("trigger", "new_facts", "fulfilment", "withdrawal")
EXTENSION_STATES = ("requested", "approved", "refused", "lapsed")
Outcome = Literal[
    "supported", "partly_supported", "not_supported", "mediated", "withdrawn", "transferred", "answered", "no_action"
]
Satisfaction = Literal["satisfied", "neutral", "dissatisfied"]
OUTCOMES: Mapping[str, str] = MappingProxyType(
    dict(
        zip(
            get_args(Outcome),
            ("支持", "部分支持", "不支持", "调解或和解", "撤诉", "转其他机构", "答复或说明", "无需处理"),
            strict=True,
        )
    )
)
"""How a case may end, and its name; docs/decisions/0013 says where these come from."""
SATISFACTIONS: Mapping[str, str] = MappingProxyType(
    dict(zip(get_args(Satisfaction), ("满意", "一般", "不满意"), strict=True))
)
QUEUED, RUNNING, DONE, FAILED, CANCELLED = IMPORT_STATES = ("queued", "running", "done", "failed", "cancelled")


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


def _case_key(**options: Any) -> Mapped[str]:
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

    case_id: Mapped[str] = _case_key(primary_key=True)
    flag: Mapped[str] = mapped_column(String(8), primary_key=True)


class TriageResult(Base):
    """One answer of a model, with every calibrated probability by code."""

    __tablename__ = "triage_results"
    __table_args__ = (UniqueConstraint("case_id", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = _case_key()
    version: Mapped[int]
    """Counts from 1 within a case."""
    created_at: Mapped[datetime]
    bundle: Mapped[str]
    taxonomy: Mapped[str]
    redaction: Mapped[str]
    policy: Mapped[str]
    answer: Mapped[dict[str, Any]]
    probabilities: Mapped[dict[str, Any]]


class Label(Base):
    """What a person decided on one case, and which model's answer was (or, blind, was not) in sight."""

    __tablename__ = "labels"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = _case_key(index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    bundle: Mapped[str]
    triage_version: Mapped[int]
    seconds_spent: Mapped[float]
    is_blind: Mapped[bool]
    order_type: Mapped[str]
    category: Mapped[str | None]
    leaf: Mapped[str | None]
    cause: Mapped[str | None]
    subcause: Mapped[str | None]
    channel: Mapped[str]
    causes2: Mapped[list[str]]
    flags: Mapped[list[str]]
    reason: Mapped[str] = mapped_column(Text)
    """Why, redacted; empty where none was asked."""
    withdrawn_at: Mapped[datetime | None]
    """Taken back by its author right after; it says nothing about the case."""


class Assignment(Base):
    __tablename__ = "assignments"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = _case_key(index=True)
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
    case_id: Mapped[str] = _case_key(index=True)
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

    case_id: Mapped[str] = _case_key(primary_key=True)
    cipher: Mapped[str]
    ciphertext: Mapped[bytes]


class KeyMaterial(Base):
    """A key wrapped by a master key: one for each case and each unfinished import, and the store's own secret."""

    __tablename__ = "key_material"

    owner: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str | None] = _case_key(unique=True)
    master_key_id: Mapped[str] = mapped_column(index=True)
    cipher: Mapped[str]
    wrapped: Mapped[bytes]


class SketchBand(Base):
    """Part of a case's sketch; cases that share one may be near-identical."""

    __tablename__ = "sketch_bands"
    __table_args__ = (Index(None, "band", "case_id"),)

    case_id: Mapped[str] = _case_key(primary_key=True)
    band: Mapped[int] = mapped_column(BigInteger(), primary_key=True)


class SearchText(Base):
    """The text that is searched. Its bigrams stand in `search_grams`, a table of each database's own making."""

    __tablename__ = "search_texts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = _case_key(unique=True)
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


class ClockFact(Base):
    """What starts, restarts or ends clocks: a trigger, new facts, a duty done, a withdrawal."""

    __tablename__ = "clock_facts"
    __table_args__ = (CheckConstraint(f"kind IN {FACT_KINDS}", name="kind"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = _case_key(index=True)
    kind: Mapped[str]
    code: Mapped[str | None] = mapped_column(String(32))
    """Kind of the trigger, code of the clock that is done."""
    at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    """A trigger's own due date."""
    closing_id: Mapped[int | None] = mapped_column(ForeignKey("closings.id", ondelete="CASCADE"), index=True)
    """The closing that recorded it."""
    recorded_at: Mapped[datetime]
    actor_id: Mapped[str]
    voided_at: Mapped[datetime | None]
    """It was recorded by mistake and counts no longer."""


class ClockPause(Base):
    """Time outside (appraisal, mediation …) that does not count."""

    __tablename__ = "clock_pauses"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = _case_key(index=True)
    kind: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    notified_on: Mapped[date]
    """When the complainant was told, a day in China."""
    actor_id: Mapped[str]


class ClockExtension(Base):
    """More time: asked for by one person, decided by another; it counts once the complainant was told."""

    __tablename__ = "clock_extensions"
    __table_args__ = (CheckConstraint(f"status IN {EXTENSION_STATES}", name="status"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = _case_key(index=True)
    step: Mapped[str] = mapped_column(String(16))
    total: Mapped[int]
    """The whole limit asked for, in the clock's unit."""
    reason: Mapped[str] = mapped_column(String(200))
    """One of the policy's."""
    status: Mapped[str]
    requested_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    requested_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    approver_role: Mapped[str | None]
    notified_on: Mapped[date | None]
    """When the complainant was told, a day in China."""


class Closing(Base):
    """How a case ended; one that was reopened has several, and the last without `reopened_at` stands."""

    __tablename__ = "closings"
    __table_args__ = (CheckConstraint(f"outcome IN {tuple(OUTCOMES)}", name="outcome"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = _case_key(index=True)
    closed_at: Mapped[datetime]
    actor_id: Mapped[str]
    outcome: Mapped[str]
    redress_fen: Mapped[int | None] = mapped_column(BigInteger())
    """What the bank paid or waived, in fen."""
    told_at: Mapped[datetime | None]
    """When the complainant was told the outcome."""
    fed_back_at: Mapped[datetime | None]
    """When the authority that forwarded it was told."""
    withdrawn_at: Mapped[datetime | None]
    satisfaction: Mapped[str | None]
    is_responsible: Mapped[bool | None]
    """Whether the bank was found responsible."""
    is_in_time: Mapped[bool | None]
    """No binding limit of the bank was missed; None where none ran."""
    reopened_at: Mapped[datetime | None]


class ReplyDraft(Base):
    """What is going to be answered to the complainant, redacted; the last one that was saved."""

    __tablename__ = "reply_drafts"

    case_id: Mapped[str] = _case_key(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    saved_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    saved_at: Mapped[datetime]


class Reminder(Base):
    """Somebody was to be reminded of a clock; once for each stage of a due date."""

    __tablename__ = "reminders"
    __table_args__ = (UniqueConstraint("case_id", "code", "due_at", "stage"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = _case_key()
    code: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[datetime]
    stage: Mapped[str]
    recorded_at: Mapped[datetime]


class PolicyConfirmation(Base):
    """A row of the policy from memory that a person in compliance has confirmed, as it was worded then."""

    __tablename__ = "policy_confirmations"

    code: Mapped[str] = mapped_column(String(16), primary_key=True)
    row_digest: Mapped[str] = mapped_column(primary_key=True)
    policy_version: Mapped[str]
    confirmed_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    confirmed_at: Mapped[datetime]


class PolicyFile(Base):
    """Fingerprint of each version of the policy, and of the holiday table, that this store was opened with."""

    __tablename__ = "policy_files"

    name: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    seen_at: Mapped[datetime]


class ImportJob(Base):
    """A file of complaints that was uploaded: how far it has come, and who works on it until when."""

    __tablename__ = "import_jobs"
    __table_args__ = (
        CheckConstraint(f"state IN {IMPORT_STATES}", name="state"),
        Index(None, "state", "created_at"),
        Index(None, "unit_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    created_at: Mapped[datetime]
    actor_id: Mapped[str]
    unit_id: Mapped[str] = mapped_column(ForeignKey("units.id"))
    source_system: Mapped[str]
    format: Mapped[str]
    file_name: Mapped[str] = mapped_column(String(200))
    """As the client called it, redacted."""
    sha256: Mapped[str]
    size_bytes: Mapped[int]
    rows_total: Mapped[int]
    rows_stored: Mapped[int]
    rows_existing: Mapped[int]
    rows_failed: Mapped[int]
    state: Mapped[str]
    error_code: Mapped[str | None]
    """Why the whole job failed; its rows have errors of their own."""
    error_message: Mapped[str] = mapped_column(Text)
    error_message_zh: Mapped[str] = mapped_column(Text)
    worker_id: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    """When another worker may take a running job over."""
    attempts: Mapped[int]
    """How often it was taken up since a row was last recorded."""
    unfinished: Mapped[str | None] = mapped_column(String(200), unique=True)
    """Caller and hash of the file while the job is not finished: the same file sent again is the same job."""
    finished_at: Mapped[datetime | None]


class ImportChunk(Base):
    """A piece of an uploaded file, encrypted with the job's key; gone when the job ends."""

    __tablename__ = "import_chunks"

    job_id: Mapped[str] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cipher: Mapped[str]
    ciphertext: Mapped[bytes]


class ImportRow(Base):
    """What became of one row of an uploaded file, written together with its case. Holds no text."""

    __tablename__ = "import_rows"

    job_id: Mapped[str] = mapped_column(ForeignKey("import_jobs.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Where it stands in the file as a person sees it, from 1."""
    external_id: Mapped[str | None] = mapped_column(String(200))
    case_id: Mapped[str | None] = _case_key(index=True)
    is_new: Mapped[bool]
    """False where the case was stored before, and where there is none."""
    error_code: Mapped[str | None]
    message: Mapped[str] = mapped_column(Text)
    message_zh: Mapped[str] = mapped_column(Text)


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
