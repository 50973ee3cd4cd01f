"""Indexes for the audit log: by kind, by who did it, and by when."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

AUDITED = sa.text("audit")


def upgrade() -> None:
    for name, columns in _INDEXES.items():
        op.create_index(name, "events", columns, sqlite_where=AUDITED, postgresql_where=AUDITED)


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "events")


_INDEXES = {
    "ix_events_audit": ["type", "at", "position"],
    "ix_events_audit_actor": ["actor_id", "type", "at", "position"],
}
