"""Personal reminders and whom they are for."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
PLANNED = sa.text("state = 'planned'")


def upgrade() -> None:
    op.create_table(
        "personal_reminders",
        sa.Column("id", ID, nullable=False),
        sa.Column("feedback_id", ID, nullable=False),
        sa.Column("action_id", ID),
        sa.Column("remind_at", AT, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("every", sa.String(10)),
        sa.Column("first_at", AT, nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("if_answered", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("occurrence", ID, nullable=False),
        sa.Column("created_by", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_personal_reminders"),
        sa.ForeignKeyConstraint(["feedback_id"], ["feedback.id"], name="fk_personal_reminders_feedback_id_feedback"),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name="fk_personal_reminders_action_id_actions"),
        sa.ForeignKeyConstraint(["created_by"], ["accounts.id"], name="fk_personal_reminders_created_by_accounts"),
        sa.CheckConstraint("state IN ('planned', 'fired', 'cancelled')", name=op.f("ck_personal_reminders_state")),
        sa.CheckConstraint("if_answered IN ('keep', 'drop')", name=op.f("ck_personal_reminders_if_answered")),
    )
    for column in ("feedback_id", "action_id", "created_by"):
        op.create_index(f"ix_personal_reminders_{column}", "personal_reminders", [column])
    op.create_index(
        "ix_personal_reminders_due",
        "personal_reminders",
        ["remind_at", "id"],
        sqlite_where=PLANNED,
        postgresql_where=PLANNED,
    )
    op.create_table(
        "personal_reminder_receivers",
        sa.Column("reminder_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("reminder_id", "account_id", name="pk_personal_reminder_receivers"),
        sa.ForeignKeyConstraint(
            ["reminder_id"],
            ["personal_reminders.id"],
            name="fk_personal_reminder_receivers_reminder_id_personal_reminders",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_personal_reminder_receivers_account_id_accounts"
        ),
    )
    op.create_index("ix_personal_reminder_receivers_account_id", "personal_reminder_receivers", ["account_id"])


def downgrade() -> None:
    op.drop_table("personal_reminder_receivers")
    op.drop_table("personal_reminders")
