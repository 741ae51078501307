"""What happened to a case's clocks, its policy's version, how it ended; reminders and confirmations.

Cases from before get their trigger from their source, the policy of their first answer, and are looked at at once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)

FIRST_POLICY = """
UPDATE cases SET clock_check_at = CASE WHEN status = 'open' THEN stored_at END, policy_version = COALESCE(
    (SELECT policy FROM triage_results WHERE case_id = cases.id ORDER BY version LIMIT 1), policy_version)
"""
# As `data.policy.case_clocks.trigger_of` and `CaseRepository.close` have it on the day of this migration.
FIRST_TRIGGER = """
INSERT INTO clock_facts (case_id, kind, code, at, due_at, recorded_at, actor_id)
SELECT id, 'trigger', CASE source WHEN 'nfra' THEN 'nfra' WHEN 'pboc' THEN 'pboc' WHEN '12345' THEN 'hotline_12345'
    WHEN 'letter_visit' THEN 'petition' WHEN 'court' THEN 'court_mediation' WHEN 'media' THEN 'media' ELSE 'own' END,
    received_at, ticket_due_at, stored_at, 'migration'
FROM cases
"""
OUTCOMES = (
    "outcome IN ('supported', 'partly_supported', 'not_supported', 'mediated', 'withdrawn', 'transferred', 'answered',"
    " 'no_action')"
)


def upgrade() -> None:
    """Add tables and columns, fill the columns of cases that are there."""
    _cases()
    _closings()
    _clocks()
    _policy()
    _statistics()
    op.execute(FIRST_POLICY)
    op.execute(FIRST_TRIGGER)


def _cases() -> None:
    for column in (
        # Looked at at once after the migration; until then first in the queue rather than last.
        sa.Column("queue_rank", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("policy_version", sa.String(64), nullable=False, server_default="1.2.0"),
        sa.Column("due_at", TIME, nullable=True),
        sa.Column("due_code", sa.String(16), nullable=True),
        sa.Column("clock_check_at", TIME, nullable=True),
    ):
        op.add_column("cases", column)
    op.create_index("ix_cases_status_cases_due_at", "cases", ["status", "due_at"])
    op.create_index("ix_cases_status_cases_clock_check_at", "cases", ["status", "clock_check_at"])


def _closings() -> None:
    op.create_table(
        "closings",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("closed_at", TIME, nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(64), nullable=False),
        sa.Column("redress_fen", sa.BigInteger(), nullable=True),
        sa.Column("told_at", TIME, nullable=True),
        sa.Column("fed_back_at", TIME, nullable=True),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.Column("satisfaction", sa.String(64), nullable=True),
        sa.Column("is_responsible", sa.Boolean(), nullable=True),
        sa.Column("is_in_time", sa.Boolean(), nullable=True),
        sa.Column("reopened_at", TIME, nullable=True),
        sa.CheckConstraint(OUTCOMES, name=op.f("ck_closings_outcome")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_closings_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_closings"),
    )
    op.create_index("ix_closings_case_id", "closings", ["case_id"])


def _clocks() -> None:
    op.create_table(
        "clock_facts",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("code", sa.String(32), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=True),
        sa.Column("closing_id", BIG_ID, nullable=True),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("voided_at", TIME, nullable=True),
        sa.CheckConstraint(
            "kind IN ('trigger', 'new_facts', 'fulfilment', 'withdrawal')", name=op.f("ck_clock_facts_kind")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_clock_facts_case_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["closing_id"], ["closings.id"], name="fk_clock_facts_closing_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_clock_facts"),
    )
    op.create_index("ix_clock_facts_case_id", "clock_facts", ["case_id"])
    op.create_index("ix_clock_facts_closing_id", "clock_facts", ["closing_id"])
    op.create_table(
        "clock_pauses",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("notified_on", sa.Date(), nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_clock_pauses_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_clock_pauses"),
    )
    op.create_index("ix_clock_pauses_case_id", "clock_pauses", ["case_id"])
    op.create_table(
        "clock_extensions",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("requested_by", sa.String(64), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("approver_role", sa.String(64), nullable=True),
        sa.Column("notified_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "status IN ('requested', 'approved', 'refused', 'lapsed')", name=op.f("ck_clock_extensions_status")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_clock_extensions_case_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], name="fk_clock_extensions_requested_by"),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name="fk_clock_extensions_decided_by"),
        sa.PrimaryKeyConstraint("id", name="pk_clock_extensions"),
    )
    op.create_index("ix_clock_extensions_case_id", "clock_extensions", ["case_id"])
    op.create_table(
        "reminders",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("stage", sa.String(64), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_reminders_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_reminders"),
        sa.UniqueConstraint("case_id", "code", "due_at", "stage", name="uq_reminders_case_id_code_due_at_stage"),
    )


def _policy() -> None:
    op.create_table(
        "policy_confirmations",
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("row_digest", sa.String(64), nullable=False),
        sa.Column("policy_version", sa.String(64), nullable=False),
        sa.Column("confirmed_by", sa.String(64), nullable=False),
        sa.Column("confirmed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["confirmed_by"], ["users.id"], name="fk_policy_confirmations_confirmed_by"),
        sa.PrimaryKeyConstraint("code", "row_digest", name="pk_policy_confirmations"),
    )
    op.create_table(
        "policy_files",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_policy_files"),
    )


def _statistics() -> None:
    for column in (
        sa.Column("outcome", sa.String(64), nullable=True),
        sa.Column("redress_fen", sa.BigInteger(), nullable=True),
        sa.Column("satisfaction", sa.String(64), nullable=True),
        sa.Column("is_responsible", sa.Boolean(), nullable=True),
        sa.Column("is_in_time", sa.Boolean(), nullable=True),
    ):
        op.add_column("purged_cases", column)
