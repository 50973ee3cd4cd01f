"""Ids taken before the rows are written, so that events can name them and everything goes in with few statements."""

from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from cfm_workflow.db import Base, is_sqlite, plain


def take_ids(session: Session, model: type[Base], count: int) -> list[int]:
    """`count` unused ids of a table, growing. On SQLite the write lock that the transaction holds makes that safe."""
    table: Any = model.__table__
    if is_sqlite(session):
        last: int = plain(session, select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
        return list(range(last + 1, last + count + 1))
    return sorted(plain(session, _TAKE, {"table": table.name, "count": count}).scalars())


_TAKE: Final = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)")
