"""督办: what supervisors write to whoever is responsible for a case."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "directives",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("from_user", sa.String(64), nullable=False),
        sa.Column("to_user", sa.String(64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_directives_case_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["from_user"], ["users.id"], name="fk_directives_from_user"),
        sa.ForeignKeyConstraint(["to_user"], ["users.id"], name="fk_directives_to_user"),
        sa.PrimaryKeyConstraint("id", name="pk_directives"),
    )
    for column in ("case_id", "from_user", "to_user", "created_at"):
        op.create_index(f"ix_directives_{column}", "directives", [column])
