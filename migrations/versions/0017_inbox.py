"""Up to where a person has read their inbox, and an index for what waits of theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WAITING = sa.text("category = 'waiting'")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("inbox_seen", ID, server_default="0", nullable=False))
    op.create_index(
        "ix_actions_waiting_mine",
        "actions",
        ["assignee_id", "due_sort", "id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    op.drop_index("ix_actions_waiting_mine", "actions")
    op.drop_column("accounts", "inbox_seen")
