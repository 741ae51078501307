"""The tables of supervision. A supervisor's words to whoever is responsible for a case.

case ── directives ── users (who wrote it, whom it is for)
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Text
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
