"""E-mail: people's addresses, and which message goes to whom."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add a column and a table."""
    op.add_column("users", sa.Column("email", sa.String(254), nullable=True))
    op.create_table(
        "letters",
        sa.Column("message_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("dead_at", TIME, nullable=True),
        sa.Column("last_status", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["outbox.id"], name="fk_letters_message_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_letters_user_id"),
        sa.PrimaryKeyConstraint("message_id", "user_id", name="pk_letters"),
    )
    op.create_index("ix_letters_next_attempt_at", "letters", ["next_attempt_at"])
    op.create_index("ix_letters_dead_at", "letters", ["dead_at"])
