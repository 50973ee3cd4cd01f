"""`cfm due recompute`: what the rules of today say, for all open actions or for those of one calendar."""

import tomllib
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from cfm_workflow.models import Calendar
from cfm_workflow.operations import reckoning
from tests.cli.test_commands import Shell
from tests.world import World

TESTING = Path(__file__).parent.parent.parent / "config" / "testing.toml"


@pytest.fixture
def cfm(small_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Commands on the database of the world."""
    monkeypatch.setenv("CFM_LOG_LEVEL", "error")
    monkeypatch.setenv("CFM_DATABASE_URL", small_world.service.settings.database_url)
    monkeypatch.setenv("CFM_INSTANCE", str(small_world.service.settings.instance))
    monkeypatch.setenv("CFM_SECRET_KEYS", tomllib.loads(TESTING.read_text())["secret_keys"])
    return Shell(capsys)


@pytest.fixture
def moved(small_world: World, noon: datetime) -> World:
    """Four dates in a calendar in which Tuesday is free by now, and nobody has said so."""
    for _ in range(4):
        small_world.action(due_in={"business_days": 1})
    small_world.action(due_at="2026-11-24T12:00:00Z")
    day_off = [{"date": "2026-11-24", "name": None}]
    small_world.service.database.transaction(lambda session: session.execute(update(Calendar).values(holidays=day_off)))
    return small_world


def test_it_moves_what_the_rules_of_now_move_and_says_how_many(
    cfm: Shell, moved: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reckoning, "BATCH", 2)
    assert cfm("due", "recompute") == "Open actions looked at: 5. Due dates moved: 4."
    events = moved.events(types="action.changed")
    assert {event["data"]["action"]["due_at"] for event in events} >= {"2026-11-25T12:00:00Z"}
    assert all(event["data"]["reason"] for event in events)
    assert cfm("due", "recompute") == "Open actions looked at: 5. Due dates moved: 0."
    assert len(moved.events(types="action.changed")) == len(events) == 5  # one was to be accepted by Tuesday


def test_it_may_be_told_which_calendar(cfm: Shell, moved: World) -> None:
    week = {"mon": [["09:00", "18:00"]]}
    other = moved.sam.expect(201, "POST", "/calendars", {"name": "Other", "time_zone": "UTC", "week": week})
    assert cfm("due", "recompute", "--calendar", str(other["id"])) == "Open actions looked at: 0. Due dates moved: 0."
    assert cfm("due", "recompute", "--calendar", "1") == "Open actions looked at: 5. Due dates moved: 4."
    assert "999" in cfm.refused(1, "due", "recompute", "--calendar", "999")
