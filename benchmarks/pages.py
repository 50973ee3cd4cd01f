"""My work of somebody with 10,000 open actions among 1,000,000: the server's time for the page, and how it is read.

The pages are made in this process, without a network.
"""

import re
import statistics
from collections.abc import Callable
from contextlib import contextmanager
from time import perf_counter, process_time

from sqlalchemy import event

from benchmarks.databases import Place, place
from benchmarks.seed import seed
from cfm_workflow import clock, create_app
from cfm_workflow.operations import sessions

ACTIONS, OPEN_PER_PERSON = 1_000_000, 10_000
PROMISED = {"postgresql": 100, "sqlite": 150}
"""Milliseconds, at the 95th percentile."""
PAGES = ("/work", "/work?group=overdue", "/work?group=later", "/work?priority=urgent", "/inbox")
_SCANNED = re.compile(r"Seq Scan on (?:actions|feedback)\b|SCAN (?:actions|feedback)\b(?! USING)")


def run(kind: str, *, quick: bool) -> None:
    """Measure the pages on one kind of database and print the outcome."""
    shrink = 10 if quick else 1
    with place(kind) as where:
        seed(where, actions=ACTIONS // shrink, open_per_person=OPEN_PER_PERSON // shrink)
        print(f"\n{kind}: pages of somebody with {OPEN_PER_PERSON // shrink:,} of {ACTIONS // shrink:,} actions open")
        client = _signed_in(where)
        for path in PAGES:
            _measure(where, path, lambda path=path: client.get(path), rounds=20 if quick else 60)


def _signed_in(where: Place):
    """The first person's browser."""
    ident = where.service.database.transaction(
        lambda session: sessions.begin(session, 1, address="127.0.0.1", agent="benchmark", now=clock.now())
    )
    client = create_app(where.service).test_client()
    client.set_cookie("cfm_session", ident)
    return client


def _measure(where: Place, path: str, ask: Callable, *, rounds: int) -> None:
    assert ask().status_code == 200, path
    with _caught(where) as statements:
        size = len(ask().data)
    walls, cpus = [], []
    for _ in range(rounds):
        began, worked = perf_counter(), process_time()
        ask()
        walls.append((perf_counter() - began) * 1000)
        cpus.append((process_time() - worked) * 1000)
    p95 = statistics.quantiles(walls, n=20)[-1]
    kept = "as promised" if p95 <= PROMISED[where.kind] else f"more than {PROMISED[where.kind]} ms"
    print(
        f"  {path}: median {statistics.median(walls):.0f} ms, p95 {p95:.0f} ms, {kept}; processor"
        f" {statistics.median(cpus):.0f} ms, {len(statements)} statements, {size // 1000} kB",
        flush=True,
    )
    for sql, parameters in statements:
        plan = _plan(where, sql, parameters)
        if _SCANNED.search(plan):
            print(f"  reads all of a big table:\n{sql}\n{plan}")


@contextmanager
def _caught(where: Place):
    """The statements that readers send meanwhile."""
    engine, caught = where.service.database.engine, []

    def catch(connection, cursor, statement, parameters, context, many):
        caught.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", catch)
    yield caught
    event.remove(engine, "before_cursor_execute", catch)


def _plan(where: Place, sql: str, parameters: object) -> str:
    word = "EXPLAIN QUERY PLAN" if where.kind == "sqlite" else "EXPLAIN (COSTS OFF)"
    connection = where.service.database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"{word} {sql}", parameters)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())
    finally:
        connection.close()
