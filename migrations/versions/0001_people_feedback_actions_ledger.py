"""The first tables: people, feedback, actions, the ledger; and the rows they begin with.

Written out and never changed again: it does not import the models, which go on.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from cfm_workflow import clock

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


UNFINISHED = _where("finished_at IS NULL")
WAITING = _where("category = 'waiting'")
UNDECIDED = _where("needs_decision")

TABLES = (
    "accounts", "teams", "team_members", "supervised_teams", "tokens", "idempotency_keys",
    "customers", "feedback", "imports", "import_problems",
    "outcomes", "workflow_versions", "action_groups", "actions", "action_feedback", "passed_over",
    "events", "ledger_head", "installation",
)  # fmt: skip

OUTCOMES = (
    # key                English               Korean           requires a reason
    ("fixed",            "Fixed",              "해결됨",        False),
    ("answered",         "Answered",           "답변 완료",     False),
    ("duplicate",        "Duplicate",          "중복",          False),
    ("wont_fix",         "Won't fix",          "조치하지 않음", True),
    ("no_action_needed", "No action needed",   "조치 불필요",   False),
)  # fmt: skip

# An external content table stores the words only; these keep it in step. Where it lags, SQLite calls it malformed.
SEARCH = (
    "CREATE VIRTUAL TABLE feedback_search USING fts5("
    "search_text, content='feedback', content_rowid='id', tokenize='unicode61 remove_diacritics 0')",
    "CREATE TRIGGER feedback_search_added AFTER INSERT ON feedback BEGIN "
    "INSERT INTO feedback_search (rowid, search_text) VALUES (new.id, new.search_text); END",
    "CREATE TRIGGER feedback_search_changed AFTER UPDATE OF search_text ON feedback BEGIN "
    "INSERT INTO feedback_search (feedback_search, rowid, search_text) VALUES ('delete', old.id, old.search_text); "
    "INSERT INTO feedback_search (rowid, search_text) VALUES (new.id, new.search_text); END",
    "CREATE TRIGGER feedback_search_removed AFTER DELETE ON feedback BEGIN "
    "INSERT INTO feedback_search (feedback_search, rowid, search_text) VALUES ('delete', old.id, old.search_text); END",
)


def upgrade() -> None:
    _create_people()
    _create_feedback()
    _create_actions()
    _create_ledger()
    _create_search()
    _fill()


def downgrade() -> None:
    if _is_sqlite():
        op.execute("DROP TABLE feedback_search")
    for table in reversed(TABLES):
        op.drop_table(table)  # with its indexes and triggers


def _create_people() -> None:
    """Who may do something, and what proves it."""
    op.create_table(
        "accounts",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=True),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.CheckConstraint("(kind = 'user') = (email IS NOT NULL)", name=op.f("ck_accounts_email")),
        sa.CheckConstraint("kind IN ('user', 'integration')", name=op.f("ck_accounts_kind")),
        sa.CheckConstraint("role IN ('agent', 'supervisor', 'admin')", name=op.f("ck_accounts_role")),
        sa.ForeignKeyConstraint(["owner_id"], ["accounts.id"], name="fk_accounts_owner_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("email", name="uq_accounts_email"),
    )
    op.create_index("ix_accounts_kind_id", "accounts", ["kind", "id"])
    op.create_table(
        "teams",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("lead_id", ID, nullable=True),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("last_given_to", ID, nullable=True),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.CheckConstraint("mode IN ('everyone', 'pool', 'round_robin', 'least_busy')", name=op.f("ck_teams_mode")),
        sa.ForeignKeyConstraint(["lead_id"], ["accounts.id"], name="fk_teams_lead_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_teams"),
        sa.UniqueConstraint("key", name="uq_teams_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_teams_lead_id", "teams", ["lead_id"])
    op.create_table(
        "team_members",
        sa.Column("team_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_team_members_account_id_accounts"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_team_members_team_id_teams", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("team_id", "account_id", name="pk_team_members"),
    )
    op.create_index("ix_team_members_account_id", "team_members", ["account_id"])
    op.create_table(
        "supervised_teams",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_supervised_teams_account_id_accounts"),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name="fk_supervised_teams_team_id_teams", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "team_id", name="pk_supervised_teams"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=8), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=True),
        sa.Column("last_used_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_tokens_account_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("hash", name="uq_tokens_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tokens_account_id", "tokens", ["account_id"])
    op.create_table(
        "idempotency_keys",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", ID, nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_idempotency_keys_account_id_accounts"),
        sa.PrimaryKeyConstraint("account_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _create_feedback() -> None:
    """What customers said, and the files it came in."""
    op.create_table(
        "customers",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=50), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("source", sa.String(length=100), nullable=True),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("erased_at", AT, nullable=True),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
        sa.UniqueConstraint("email", name="uq_customers_email"),
        sa.UniqueConstraint("source", "external_id", name="uq_customers_source_external_id"),
    )
    op.create_table(
        "feedback",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("channel", sa.String(length=50), nullable=True),
        sa.Column("touchpoint", sa.String(length=2000), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("metric", sa.String(length=10), nullable=True),
        sa.Column("score", ID, nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("customer_id", ID, nullable=True),
        sa.Column("recorded_by", ID, nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("needs_decision", sa.Boolean(), nullable=False),
        sa.Column("received_at", AT, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("closed_at", AT, nullable=True),
        sa.Column("erased_at", AT, nullable=True),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.CheckConstraint("status IN ('new', 'open', 'resolved', 'closed')", name=op.f("ck_feedback_status")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_feedback_customer_id_customers"),
        sa.ForeignKeyConstraint(["recorded_by"], ["accounts.id"], name="fk_feedback_recorded_by_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.UniqueConstraint("source", "external_id", name="uq_feedback_source_external_id"),
        sa.UniqueConstraint("source", "fingerprint", name="uq_feedback_source_fingerprint"),
    )
    op.create_index("ix_feedback_channel_received_at_id", "feedback", ["channel", "received_at", "id"])
    op.create_index("ix_feedback_customer_id_received_at_id", "feedback", ["customer_id", "received_at", "id"])
    op.create_index("ix_feedback_metric_received_at_id", "feedback", ["metric", "received_at", "id"])
    op.create_index("ix_feedback_received_at_id", "feedback", ["received_at", "id"])
    op.create_index("ix_feedback_source_received_at_id", "feedback", ["source", "received_at", "id"])
    op.create_index("ix_feedback_status_received_at_id", "feedback", ["status", "received_at", "id"])
    op.create_index("ix_feedback_undecided", "feedback", ["received_at", "id"], **UNDECIDED)
    op.create_table(
        "imports",
        sa.Column("id", ID, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("records", ID, nullable=False),
        sa.Column("stored", ID, nullable=False),
        sa.Column("duplicates", ID, nullable=False),
        sa.Column("refused", ID, nullable=False),
        sa.Column("bytes_read", ID, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("started_at", AT, nullable=True),
        sa.Column("finished_at", AT, nullable=True),
        sa.Column("lease", sa.String(length=40), nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'finished', 'failed')", name=op.f("ck_imports_state")),
        sa.ForeignKeyConstraint(["created_by"], ["accounts.id"], name="fk_imports_created_by_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
    )
    op.create_index("ix_imports_fingerprint", "imports", ["fingerprint"])
    op.create_index("ix_imports_state_id", "imports", ["state", "id"])
    op.create_table(
        "import_problems",
        sa.Column("id", ID, nullable=False),
        sa.Column("import_id", ID, nullable=False),
        sa.Column("line", ID, nullable=False),
        sa.Column("field", sa.String(length=100), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name="fk_import_problems_import_id_imports"),
        sa.PrimaryKeyConstraint("id", name="pk_import_problems"),
    )
    op.create_index("ix_import_problems_import_id_id", "import_problems", ["import_id", "id"])


def _create_actions() -> None:
    """The work, and what it follows."""
    op.create_table(
        "outcomes",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("label", sa.JSON(), nullable=False),
        sa.Column("requires_reason", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outcomes"),
        sa.UniqueConstraint("key", name="uq_outcomes_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "workflow_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_versions"),
        sa.UniqueConstraint("key", "version", name="uq_workflow_versions_key_version"),
    )
    op.create_table(
        "action_groups",
        sa.Column("id", ID, nullable=False),
        sa.Column("feedback_id", ID, nullable=False),
        sa.Column("completion", sa.String(length=10), nullable=False),
        sa.Column("at_least", ID, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("state_since", AT, nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.CheckConstraint("completion IN ('all', 'any', 'at_least')", name=op.f("ck_action_groups_completion")),
        sa.CheckConstraint("state IN ('open', 'completed', 'failed')", name=op.f("ck_action_groups_state")),
        sa.ForeignKeyConstraint(["created_by"], ["accounts.id"], name="fk_action_groups_created_by_accounts"),
        sa.ForeignKeyConstraint(["feedback_id"], ["feedback.id"], name="fk_action_groups_feedback_id_feedback"),
        sa.PrimaryKeyConstraint("id", name="pk_action_groups"),
    )
    op.create_index("ix_action_groups_feedback_id", "action_groups", ["feedback_id"])
    op.create_table(
        "actions",
        sa.Column("id", ID, nullable=False),
        sa.Column("feedback_id", ID, nullable=False),
        sa.Column("group_id", ID, nullable=False),
        sa.Column("workflow_id", ID, nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("category", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("priority", ID, nullable=False),
        sa.Column("goal", sa.String(length=2000), nullable=True),
        sa.Column("benefit", sa.String(length=2000), nullable=True),
        sa.Column("assignee_id", ID, nullable=True),
        sa.Column("assigner_id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=True),
        sa.Column("pool", sa.Boolean(), nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column(
            "due_sort",
            AT,
            sa.Computed("coalesce(due_at, '9999-12-31 00:00:00.000000')", persisted=True),
            nullable=False,
        ),
        sa.Column("first_due_at", AT, nullable=True),
        sa.Column("waiting_until", AT, nullable=True),
        sa.Column("waiting_for_answer", sa.Boolean(), nullable=False),
        sa.Column("came_from", sa.String(length=40), nullable=True),
        sa.Column("outcome_id", ID, nullable=True),
        sa.Column("root_cause", sa.String(length=200), nullable=True),
        sa.Column("resolution", sa.String(length=2000), nullable=True),
        sa.Column("external_ref", sa.String(length=200), nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("reopened_count", ID, nullable=False),
        sa.Column("undo_to", sa.String(length=40), nullable=True),
        sa.Column("undo_by", ID, nullable=True),
        sa.Column("undo_until", AT, nullable=True),
        sa.Column("sequence", ID, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("state_since", AT, nullable=False),
        sa.Column("accepted_at", AT, nullable=True),
        sa.Column("started_at", AT, nullable=True),
        sa.Column("finished_at", AT, nullable=True),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (category IN ('open', 'active', 'waiting'))", name=op.f("ck_actions_finished")
        ),
        sa.CheckConstraint(
            "category IN ('open', 'active', 'waiting', 'done', 'dropped')", name=op.f("ck_actions_category")
        ),
        sa.CheckConstraint("kind IN ('internal', 'external')", name=op.f("ck_actions_kind")),
        sa.ForeignKeyConstraint(["assignee_id"], ["accounts.id"], name="fk_actions_assignee_id_accounts"),
        sa.ForeignKeyConstraint(["assigner_id"], ["accounts.id"], name="fk_actions_assigner_id_accounts"),
        sa.ForeignKeyConstraint(["feedback_id"], ["feedback.id"], name="fk_actions_feedback_id_feedback"),
        sa.ForeignKeyConstraint(["group_id"], ["action_groups.id"], name="fk_actions_group_id_action_groups"),
        sa.ForeignKeyConstraint(["outcome_id"], ["outcomes.id"], name="fk_actions_outcome_id_outcomes"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_actions_team_id_teams"),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflow_versions.id"], name="fk_actions_workflow_id_workflow_versions"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_actions"),
    )
    op.create_index("ix_actions_assignee_id_id", "actions", ["assignee_id", "id"])
    op.create_index("ix_actions_assigner_id", "actions", ["assigner_id"])
    op.create_index("ix_actions_due", "actions", ["due_sort", "id"], **UNFINISHED)
    op.create_index("ix_actions_due_sort_id", "actions", ["due_sort", "id"])
    op.create_index("ix_actions_external_ref_id", "actions", ["external_ref", "id"])
    op.create_index("ix_actions_feedback_id", "actions", ["feedback_id"])
    op.create_index("ix_actions_group_id_id", "actions", ["group_id", "id"])
    op.create_index("ix_actions_mine", "actions", ["assignee_id", "due_sort", "id"], **UNFINISHED)
    op.create_index("ix_actions_priority", "actions", ["priority", "id"], **UNFINISHED)
    op.create_index("ix_actions_priority_id", "actions", ["priority", "id"])
    op.create_index("ix_actions_state_id", "actions", ["state", "id"])
    op.create_index("ix_actions_team", "actions", ["team_id", "due_sort", "id"], **UNFINISHED)
    op.create_index("ix_actions_team_id_id", "actions", ["team_id", "id"])
    op.create_index("ix_actions_waiting", "actions", ["waiting_until", "id"], **WAITING)
    op.create_table(
        "action_feedback",
        sa.Column("action_id", ID, nullable=False),
        sa.Column("feedback_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name="fk_action_feedback_action_id_actions"),
        sa.ForeignKeyConstraint(["feedback_id"], ["feedback.id"], name="fk_action_feedback_feedback_id_feedback"),
        sa.PrimaryKeyConstraint("action_id", "feedback_id", name="pk_action_feedback"),
    )
    op.create_index("ix_action_feedback_feedback_id", "action_feedback", ["feedback_id"])
    op.create_table(
        "passed_over",
        sa.Column("action_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_passed_over_account_id_accounts"),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name="fk_passed_over_action_id_actions"),
        sa.PrimaryKeyConstraint("action_id", "account_id", name="pk_passed_over"),
    )
    op.create_index("ix_passed_over_account_id", "passed_over", ["account_id"])


def _create_ledger() -> None:
    """What happened, and facts about this installation."""
    op.create_table(
        "events",
        sa.Column("position", ID, autoincrement=False, nullable=False),
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("subject_type", sa.String(length=20), nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("sequence", ID, nullable=True),
        sa.Column("actor_type", sa.String(length=20), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("action_id", ID, nullable=True),
        sa.Column("feedback_id", ID, nullable=True),
        sa.Column("audit", sa.Boolean(), nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_events"),
        sa.UniqueConstraint("action_id", "sequence", name="uq_events_action_id_sequence"),
    )
    op.create_index("ix_events_feedback_id_position", "events", ["feedback_id", "position"])
    op.create_index("ix_events_subject", "events", ["subject_type", "subject_id", "position"])
    op.create_index("ix_events_type_position", "events", ["type", "position"])
    op.create_table(
        "ledger_head",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("base", ID, nullable=False),
        sa.Column("last", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_head"),
    )
    op.create_table(
        "installation",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("key_check", sa.Text(), nullable=True),
        sa.Column("clock_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )


def _create_search() -> None:
    """Full text: an index on PostgreSQL, a table of its own on SQLite."""
    if _is_sqlite():
        for statement in SEARCH:
            op.execute(sa.text(statement.replace(":", r"\:")))
        return
    expression = sa.text("to_tsvector('simple', search_text)")
    op.create_index("ix_feedback_search", "feedback", [expression], postgresql_using="gin")


def _fill() -> None:
    """The rows there is exactly one of, and the outcomes that administrators begin with."""
    now = clock.now()
    op.bulk_insert(sa.table("ledger_head", *map(sa.column, ("id", "base", "last"))), [{"id": 1, "base": 0, "last": 0}])
    installation = sa.table("installation", sa.column("id"), sa.column("created_at", AT))
    op.bulk_insert(installation, [{"id": 1, "created_at": now}])
    outcomes = sa.table(
        "outcomes",
        sa.column("key", sa.String()),
        sa.column("label", sa.JSON()),
        sa.column("requires_reason", sa.Boolean()),
        sa.column("active", sa.Boolean()),
        sa.column("version", ID),
        sa.column("created_at", AT),
    )
    common = {"active": True, "version": 1, "created_at": now}
    rows = [
        {"key": key, "label": {"en": english, "ko": korean}, "requires_reason": reason, **common}
        for key, english, korean, reason in OUTCOMES
    ]
    op.bulk_insert(outcomes, rows)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
