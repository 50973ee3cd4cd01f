"""Counts the SQL statements that a piece of code sends, by table. Changes none of them."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from cfm_workflow.service import Service

_TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"?([a-z_]+)', re.IGNORECASE)


@contextmanager
def counted(service: Service) -> Iterator[Counter[str]]:
    """How often each verb meets each table: `{"INSERT events": 1, ...}`; a statement with many rows counts once."""
    seen: Counter[str] = Counter()

    def look(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, _many: bool) -> None:
        verb = statement.split(None, 1)[0].upper()
        table = _TABLE.search(statement)
        if verb in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            seen[f"{verb} {table[1] if table else '-'}"] += 1

    engines = {service.database.engine, service.database.writer}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", look)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", look)
