"""Rectification items, and the unit that each complaint is about: for cases from before the one that they are at."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add a table, a column with its index, and fill the column."""
    op.add_column("cases", sa.Column("concerned_unit_id", sa.String(64), nullable=True))
    op.execute("UPDATE cases SET concerned_unit_id = unit_id")
    columns = ["subcause", "concerned_unit_id", "received_at"]
    op.create_index("ix_cases_subcause_cases_concerned_unit_id_cases_received_at", "cases", columns)
    op.create_table(
        "rectifications",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=True),
        sa.Column("subcause", sa.String(64), nullable=False),
        sa.Column("unit_id", sa.String(64), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.String(64), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("ended_by", sa.String(64), nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.CheckConstraint("status IN ('under_way', 'finished', 'dropped')", name=op.f("ck_rectifications_status")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_rectifications_case_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_rectifications_unit_id"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_rectifications_owner_id"),
        sa.ForeignKeyConstraint(["opened_by"], ["users.id"], name="fk_rectifications_opened_by"),
        sa.ForeignKeyConstraint(["ended_by"], ["users.id"], name="fk_rectifications_ended_by"),
        sa.PrimaryKeyConstraint("id", name="pk_rectifications"),
    )
    op.create_index("ix_rectifications_case_id", "rectifications", ["case_id"])
    op.create_index("ix_rectifications_subcause", "rectifications", ["subcause"])
    op.create_index("ix_rectifications_owner_id", "rectifications", ["owner_id"])
    op.create_index("ix_rectifications_unit_id_rectifications_status", "rectifications", ["unit_id", "status"])
