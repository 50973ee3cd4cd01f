"""How the database goes about a statement. No tests here."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from tests.world import World


def plan(world: World, ask: Callable[[Session], object]) -> str:
    """How the database finds what the last statement of `ask` wants, seen at a size where it matters."""
    statements: list[tuple[str, Any]] = []

    def hear(_conn: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        statements.append((statement, parameters))

    engine = world.service.database.engine
    event.listen(engine, "before_cursor_execute", hear)
    with world.service.database.reading() as session:
        ask(session)
    event.remove(engine, "before_cursor_execute", hear)
    statement, parameters = statements[-1]
    explain = "EXPLAIN QUERY PLAN " if world.service.database.is_sqlite else "EXPLAIN "
    with engine.connect() as connection:
        if not world.service.database.is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")
        return "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(explain + statement, parameters))
