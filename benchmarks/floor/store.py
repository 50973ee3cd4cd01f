"""The floor's way to the database: one connection per thread, bare drivers, statements as text. No library between."""

import contextlib
import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

URL = os.environ["CFM_DATABASE_URL"]
IS_SQLITE = URL.startswith("sqlite")
JSON_COLUMNS = ("attributes", "item_attributes")
INSTANTS = re.compile(r"_(at|by|since|until|sort)$")
TRUTHS = re.compile(r"_met$")


def statement(sql: str) -> str:
    """SQL with :names in the driver's own spelling."""
    return sql if IS_SQLITE else re.sub(r"(?<!:):([a-z_]+)", r"%(\1)s", sql)


if IS_SQLITE:
    _write_lock = threading.Lock()
    FOR_UPDATE = ""

    def _connect() -> Any:
        connection = sqlite3.connect(URL.removeprefix("sqlite:///"), isolation_level=None, timeout=10)
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
        return connection

    @contextlib.contextmanager
    def reading() -> Iterator[Any]:
        yield connection()

    @contextlib.contextmanager
    def writing() -> Iterator[Any]:
        mine = connection()
        with _write_lock:
            mine.execute("BEGIN IMMEDIATE")
            try:
                yield mine
            except BaseException:
                mine.execute("ROLLBACK")
                raise
            mine.execute("COMMIT")

    def bound(moment: datetime) -> Any:
        """An instant as the database stores it."""
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")

    def _instant(text: str | None) -> Any:
        if text is None:
            return None
        return f"{text[:10]}T{text[11:19] if text[20:] == '000000' else text[11:]}Z"

    def rows(cursor: Any) -> list[dict[str, Any]]:
        """What was found, each row by the names of its columns, instants as the answer shows them."""
        names = [column[0] for column in cursor.description]
        instants = [name for name in names if INSTANTS.search(name)]
        truths = [name for name in names if TRUTHS.search(name)]
        jsons = [name for name in names if name in JSON_COLUMNS]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
        for row in found:
            for name in instants:
                row[name] = _instant(row[name])
            for name in truths:
                row[name] = None if row[name] is None else bool(row[name])
            for name in jsons:
                row[name] = orjson.loads(row[name])
        return found

else:
    import psycopg
    from psycopg.types.json import set_json_loads

    set_json_loads(orjson.loads)
    FOR_UPDATE = "FOR NO KEY UPDATE OF a"

    def _connect() -> Any:
        return psycopg.connect(
            URL.replace("postgresql+psycopg", "postgresql"), autocommit=True, options="-c timezone=UTC"
        )

    @contextlib.contextmanager
    def reading() -> Iterator[Any]:
        yield connection()

    @contextlib.contextmanager
    def writing() -> Iterator[Any]:
        mine = connection()
        with mine.transaction():
            yield mine

    def bound(moment: datetime) -> Any:
        """An instant as the driver takes it."""
        return moment

    def rows(cursor: Any) -> list[dict[str, Any]]:
        """What was found, each row by the names of its columns."""
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


_local = threading.local()


def connection() -> Any:
    """This thread's own connection."""
    try:
        return _local.connection
    except AttributeError:
        _local.connection = _connect()
        return _local.connection


def placeholders(values: Sequence[Any]) -> str:
    """As many positional parameters as there are values."""
    return ", ".join(["?" if IS_SQLITE else "%s"] * len(values))
