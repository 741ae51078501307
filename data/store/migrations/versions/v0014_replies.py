"""Drafts of replies, and which earlier case a case repeats."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add a table and a column."""
    op.add_column("cases", sa.Column("repeats_case_id", sa.String(32), nullable=True))
    op.create_index("ix_cases_repeats_case_id", "cases", ["repeats_case_id"])
    op.create_table(
        "reply_drafts",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("saved_by", sa.String(64), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_reply_drafts_case_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["saved_by"], ["users.id"], name="fk_reply_drafts_saved_by"),
        sa.PrimaryKeyConstraint("case_id", name="pk_reply_drafts"),
    )
