"""How far the open actions of a changed calendar have been reckoned anew; calendar feeds."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNFINISHED = sa.text("finished_at IS NULL")
AT = sa.DateTime(timezone=True)
RECKONED = sa.text("finished_at IS NULL AND due_rule IS NOT NULL")


def upgrade() -> None:
    op.add_column("calendars", sa.Column("reckon_after", ID, nullable=True))
    op.add_column("calendars", sa.Column("reckon_from", ID, nullable=True))
    _index_of_calendars(UNFINISHED)
    op.create_table(
        "calendar_feeds",
        sa.Column("account_id", ID, nullable=False, autoincrement=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("last_used_at", AT),
        sa.PrimaryKeyConstraint("account_id", name="pk_calendar_feeds"),
        sa.UniqueConstraint("hash", name="uq_calendar_feeds_hash"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_calendar_feeds_account_id_accounts"),
    )


def downgrade() -> None:
    op.drop_table("calendar_feeds")
    _index_of_calendars(RECKONED)
    op.drop_column("calendars", "reckon_from")
    op.drop_column("calendars", "reckon_after")


def _index_of_calendars(which: sa.TextClause) -> None:
    op.drop_index("ix_actions_calendar", "actions")
    op.create_index("ix_actions_calendar", "actions", ["calendar_id", "id"], sqlite_where=which, postgresql_where=which)
