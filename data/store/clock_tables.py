"""The tables of limits: what moves clocks, how cases ended, who was reminded, which policy rows are confirmed."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal, get_args

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.store.columns import BigId
from data.store.tables import Base, case_key

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


class ClockFact(Base):
    """What starts, restarts or ends clocks: a trigger, new facts, a duty done, a withdrawal."""

    __tablename__ = "clock_facts"
    __table_args__ = (CheckConstraint(f"kind IN {FACT_KINDS}", name="kind"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = case_key(index=True)
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
    case_id: Mapped[str] = case_key(index=True)
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
    case_id: Mapped[str] = case_key(index=True)
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
    case_id: Mapped[str] = case_key(index=True)
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


class Reminder(Base):
    """Somebody was to be reminded of a clock; once for each stage of a due date."""

    __tablename__ = "reminders"
    __table_args__ = (UniqueConstraint("case_id", "code", "due_at", "stage"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = case_key()
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
