"""The case store's first tables.

Two parts are each database's own: `search_grams`, the index of bigrams, and the triggers that keep `audit` append-only.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PATH = sa.String(1000).with_variant(sa.String(1000, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)

# FTS5 keeps only which row holds which bigram (detail=none); a deleted search text takes its bigrams along.
SQLITE = (
    "CREATE VIRTUAL TABLE search_grams USING fts5(grams, tokenize='ascii', detail=none, columnsize=0)",
    "CREATE TRIGGER search_texts_deleted AFTER DELETE ON search_texts"
    " BEGIN DELETE FROM search_grams WHERE rowid = old.id; END",
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    # INSERT OR REPLACE deletes without firing the trigger above.
    "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = new.seq)"
    " BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
)
POSTGRES = (
    "CREATE TABLE search_grams (id bigint PRIMARY KEY REFERENCES search_texts ON DELETE CASCADE, grams tsvector)",
    "CREATE INDEX ix_search_grams_grams ON search_grams USING gin (grams)",
    "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit"
    " FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
)


def upgrade() -> None:
    """Create everything."""
    _organisation()
    _cases()
    _decisions()
    _secrets()
    _finding()
    _audit()
    _statistics()
    for statement in SQLITE if op.get_context().dialect.name == "sqlite" else POSTGRES:
        op.execute(statement)


def _organisation() -> None:
    op.create_table(
        "units",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("parent_id", sa.String(64), nullable=True),
        sa.Column("path", PATH, nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["units.id"], name="fk_units_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_units"),
        sa.UniqueConstraint("path", name="uq_units_path"),
    )
    op.create_index("ix_units_parent_id", "units", ["parent_id"])
    op.create_table(
        "users",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("login", sa.String(128), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("unit_id", sa.String(64), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint(
            "role IN ('system', 'handler', 'supervisor', 'engineer', 'auditor', 'compliance', 'admin')",
            name=op.f("ck_users_role"),
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_users_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("login", name="uq_users_login"),
    )
    op.create_index("ix_users_unit_id", "users", ["unit_id"])


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("source_system", sa.String(64), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=True),
        sa.Column("source", sa.String(64), nullable=True),
        sa.Column("region", sa.String(200), nullable=True),
        sa.Column("regulator_reference", sa.String(200), nullable=True),
        sa.Column("unit_id", sa.String(64), nullable=False),
        sa.Column("assignee_id", sa.String(64), nullable=True),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("stored_at", TIME, nullable=False),
        sa.Column("ticket_due_at", TIME, nullable=True),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("redacted_text", sa.Text(), nullable=False),
        sa.Column("customer_key", sa.String(64), nullable=True),
        sa.Column("sketch", sa.LargeBinary(), nullable=True),
        sa.Column("order_type", sa.String(64), nullable=False),
        sa.Column("category", sa.String(64), nullable=True),
        sa.Column("leaf", sa.String(64), nullable=True),
        sa.Column("cause", sa.String(64), nullable=True),
        sa.Column("subcause", sa.String(64), nullable=True),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("band", sa.String(64), nullable=False),
        sa.Column("priority", sa.String(64), nullable=False),
        sa.Column("labelled_at", TIME, nullable=True),
        sa.Column("erased_at", TIME, nullable=True),
        sa.CheckConstraint("status IN ('open', 'closed')", name=op.f("ck_cases_status")),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name="fk_cases_assignee_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_cases_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("source_system", "external_id", name="uq_cases_source_system_external_id"),
    )
    op.create_index("ix_cases_assignee_id_cases_status", "cases", ["assignee_id", "status"])
    op.create_index("ix_cases_category", "cases", ["category"])
    op.create_index("ix_cases_cause", "cases", ["cause"])
    op.create_index("ix_cases_closed_at", "cases", ["closed_at"])
    op.create_index("ix_cases_customer_key", "cases", ["customer_key"])
    op.create_index("ix_cases_month", "cases", ["month"])
    op.create_index("ix_cases_received_at_cases_id", "cases", ["received_at", "id"])
    op.create_index("ix_cases_status_cases_received_at_cases_id", "cases", ["status", "received_at", "id"])
    op.create_index("ix_cases_unit_id_cases_status", "cases", ["unit_id", "status"])
    op.create_table(
        "case_flags",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("flag", sa.String(8), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_flags_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id", "flag", name="pk_case_flags"),
    )
    op.create_index("ix_case_flags_flag_case_flags_case_id", "case_flags", ["flag", "case_id"])


def _decisions() -> None:
    op.create_table(
        "triage_results",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("bundle", sa.String(64), nullable=False),
        sa.Column("taxonomy", sa.String(64), nullable=False),
        sa.Column("redaction", sa.String(64), nullable=False),
        sa.Column("policy", sa.String(64), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_triage_results_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_triage_results"),
        sa.UniqueConstraint("case_id", "version", name="uq_triage_results_case_id_version"),
    )
    op.create_table(
        "labels",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("bundle", sa.String(64), nullable=False),
        sa.Column("triage_version", sa.Integer(), nullable=False),
        sa.Column("seconds_spent", sa.Float(), nullable=False),
        sa.Column("is_blind", sa.Boolean(), nullable=False),
        sa.Column("order_type", sa.String(64), nullable=False),
        sa.Column("category", sa.String(64), nullable=True),
        sa.Column("leaf", sa.String(64), nullable=True),
        sa.Column("cause", sa.String(64), nullable=True),
        sa.Column("subcause", sa.String(64), nullable=True),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("causes2", sa.JSON(), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_labels_case_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_labels_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_labels"),
    )
    op.create_index("ix_labels_case_id", "labels", ["case_id"])
    op.create_index("ix_labels_created_at", "labels", ["created_at"])
    op.create_index("ix_labels_user_id", "labels", ["user_id"])
    op.create_table(
        "assignments",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("assigned_by", sa.String(64), nullable=False),
        sa.Column("assigned_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_assignments_case_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_assignments_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_assignments"),
    )
    op.create_index("ix_assignments_case_id", "assignments", ["case_id"])
    op.create_index("ix_assignments_user_id", "assignments", ["user_id"])
    op.create_table(
        "events",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_events_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_case_id", "events", ["case_id"])


def _secrets() -> None:
    op.create_table(
        "originals",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("cipher", sa.String(64), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_originals_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id", name="pk_originals"),
    )
    op.create_table(
        "key_material",
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=True),
        sa.Column("master_key_id", sa.String(64), nullable=False),
        sa.Column("cipher", sa.String(64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_key_material_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner", name="pk_key_material"),
        sa.UniqueConstraint("case_id", name="uq_key_material_case_id"),
    )
    op.create_index("ix_key_material_master_key_id", "key_material", ["master_key_id"])


def _finding() -> None:
    op.create_table(
        "sketch_bands",
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("band", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_sketch_bands_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id", "band", name="pk_sketch_bands"),
    )
    op.create_index("ix_sketch_bands_band_sketch_bands_case_id", "sketch_bands", ["band", "case_id"])
    op.create_table(
        "search_texts",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_search_texts_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_search_texts"),
        sa.UniqueConstraint("case_id", name="uq_search_texts_case_id"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_action", "audit", ["action"])
    op.create_index("ix_audit_subject", "audit", ["subject"])


def _statistics() -> None:
    op.create_table(
        "purged_cases",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("unit_id", sa.String(64), nullable=False),
        sa.Column("order_type", sa.String(64), nullable=False),
        sa.Column("category", sa.String(64), nullable=True),
        sa.Column("cause", sa.String(64), nullable=True),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("days_to_close", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_purged_cases_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_purged_cases"),
    )
    op.create_index("ix_purged_cases_month", "purged_cases", ["month"])
    op.create_index("ix_purged_cases_unit_id", "purged_cases", ["unit_id"])
    op.create_table(
        "purged_case_flags",
        sa.Column("purged_case_id", BIG_ID, nullable=False),
        sa.Column("flag", sa.String(8), nullable=False),
        sa.ForeignKeyConstraint(
            ["purged_case_id"], ["purged_cases.id"], name="fk_purged_case_flags_purged_case_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("purged_case_id", "flag", name="pk_purged_case_flags"),
    )
