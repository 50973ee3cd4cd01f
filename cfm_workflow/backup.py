"""Takes a backup while the service runs: every table as it was at one instant, and the keys. Changes nothing.

Nothing in the file depends on which kind of database it came from; `restore.py` brings it back into either.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import JSON, Boolean, Column, Connection, Table, Text, cast, column, func, select, text
from sqlalchemy import table as named_table

from cfm_workflow import __version__, archive, clock, migrating
from cfm_workflow.archive import Kind, Manifest
from cfm_workflow.db import Base, Database, Instant

FETCHED_AT_ONCE: Final = 500

Progress = Callable[[str, int, int], None]
"""Called with a table's name, how many of its rows are through, and how many there are."""


def take(database: Database, path: Path, *, keys: str, progress: Progress) -> Manifest:
    """Write the backup to `path`, which appears when it is complete; `keys` as a key file holds them.

    Raises:
        NotReady: the schema is not the one of this version. OSError: the file cannot be written.
    """
    migrating.check(database)
    with _snapshot(database) as connection, archive.writing(path) as writer:
        manifest = _manifest(connection)
        writer.begin(manifest, keys)
        for table in Base.metadata.sorted_tables:
            count = connection.execute(select(func.count()).select_from(table)).scalar_one()
            writer.add_table(table.name, _watched(_rows(connection, table), partial(progress, table.name), count))
    return manifest


@contextmanager
def _snapshot(database: Database) -> Iterator[Connection]:
    """A connection that sees one instant for as long as it lasts, and holds up nobody."""
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # a slow disk is no reason
        yield connection


def _manifest(connection: Connection) -> Manifest:
    tables = Base.metadata.sorted_tables
    return Manifest(
        format=archive.FORMAT,
        version=__version__,
        revision=migrating.newest(),
        database=connection.dialect.name,
        created_at=clock.now().isoformat().replace("+00:00", "Z"),
        tables={str(table.name): _kinds(table) for table in tables},
        last_ids={str(table.name): last for table in tables if (last := _last_id(connection, table))},
    )


def _kinds(table: Table) -> dict[str, Kind]:
    return {str(each.name): _kind(each) for each in table.columns if each.computed is None}


def _kind(each: Column[Any]) -> Kind:
    if isinstance(each.type, Instant):
        return Kind.INSTANT
    if isinstance(each.type, JSON):
        return Kind.JSON
    return Kind.TRUTH if isinstance(each.type, Boolean) else Kind.PLAIN


def _last_id(connection: Connection, table: Table) -> int:
    """The highest id that was ever given, also to rows that are gone; 0 where ids are not counted."""
    if "id" not in table.columns:
        return 0
    highest = connection.execute(select(func.max(table.c.id))).scalar_one() or 0
    if connection.dialect.name == "sqlite":
        counted = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
    else:
        counted = text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, 'id')::regclass)")
    return max(highest, connection.execute(counted, {"table": table.name}).scalar() or 0)


def _rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    """The rows by primary key, as the driver gives them but for JSON, which is to stay the very text."""
    kinds = _kinds(table)
    bare = named_table(table.name, *map(column, kinds))
    columns = [cast(c, Text).label(c.name) if kinds[c.name] is Kind.JSON else c for c in bare.columns]
    query = select(*columns).order_by(*(bare.c[key.name] for key in table.primary_key))
    told: dict[str, Kind] = {name: kind for name, kind in kinds.items() if kind in (Kind.INSTANT, Kind.TRUTH)}
    from_sqlite = connection.dialect.name == "sqlite"
    for values in connection.execution_options(yield_per=FETCHED_AT_ONCE).execute(query):
        row = dict(zip(kinds, values, strict=True))
        yield _from_sqlite(row, told) if from_sqlite else row


def _from_sqlite(row: dict[str, Any], told: dict[str, Kind]) -> dict[str, Any]:
    """SQLite knows neither instants nor truth: they are told by their columns."""
    for name, kind in told.items():
        value = row[name]
        if value is not None:
            row[name] = bool(value) if kind is Kind.TRUTH else datetime.fromisoformat(f"{value}+00:00")
    return row


def _watched(rows: Iterator[dict[str, Any]], tell: Callable[[int, int], None], count: int) -> Iterator[dict[str, Any]]:
    done = 0
    for done, row in enumerate(rows, 1):
        if done % FETCHED_AT_ONCE == 0:
            tell(done, count)
        yield row
    tell(done, count)
