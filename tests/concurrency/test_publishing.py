"""Processes that start at the same instant and bring the same workflow along: they agree."""

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.db import Database
from cfm_workflow.models import Event, WorkflowVersion
from cfm_workflow.operations import definitions
from cfm_workflow.workflow import Definition, load_text
from tests.concurrency.at_once import at_once
from tests.workflow.work import FOLDER

PROCESSES = 4


@pytest.fixture
def databases(database_url: str) -> Iterator[list[Database]]:
    """Ways to one database that know nothing of each other, as several processes have them."""
    opened = [Database(database_url) for _ in range(PROCESSES)]
    yield opened
    for database in opened:
        database.dispose()


def changed(n: int) -> Definition:
    text = (FOLDER / "standard.yaml").read_text(encoding="utf-8")
    return load_text(text.replace("name: {en: Standard,", f"name: {{en: Standard {n},"), "standard.yaml")


def publish(database: Database, definition: Definition) -> int:
    """How many versions this process added."""
    now = clock.now()
    return database.transaction(lambda session: len(definitions.publish(session, [definition], now=now)))


def test_a_changed_workflow_is_published_once_by_processes_that_start_at_once(
    databases: list[Database], rounds: int
) -> None:
    for n in range(rounds):
        definition = changed(n)
        published = at_once([partial(publish, database, definition) for database in databases])
        assert sorted(published) == [0] * (PROCESSES - 1) + [1]
    with databases[0].reading() as session:
        versions = list(session.scalars(select(WorkflowVersion.version).where(WorkflowVersion.key == "standard")))
        told = session.scalars(select(Event.subject_id).where(Event.type == "workflow.created")).all()
    assert sorted(versions) == list(range(1, len(versions) + 1))
    assert len(versions) >= rounds
    assert len(set(told)) == len(told)
