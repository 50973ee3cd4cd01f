"""`cfm reports rebuild`: the times in states, made anew from the ledger."""

import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.models import FlowDay, Stay
from tests.cli.test_commands import Shell
from tests.cli.test_due import TESTING
from tests.reports.walking import rolled_up
from tests.world import World

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def cfm(small_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Commands on the database of the world."""
    monkeypatch.setenv("CFM_LOG_LEVEL", "error")
    monkeypatch.setenv("CFM_DATABASE_URL", small_world.service.settings.database_url)
    monkeypatch.setenv("CFM_INSTANCE", str(small_world.service.settings.instance))
    monkeypatch.setenv("CFM_SECRET_KEYS", tomllib.loads(TESTING.read_text())["secret_keys"])
    return Shell(capsys)


def test_it_makes_right_what_was_lost_and_what_was_wrong(cfm: Shell, small_world: World) -> None:
    world = small_world
    clock.freeze(MORNING)
    actions = [world.action("Alice") for _ in range(3)]
    clock.freeze(MORNING + timedelta(hours=2))
    for action in actions:
        world.alice.fire(action, "accept")
    before = rolled_up(world).sam.get("/reports/process")
    assert before["hand_off"]["visits"]["value"] == 3

    def spoil(session: Session) -> None:
        session.execute(delete(Stay).where(Stay.action_id == actions[0]["id"]))
        session.execute(update(FlowDay).values(count=FlowDay.count + 5))

    world.service.database.transaction(spoil)
    assert world.sam.get("/reports/process")["hand_off"]["visits"]["value"] == 8

    assert cfm("reports", "rebuild") == "Times in states are complete."
    assert world.sam.get("/reports/process")["workflows"] == before["workflows"]
    cfm("reports", "rebuild")
    assert world.sam.get("/reports/process")["workflows"] == before["workflows"]
