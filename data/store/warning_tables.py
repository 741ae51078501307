"""The tables of early warnings. Not the alerts of one urgent case (`notification_tables`): a warning is about many.

unit ── warnings ── warning_cases ── cases          warning_days: who looks at which day, so that nobody does it twice
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.store.tables import Base

SPIKE, GROUP, TEMPLATE, TERM = WARNING_KINDS = ("spike", "group", "template", "term")
EARLY, MAJOR = GRADES = ("early", "major")
HANDLED, FALSE_ALARM = ENDINGS = ("handled", "false_alarm")


class EarlyWarning(Base):
    """Something that rises in a unit: what, how much, since when, who takes care of it, how it ended."""

    __tablename__ = "warnings"
    __table_args__ = (
        CheckConstraint(f"kind IN {WARNING_KINDS}", name="kind"),
        CheckConstraint(f"grade IN {GRADES}", name="grade"),
        CheckConstraint(f"ending IN {ENDINGS}", name="ending"),
        Index(None, "ended_at", "raised_at"),
        Index(None, "key", "ended_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str]
    key: Mapped[str] = mapped_column(String(200))
    """The matter, such as `spike/east/B03B/C07`; one open warning has it."""
    grade: Mapped[str]
    """`major`: 重大 by the policy's rules, whose codes are `reasons`."""
    reasons: Mapped[list[str]]
    unit_id: Mapped[str] = mapped_column(ForeignKey("units.id"), index=True)
    category: Mapped[str | None]
    leaf: Mapped[str | None]
    cause: Mapped[str | None]
    subcause: Mapped[str | None]
    term: Mapped[str | None]
    window_days: Mapped[int]
    count: Mapped[int]
    """Cases of the window when last seen; all that ever belonged to it are its cases."""
    customers: Mapped[int]
    expected: Mapped[float | None]
    limit: Mapped[int | None]
    raised_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    """When it was last found above its limit."""
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    acknowledged_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    ending: Mapped[str | None]
    end_reason: Mapped[str] = mapped_column(Text)
    """What was found and done, redacted; empty while it is open."""


class WarningCase(Base):
    __tablename__ = "warning_cases"

    warning_id: Mapped[str] = mapped_column(ForeignKey("warnings.id", ondelete="CASCADE"), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True, index=True)


class WarningDay(Base):
    """A day that was looked at, or is until `lease_until`: a process that died loses it then."""

    __tablename__ = "warning_days"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    lease_until: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    raised: Mapped[int]
