"""Business calendars: when people work, by default, and per team."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
DEFAULT = sa.text("is_default")


def upgrade() -> None:
    op.create_table(
        "calendars",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("country", sa.String(2)),
        sa.Column("region", sa.String(10)),
        sa.Column("week", sa.JSON(), nullable=False),
        sa.Column("holidays", sa.JSON(), nullable=False),
        sa.Column("working_days", sa.JSON(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calendars"),
        sa.UniqueConstraint("name", name="uq_calendars_name"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_calendars_default",
        "calendars",
        ["is_default"],
        unique=True,
        sqlite_where=DEFAULT,
        postgresql_where=DEFAULT,
    )
    with op.batch_alter_table("teams") as table:
        table.add_column(sa.Column("calendar_id", ID))
        table.create_foreign_key("fk_teams_calendar_id_calendars", "calendars", ["calendar_id"], ["id"])
        table.create_index("ix_teams_calendar_id", ["calendar_id"])


def downgrade() -> None:
    with op.batch_alter_table("teams") as table:
        table.drop_index("ix_teams_calendar_id")
        table.drop_constraint("fk_teams_calendar_id_calendars", type_="foreignkey")
        table.drop_column("calendar_id")
    op.drop_table("calendars")
