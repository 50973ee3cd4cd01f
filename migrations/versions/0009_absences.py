"""When people are away, and in whose place somebody has an action."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
REFERENCE = "fk_actions_on_behalf_of_id_accounts"


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


INDEXES = {
    "ix_absences_account_id": (["account_id", "starts_at", "id"], {}),
    "ix_absences_deputy_id":  (["deputy_id"],                     _where("state IN ('planned', 'begun')")),
    "ix_absences_planned":    (["starts_at", "id"],               _where("state = 'planned'")),
    "ix_absences_begun":      (["ends_at", "id"],                 _where("state = 'begun'")),
    "ix_absences_moving":     (["id"],                            _where("moves_after IS NOT NULL")),
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "absences",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("deputy_id", ID),
        sa.Column("starts_at", AT, nullable=False),
        sa.Column("ends_at", AT, nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("moves_after", ID),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_absences"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_absences_account_id_accounts"),
        sa.ForeignKeyConstraint(["deputy_id"], ["accounts.id"], name="fk_absences_deputy_id_accounts"),
        sa.CheckConstraint("state IN ('planned', 'begun', 'ended')", name=op.f("ck_absences_state")),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_absences_period")),
        sqlite_autoincrement=True,
    )
    for name, (columns, where) in INDEXES.items():
        op.create_index(name, "absences", columns, **where)
    _add_on_behalf_of()
    op.create_index(
        "ix_actions_on_behalf_of",
        "actions",
        ["on_behalf_of_id", "id"],
        **_where("finished_at IS NULL AND on_behalf_of_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_actions_on_behalf_of", "actions")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(REFERENCE, "actions", type_="foreignkey")
    op.drop_column("actions", "on_behalf_of_id")
    op.drop_table("absences")


def _add_on_behalf_of() -> None:
    """SQLite takes a reference with the column and by no other way than copying a million actions."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"ALTER TABLE actions ADD COLUMN on_behalf_of_id INTEGER CONSTRAINT {REFERENCE} REFERENCES accounts (id)"
        )
    else:
        reference = sa.ForeignKey("accounts.id", name=REFERENCE)
        op.add_column("actions", sa.Column("on_behalf_of_id", ID, reference, nullable=True))
