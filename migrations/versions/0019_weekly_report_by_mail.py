"""The weekly report by mail: who wants it, when it comes next, and which mail is that of which week."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
OF_A_WEEK = sa.text("week IS NOT NULL")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("weekly_report", sa.Boolean()))
    op.add_column("accounts", sa.Column("report_next", AT))
    op.add_column("deliveries", sa.Column("week", sa.String(8)))
    op.create_index(
        "ix_deliveries_report",
        "deliveries",
        ["account_id", "week"],
        unique=True,
        sqlite_where=OF_A_WEEK,
        postgresql_where=OF_A_WEEK,
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_report", "deliveries")
    op.execute("DELETE FROM attempts WHERE delivery_id IN (SELECT id FROM deliveries WHERE week IS NOT NULL)")
    op.execute("DELETE FROM deliveries WHERE week IS NOT NULL")
    op.execute("DELETE FROM links WHERE purpose = 'weekly_report'")
    op.drop_column("deliveries", "week")
    op.drop_column("accounts", "report_next")
    op.drop_column("accounts", "weekly_report")
