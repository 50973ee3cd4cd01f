"""Up to where a person has read their inbox; indexes for what waits of theirs and for what is nobody's yet."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NOBODYS = sa.text("finished_at IS NULL AND assignee_id IS NULL")
WAITING = sa.text("category = 'waiting'")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("inbox_seen", ID, server_default="0", nullable=False))
    op.create_index(
        "ix_actions_nobodys",
        "actions",
        ["team_id", "due_sort", "id"],
        sqlite_where=NOBODYS,
        postgresql_where=NOBODYS,
    )
    op.create_index(
        "ix_actions_waiting_mine",
        "actions",
        ["assignee_id", "due_sort", "id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    op.drop_index("ix_actions_nobodys", "actions")
    op.drop_index("ix_actions_waiting_mine", "actions")
    op.drop_column("accounts", "inbox_seen")
