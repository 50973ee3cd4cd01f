"""Notes, how they were before, and whom they mention."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def _to(column: str, table: str, of: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{of}.id"], name=f"fk_{table}_{column}_{of}")


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("id", ID, nullable=False),
        sa.Column("feedback_id", ID, nullable=False),
        sa.Column("author_id", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("changed_at", AT),
        sa.Column("deleted_at", AT),
        sa.Column("deleted_by", ID),
        sa.Column("version", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
        _to("feedback_id", "notes", "feedback"),
        _to("author_id", "notes", "accounts"),
        _to("deleted_by", "notes", "accounts"),
    )
    op.create_index("ix_notes_feedback_id", "notes", ["feedback_id", "id"])
    op.create_table(
        "note_versions",
        sa.Column("note_id", ID, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("body", sa.Text()),
        sa.Column("written_by", ID, nullable=False),
        sa.Column("written_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("note_id", "version", name="pk_note_versions"),
        _to("note_id", "note_versions", "notes"),
        _to("written_by", "note_versions", "accounts"),
    )
    op.create_table(
        "note_mentions",
        sa.Column("note_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("note_id", "account_id", name="pk_note_mentions"),
        _to("note_id", "note_mentions", "notes"),
        _to("account_id", "note_mentions", "accounts"),
    )
    op.create_index("ix_note_mentions_account_id", "note_mentions", ["account_id", "note_id"])


def downgrade() -> None:
    op.drop_table("note_mentions")
    op.drop_table("note_versions")
    op.drop_table("notes")
