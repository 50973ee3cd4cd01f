"""Brings a backup back into an empty database, SQLite or PostgreSQL whichever it came from; all of it or nothing."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import column, delete, insert, inspect, select, text
from sqlalchemy import table as named_table
from sqlalchemy.orm import Session

from cfm_workflow import archive, ledger, migrating, setting_values
from cfm_workflow.archive import BackupRefused, Contents, Kind, Manifest
from cfm_workflow.backup import Progress
from cfm_workflow.db import Base, Database, is_sqlite
from cfm_workflow.errors import NotReady
from cfm_workflow.security.key_files import keys_here, write
from cfm_workflow.security.keys import KeyRing, key_file, verify_check
from cfm_workflow.settings import Settings

BATCH: Final = 500
SEEDED: Final = frozenset({"outcomes", "ledger_head", "installation", "report_progress", "templates"})
"""What a new database holds from its migrations on."""


def restore(database: Database, settings: Settings, path: Path, *, progress: Progress) -> Manifest:
    """Load the backup at `path` and migrate it to this version's schema. Keys are written only when there are none.

    Raises:
        BackupRefused: the file is damaged or of a newer version, or its keys are not the ones here.
        NotReady: the database is not empty.
    """
    contents = archive.examine(path)
    revision = contents.manifest.revision
    if not migrating.is_known(revision):
        raise BackupRefused(f"{path} was made by a newer version ({contents.manifest.version}): use that one.")
    _require_empty(database)
    ring = _settle_keys(settings, contents, path)
    _prepare(database, revision)
    database.transaction(lambda session: _load(session, path, contents, ring, progress))
    migrating.upgrade(database)
    return contents.manifest


def _require_empty(database: Database) -> None:
    if migrating.current(database) is None:
        return
    with database.reading() as session:
        _require_no_rows(session)


def _require_no_rows(session: Session) -> None:
    there = set(inspect(session.connection()).get_table_names())
    for table in Base.metadata.sorted_tables:
        if table.name not in there or table.name in SEEDED:
            continue
        bare = named_table(table.name)
        if session.execute(select(text("1")).select_from(bare).limit(1)).first() is not None:
            way = "move the SQLite file away" if is_sqlite(session) else "name a new one in CFM_DATABASE_URL"
            raise NotReady(f"The database is not empty (table {table.name}): {way} and restore again.")


def _settle_keys(settings: Settings, contents: Contents, path: Path) -> KeyRing:
    """The keys of the backup must be here too; written to the key file when there is none."""
    try:
        wanted, here = setting_values.keys(contents.keys), keys_here(settings)
    except ValueError:
        raise BackupRefused(f"The keys in {path} or in {key_file(settings)} cannot be understood.") from None
    if not here and settings.sqlite_file is not None:
        write(key_file(settings), wanted)
        return KeyRing(wanted)
    if missing := [key.id for key in wanted if key not in here]:
        place = "CFM_SECRET_KEYS" if settings.secret_keys or not here else str(key_file(settings))
        raise BackupRefused(
            f"The backup needs the keys {', '.join(missing)}, which {place} does not hold:"
            f" put them there, as `tar -xOzf {path} keys` shows them."
        )
    return KeyRing(here)


def _prepare(database: Database, revision: str) -> None:
    """An empty schema as the backup has it."""
    if migrating.current(database) not in (None, revision):
        migrating.downgrade(database, migrating.BASE)
    migrating.upgrade(database, to=revision)


def _load(session: Session, path: Path, contents: Contents, ring: KeyRing, progress: Progress) -> None:
    _require_no_rows(session)  # once more, now that nobody else can write
    restore_links = _put_links_aside(session, contents.manifest.tables)
    for name in reversed(contents.manifest.tables):
        session.execute(delete(named_table(name)))
    for name, rows in archive.tables(path):
        _fill(session, name, contents, rows, progress)
    _go_on_counting(session, contents.manifest)
    restore_links()
    check = session.execute(text("SELECT key_check FROM installation")).scalar_one()
    if check is not None:
        verify_check(ring, check)
    ledger.move_base(session)


def _put_links_aside(session: Session, tables: Iterable[str]) -> Callable[[], None]:
    """Take foreign keys away, since rows of one table may refer to each other; what is returned puts them back."""
    if is_sqlite(session):
        session.execute(text("PRAGMA defer_foreign_keys = ON"))  # to the commit
        return lambda: None
    query = text(
        "SELECT conrelid::regclass::text AS owner, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS rule"
        " FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY(cast(:tables AS regclass[]))"
    )
    links = session.execute(query, {"tables": list(tables)}).all()
    for link in links:
        session.execute(text(f"ALTER TABLE {link.owner} DROP CONSTRAINT {link.name}"))

    def put_back() -> None:
        for link in links:
            session.execute(text(f"ALTER TABLE {link.owner} ADD CONSTRAINT {link.name} {link.rule}"))

    return put_back


def _fill(session: Session, name: str, contents: Contents, rows: Iterator[dict[str, Any]], progress: Progress) -> None:
    kinds = contents.manifest.tables[name]
    instants = [column_name for column_name, kind in kinds.items() if kind == Kind.INSTANT]
    read = _to_sqlite if is_sqlite(session) else datetime.fromisoformat
    statement = insert(named_table(name, *map(column, kinds)))
    done = 0
    while batch := list(islice(rows, BATCH)):
        for row in batch:
            row.update({each: read(row[each]) for each in instants if row[each] is not None})
        session.execute(statement, batch)
        done += len(batch)
        progress(name, done, contents.rows[name])


def _to_sqlite(instant: str) -> str:
    """As our tables hold instants there: without a zone, always with microseconds, so that they sort as text."""
    return datetime.fromisoformat(instant).replace(tzinfo=None).isoformat(" ", "microseconds")


def _go_on_counting(session: Session, manifest: Manifest) -> None:
    """See to it that no id is given twice, neither one that is there nor one whose row is gone."""
    statements = _COUNT_SQLITE if is_sqlite(session) else _COUNT_POSTGRESQL
    for name, last in manifest.last_ids.items():
        for statement in statements:
            session.execute(text(statement), {"table": name, "last": last})


_COUNT_POSTGRESQL: Final = (
    "SELECT setval(sequence, :last) FROM pg_get_serial_sequence(:table, 'id') AS sequence WHERE sequence IS NOT NULL",
)
_COUNT_SQLITE: Final = (
    "DELETE FROM sqlite_sequence WHERE name = :table",
    "INSERT INTO sqlite_sequence (name, seq) SELECT name, :last FROM sqlite_master"
    " WHERE type = 'table' AND name = :table AND sql LIKE '%AUTOINCREMENT%'",  # the others do not remember
)
