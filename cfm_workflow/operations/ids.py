"""Ids taken before the rows are written, so that events can name them and everything goes in with few statements."""

from functools import cache
from typing import Any

from sqlalchemy import Executable, Integer, Sequence, bindparam, func, select
from sqlalchemy.orm import Session

from cfm_workflow.db import Base, is_sqlite, plain


def take_ids(session: Session, model: type[Base], count: int) -> list[int]:
    """`count` unused ids of a table, growing. On SQLite the write lock that the transaction holds makes that safe."""
    if is_sqlite(session):
        last: int = plain(session, _last(model)).scalar_one()
        return list(range(last + 1, last + count + 1))
    return sorted(plain(session, _next(model), {"count": count}).scalars())


@cache
def _last(model: type[Base]) -> Executable:
    table: Any = model.__table__
    return select(func.coalesce(func.max(table.c.id), 0))


@cache
def _next(model: type[Base]) -> Executable:
    sequence = Sequence(f"{model.__tablename__}_id_seq")
    return select(sequence.next_value()).select_from(func.generate_series(1, bindparam("count", type_=Integer)))
