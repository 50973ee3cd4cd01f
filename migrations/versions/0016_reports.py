"""What supervision reads: visits of states rolled up, who reviewed when, and indexes that count alone."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
WORD = sa.String(40)
UNFINISHED = "finished_at IS NULL"
WHOSE = ["team_id", "assignee_id"]
BOARD = ["category", "team_id", "workflow_id", "state", "finished_at"]
ENDED = ["category", "finish_met", "outcome_id"]

WIDENED = (
    # name                     table       columns                                  more                  where
    ("ix_actions_mine", "actions", ["assignee_id", "due_sort", "id"], BOARD, UNFINISHED),
    ("ix_actions_due", "actions", ["due_sort", "id"], [*WHOSE, "finished_at"], UNFINISHED),
    ("ix_actions_due_sort_id", "actions", ["due_sort", "id"], ["finished_at", *WHOSE], None),
    (
        "ix_feedback_metric_received_at_id",
        "feedback",
        ["metric", "received_at", "id"],
        ["channel", "source", "score"],
        None,
    ),
)
ADDED = (
    ("ix_actions_waiting_since", ["state_since", "id", *WHOSE, "category"], "category = 'waiting'"),
    (
        "ix_actions_not_accepted",
        ["accept_by", "id", *WHOSE, "finished_at", "accepted_at"],
        "finished_at IS NULL AND accepted_at IS NULL AND accept_by IS NOT NULL",
    ),
    ("ix_actions_finished", ["finished_at", "id", *ENDED, *WHOSE], "finished_at IS NOT NULL"),
    ("ix_actions_extended", ["finished_at", "id", "first_due_at", "due_at", *WHOSE], "due_at > first_due_at"),
    ("ix_actions_cause_finished", ["root_cause", "finished_at", "id", *WHOSE], "root_cause IS NOT NULL"),
    ("ix_actions_created", ["created_at", "id", *WHOSE], None),
)


def upgrade() -> None:
    op.create_table(
        "stays",
        sa.Column("action_id", ID, nullable=False),
        sa.Column("number", ID, nullable=False),
        sa.Column("workflow_id", ID, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("transition", WORD, nullable=False),
        sa.Column("to_state", WORD, nullable=False),
        sa.Column("team_id", ID),
        sa.Column("assignee_id", ID),
        sa.Column("entered_at", AT, nullable=False),
        sa.Column("left_at", AT, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("bucket", ID, nullable=False),
        sa.PrimaryKeyConstraint("action_id", "number", name="pk_stays"),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name="fk_stays_action_id_actions"),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflow_versions.id"], name="fk_stays_workflow_id_workflow_versions"
        ),
    )
    op.create_index("ix_stays_left", "stays", ["left_at", "action_id", "number"])
    op.create_index("ix_stays_edge", "stays", ["state", "transition", "left_at", "action_id", "number"])
    op.create_table(
        "flow_days",
        *(sa.Column(name, ID, nullable=False) for name in ("team_id", "assignee_id", "workflow_id")),
        sa.Column("day", sa.String(10), nullable=False),
        *(sa.Column(name, WORD, nullable=False) for name in ("state", "transition", "to_state")),
        sa.Column("bucket", ID, nullable=False),
        sa.Column("count", ID, nullable=False),
        sa.PrimaryKeyConstraint(
            "team_id",
            "assignee_id",
            "day",
            "workflow_id",
            "state",
            "transition",
            "to_state",
            "bucket",
            name="pk_flow_days",
        ),
    )
    op.create_table(
        "report_progress",
        sa.Column("id", ID, nullable=False),
        sa.Column("position", ID, nullable=False),
        sa.Column("complete_to", AT),
        sa.Column("time_zone", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_report_progress"),
    )
    op.execute("INSERT INTO report_progress (id, position) VALUES (1, 0)")
    op.create_table(
        "report_reviews",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("reviewed_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_report_reviews"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_report_reviews_account_id_accounts"),
    )
    for name, table, columns, more, where in WIDENED:
        op.drop_index(name, table)
        _create(name, table, columns + more, where)
    for name, columns, where in ADDED:
        _create(name, "actions", columns, where)


def downgrade() -> None:
    for name, _, _ in ADDED:
        op.drop_index(name, "actions")
    for name, table, columns, _, where in WIDENED:
        op.drop_index(name, table)
        _create(name, table, columns, where)
    for table in ("report_reviews", "report_progress", "flow_days", "stays"):
        op.drop_table(table)


def _create(name: str, table: str, columns: list[str], where: str | None) -> None:
    partial = {} if where is None else {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)}
    op.create_index(name, table, columns, **partial)
