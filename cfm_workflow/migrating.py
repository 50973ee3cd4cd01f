"""The schema: brought up, taken down, compared with what this version needs. The only way to `migrations/`.

One process at a time, each migration whole or not at all, and an SQLite file is copied before it is changed.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text

from cfm_workflow.db import Database
from cfm_workflow.errors import NotReady
from cfm_workflow.settings import shipped_folder

BASE: Final = "base"
"""The name of the state before the first migration."""

_MIGRATING: Final = 0x63666D02  # an advisory lock of PostgreSQL
_LONGEST_WAIT: Final = "15min"  # for somebody else's migration

log = structlog.get_logger()


def upgrade(database: Database, to: str = "head") -> None:
    """Migrate up to a revision; nothing happens when the schema is there already.

    Raises:
        NotReady: there is no such revision, the schema is of a newer version, or the file could not be copied.
    """
    with _alone(database):
        at, target = current(database), _revision(to).revision
        if at == target:
            return
        if at is not None:
            _require_known(at)
            _keep_copy(database, target)
        _run(database, lambda config: command.upgrade(config, target))
        log.info("migrated", before=at or BASE, now=target)


def downgrade(database: Database, to: str | None = None) -> str:
    """Migrate down to a revision or `BASE`, one step when None; where it stands then.

    Raises:
        NotReady: as `upgrade`, or there is nothing to take down.
    """
    with _alone(database):
        at = current(database)
        if at is None:
            raise NotReady("The database has no tables yet: there is nothing to take down.")
        _require_known(at)
        target = (to if to == BASE else _revision(to).revision) if to else _below(at)
        _keep_copy(database, target)
        _run(database, lambda config: command.downgrade(config, target))
        log.info("migrated", before=at, now=target)
        return target


def current(database: Database) -> str | None:
    """The revision the schema is at, None when there is none."""
    if database.is_sqlite and not Path(str(database.url.database)).exists():
        return None  # looking would create it
    with database.reading() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


@cache
def newest() -> str:
    """The revision this version of the service needs. Kept: to find it, Alembic compiles every migration."""
    return _revision("head").revision


def is_known(revision: str) -> bool:
    """Whether this version of the service can migrate from there."""
    return any(script.revision == revision for script in _scripts().walk_revisions())


def check(database: Database) -> None:
    """Raise NotReady, saying what to do, unless the schema is the one that this version needs."""
    at = current(database)
    if at is None:
        raise NotReady("The database has no tables yet: run `cfm db upgrade`.")
    if at != (wanted := newest()):
        _require_known(at)
        raise NotReady(f"The database is at revision {at}, this version needs {wanted}: run `cfm db upgrade`.")


def _require_known(revision: str) -> None:
    if not is_known(revision):
        raise NotReady(f"The database was migrated by a newer version, to revision {revision}: start that version.")


def _revision(name: str) -> Script:
    try:
        script = _scripts().get_revision(name)
    except CommandError as error:
        raise NotReady(f"There is no revision {name}.") from error
    if script is None:
        raise NotReady(f"There is no revision {name} to migrate to.")
    return script


def _below(revision: str) -> str:
    return str(_revision(revision).down_revision or BASE)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(shipped_folder("migrations")).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _run(database: Database, work: Callable[[Config], None]) -> None:
    """Let Alembic work on a connection of its own, which is thrown away afterwards."""
    config = _config()
    with database.writer.connect() as connection:
        if database.is_sqlite:
            # To change a table is to make it anew, and dropping the old one would delete the rows that refer to it.
            # Inside a transaction this cannot be switched; env.py checks before each commit.
            connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
        config.attributes["connection"] = connection
        try:
            work(config)
        finally:
            connection.invalidate()


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Nobody else migrates meanwhile; on SQLite nobody else writes at all."""
    with database.alone():
        if database.is_sqlite:
            yield
            return
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                connection.execute(text(f"SET lock_timeout = '{_LONGEST_WAIT}'"))
                connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _MIGRATING})
                yield
            finally:
                connection.invalidate()  # its end releases the lock


def _keep_copy(database: Database, target: str) -> None:
    """Copy an SQLite file to `<file>.before-<target>`, which is then whole or not there."""
    if not database.is_sqlite:
        return
    file = Path(str(database.url.database))
    copy = file.with_name(f"{file.name}.before-{target}")
    draft = copy.with_name(copy.name + ".part")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(draft)) as goal:
            source.backup(goal)
        draft.replace(copy)
    except (OSError, sqlite3.Error) as error:
        raise NotReady(f"{file} could not be copied to {copy} ({error}); nothing was migrated.") from error
    log.info("copied before migrating", copy=str(copy))
