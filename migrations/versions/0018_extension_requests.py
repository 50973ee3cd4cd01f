"""What an assignee asks for who needs more time, beside the due date; an index for the list of those who do."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ASKED_FOR_TIME = sa.text("extension_request IS NOT NULL")


def upgrade() -> None:
    op.add_column("actions", sa.Column("extension_request", sa.JSON(none_as_null=True), nullable=True))
    op.create_index(
        "ix_actions_extension",
        "actions",
        ["due_sort", "id", "team_id", "assignee_id", "assigner_id"],
        sqlite_where=ASKED_FOR_TIME,
        postgresql_where=ASKED_FOR_TIME,
    )


def downgrade() -> None:
    op.drop_index("ix_actions_extension", "actions")
    op.drop_column("actions", "extension_request")
