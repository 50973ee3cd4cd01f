"""Many actions at once, written by the database itself: people with tokens, items, groups, actions. Bypasses the rules.

Every person has as many unfinished actions as `open_per_person` says, however many actions there are in all; one
in five of those is overdue. Of customers who wait for a word it has been told already.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, text

from benchmarks.databases import Place
from cfm_workflow import clock
from cfm_workflow.models import Account, Customer, PolicyVersion, Team, TeamMember, Token, WorkflowVersion
from cfm_workflow.security.tokens import digest, new_token

PEOPLE = 40
CUSTOMERS = 2_000
PER_GROUP = 2
_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count) "
_TABLES = ("accounts", "customers", "teams", "tokens", "feedback", "action_groups", "actions", "reminders")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token, and the ids of their unfinished actions in the state `assigned`."""

    id: int
    email: str
    token: str
    actions: list[int]


def seed(place: Place, *, actions: int, open_per_person: int) -> list[Person]:
    """Fill an empty database with `actions` actions of PEOPLE people, dealt out in turn; the people."""
    now = clock.now()
    tokens = [new_token() for _ in range(PEOPLE)]

    def work(session):
        _people(session, tokens, now)
        workflow_id = session.execute(select(WorkflowVersion.id).where(WorkflowVersion.key == "standard")).scalar_one()
        counts = {"count": actions, "groups": (actions + PER_GROUP - 1) // PER_GROUP}
        session.execute(text(_NUMBERS + _feedback(place.kind)), counts | {"now": now_in(place.kind, now)})
        session.execute(text(_NUMBERS + _groups(place.kind)), counts | {"now": now_in(place.kind, now)})
        policy_id = session.execute(select(PolicyVersion.id)).scalar_one()
        values = counts | {"now": now_in(place.kind, now), "rank": open_per_person}
        given = {"workflow": workflow_id, "policy": policy_id}
        session.execute(text(_NUMBERS + _actions(place.kind)), values | given)
        session.execute(text(_reminders(place.kind)), {"now": now_in(place.kind, now)})
        session.execute(text("INSERT INTO action_feedback SELECT id, feedback_id FROM actions"))
        if place.kind == "postgresql":
            for table in _TABLES:
                session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"))

    place.service.database.transaction(work)
    _settle(place)
    return [
        Person(n + 1, f"person{n + 1}@example.com", tokens[n], _open_of(n, actions, open_per_person))
        for n in range(PEOPLE)
    ]


def now_in(kind: str, now: datetime) -> object:
    """The instant as a bound value of plain SQL."""
    return now if kind == "postgresql" else int(now.timestamp())


def _open_of(person: int, actions: int, rank: int) -> list[int]:
    """The ids that `_actions` gives one person, those that it leaves unfinished: the newest."""
    return list(range(person + 1, actions + 1, PEOPLE))[-rank:]


def _people(session, tokens: list[str], now: datetime) -> None:
    people = [
        {
            "id": n, "kind": "user", "name": f"Person {n}", "email": f"person{n}@example.com", "role": "agent",
            "language": "en", "time_zone": "UTC", "active": True, "scopes": None, "owner_id": None, "version": 1,
            "created_at": now,
        }
        for n in range(1, PEOPLE + 1)
    ]  # fmt: skip
    session.execute(insert(Account.__table__), people)
    rows = [
        {"account_id": n, "name": "benchmark", "hash": digest(token), "hint": token[-4:], "scopes": None,
         "created_at": now, "expires_at": None, "last_used_at": now + timedelta(days=1)}
        for n, token in enumerate(tokens, 1)
    ]  # fmt: skip
    session.execute(insert(Token.__table__), rows)
    team = {"id": 1, "key": "care", "name": "Care", "lead_id": PEOPLE, "mode": "everyone", "restricted": False,
            "last_given_to": None, "version": 1, "created_at": now}  # fmt: skip
    session.execute(insert(Team.__table__), [team])
    session.execute(insert(TeamMember.__table__), [{"team_id": 1, "account_id": n} for n in range(1, PEOPLE + 1)])
    customers = [
        {"id": n, "name": f"Customer {n}", "email": f"customer{n}@example.org", "phone": None, "language": "en",
         "source": None, "external_id": None, "erased_at": None, "version": 1, "created_at": now}
        for n in range(1, CUSTOMERS + 1)
    ]  # fmt: skip
    session.execute(insert(Customer.__table__), customers)


def _later(kind: str, minutes: str) -> str:
    """SQL for an instant some minutes after `:now`, as each database stores it."""
    if kind == "postgresql":
        return f"(CAST(:now AS timestamptz) + ({minutes}) * interval '1 minute')"
    return f"(strftime('%Y-%m-%d %H:%M:%S', :now + ({minutes}) * 60, 'unixepoch') || '.000000')"


def _feedback(kind: str) -> str:
    at = _later(kind, "-n % 500000")
    return f"""
        INSERT INTO feedback (id, source, external_id, channel, text, language, metric, score, attributes, customer_id,
            recorded_by, status, needs_decision, received_at, created_at, silent_at, imported, search_text, version)
        SELECT n, 'benchmark', CAST(n AS varchar), 'email',
            'My flight was late again and nobody at the desk could tell me why, so I missed my connection.',
            'en', 'nps', n % 11, '{{}}', 1 + n % {CUSTOMERS}, 1, 'open', FALSE, {at}, {at}, {at}, FALSE,
            'flight late', 1
        FROM numbers WHERE n <= :groups"""


def _groups(kind: str) -> str:
    at = _later(kind, "-n % 500000")
    return f"""
        INSERT INTO action_groups (id, feedback_id, completion, state, state_since, created_by, created_at)
        SELECT n, n, 'all', 'open', {at}, 1, {at} FROM numbers WHERE n <= :groups"""


def _actions(kind: str) -> str:
    rank, at = f"((n - 1) / {PEOPLE})", _later(kind, "-n % 500000")
    is_open = f"n > :count - {PEOPLE} * :rank"
    due = _later(
        kind,
        f"CASE WHEN {rank} % 5 = 0 THEN -1 - (n % 40000 * 7919) % 40000 ELSE 20000 + (n % 40000 * 7919) % 40000 END",
    )
    return f"""
        INSERT INTO actions (id, feedback_id, group_id, workflow_id, state, category, title, kind, priority,
            assignee_id, assigner_id, team_id, pool, due_at, first_due_at, waiting_for_answer, attributes,
            reopened_count, sequence, version, created_at, state_since, finished_at, policy_version_id, promised_at,
            accept_by, planned)
        SELECT n, 1 + (n - 1) / {PER_GROUP}, 1 + (n - 1) / {PER_GROUP}, :workflow,
            CASE WHEN {is_open} THEN 'assigned' ELSE 'done' END, CASE WHEN {is_open} THEN 'open' ELSE 'done' END,
            'Ask the airport what happened, and write to the customer', 'internal', 1 + n % 4,
            1 + (n - 1) % {PEOPLE}, 1 + n % {PEOPLE}, CASE WHEN n % 2 = 0 THEN 1 END, FALSE, {due}, {due}, FALSE,
            '{{}}', 0, 1, 1, {at}, {at}, CASE WHEN {is_open} THEN NULL ELSE {at} END, :policy, {at},
            {_later(kind, "1440")}, CASE WHEN {is_open} THEN 5 ELSE 0 END
        FROM numbers"""


def _reminders(kind: str) -> str:
    """Two of every unfinished action, none of which comes while anything is measured."""
    targets = {"accept": _later(kind, "1440 + id % 40000"), "finish": _later(kind, "2880 + id % 40000")}
    rows = [
        f"SELECT id, '{target}', 0, 0, {at}, 'planned', {_later(kind, '0')} FROM actions WHERE finished_at IS NULL"
        for target, at in targets.items()
    ]
    columns = "action_id, target, rung, occurrence, at, state, created_at"
    return f"INSERT INTO reminders ({columns}) {' UNION ALL '.join(rows)}"


def _settle(place: Place) -> None:
    """Let the database know what it holds, and begin with nothing left to do."""
    if place.kind == "sqlite":
        return  # nobody runs ANALYZE on an embedded database
    engine = place.service.database.writer
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
        connection.exec_driver_sql("CHECKPOINT")
