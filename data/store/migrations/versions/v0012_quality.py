"""The quality queue: days that were drawn from, cases that are read blind."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "quality_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("drawn_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_quality_days"),
    )
    op.create_table(
        "quality_draws",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("label_id", BIG_ID, nullable=True),
        sa.CheckConstraint("purpose IN ('missed', 'second')", name=op.f("ck_quality_draws_purpose")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_quality_draws_case_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["label_id"], ["labels.id"], name="fk_quality_draws_label_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id", "purpose", name="pk_quality_draws"),
    )
    op.create_index("ix_quality_draws_label_id_quality_draws_day", "quality_draws", ["label_id", "day"])
