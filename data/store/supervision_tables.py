"""The tables of supervision: words to whoever is responsible, cases drawn to be read blind.

case ─┬─ directives ── users (who wrote it, whom it is for)
      └─ quality_draws ── labels (the blind reading)      quality_days: which days were drawn from
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.store.columns import BigId
from data.store.tables import Base


class Directive(Base):
    """督办: one person presses another to act on a case, and is answered by their acknowledgement."""

    __tablename__ = "directives"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    from_user: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    to_user: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    text: Mapped[str] = mapped_column(Text)
    """What is to be done, redacted."""
    acknowledged_at: Mapped[datetime | None]


MISSED, SECOND = DRAW_PURPOSES = ("missed", "second")
"""A case that the model saw no risk in or would prefill; a case that a person has decided on."""


class QualityDay(Base):
    """A day in China that was drawn from; nobody draws from it again."""

    __tablename__ = "quality_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    share: Mapped[float]
    drawn_at: Mapped[datetime]


class QualityDraw(Base):
    """A case that somebody is to read without the model's answer."""

    __tablename__ = "quality_draws"
    __table_args__ = (
        CheckConstraint(f"purpose IN {DRAW_PURPOSES}", name="purpose"),
        Index(None, "label_id", "day"),
    )

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date]
    """That of its receipt here, or of the first decision."""
    label_id: Mapped[int | None] = mapped_column(ForeignKey("labels.id", ondelete="CASCADE"))
    """The reading; none while it waits."""
