"""A process may die at any place of an import: each batch is stored entirely or not at all, the next goes on."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cfm_workflow import clock
from cfm_workflow.db import Database
from cfm_workflow.models import Feedback, Import, ImportProblem
from cfm_workflow.operations.imports import LEASE, SMALLEST
from cfm_workflow.worker.importing import run_imports
from tests import invariants
from tests.crashes.dying import in_a_child
from tests.world import World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

GOOD, BAD, DOUBLE = 6 * SMALLEST, 3, 5  # more than the first batch holds


def file_of_feedback() -> bytes:
    rows = [f"answer-{n},My miles are missing ({n})." for n in range(GOOD)]
    rows += rows[:DOUBLE] + [f"nothing-{n}," for n in range(BAD)]
    return "\n".join(["id,comment", *rows]).encode()


def queued(world: World) -> int:
    query = {"source": "survey", "map.external_id": "id", "map.text": "comment"}
    response = world.sam.ask("POST", "/imports", data=file_of_feedback(), content_type="text/csv", query_string=query)
    assert response.status_code == 202, response.text
    return int(response.json["id"])


def counts(database: Database, import_id: int) -> tuple[Any, int, int]:
    """The job, and what is really there of it."""
    with database.reading() as session:
        job = session.get_one(Import, import_id)
        items = session.scalar(select(func.count(Feedback.id)).where(Feedback.source == "survey")) or 0
        problems = session.scalar(select(func.count(ImportProblem.id))) or 0
    return job, items, problems


def test_an_import_cut_off_at_any_place_is_gone_on_with_and_stores_every_row_once(
    world: World, noon: datetime, tmp_path: Path
) -> None:
    database = world.service.database
    import_id = queued(world)
    deaths = 0
    while in_a_child(world.service, lambda: run_imports(world.service), end_at=deaths + 1) is None:
        deaths += 1
        clock.freeze(noon + deaths * 2 * LEASE)  # what the dead one held is free again
        job, items, problems = counts(database, import_id)
        assert (job.stored, job.refused) == (items, problems)
        assert job.records == job.stored + job.duplicates + job.refused
        invariants.check(database)
    assert deaths > 10

    clock.freeze(noon + timedelta(days=1))
    run_imports(world.service)
    job, items, problems = counts(database, import_id)
    assert (job.state, job.records) == ("finished", GOOD + DOUBLE + BAD)
    assert (items, job.duplicates, problems) == (GOOD, DOUBLE, BAD)
    assert len(world.events(types="import.finished")) == 1
