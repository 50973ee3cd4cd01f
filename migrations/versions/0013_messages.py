"""Messages, templates, shares; what customers said about being written to."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from cfm_workflow import clock

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)

THANKS_EN = """{{ customer.greeting }},

thank you for telling us about your experience. We have read your message of {{ feedback.received_on }}, and somebody is
looking into it. We will write to you again when there is something to tell.

If you want to add anything, simply answer this mail.

{{ sender.name }}
"""
THANKS_KO = """{{ customer.greeting }}, 안녕하십니까.

소중한 의견을 보내 주셔서 감사합니다. {{ feedback.received_on }}에 보내 주신 내용을 확인하였으며,
담당자가 살펴보고 있습니다. 진행되는 대로 다시 안내해 드리겠습니다.

더 하실 말씀이 있으시면 이 메일에 회신해 주시기 바랍니다.

{{ sender.name }} 드림
"""
SOLVED_EN = """{{ customer.greeting }},

you wrote to us on {{ feedback.received_on }}. We have finished our work on it and believe that it is solved.

If it is not, please answer this mail: we will look at it again.

Thank you for your patience.

{{ sender.name }}
"""
SOLVED_KO = """{{ customer.greeting }}, 안녕하십니까.

{{ feedback.received_on }}에 보내 주신 의견에 대한 조치를 마쳤음을 알려 드립니다.

아직 해결되지 않은 점이 있으시면 이 메일에 회신해 주시기 바랍니다. 다시 살펴보겠습니다.

기다려 주셔서 감사합니다.

{{ sender.name }} 드림
"""
CHECK_EN = """{{ customer.greeting }},

some time ago we told you that what you wrote to us on {{ feedback.received_on }} is solved. Is it? A moment is enough:

{{ link }}

If it is not solved, say so there, and we will take it up again.

{{ sender.name }}
"""
CHECK_KO = """{{ customer.greeting }}, 안녕하십니까.

{{ feedback.received_on }}에 보내 주신 의견에 대한 조치를 마쳤다고 안내해 드린 바 있습니다.
잘 해결되었는지 여쭙고자 하오니, 아래 링크에서 간단히 알려 주시기 바랍니다.

{{ link }}

해결되지 않았다고 알려 주시면 다시 살펴보겠습니다.

{{ sender.name }} 드림
"""
TEMPLATES = (
    ("Thank you", "thank_you", "en", "Thank you for your message", THANKS_EN),
    ("감사 인사", "thank_you", "ko", "의견을 보내 주셔서 감사합니다", THANKS_KO),
    ("Solved", "solved", "en", "What you wrote to us about is solved", SOLVED_EN),
    ("해결 안내", "solved", "ko", "보내 주신 의견에 대한 조치 결과를 알려 드립니다", SOLVED_KO),
    ("Was it solved?", "check", "en", "Was it solved?", CHECK_EN),
    ("해결 확인", "check", "ko", "잘 해결되었는지 여쭙습니다", CHECK_KO),
)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.add_column("feedback", sa.Column("told_at", AT))
    op.add_column("feedback", sa.Column("heard_at", AT))
    op.add_column("customers", sa.Column("unsubscribed_at", AT))
    op.add_column("customers", sa.Column("do_not_contact", sa.Text()))
    op.add_column("customers", sa.Column("do_not_contact_at", AT))
    op.create_index("ix_customers_excluded", "customers", ["id"], **_where("do_not_contact IS NOT NULL"))
    _create_templates()
    _create_shares()
    _create_messages()
    _fill()


def downgrade() -> None:
    for table in ("messages", "share_openings", "shares", "templates"):
        op.drop_table(table)
    op.drop_index("ix_customers_excluded", "customers")
    for column in ("do_not_contact_at", "do_not_contact", "unsubscribed_at"):
        op.drop_column("customers", column)
    for column in ("heard_at", "told_at"):
        op.drop_column("feedback", column)


def _create_templates() -> None:
    op.create_table(
        "templates",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("team_id", ID),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_templates"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_templates_team_id_teams"),
        sa.CheckConstraint(
            "kind IN ('reply', 'thank_you', 'solved', 'check', 'unasked')", name=op.f("ck_templates_kind")
        ),
    )
    op.create_index("ix_templates_kind_language_id", "templates", ["kind", "language", "id"])
    op.create_index("ix_templates_team_id", "templates", ["team_id"])


def _create_shares() -> None:
    op.create_table(
        "shares",
        sa.Column("id", ID, nullable=False),
        sa.Column("feedback_id", ID, nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("include_contact", sa.Boolean(), nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("revoked_at", AT),
        sa.Column("openings", ID, nullable=False),
        sa.Column("created_by", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shares"),
        sa.ForeignKeyConstraint(["feedback_id"], ["feedback.id"], name="fk_shares_feedback_id_feedback"),
        sa.ForeignKeyConstraint(["created_by"], ["accounts.id"], name="fk_shares_created_by_accounts"),
    )
    for column in ("feedback_id", "created_by"):
        op.create_index(f"ix_shares_{column}", "shares", [column])
    op.create_table(
        "share_openings",
        sa.Column("id", ID, nullable=False),
        sa.Column("share_id", ID, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_share_openings"),
        sa.ForeignKeyConstraint(["share_id"], ["shares.id"], name="fk_share_openings_share_id_shares"),
    )
    op.create_index("ix_share_openings_share_id_id", "share_openings", ["share_id", "id"])


INDEXES = {
    "ix_messages_feedback_id_id": (["feedback_id", "id"], {}),
    "ix_messages_customer_id_id": (["customer_id", "id"], {}),
    "ix_messages_created_by":     (["created_by"], {}),
    "ix_messages_to_customer":    (["feedback_id", "id"], _where("direction = 'out' AND share_id IS NULL")),
    "ix_messages_due":            (["leaves_at", "id"], _where("state = 'queued'")),
    "ix_messages_held":           (["lease"], _where("lease IS NOT NULL")),
    "ix_messages_unasked":        (["customer_id", "made_at"],
                                   _where("kind = 'unasked' AND state IN ('queued', 'sent')")),
}  # fmt: skip


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", ID, nullable=False),
        sa.Column("feedback_id", ID, nullable=False),
        sa.Column("customer_id", ID),
        sa.Column("share_id", ID),
        sa.Column("template_id", ID),
        sa.Column("direction", sa.String(3), nullable=False),
        sa.Column("channel", sa.String(50), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("address", sa.String(254)),
        sa.Column("language", sa.String(2)),
        sa.Column("subject", sa.String(200)),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("leaves_at", AT),
        sa.Column("sent_at", AT),
        sa.Column("tries", ID, nullable=False),
        sa.Column("lease", sa.String(60)),
        sa.Column("lease_until", AT),
        sa.Column("answer", sa.String(300)),
        sa.Column("created_by", ID),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(["feedback_id"], ["feedback.id"], name="fk_messages_feedback_id_feedback"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_messages_customer_id_customers"),
        sa.ForeignKeyConstraint(["share_id"], ["shares.id"], name="fk_messages_share_id_shares"),
        sa.ForeignKeyConstraint(["template_id"], ["templates.id"], name="fk_messages_template_id_templates"),
        sa.ForeignKeyConstraint(["created_by"], ["accounts.id"], name="fk_messages_created_by_accounts"),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_messages_direction")),
        sa.CheckConstraint(
            "kind IN ('reply', 'thank_you', 'solved', 'check', 'share', 'contact', 'unasked')",
            name=op.f("ck_messages_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'cancelled', 'sent', 'kept', 'failed', 'recorded')", name=op.f("ck_messages_state")
        ),
    )
    for name, (columns, where) in INDEXES.items():
        op.create_index(name, "messages", columns, **where)


def _fill() -> None:
    """What every installation can send at once; supervisors change it."""
    names = ("name", "kind", "language", "subject", "body")
    table = sa.table(
        "templates",
        *(sa.column(name, sa.String()) for name in names),
        sa.column("active", sa.Boolean()),
        sa.column("version", ID),
        sa.column("created_at", AT),
    )
    common = {"active": True, "version": 1, "created_at": clock.now()}
    op.bulk_insert(table, [dict(zip(names, row, strict=True)) | common for row in TEMPLATES])
