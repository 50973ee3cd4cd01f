"""`cfm db`: the schema, brought up, taken down, checked."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import OperationalError

from cfm_workflow import logs, migrating
from cfm_workflow import settings as settings_room
from cfm_workflow.db import Database
from cfm_workflow.errors import NotReady
from cfm_workflow.service import open_database


@click.group()
def group() -> None:
    """The schema of the database."""


@group.command()
def upgrade() -> None:
    """Bring the schema up to this version's; an SQLite file is copied before."""
    with _database() as database:
        migrating.upgrade(database)


@group.command()
@click.argument("revision", required=False)
def downgrade(revision: str | None) -> None:
    """Take the schema down to REVISION (or `base`, without any table), else by one step. Data may be lost."""
    with _database() as database:
        click.echo(migrating.downgrade(database, revision))


@group.command()
def check() -> None:
    """Print the revision of the schema; refused unless it is this version's."""
    with _database() as database:
        migrating.check(database)
        click.echo(migrating.current(database))


@contextmanager
def _database() -> Iterator[Database]:
    settings = settings_room.load()
    logs.configure(settings.log_level, settings.log_format)
    database = open_database(settings)
    try:
        yield database
    except OperationalError as error:
        raise NotReady(f"The database does not answer: {str(error.orig).splitlines()[0]}") from error
    finally:
        database.dispose()
