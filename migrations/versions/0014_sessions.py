"""Signing in to the pages: sessions, passwords, and mails that let somebody in."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("last_seen_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sessions_account_id_accounts"),
        sa.UniqueConstraint("hash", name="uq_sessions_hash"),
        sqlite_autoincrement=True,
    )
    for column in ("account_id", "expires_at"):
        op.create_index(f"ix_sessions_{column}", "sessions", [column])
    op.create_table(
        "passwords",
        sa.Column("account_id", ID, nullable=False, autoincrement=False),
        sa.Column("hash", sa.String(200), nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_passwords"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_passwords_account_id_accounts"),
    )

    op.add_column("deliveries", sa.Column("purpose", sa.String(20)))


def downgrade() -> None:
    op.execute("DELETE FROM attempts WHERE delivery_id IN (SELECT id FROM deliveries WHERE purpose IS NOT NULL)")
    op.execute("DELETE FROM deliveries WHERE purpose IS NOT NULL")
    op.execute("DELETE FROM links WHERE purpose IN ('sign_in', 'reset', 'invitation')")
    op.drop_column("deliveries", "purpose")
    op.drop_table("passwords")
    op.drop_table("sessions")
