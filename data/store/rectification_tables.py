"""The table of 溯源整改: what the bank mends after a complaint, so that the next one does not come."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.store.columns import BigId
from data.store.tables import Base

UNDER_WAY, FINISHED, DROPPED = RECTIFICATION_STATES = ("under_way", "finished", "dropped")


class Rectification(Base):
    """One item: a root cause at a unit, who mends it by when, and what became of it. It outlives its case."""

    __tablename__ = "rectifications"
    __table_args__ = (
        CheckConstraint(f"status IN {RECTIFICATION_STATES}", name="status"),
        Index(None, "unit_id", "status"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id", ondelete="SET NULL"), index=True)
    """The complaint that showed it; None once that was purged or erased."""
    subcause: Mapped[str] = mapped_column(index=True)
    """The root cause."""
    unit_id: Mapped[str] = mapped_column(ForeignKey("units.id"))
    """Where it is mended; complaints about this unit and those below tell whether it came back."""
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    due_on: Mapped[date]
    status: Mapped[str]
    measure: Mapped[str] = mapped_column(Text)
    """What is to be done, redacted."""
    result: Mapped[str] = mapped_column(Text)
    """What was done, or why nothing is, redacted; empty while under way."""
    opened_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    opened_at: Mapped[datetime]
    ended_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    ended_at: Mapped[datetime | None]
    """When it was finished or dropped."""
