"""What the console needs: labels that were taken back at once, each person's saved views of the queue, its index."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add a column, an index and a table."""
    columns = ["status", "queue_rank", "due_at", "id", "unit_id", "labelled_at", "assignee_id"]
    op.create_index("ix_cases_queue", "cases", columns)
    op.add_column("labels", sa.Column("withdrawn_at", TIME, nullable=True))
    op.create_table(
        "saved_views",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("query", sa.String(1000), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_saved_views_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
        sa.UniqueConstraint("user_id", "name", name="uq_saved_views_user_id_name"),
    )
