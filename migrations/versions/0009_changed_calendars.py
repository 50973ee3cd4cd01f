"""How far the open actions of a changed calendar have been reckoned anew."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNFINISHED = sa.text("finished_at IS NULL")
RECKONED = sa.text("finished_at IS NULL AND due_rule IS NOT NULL")


def upgrade() -> None:
    op.add_column("calendars", sa.Column("reckon_after", ID, nullable=True))
    op.add_column("calendars", sa.Column("reckon_from", ID, nullable=True))
    _index_of_calendars(UNFINISHED)


def downgrade() -> None:
    _index_of_calendars(RECKONED)
    op.drop_column("calendars", "reckon_from")
    op.drop_column("calendars", "reckon_after")


def _index_of_calendars(which: sa.TextClause) -> None:
    op.drop_index("ix_actions_calendar", "actions")
    op.create_index("ix_actions_calendar", "actions", ["calendar_id", "id"], sqlite_where=which, postgresql_where=which)
