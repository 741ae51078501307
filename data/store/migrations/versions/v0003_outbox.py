"""Outbox, webhooks and their deliveries, alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables of what goes out."""
    _outbox()
    _webhooks()
    _alerts()


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=True),
        sa.Column("unit_id", sa.String(64), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_outbox_case_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_outbox_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("key", name="uq_outbox_key"),
        sa.UniqueConstraint("position", name="uq_outbox_position"),
    )
    op.create_index("ix_outbox_case_id", "outbox", ["case_id"])


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("unit_id", sa.String(64), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("resting_until", TIME, nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_webhooks_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_unit_id", "webhooks", ["unit_id"])
    op.create_table(
        "deliveries",
        sa.Column("message_id", sa.String(64), nullable=False),
        sa.Column("webhook_id", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("delivered_at", TIME, nullable=True),
        sa.Column("dead_at", TIME, nullable=True),
        sa.Column("last_status", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["outbox.id"], name="fk_deliveries_message_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_deliveries_webhook_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id", "webhook_id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_next_attempt_at", "deliveries", ["next_attempt_at"])
    op.create_index("ix_deliveries_dead_at", "deliveries", ["dead_at"])
    op.create_index(
        "ix_deliveries_webhook_id_deliveries_next_attempt_at", "deliveries", ["webhook_id", "next_attempt_at"]
    )
    op.create_index("ix_deliveries_webhook_id_deliveries_dead_at", "deliveries", ["webhook_id", "dead_at"])


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("raised_at", TIME, nullable=False),
        sa.Column("level", sa.String(64), nullable=True),
        sa.Column("next_notice_at", TIME, nullable=True),
        sa.Column("acknowledged_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_alerts_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_case_id", "alerts", ["case_id"])
    op.create_index("ix_alerts_raised_at", "alerts", ["raised_at"])
    op.create_index("ix_alerts_next_notice_at", "alerts", ["next_notice_at"])
    op.create_table(
        "alert_notices",
        sa.Column("alert_id", sa.String(64), nullable=False),
        sa.Column("level", sa.String(64), nullable=False),
        sa.Column("repeat", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_alert_notices_alert_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("alert_id", "level", "repeat", name="pk_alert_notices"),
    )
    op.create_table(
        "alert_acknowledgements",
        sa.Column("alert_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name="fk_alert_acknowledgements_alert_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_alert_acknowledgements_user_id"),
        sa.PrimaryKeyConstraint("alert_id", "user_id", name="pk_alert_acknowledgements"),
    )
