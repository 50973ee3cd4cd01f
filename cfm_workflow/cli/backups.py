"""`cfm backup` and `cfm restore`, with a progress bar on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cfm_workflow import backup as taking
from cfm_workflow import logs
from cfm_workflow import restore as restoring
from cfm_workflow import settings as settings_room
from cfm_workflow.cli.opening import opened
from cfm_workflow.security.key_files import as_text, keys_here
from cfm_workflow.service import open_database


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write database and keys to FILE, as they are at this instant; the service may run.

    Keep it safe: it holds the keys.
    """
    with opened() as service, _bar() as progress:
        taking.take(service.database, file, keys=as_text(keys_here(service.settings)), progress=progress)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """Load the backup FILE into an empty database, SQLite or PostgreSQL."""
    settings = settings_room.load()
    logs.configure(settings.log_level, settings.log_format)
    database = open_database(settings)
    try:
        with _bar() as progress:
            manifest = restoring.restore(database, settings, file, progress=progress)
    finally:
        database.dispose()
    click.echo(f"Restored what was backed up at {manifest.created_at}.", err=True)


@contextmanager
def _bar() -> Iterator[taking.Progress]:
    columns = (TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("")
        yield lambda table, done, of: bar.update(task, description=table, completed=done, total=max(of, 1))
