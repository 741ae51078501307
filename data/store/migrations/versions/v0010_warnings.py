"""Early warnings: what rises, its cases, who owns it, which days were looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add three tables."""
    _add_warnings()
    op.create_table(
        "warning_cases",
        sa.Column("warning_id", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["warning_id"], ["warnings.id"], name="fk_warning_cases_warning_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_warning_cases_case_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("warning_id", "case_id", name="pk_warning_cases"),
    )
    op.create_index("ix_warning_cases_case_id", "warning_cases", ["case_id"])
    op.create_table(
        "warning_days",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("lease_until", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("raised", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_warning_days"),
    )


def _add_warnings() -> None:
    def code(name: str) -> sa.Column[str]:
        return sa.Column(name, sa.String(64), nullable=True)

    op.create_table(
        "warnings",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("grade", sa.String(64), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("unit_id", sa.String(64), nullable=False),
        *(code(name) for name in ("category", "leaf", "cause", "subcause", "term")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("window_days", "count", "customers")),
        sa.Column("expected", sa.Float(), nullable=True),
        sa.Column("limit", sa.Integer(), nullable=True),
        sa.Column("raised_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=True),
        *(sa.Column(name, TIME, nullable=True) for name in ("acknowledged_at", "ended_at")),
        code("ended_by"),
        code("ending"),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('spike', 'group', 'template', 'term')", name="ck_warnings_kind"),
        sa.CheckConstraint("grade IN ('early', 'major')", name="ck_warnings_grade"),
        sa.CheckConstraint("ending IN ('handled', 'false_alarm')", name="ck_warnings_ending"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_warnings_unit_id"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_warnings_owner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_warnings"),
    )
    for columns in (["unit_id"], ["owner_id"], ["ended_at", "raised_at"], ["key", "ended_at"]):
        op.create_index(f"ix_{'_'.join(f'warnings_{column}' for column in columns)}", "warnings", columns)
