"""Service levels: policies and their versions, what is promised for an action, and reminders."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


PLANNED = _where("state = 'planned'")
ALIVE = _where("state IN ('planned', 'suspended')")
REFERENCE = "fk_actions_policy_version_id_policy_versions"
COLUMNS = {
    # name             type          what rows have that are there already
    "promised_at":     (AT,           None),
    "accept_by":       (AT,           None),
    "start_by":        (AT,           None),
    "accept_met":      (sa.Boolean(), None),
    "start_met":       (sa.Boolean(), None),
    "finish_met":      (sa.Boolean(), None),
    "occurrence":      (ID,           "0"),
    "planned":         (ID,           "0"),
    "quiet_until":     (AT,           None),
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", ID, nullable=False),
        sa.Column("kinds", sa.JSON(none_as_null=True)),
        sa.Column("priorities", sa.JSON(none_as_null=True)),
        sa.Column("teams", sa.JSON(none_as_null=True)),
        sa.Column("calendar_id", ID),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policies"),
        sa.UniqueConstraint("key", name="uq_policies_key"),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendars.id"], name="fk_policies_calendar_id_calendars"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_policies_calendar_id", "policies", ["calendar_id"])
    op.create_table(
        "policy_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("policy_id", ID, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_versions"),
        sa.UniqueConstraint("policy_id", "version", name="uq_policy_versions_policy_id_version"),
        sa.ForeignKeyConstraint(["policy_id"], ["policies.id"], name="fk_policy_versions_policy_id_policies"),
        sqlite_autoincrement=True,
    )
    _create_reminders()
    for name, (kind, now) in COLUMNS.items():
        op.add_column("actions", sa.Column(name, kind, nullable=now is None, server_default=now))
    _add_policy()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(REFERENCE, "actions", type_="foreignkey")
    op.drop_column("actions", "policy_version_id")
    for name in reversed(COLUMNS):
        op.drop_column("actions", name)
    op.drop_table("reminders")
    op.drop_table("policy_versions")
    op.drop_table("policies")


def _create_reminders() -> None:
    op.create_table(
        "reminders",
        sa.Column("id", ID, nullable=False),
        sa.Column("action_id", ID, nullable=False),
        sa.Column("target", sa.String(10), nullable=False),
        sa.Column("rung", ID, nullable=False),
        sa.Column("occurrence", ID, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("settled_at", AT),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reminders"),
        sa.UniqueConstraint(
            "action_id", "target", "rung", "occurrence", name="uq_reminders_action_id_target_rung_occurrence"
        ),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name="fk_reminders_action_id_actions"),
        sa.CheckConstraint("target IN ('accept', 'start', 'finish')", name=op.f("ck_reminders_target")),
        sa.CheckConstraint("state IN ('planned', 'suspended', 'fired', 'cancelled')", name=op.f("ck_reminders_state")),
    )
    op.create_index("ix_reminders_due", "reminders", ["at", "id"], **PLANNED)
    op.create_index("ix_reminders_alive", "reminders", ["action_id"], **ALIVE)


def _add_policy() -> None:
    """SQLite takes a reference with the column and by no other way than copying a million actions."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "ALTER TABLE actions ADD COLUMN policy_version_id INTEGER"
            f" CONSTRAINT {REFERENCE} REFERENCES policy_versions (id)"
        )
    else:
        reference = sa.ForeignKey("policy_versions.id", name=REFERENCE)
        op.add_column("actions", sa.Column("policy_version_id", ID, reference, nullable=True))
