"""Labels and what they were put on; root causes; which outcomes benefit the customer."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
BENEFICIAL = ("fixed", "answered")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "labels",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("folded", sa.String(300), nullable=False),
        sa.Column("colour", sa.String(7)),
        sa.Column("description", sa.String(2000)),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("into_id", ID),
        sa.Column("moving", sa.Boolean(), nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_by", ID),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_labels"),
        sa.UniqueConstraint("folded", name="uq_labels_folded"),
        sa.ForeignKeyConstraint(["into_id"], ["labels.id"], name="fk_labels_into_id_labels"),
        sa.ForeignKeyConstraint(["created_by"], ["accounts.id"], name="fk_labels_created_by_accounts"),
    )
    op.create_index("ix_labels_into_id", "labels", ["into_id"])
    op.create_index("ix_labels_moving", "labels", ["id"], **_where("moving"))
    op.create_table(
        "labellings",
        sa.Column("feedback_id", ID, nullable=False),
        sa.Column("label_id", ID, nullable=False),
        sa.Column("received_at", AT, nullable=False),
        sa.Column("labelled_by", ID),
        sa.Column("labelled_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("feedback_id", "label_id", name="pk_labellings"),
        sa.ForeignKeyConstraint(["feedback_id"], ["feedback.id"], name="fk_labellings_feedback_id_feedback"),
        sa.ForeignKeyConstraint(["label_id"], ["labels.id"], name="fk_labellings_label_id_labels"),
        sa.ForeignKeyConstraint(["labelled_by"], ["accounts.id"], name="fk_labellings_labelled_by_accounts"),
    )
    op.create_index("ix_labellings_label_id_feedback_id", "labellings", ["label_id", "feedback_id"])
    op.create_index("ix_labellings_received", "labellings", ["label_id", "received_at", "feedback_id"])
    op.create_index("ix_labellings_label_id_labelled_at", "labellings", ["label_id", "labelled_at"])
    op.create_table(
        "root_causes",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("label", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_root_causes"),
        sa.UniqueConstraint("key", name="uq_root_causes_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_actions_root_cause", "actions", ["root_cause", "id"], **_where("root_cause IS NOT NULL"))
    op.create_index("ix_actions_outcome", "actions", ["outcome_id", "id"], **_where("outcome_id IS NOT NULL"))
    op.add_column("outcomes", sa.Column("benefits_customer", sa.Boolean(), nullable=False, server_default=sa.false()))
    outcomes = sa.table("outcomes", sa.column("key"), sa.column("benefits_customer", sa.Boolean()))
    op.execute(outcomes.update().where(outcomes.c.key.in_(BENEFICIAL)).values(benefits_customer=True))


def downgrade() -> None:
    op.drop_column("outcomes", "benefits_customer")
    op.drop_index("ix_actions_outcome", "actions")
    op.drop_index("ix_actions_root_cause", "actions")
    op.drop_table("root_causes")
    op.drop_table("labellings")
    op.drop_table("labels")
