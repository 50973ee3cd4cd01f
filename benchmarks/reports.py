"""The pages of supervision on a million actions: server time of each report, and no scan over a big table."""

import re
import statistics
from datetime import date, timedelta
from time import perf_counter

from sqlalchemy import event, text

from benchmarks.databases import Place, place
from benchmarks.seed import seed
from cfm_workflow import clock
from cfm_workflow.access import Caller
from cfm_workflow.policy import spread
from cfm_workflow.queries.reports import flow, metrics, overdue, overview, weekly, workload
from cfm_workflow.queries.reports.scope import Period, Scope, period_of, scope_of

ACTIONS = 1_000_000
OPEN_PER_PERSON = 1_000
AT_MOST_MS = 200
ROUNDS = 15
DAYS = 365
_SCAN = re.compile(
    r"SCAN (actions|feedback|events|stays|flow_days)\b(?!.*INDEX)|Seq Scan on (actions|feedback|stays)\b"
)
_SAM = Caller("user", 1, "Person 1", role="admin")
_TOM = Caller("user", 2, "Person 2", role="supervisor", supervises=frozenset({1}))


def run(kind: str, *, quick: bool) -> None:
    """Measure each report on one kind of database, for everybody's work and for that of one team; print the outcome."""
    actions = ACTIONS // 10 if quick else ACTIONS
    with place(kind) as where:
        seed(where, actions=actions, open_per_person=OPEN_PER_PERSON // (10 if quick else 1))
        _fill_days(where)
        print(
            f"\n{kind}: reports on {actions:,} actions, server time, median and slowest of {ROUNDS}; "
            f"promised is a median of {AT_MOST_MS} ms"
        )
        for who, caller in (("all teams", _SAM), ("one team", _TOM)):
            for name, ask in _reports(where, scope_of(caller, None, now=clock.now())).items():
                _measure(where, f"{name}, {who}", ask)


def _reports(where: Place, scope: Scope):
    zone = where.service.settings.time_zone
    month = period_of(None, None, zone, now=scope.now)
    year = Period(month.last - timedelta(days=DAYS), month.last, zone)
    return {
        "overview, 4 weeks": lambda session: overview.overview(session, scope, month, by=None),
        "overview, a year": lambda session: overview.overview(session, scope, year, by=None),
        "overdue": lambda session: overdue.overdue(session, scope),
        "workload": lambda session: workload.workload(session, scope, zone),
        "process, 4 weeks": lambda session: flow.process(session, scope, month),
        "process, a year": lambda session: flow.process(session, scope, year),
        "metrics, 4 weeks": lambda session: metrics.metrics(session, scope, month, by=None),
        "metrics, a year": lambda session: metrics.metrics(session, scope, year, by=None),
        "weekly": lambda session: weekly.weekly(session, scope, weekly.week_of(None, zone, now=scope.now)),
    }


def _measure(where: Place, name: str, ask) -> None:
    took = []
    for _ in range(ROUNDS):
        began = perf_counter()
        with where.service.database.reading() as session:
            ask(session)
        took.append((perf_counter() - began) * 1000)
    median, slowest = statistics.median(took), max(took)
    scans = _scans(where, ask)
    judged = "as promised" if median <= AT_MOST_MS and not scans else f"missed {'; '.join(scans)}"
    print(f"  {name:28} {median:8.1f} {slowest:8.1f} ms  {judged}")


def _scans(where: Place, ask) -> list[str]:
    """The lines of plans that read a big table from end to end."""
    engine, caught = where.service.database.engine, []

    def catch(connection, cursor, statement, parameters, context, many):
        caught.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", catch)
    with where.service.database.reading() as session:
        ask(session)
    event.remove(engine, "before_cursor_execute", catch)
    word = "EXPLAIN QUERY PLAN" if where.kind == "sqlite" else "EXPLAIN"
    found = []
    with engine.connect() as connection:
        for statement, parameters in caught:
            lines = (str(row[-1]) for row in connection.exec_driver_sql(f"{word} {statement}", parameters))
            found += [line.strip() for line in lines if _SCAN.search(line)]
    return found


def _fill_days(where: Place) -> None:
    """A year of the roll-up as it would be with several teams: steps, days and buckets."""
    steps = [
        ("assigned", "accept", "accepted"),
        ("accepted", "start", "in_progress"),
        ("in_progress", "complete", "done"),
        ("in_progress", "wait", "waiting"),
        ("waiting", "resume", "in_progress"),
        ("assigned", "decline", "declined"),
        ("assigned", "cancel", "cancelled"),
        ("done", "reopen", "assigned"),
    ]
    today = clock.now().date()
    low, high = spread.bucket(timedelta(minutes=1)), spread.bucket(timedelta(days=9))
    rows = [
        {
            "day": (today - timedelta(days=n)).isoformat(),
            "team": team,
            "state": left,
            "step": step,
            "to": to,
            "bucket": b,
        }
        for n in range(DAYS + 1)
        for team in (flow.EVERYBODY, *range(1, 6))
        for left, step, to in steps
        for b in range(low, high, 4)
    ]
    insert = text(
        "INSERT INTO flow_days (day, team_id, assignee_id, workflow_id, state, transition, to_state, bucket, count) "
        "SELECT :day, :team, 0, min(id), :state, :step, :to, :bucket, 9 FROM workflow_versions WHERE key = 'standard'"
    )
    where.service.database.transaction(lambda session: session.execute(insert, rows))
    if where.kind == "postgresql":
        with where.service.database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _names(day: date) -> tuple[str, str]:
    return day.isoformat(), flow.month_of(day.isoformat())
