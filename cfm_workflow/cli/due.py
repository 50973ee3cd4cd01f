"""`cfm due recompute`: all due dates by the calendars and time zones as they are now, beside the running service."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.cli.opening import opened
from cfm_workflow.letters.words import RULES_CHANGED
from cfm_workflow.models import Calendar
from cfm_workflow.operations import reckoning
from cfm_workflow.operations.reckoning import Batch
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.service import Service


@click.group()
def group() -> None:
    """Due dates, reckoned anew."""


@group.command()
@click.option("--calendar", "calendar_id", type=int, help="Only what goes by this calendar; all of them unless given.")
def recompute(calendar_id: int | None) -> None:
    """Reckon the dates of all open actions anew, such as after an update of the time zones, and print how many moved.

    May be interrupted and started again: what is right already stays as it is.
    """
    console = Console(stderr=True, highlight=False)
    with opened() as service:
        ids, total = _wanted(service, calendar_id)
        with _bar(console, total) as report:
            done = [_recompute(service, ident, report) for ident in ids]
    seen, moved = (sum(each) for each in zip(*done, strict=True))
    click.echo(f"Open actions looked at: {seen:,}. Due dates moved: {moved:,}.")


def _wanted(service: Service, calendar_id: int | None) -> tuple[list[int], int]:
    """The ids of the calendars, and how many open actions go by them."""
    with service.database.reading() as session:
        if calendar_id is None:
            found = list(session.scalars(select(Calendar).order_by(Calendar.id)))
        else:
            found = [calendars_query.find(session, calendar_id)]
        return [each.id for each in found], sum(reckoning.count(session, each) for each in found)


def _recompute(service: Service, calendar_id: int, report: Callable[[int], None]) -> tuple[int, int]:
    seen, moved = 0, 0
    after: int | None = 0
    while after is not None:
        done = service.database.transaction(_batch(calendar_id, after))
        seen, moved, after = seen + done.seen, moved + done.moved, done.last
        report(done.seen)
    return seen, moved


def _batch(calendar_id: int, after: int) -> Callable[[Session], Batch]:
    now = clock.now()

    def work(session: Session) -> Batch:
        calendar = calendars_query.find(session, calendar_id)
        return reckoning.batch(session, calendar, after, reason=RULES_CHANGED, now=now)

    return work


@contextmanager
def _bar(console: Console, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar with time left; on a terminal only."""
    if not console.is_terminal:
        yield lambda seen: None
        return
    columns = (BarColumn(), TextColumn("{task.completed:,} of {task.total:,}"), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=max(total, 1))
        yield lambda seen: bar.advance(task, seen)
