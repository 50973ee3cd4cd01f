"""The clock's part in waiting: actions whose time has come go on. Decides nothing else."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import Row, select, text, tuple_
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.access import system
from cfm_workflow.db import Database
from cfm_workflow.errors import CfmError, Stale
from cfm_workflow.models import Action
from cfm_workflow.operations.actions.move import move_many
from cfm_workflow.operations.actions.steps import Order
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.service import Service
from cfm_workflow.workflow import Category, leading_to

BATCH: Final = 200
GOES_ON_IN: Final = (Category.ACTIVE, Category.OPEN)

_DUE = (
    select(
        *actions_query.JUDGED,
        Action.version,
        Action.waiting_until,
    )
    .where(text("category = 'waiting'"))  # literal, as in the partial index
    .order_by(Action.waiting_until, Action.id)
    .limit(BATCH)
)

log = structlog.get_logger()


def resume_due(service: Service) -> None:
    """Move every action that waited long enough on; one whose workflow lets the clock do nothing stays."""
    now = clock.now()
    for batch in _batches(service.database, now):
        with service.database.reading() as session:
            ways = _ways(session, batch, now)
        for name, versions in ways.items():
            _resume(service.database, name, versions, now)


def _batches(database: Database, now: datetime) -> Iterator[list[Row[Any]]]:
    """What is due, oldest first. Each batch begins behind the last one, so that what has to stay blocks nothing."""
    due = _DUE.where(Action.waiting_until <= now)
    after = due
    while True:
        with database.reading() as session:
            batch: list[Row[Any]] = [*session.execute(after)]
        if batch:
            yield batch
        if len(batch) < BATCH:
            return
        place = tuple_(Action.waiting_until, Action.id)
        after = due.where(place > (batch[-1].waiting_until, batch[-1].id))


def _ways(session: Session, batch: list[Row[Any]], now: datetime) -> dict[str, dict[int, int]]:
    """Per transition the ids that are to take it, with the versions at which they were due."""
    ways: dict[str, dict[int, int]] = defaultdict(dict)
    for row in batch:
        definition = definition_of(session, row.workflow_id)
        for category in GOES_ON_IN:
            name = leading_to(definition, row, category, by=None, relations=frozenset({"system"}), now=now)
            if name is not None:
                ways[name][row.id] = row.version
                break
    return ways


def _resume(database: Database, name: str, versions: dict[int, int], now: datetime) -> None:
    """One transaction. Whoever was changed since is left for the next tick to look at."""
    results = database.transaction(
        lambda session: move_many(session, system("clock"), list(versions), Order(name), now=now, if_match=versions)
    )
    for ident, result in results.items():
        if isinstance(result, CfmError) and not isinstance(result, Stale):
            log.warning("an action could not go on", action=ident, transition=name, why=str(result))
