"""Everybody is told: endpoints, deliveries and their attempts, notices, watchers, links in mails.

Written out and never changed again: it does not import the models, which go on.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


PENDING = _where("state = 'pending'")
UNTRIED = _where("state = 'pending' AND first_tried_at IS NULL")
HELD = _where("lease IS NOT NULL")
DEAD = _where("state = 'dead'")
MAIL = _where("account_id IS NOT NULL")

TABLES = (
    "webhooks", "deliveries", "attempts", "dead_addresses",
    "notices", "notice_choices", "notice_defaults", "action_watchers", "feedback_watchers",
    "links",
)  # fmt: skip


def upgrade() -> None:
    _create_deliveries()
    _create_notices()
    _create_links()
    op.add_column("events", sa.Column("contact", sa.Text(), nullable=True))
    op.add_column("installation", sa.Column("worker_at", AT, nullable=True))
    op.add_column("ledger_head", sa.Column("audience", ID, nullable=False, server_default="0"))
    with op.batch_alter_table("ledger_head") as table:
        table.alter_column("audience", server_default=None)


def downgrade() -> None:
    op.drop_column("ledger_head", "audience")
    op.drop_column("installation", "worker_at")
    op.drop_column("events", "contact")
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_deliveries() -> None:
    """What is on its way, and where to."""
    op.create_table(
        "webhooks",
        sa.Column("id", ID, nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=True),
        sa.Column("event_types", sa.JSON(), nullable=False),
        sa.Column("teams", sa.JSON(), nullable=True),
        sa.Column("workflows", sa.JSON(), nullable=True),
        sa.Column("payload", sa.String(length=10), nullable=False),
        sa.Column("include_customer", sa.Boolean(), nullable=False),
        sa.Column("include_imported", sa.Boolean(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_until", AT, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("disabled_reason", sa.String(length=200), nullable=True),
        sa.Column("failing_since", AT, nullable=True),
        sa.Column("failing_position", ID, nullable=True),
        sa.Column("warnings", ID, nullable=False),
        sa.Column("warned_at", AT, nullable=True),
        sa.Column("last_success_at", AT, nullable=True),
        sa.Column("replay_of", sa.String(length=10), nullable=True),
        sa.Column("replay_at", ID, nullable=True),
        sa.Column("replay_until", ID, nullable=True),
        sa.Column("served_by", sa.String(length=40), nullable=True),
        sa.Column("served_until", AT, nullable=True),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.CheckConstraint("payload IN ('full', 'thin')", name=op.f("ck_webhooks_payload")),
        sa.CheckConstraint("replay_of IN ('all', 'missed', 'dead')", name=op.f("ck_webhooks_replay_of")),
        sa.CheckConstraint("state IN ('active', 'paused', 'disabled', 'deleted')", name=op.f("ck_webhooks_state")),
        sa.ForeignKeyConstraint(["owner_id"], ["accounts.id"], name=op.f("fk_webhooks_owner_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=True),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("position", ID, nullable=False),
        sa.Column("action_id", ID, nullable=True),
        sa.Column("sequence", ID, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("next_at", AT, nullable=False),
        sa.Column("tries", ID, nullable=False),
        sa.Column("tries_before", ID, nullable=False),
        sa.Column("first_tried_at", AT, nullable=True),
        sa.Column("lease", sa.String(length=60), nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("settled_at", AT, nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'kept', 'gathered', 'cancelled', 'dead')",
            name=op.f("ck_deliveries_state"),
        ),
        sa.CheckConstraint("(webhook_id IS NULL) <> (account_id IS NULL)", name=op.f("ck_deliveries_receiver")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_deliveries_account_id_accounts")),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name=op.f("fk_deliveries_webhook_id_webhooks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("account_id", "position", name=op.f("uq_deliveries_account_id_position")),
        sa.UniqueConstraint("webhook_id", "position", name=op.f("uq_deliveries_webhook_id_position")),
    )
    op.create_index("ix_deliveries_dead", "deliveries", ["webhook_id", "id"], **DEAD)
    op.create_index("ix_deliveries_due", "deliveries", ["next_at"], **PENDING)
    op.create_index("ix_deliveries_held", "deliveries", ["lease"], **HELD)
    op.create_index("ix_deliveries_mail_due", "deliveries", ["account_id", "next_at", "id"], **PENDING)
    op.create_index("ix_deliveries_mailed", "deliveries", ["account_id", "settled_at"], **MAIL)
    op.create_index("ix_deliveries_mails_in_state", "deliveries", ["state", "id"], **MAIL)
    op.create_index("ix_deliveries_mails_of_person", "deliveries", ["account_id", "id"], **MAIL)
    op.create_index("ix_deliveries_untried", "deliveries", ["webhook_id", "action_id", "sequence"], **UNTRIED)
    op.create_index("ix_deliveries_webhook_due", "deliveries", ["webhook_id", "next_at", "id"], **PENDING)
    op.create_index("ix_deliveries_webhook_id_id", "deliveries", ["webhook_id", "id"])
    op.create_table(
        "attempts",
        sa.Column("delivery_id", ID, nullable=False),
        sa.Column("number", ID, nullable=False),
        sa.Column("started_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("status", ID, nullable=True),
        sa.Column("address", sa.String(length=60), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_attempts_delivery_id_deliveries"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_started_at", "attempts", ["started_at"])
    op.create_table(
        "dead_addresses",
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_dead_addresses")),
    )


def _create_notices() -> None:
    """Who hears of what."""
    op.create_table(
        "notices",
        sa.Column("position", ID, autoincrement=False, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.Column("action_id", ID, nullable=True),
        sa.Column("batch", ID, nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notices_account_id_accounts")),
        sa.PrimaryKeyConstraint("position", "account_id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_account_id_batch", "notices", ["account_id", "batch"])
    op.create_index("ix_notices_account_id_position", "notices", ["account_id", "position"])
    op.create_index("ix_notices_action_id", "notices", ["action_id", "position"])
    op.create_table(
        "notice_choices",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.CheckConstraint("level IN ('at_once', 'digest', 'never')", name=op.f("ck_notice_choices_level")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notice_choices_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "kind", name=op.f("pk_notice_choices")),
    )
    op.create_table(
        "notice_defaults",
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.CheckConstraint("level IN ('at_once', 'digest', 'never')", name=op.f("ck_notice_defaults_level")),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_notice_defaults")),
    )
    op.create_table(
        "action_watchers",
        sa.Column("action_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("added_by", ID, nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_action_watchers_account_id_accounts")),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name=op.f("fk_action_watchers_action_id_actions")),
        sa.ForeignKeyConstraint(["added_by"], ["accounts.id"], name=op.f("fk_action_watchers_added_by_accounts")),
        sa.PrimaryKeyConstraint("action_id", "account_id", name=op.f("pk_action_watchers")),
    )
    op.create_index("ix_action_watchers_account_id", "action_watchers", ["account_id"])
    op.create_table(
        "feedback_watchers",
        sa.Column("feedback_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("added_by", ID, nullable=True),
        sa.Column("at", AT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_feedback_watchers_account_id_accounts")),
        sa.ForeignKeyConstraint(["added_by"], ["accounts.id"], name=op.f("fk_feedback_watchers_added_by_accounts")),
        sa.ForeignKeyConstraint(
            ["feedback_id"], ["feedback.id"], name=op.f("fk_feedback_watchers_feedback_id_feedback")
        ),
        sa.PrimaryKeyConstraint("feedback_id", "account_id", name=op.f("pk_feedback_watchers")),
    )
    op.create_index("ix_feedback_watchers_account_id", "feedback_watchers", ["account_id"])


def _create_links() -> None:
    """What links in mails may be used for."""
    op.create_table(
        "links",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("action_id", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("used_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_links_account_id_accounts")),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name=op.f("fk_links_action_id_actions")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_links")),
    )
    op.create_index("ix_links_account_id", "links", ["account_id"])
    op.create_index("ix_links_action_id", "links", ["action_id"])
    op.create_index("ix_links_expires_at", "links", ["expires_at"])
