"""The closed loop: when items settle and fall silent, what follows what, and planned checks."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
INSTANTS = ("resolved_at", "settles_at", "silent_at")
WAITING = "status NOT IN ('new', 'closed') AND silent_at IS NULL AND customer_id IS NOT NULL"
INDEXES = {
    "ix_feedback_settling": (["settles_at", "id"], "settles_at IS NOT NULL"),
    "ix_feedback_silent": (["received_at", "id"], "silent_at IS NOT NULL"),
    "ix_feedback_never_told": (["received_at", "id"], f"{WAITING} AND told_at IS NULL"),
    "ix_feedback_told_before": (["told_at", "id"], f"{WAITING} AND told_at IS NOT NULL"),
    "ix_feedback_follows_id": (["follows_id"], "follows_id IS NOT NULL"),
}


def upgrade() -> None:
    for name in INSTANTS:
        op.add_column("feedback", sa.Column(name, AT))
    op.add_column("feedback", sa.Column("confirmation", sa.String(10)))
    _add_follows()
    _remember_when_they_were_resolved()
    for name, (columns, where) in INDEXES.items():
        op.create_index(name, "feedback", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    _create_checks()


def downgrade() -> None:
    op.drop_table("checks")
    for name in INDEXES:
        op.drop_index(name, "feedback")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_feedback_follows_id_feedback", "feedback", type_="foreignkey")
    for name in ("follows_id", "confirmation", *INSTANTS):
        op.drop_column("feedback", name)


def _add_follows() -> None:
    """SQLite takes a reference with the column and by no other way than copying a million items."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "ALTER TABLE feedback ADD COLUMN follows_id INTEGER"
            " CONSTRAINT fk_feedback_follows_id_feedback REFERENCES feedback (id)"
        )
    else:
        reference = sa.ForeignKey("feedback.id", name="fk_feedback_follows_id_feedback")
        op.add_column("feedback", sa.Column("follows_id", ID, reference))


def _remember_when_they_were_resolved() -> None:
    """Of what is resolved already: when its last action ended. It waits for somebody to close it, as it did before."""
    op.execute(
        "UPDATE feedback SET resolved_at = (SELECT max(actions.finished_at) FROM actions"
        " JOIN action_feedback ON action_feedback.action_id = actions.id"
        " WHERE action_feedback.feedback_id = feedback.id) WHERE status = 'resolved'"
    )


def _create_checks() -> None:
    op.create_table(
        "checks",
        sa.Column("id", ID, nullable=False),
        sa.Column("feedback_id", ID, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("ask_at", AT, nullable=False),
        sa.Column("asked_at", AT),
        sa.Column("expires_at", AT),
        sa.Column("answer", sa.String(10)),
        sa.Column("answered_at", AT),
        sa.Column("score", ID),
        sa.Column("word", sa.Text()),
        sa.Column("action_id", ID),
        sa.Column("message_id", ID),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_checks"),
        sa.ForeignKeyConstraint(["feedback_id"], ["feedback.id"], name="fk_checks_feedback_id_feedback"),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name="fk_checks_action_id_actions"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_checks_message_id_messages"),
        sa.UniqueConstraint("message_id", name="uq_checks_message_id"),
        sa.CheckConstraint(
            "state IN ('planned', 'asked', 'answered', 'assumed', 'cancelled')", name=op.f("ck_checks_state")
        ),
        sa.CheckConstraint("answer IN ('confirmed', 'denied')", name=op.f("ck_checks_answer")),
    )
    for name, column, state in (("due", "ask_at", "planned"), ("expiring", "expires_at", "asked")):
        where = sa.text(f"state = '{state}'")
        op.create_index(f"ix_checks_{name}", "checks", [column, "id"], sqlite_where=where, postgresql_where=where)
    op.create_index("ix_checks_feedback_id_id", "checks", ["feedback_id", "id"])
    op.create_index("ix_checks_action_id", "checks", ["action_id"])
