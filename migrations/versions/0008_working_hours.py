"""When people work, how often they want a digest, and mails that are one with what leaves at the same time."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
DIGEST = (
    ("digest_every", sa.String(length=5), "day"),
    ("digest_on", sa.String(length=3), "mon"),
    ("digest_at", sa.String(length=5), "08:00"),
)
GATHERED = sa.text("gathered")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("working_hours", sa.JSON(none_as_null=True), nullable=True))
    for name, kind, default in DIGEST:
        op.add_column("accounts", sa.Column(name, kind, nullable=False, server_default=default))
    op.add_column("accounts", sa.Column("digest_next", AT, nullable=True))
    op.add_column("installation", sa.Column("stalled_since", AT, nullable=True))
    op.add_column("deliveries", sa.Column("gathered", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
    op.create_index(
        "ix_deliveries_gathered",
        "deliveries",
        ["account_id", "next_at"],
        sqlite_where=GATHERED,
        postgresql_where=GATHERED,
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_gathered", "deliveries")
    op.drop_column("deliveries", "gathered")
    op.drop_column("installation", "stalled_since")
    op.drop_column("accounts", "digest_next")
    for name, _, _ in reversed(DIGEST):
        op.drop_column("accounts", name)
    op.drop_column("accounts", "working_hours")
