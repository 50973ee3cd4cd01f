"""Waiting ends by the clock, and by nobody twice."""

from datetime import datetime, timedelta

import pytest

from cfm_workflow import clock
from cfm_workflow.worker import waiting
from tests.world import World

A_DAY = timedelta(days=1)


def put_to_wait(world: World, until: datetime, name: str = "Alice") -> int:
    person = world.people[name]
    action = world.action(name)
    person.fire(action, "accept")
    person.fire(action, "wait", reason="The parts are on their way.", until=until.isoformat())
    return int(action["id"])


def test_an_action_goes_on_where_it_was_when_its_time_has_come(world: World, noon: datetime) -> None:
    due, later = put_to_wait(world, noon + A_DAY), put_to_wait(world, noon + 3 * A_DAY)
    waiting.resume_due(world.service)
    assert world.alice.get(f"/actions/{due}")["state"] == "waiting"

    clock.freeze(noon + A_DAY)
    waiting.resume_due(world.service)
    resumed = world.alice.get(f"/actions/{due}")
    assert (resumed["state"], resumed["waiting_until"]) == ("accepted", None)
    assert world.alice.get(f"/actions/{later}")["state"] == "waiting"
    event = world.events(types="action.resumed")[-1]
    assert event["data"]["actor"] == {"type": "system", "name": "clock"}
    assert (event["data"]["from"], event["data"]["to"]) == ("waiting", "accepted")


def test_the_next_tick_finds_nothing_left(world: World, noon: datetime) -> None:
    ident = put_to_wait(world, noon + A_DAY)
    clock.freeze(noon + A_DAY)
    waiting.resume_due(world.service)
    waiting.resume_due(world.service)
    assert world.history({"id": ident}).count("action.resumed") == 1


def test_waiting_for_an_answer_ends_after_14_days(world: World, noon: datetime) -> None:
    action = world.action()
    world.alice.fire(action, "accept")
    world.alice.fire(action, "wait", reason="I asked the customer.", until_answer=True)
    clock.freeze(noon + 14 * A_DAY - timedelta(seconds=1))
    waiting.resume_due(world.service)
    assert world.alice.get(f"/actions/{action['id']}")["state"] == "waiting"
    clock.freeze(noon + 14 * A_DAY)
    waiting.resume_due(world.service)
    assert world.alice.get(f"/actions/{action['id']}")["state"] == "accepted"


def test_more_than_a_batch_goes_on_in_one_tick(world: World, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    idents = [put_to_wait(world, noon + A_DAY, name) for name in ("Alice", "Bob", "Alice", "Bob", "Alice")]
    monkeypatch.setattr(waiting, "BATCH", 2)
    monkeypatch.setattr(waiting, "_DUE", waiting._DUE.limit(2))
    clock.freeze(noon + 2 * A_DAY)
    waiting.resume_due(world.service)
    assert {world.olga.get(f"/actions/{ident}")["state"] for ident in idents} == {"accepted"}


def test_an_action_that_waits_anew_is_left_alone(world: World, noon: datetime) -> None:
    ident = put_to_wait(world, noon + A_DAY)
    clock.freeze(noon + A_DAY)
    with world.service.database.reading() as session:
        seen = waiting._ways(session, list(session.execute(waiting._DUE)), clock.now())
    world.alice.fire(ident, "resume")
    world.alice.fire(ident, "wait", reason="Again.", until=(noon + 5 * A_DAY).isoformat())
    for name, versions in seen.items():
        waiting._resume(world.service.database, name, versions, clock.now())
    assert seen and world.alice.get(f"/actions/{ident}")["state"] == "waiting"
