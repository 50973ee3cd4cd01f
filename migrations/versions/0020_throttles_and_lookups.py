"""Attempts that are slowed down, counted for all processes; indexes of what was looked up without one."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
OF_SHARE = sa.text("share_id IS NOT NULL")
OF_TEMPLATE = sa.text("template_id IS NOT NULL")
MENTIONED = sa.text("relation = 'mentioned'")
INDEXES = (
    ("ix_messages_share_id", "messages", ["share_id"], OF_SHARE),
    ("ix_messages_template_id", "messages", ["template_id"], OF_TEMPLATE),
    ("ix_notices_mentioned", "notices", ["account_id", "position"], MENTIONED),
)


def upgrade() -> None:
    op.create_table(
        "throttles",
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("count", ID, nullable=False),
        sa.Column("since", AT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttles")),
    )
    op.create_index("ix_throttles_since", "throttles", ["since"])
    for name, table, columns, where in INDEXES:
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
    op.drop_table("throttles")
