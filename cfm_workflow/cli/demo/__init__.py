"""`cfm demo`: made-up people, feedback and work of ninety days, so that every page has something to show.

Nothing is written past the operations: the days are lived through one after the other, each step by who would take it.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import click
import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import exists, select

from cfm_workflow import clock
from cfm_workflow.cli.demo.cast import hire
from cfm_workflow.cli.demo.days import Days
from cfm_workflow.cli.opening import opened
from cfm_workflow.errors import Conflict
from cfm_workflow.ledger import undoing
from cfm_workflow.models import Feedback
from cfm_workflow.service import Service
from cfm_workflow.settings import shipped_folder

DAYS: Final = 90


@click.command()
@click.option("--items", default=300, show_default=True, type=click.IntRange(10, 20_000), help="How much feedback.")
@click.option("--seed", default=1, show_default=True, help="Another number makes another story.")
def demo(items: int, seed: int) -> None:
    """Fill an empty installation with people, feedback and work to look around with. Nothing of it is mailed."""
    console = Console(stderr=True, highlight=False)
    story = yaml.safe_load((shipped_folder("config") / "demo.yaml").read_text(encoding="utf-8"))
    now = clock.now()
    with opened() as service:
        _must_be_empty(service)
        chance = random.Random(seed)  # noqa: S311 - a story, not a secret
        cast = hire(service, story, now=now - timedelta(days=DAYS + 1))
        days = Days(service, story, cast, chance, begins=now - timedelta(days=DAYS), ends=now)
        with _bar(console, items) as report:
            days.live(items, report)
        service.database.transaction(lambda session: undoing.call_off(session, now=now))
    click.echo(
        f"{len(cast.people)} people, {days.received:,} feedback items, {days.given:,} actions, {days.steps:,} steps."
    )
    click.echo("To look around: cfm user link sam@example.com, who supervises, or minji@example.com, who is at work.")


def _must_be_empty(service: Service) -> None:
    with service.database.reading() as session:
        if session.scalar(select(exists().where(Feedback.id.is_not(None)))):
            raise Conflict(
                "There is feedback here already. The demo is for an empty installation: name another CFM_INSTANCE."
            )


@contextmanager
def _bar(console: Console, total: int) -> Iterator[Callable[[int], Any]]:
    """A progress bar with time left; on a terminal only."""
    if not console.is_terminal:
        yield lambda seen: None
        return
    columns = (BarColumn(), TextColumn("{task.completed:,} of {task.total:,} items"), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total)
        yield lambda seen: bar.update(task, completed=seen)
