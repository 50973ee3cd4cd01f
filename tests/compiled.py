"""What SQLAlchemy has compiled for one test serves the next: each has engines of its own, which would begin anew.

It finds compiled statements by their dialect, an object of each engine; here all dialects of one class are equal, as
ours are but for how they begin a transaction, which is no part of a statement.
"""

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

KEPT = 3000


def keep() -> None:
    """From now on all engines of this process share what they compile."""
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        dialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[assignment, method-assign]
        dialect.__hash__ = lambda self: hash(type(self))  # type: ignore[assignment, method-assign]
    cache = LRUCache[object, object](KEPT)
    Engine._compiled_cache = property(lambda self: cache, lambda self, own: None)  # type: ignore[assignment]
