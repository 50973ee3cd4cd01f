"""My first 50 open actions by due date: as fast, and read in the same way, in a million actions as in ten thousand."""

import re
import statistics
from time import perf_counter

from sqlalchemy import event

from benchmarks.databases import Place, place
from benchmarks.seed import seed
from cfm_workflow import clock
from cfm_workflow.access import Caller
from cfm_workflow.queries import actions

SMALL, LARGE = 10_000, 1_000_000
OPEN_PER_PERSON = 200
AT_MOST = 1.5
INDEX = "ix_actions_mine"
_WANTED = {"assignee": 1, "finished": False, "sort": "due_at", "limit": 50}
_ME = Caller("user", 1, "Person 1", role="agent")


def run(kind: str, *, quick: bool) -> None:
    """Compare both sizes on one kind of database and print the outcome."""
    large = LARGE // 10 if quick else LARGE
    with place(kind) as small_place, place(kind) as large_place:
        seed(small_place, actions=SMALL, open_per_person=OPEN_PER_PERSON)
        seed(large_place, actions=large, open_per_person=OPEN_PER_PERSON)
        sqls = [_Statement(each) for each in (small_place, large_place)]
        took: list[list[float]] = [[], []]
        for _ in range(300):
            for seconds, sql in zip(took, sqls, strict=True):
                seconds.append(sql.seconds())
        small, big = (statistics.median(seconds) * 1000 for seconds in took)
        plans = [sql.plan() for sql in sqls]
        for sql in sqls:
            sql.close()
    missed = [] if big / small <= AT_MOST else [f"more than {AT_MOST}"]
    missed += [] if plans[0] == plans[1] else ["another plan"]
    missed += [] if INDEX in plans[1] else [f"without {INDEX}"]
    print(
        f"\n{kind}: first 50 of my open actions, SQL alone: {small:.2f} ms of {SMALL:,}, {big:.2f} ms of {large:,}"
        f" = {big / small:.2f}, {', '.join(missed) or 'as promised: the same plan, with ' + INDEX}"
    )
    if missed:
        print("\n".join(plans))


class _Statement:
    """The list's own SQL, caught on its way to the driver, to be run again without anything around it."""

    def __init__(self, where: Place) -> None:
        engine = where.service.database.engine
        self._is_sqlite = where.kind == "sqlite"
        caught = []

        def catch(connection, cursor, statement, parameters, context, many):
            caught.append((statement, parameters))

        event.listen(engine, "before_cursor_execute", catch)
        with where.service.database.reading() as session:
            actions.page(session, _ME, _WANTED, now=clock.now())
        event.remove(engine, "before_cursor_execute", catch)
        self._sql, self._parameters = caught[-1]
        self._connection = engine.raw_connection()
        self._cursor = self._connection.cursor()

    def seconds(self) -> float:
        """What one execution takes, to the last row."""
        began = perf_counter()
        self._cursor.execute(self._sql, self._parameters)
        self._cursor.fetchall()
        return perf_counter() - began

    def plan(self) -> str:
        """How the database reads it, without estimates."""
        word = "EXPLAIN QUERY PLAN" if self._is_sqlite else "EXPLAIN (COSTS OFF)"
        self._cursor.execute(f"{word} {self._sql}", self._parameters)
        lines = [str(row[-1]) for row in self._cursor.fetchall()]
        return re.sub(r"'\d{4}-[^']*'", "...", "\n".join(lines))

    def close(self) -> None:
        self._connection.close()
