"""The tables of imports: a file that was uploaded, its pieces while it is worked on, what became of each row."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.store.tables import Base, case_key

QUEUED, RUNNING, DONE, FAILED, CANCELLED = IMPORT_STATES = ("queued", "running", "done", "failed", "cancelled")


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
    case_id: Mapped[str | None] = case_key(index=True)
    is_new: Mapped[bool]
    """False where the case was stored before, and where there is none."""
    error_code: Mapped[str | None]
    message: Mapped[str] = mapped_column(Text)
    message_zh: Mapped[str] = mapped_column(Text)
