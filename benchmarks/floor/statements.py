"""The floor's SQL: what a good engineer writes by hand for the same tables and the same answers."""

from benchmarks.floor.store import FOR_UPDATE, IS_SQLITE, statement

_IDS = "(SELECT {} FROM {} WHERE {})"
_LIST = "group_concat({})" if IS_SQLITE else "string_agg(CAST({} AS varchar), ',')"


def _ids(column: str, table: str, where: str) -> str:
    return _IDS.format(_LIST.format(column), table, where)


CALLER = statement(f"""
    SELECT c.id, c.kind, c.name, c.email, c.role, c.active, c.scopes, t.expires_at, t.scopes AS token_scopes,
        {_ids("team_id", "team_members", "account_id = c.id")} AS member_of,
        {_ids("id", "teams", "lead_id = c.id")} AS leads,
        {_ids("team_id", "supervised_teams", "account_id = c.id")} AS supervises,
        {_ids("id", "teams", "restricted")} AS restricted
    FROM tokens t JOIN accounts c ON c.id = t.account_id WHERE t.hash = :hash""")

_ACTION = f"""a.id, a.feedback_id, a.group_id, w.key AS workflow, a.state, a.category, a.title, a.description, a.kind,
    a.priority, a.goal, a.benefit, a.assignee_id, x.name AS assignee_name, x.email AS assignee_email,
    a.assigner_id, y.name AS assigner_name, y.email AS assigner_email,
    a.team_id, t.key AS team_key, t.name AS team_name, a.pool, a.due_at, a.first_due_at, a.waiting_until,
    a.waiting_for_answer, o.key AS outcome, a.root_cause, a.resolution, a.external_ref, a.attributes, a.reopened_count,
    a.version, a.sequence, a.created_at, a.state_since, a.accepted_at, a.started_at, a.finished_at,
    a.accept_by, a.start_by, a.accept_met, a.start_met, a.finish_met, a.quiet_until, a.promised_at, a.occurrence,
    a.planned, a.extension_request,
    {_ids("feedback_id", "action_feedback", "action_id = a.id")} AS feedback_ids"""
_JOINS = """FROM actions a JOIN workflow_versions w ON w.id = a.workflow_id JOIN accounts y ON y.id = a.assigner_id
    LEFT JOIN accounts x ON x.id = a.assignee_id LEFT JOIN teams t ON t.id = a.team_id
    LEFT JOIN outcomes o ON o.id = a.outcome_id"""
_ITEM = """f.id AS item_id, f.source AS item_source, f.external_id AS item_external_id, f.channel AS item_channel,
    f.touchpoint AS item_touchpoint, f.text AS item_text, f.language AS item_language, f.metric AS item_metric,
    f.score AS item_score, f.customer_id, c.name AS customer_name, f.status AS item_status,
    f.needs_decision AS item_needs_decision, f.received_at AS item_received_at, f.created_at AS item_created_at,
    f.version AS item_version"""

LOCKED = statement(f"""
    SELECT {_ACTION}, {_ITEM} {_JOINS} JOIN feedback f ON f.id = a.feedback_id
    LEFT JOIN customers c ON c.id = f.customer_id WHERE a.id = :id {FOR_UPDATE}""")
MOVE = statement("""
    UPDATE actions SET state = :state, category = :category, state_since = :now, accepted_at = :accepted_at,
        started_at = :started_at, promised_at = :promised_at, accept_by = :accept_by, accept_met = :accept_met,
        occurrence = :occurrence, planned = :planned, sequence = sequence + 1, version = version + 1
    WHERE id = :id AND version = :version""")

MINE = statement(f"""
    SELECT {_ACTION} {_JOINS} WHERE a.assignee_id = :me AND a.finished_at IS NULL ORDER BY a.due_sort, a.id LIMIT 51""")
OVERDUE = statement(f"""
    SELECT {_ACTION} {_JOINS} WHERE a.finished_at IS NULL AND a.due_sort < :now ORDER BY a.id DESC LIMIT 51""")
OVERDUE_COUNT = statement("""
    SELECT count(*) FROM (SELECT id FROM actions WHERE finished_at IS NULL AND due_sort < :now LIMIT 10001) few""")

if IS_SQLITE:
    POSITIONS = "UPDATE ledger_head SET last = last + :count RETURNING last - :count + 1"
else:
    POSITIONS = "SELECT (CAST(CAST(pg_current_xact_id() AS text) AS bigint) - base) << 16 FROM ledger_head"

MOVED = (
    "id", "state", "category", "accepted_at", "started_at", "promised_at", "accept_by", "accept_met", "occurrence",
    "planned",
)  # fmt: skip
EVENT_COLUMNS = (
    "position", "event_id", "type", "at", "subject_type", "subject_id", "sequence", "actor_type", "actor_id",
    "action_id", "feedback_id", "audit", "imported", "body",
)  # fmt: skip
NOTICE_COLUMNS = ("position", "account_id", "kind", "relation", "action_id", "batch", "at")
MAIL_COLUMNS = ("account_id", "position", "state", "next_at", "tries", "tries_before", "created_at")
NEW_COLUMNS = (
    "id",
    "feedback_id",
    "group_id",
    "workflow_id",
    "state",
    "category",
    "title",
    "description",
    "kind",
    "priority",
    "assignee_id",
    "assigner_id",
    "pool",
    "due_at",
    "first_due_at",
    "waiting_for_answer",
    "attributes",
    "reopened_count",
    "sequence",
    "version",
    "created_at",
    "state_since",
    "policy_version_id",
    "promised_at",
    "accept_by",
    "occurrence",
    "planned",
)
REMINDER_COLUMNS = ("action_id", "target", "rung", "occurrence", "at", "state", "created_at")  # fmt: skip


def insert(table: str, columns: tuple[str, ...]) -> str:
    """One row of a table, by the names of its columns."""
    return statement(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{c}' for c in columns)})")


EVENT = insert("events", EVENT_COLUMNS)
NOTICE = insert("notices", NOTICE_COLUMNS)
MAIL = insert("deliveries", MAIL_COLUMNS)
REMINDER = insert("reminders", REMINDER_COLUMNS)
ACCEPTED = statement("""
    UPDATE reminders SET state = 'cancelled', settled_at = :now
    WHERE action_id = :id AND target = 'accept' AND state = 'planned'""")
POLICY = """
    SELECT v.id FROM policy_versions v JOIN policies p ON p.id = v.policy_id AND p.version = v.version
    WHERE p.active ORDER BY p.position, p.id LIMIT 1"""
_USER = "JOIN accounts u ON u.id = {} AND u.active AND u.kind = 'user'"
CONCERNED = statement(f"""
    SELECT 'assigner' AS relation, u.id FROM actions a {_USER.format("a.assigner_id")} WHERE a.id = :action
    UNION ALL SELECT 'watcher', u.id FROM action_watchers w {_USER.format("w.account_id")} WHERE w.action_id = :action
    UNION ALL SELECT 'watcher', u.id FROM feedback_watchers w {_USER.format("w.account_id")} WHERE w.feedback_id = :item
    UNION ALL SELECT 'sibling', u.id FROM actions a {_USER.format("a.assignee_id")}
    WHERE a.group_id = :group AND a.finished_at IS NULL
        AND (SELECT count(*) <= 50 FROM actions b WHERE b.group_id = a.group_id)""")
WATCHING = statement(f"""
    SELECT u.id FROM feedback_watchers w {_USER.format("w.account_id")} WHERE w.feedback_id = :item""")
NEW_ACTION = insert("actions", NEW_COLUMNS)
LINK = insert("action_feedback", ("action_id", "feedback_id"))
GROUP = statement("""
    INSERT INTO action_groups (feedback_id, completion, state, state_since, created_by, created_at)
    VALUES (:item, 'all', 'open', :now, :me, :now) RETURNING id""")
_SHARED = "" if IS_SQLITE else "FOR NO KEY UPDATE OF f"
ITEM = statement(f"""
    SELECT {_ITEM} FROM feedback f LEFT JOIN customers c ON c.id = f.customer_id WHERE f.id = :id {_SHARED}""")
USERS = "SELECT id, name, email, active FROM accounts WHERE kind = 'user' AND email IN ({})"
WORKFLOW = "SELECT id FROM workflow_versions WHERE key = 'standard' ORDER BY version DESC LIMIT 1"
ACTION_IDS = statement(
    "SELECT coalesce(max(id), 0) + 1 FROM actions"
    if IS_SQLITE
    else "SELECT nextval(pg_get_serial_sequence('actions', 'id')) FROM generate_series(1, :count)"
)
PROGRESS = statement("""
    SELECT count(*), coalesce(sum(CASE WHEN a.category = 'done' THEN 1 ELSE 0 END), 0),
        coalesce(sum(CASE WHEN a.finished_at IS NULL THEN 1 ELSE 0 END), 0)
    FROM action_feedback s JOIN actions a ON a.id = s.action_id WHERE s.feedback_id = :id""")
SET_STATUS = statement("UPDATE feedback SET status = :status, version = version + 1 WHERE id = :id")
