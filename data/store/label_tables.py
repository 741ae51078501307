"""The table of what people decided on cases."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.store.columns import BigId
from data.store.tables import Base, case_key


class Label(Base):
    """What a person decided on one case, and which model's answer was (or, blind, was not) in sight."""

    __tablename__ = "labels"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[str] = case_key(index=True)
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
