"""How a due date was reckoned, and in which calendar."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RECKONED = sa.text("finished_at IS NULL AND due_rule IS NOT NULL")


def upgrade() -> None:
    op.add_column("actions", sa.Column("due_rule", sa.JSON(none_as_null=True), nullable=True))
    _add_calendar()
    op.create_index(
        "ix_actions_calendar",
        "actions",
        ["calendar_id", "id"],
        sqlite_where=RECKONED,
        postgresql_where=RECKONED,
    )


def downgrade() -> None:
    op.drop_index("ix_actions_calendar", "actions")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_actions_calendar_id_calendars", "actions", type_="foreignkey")
    op.drop_column("actions", "calendar_id")
    op.drop_column("actions", "due_rule")


def _add_calendar() -> None:
    """SQLite takes a reference with the column and by no other way than copying a million actions."""
    reference = sa.ForeignKey("calendars.id", name="fk_actions_calendar_id_calendars")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "ALTER TABLE actions ADD COLUMN calendar_id INTEGER"
            " CONSTRAINT fk_actions_calendar_id_calendars REFERENCES calendars (id)"
        )
    else:
        op.add_column("actions", sa.Column("calendar_id", ID, reference, nullable=True))
