"""A piece of work without a database, the people around it, and the shipped definitions. No tests here."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cfm_workflow.workflow import Definition, begin, fire, load_file

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OLGA, ALICE, BOB = 1, 2, 3

ADMINISTRATOR = frozenset({"administrator"})
FOLDER = Path(__file__).parents[2] / "config" / "workflows"
STANDARD = load_file(FOLDER / "standard.yaml")
CALLBACK = load_file(FOLDER / "callback.yaml")


@dataclass
class Work:
    """The least that follows a definition."""

    state: str = ""
    category: str = ""
    state_since: datetime = NOW
    accepted_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    came_from: str | None = None
    undo_to: str | None = None
    undo_by: int | None = None
    undo_until: datetime | None = None
    assignee_id: int | None = ALICE
    pool: bool = False


def new_work(definition: Definition = STANDARD, *, now: datetime = NOW, **facts: Any) -> Work:
    work = Work(**facts)
    begin(definition, work, now=now)
    return work


def walk(work: Work, *names: str, definition: Definition = STANDARD, by: int = OLGA, now: datetime = NOW) -> Work:
    """Fire these transitions, as somebody who may, with everything they require."""
    for name in names:
        given = definition.transitions[name].requires
        fire(definition, work, name, by=by, relations=ADMINISTRATOR, given=given, now=now)
    return work
