"""Absences begin and end by the clock, each once, whatever the number of processes and however they end."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.models import Absence
from cfm_workflow.operations import absences
from cfm_workflow.operations.stand_ins import away
from cfm_workflow.queries.absences import page
from cfm_workflow.worker.absences import turn_absences
from tests.api.away import DAY, HOUR, now_has, plan, who_got
from tests.concurrency.at_once import at_once
from tests.plans import plan as how
from tests.world import World


def one_step(world: World) -> bool:
    """What a process does that dies right afterwards."""
    return world.service.database.transaction(lambda session: absences.turn_next(session, now=clock.now()))


def states(world: World) -> list[tuple[str, int | None]]:
    with world.service.database.reading() as session:
        return [(row.state, row.moves_after) for row in session.scalars(select(Absence).order_by(Absence.id))]


def told(world: World) -> list[tuple[str, int]]:
    """Who went and who came back, in order."""
    return [(event["type"], event["data"]["user"]["id"]) for event in world.events(types="user.away,user.back")]


def moves(world: World, action: Any) -> int:
    return world.history(action).count("action.reassigned")


def test_an_absence_begins_and_ends_when_it_is_time(world: World, noon: datetime) -> None:
    action = world.action()
    plan(world, "Alice", noon + HOUR, noon + DAY, deputy="bob@example.com")
    for at, state, has_it in (
        (noon + HOUR - timedelta(seconds=1), "planned", ("Alice", None)),
        (noon + HOUR, "begun", ("Bob", "Alice")),
        (noon + DAY - timedelta(seconds=1), "begun", ("Bob", "Alice")),
        (noon + DAY, "ended", ("Alice", None)),
    ):
        clock.freeze(at)
        turn_absences(world.service)
        assert (states(world), now_has(world, action)) == ([(state, None)], has_it)
    assert told(world) == [("user.away", world.alice.id), ("user.back", world.alice.id)]
    first, last = (event["data"] for event in world.events(types="user.away,user.back"))
    assert (first["absence"]["state"], last["absence"]["state"]) == ("begun", "ended")
    assert first["actor"] == {"type": "system", "name": "absence"}


def test_the_next_tick_finds_nothing_left(world: World, noon: datetime) -> None:
    action = world.action()
    plan(world, "Alice", noon + HOUR, noon + DAY, deputy="bob@example.com")
    for at in (noon + HOUR, noon + DAY):
        clock.freeze(at)
        for _ in range(3):
            turn_absences(world.service)
    assert moves(world, action) == 2 and len(told(world)) == 2


def test_many_processes_begin_and_end_each_absence_once(world: World, noon: datetime) -> None:
    names = ("Alice", "Lea", "Mallory")
    actions = [world.action(name) for name in names for _ in range(2)]
    for name in names:
        plan(world, name, noon + HOUR, noon + DAY, deputy="bob@example.com")
    for at in (noon + HOUR, noon + DAY):
        clock.freeze(at)
        at_once([lambda: turn_absences(world.service)] * 3)
        turn_absences(world.service)  # what was held by somebody else comes with the next tick
    assert states(world) == [("ended", None)] * 3
    assert sorted(told(world)) == sorted((kind, world.people[name].id)
                                         for kind in ("user.away", "user.back") for name in names)  # fmt: skip
    assert [moves(world, action) for action in actions] == [2] * len(actions)


def test_what_another_process_is_at_is_left_to_it(world: World, noon: datetime) -> None:
    if world.service.database.is_sqlite:
        pytest.skip("there is one writer at a time")
    plan(world, "Alice", noon + HOUR, noon + DAY, deputy="bob@example.com")
    clock.freeze(noon + HOUR)
    database = world.service.database

    def while_it_begins(session: Any) -> bool:
        assert absences.turn_next(session, now=clock.now())
        return one_step(world)

    assert database.transaction(while_it_begins) is False
    assert states(world) == [("begun", None)] and len(told(world)) == 1


def test_nobody_goes_away_in_the_middle_of_being_given_work(world: World, noon: datetime) -> None:
    if world.service.database.is_sqlite:
        pytest.skip("there is one writer at a time")
    plan(world, "Alice", noon + HOUR, noon + DAY, deputy="bob@example.com")

    def while_giving(session: Any) -> bool:
        assert away(session, [world.alice.id], now=noon + HOUR - timedelta(seconds=1)) == {}
        clock.freeze(noon + HOUR)
        return one_step(world)

    assert world.service.database.transaction(while_giving) is False
    assert one_step(world)


def test_a_process_that_dies_between_two_batches_leaves_the_rest_to_the_next(
    world: World, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absences, "BATCH", 2)
    actions = [world.action() for _ in range(5)]
    plan(world, "Alice", noon + HOUR, noon + DAY, deputy="bob@example.com")

    clock.freeze(noon + HOUR)
    assert one_step(world)
    assert states(world) == [("begun", actions[1]["id"])]
    assert [now_has(world, action)[0] for action in actions] == ["Bob", "Bob", "Alice", "Alice", "Alice"]
    assert who_got(world.give("Alice")) == [("Bob", "Alice")]
    turn_absences(world.service)
    assert {now_has(world, action) for action in actions} == {("Bob", "Alice")}

    clock.freeze(noon + DAY)
    assert one_step(world)
    assert [now_has(world, action)[0] for action in actions] == ["Alice", "Alice", "Bob", "Bob", "Bob"]
    assert who_got(world.give("Alice")) == [("Alice", None)]
    turn_absences(world.service)
    assert {now_has(world, action) for action in actions} == {("Alice", None)}
    assert [moves(world, action) for action in actions] == [2] * 5
    assert told(world) == [("user.away", world.alice.id), ("user.back", world.alice.id)]


def test_a_process_that_dies_in_the_middle_has_done_nothing(world: World, noon: datetime) -> None:
    action = world.action()
    plan(world, "Alice", noon + HOUR, noon + DAY, deputy="bob@example.com")
    clock.freeze(noon + HOUR)

    class Killed(Exception):
        pass

    def dies(session: Any) -> None:
        absences.turn_next(session, now=clock.now())
        raise Killed

    with pytest.raises(Killed):
        world.service.database.transaction(dies)
    assert states(world) == [("planned", None)] and now_has(world, action) == ("Alice", None) and not told(world)
    turn_absences(world.service)
    assert now_has(world, action) == ("Bob", "Alice") and len(told(world)) == 1


def test_ended_early_with_much_work_the_rest_comes_back_with_the_clock(
    world: World, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = [world.action() for _ in range(5)]
    absence = plan(world, "Alice", noon, noon + DAY, deputy="bob@example.com")
    monkeypatch.setattr(absences, "BATCH", 2)
    world.alice.expect(204, "DELETE", f"/users/{world.alice.id}/absences/{absence['id']}")
    assert [now_has(world, action)[0] for action in actions] == ["Alice", "Alice", "Bob", "Bob", "Bob"]
    turn_absences(world.service)
    assert {now_has(world, action) for action in actions} == {("Alice", None)}


def test_an_absence_that_passed_while_the_service_was_down_moves_nothing(world: World, noon: datetime) -> None:
    action = world.action()
    plan(world, "Alice", noon + HOUR, noon + DAY, deputy="bob@example.com")
    clock.freeze(noon + 2 * DAY)
    turn_absences(world.service)
    assert states(world) == [("ended", None)]
    assert moves(world, action) == 0 and told(world) == []


def test_what_nobody_can_take_stays_where_it_is(world: World, noon: datetime) -> None:
    action = world.action("Mallory")
    plan(world, "Mallory", noon + HOUR, noon + DAY)
    for at in (noon + HOUR, noon + DAY):
        clock.freeze(at)
        turn_absences(world.service)
    assert now_has(world, action) == ("Mallory", None) and moves(world, action) == 0


def test_from_one_absence_to_the_next_work_goes_from_deputy_to_deputy(world: World, noon: datetime) -> None:
    action = world.action()
    for n, deputy in enumerate(("bob", "mallory", "mallory"), 1):
        plan(world, "Alice", noon + n * DAY, noon + (n + 1) * DAY, deputy=f"{deputy}@example.com")
    found = []
    for n in range(1, 5):
        clock.freeze(noon + n * DAY)
        turn_absences(world.service)
        found.append(now_has(world, action))
    assert found == [("Bob", "Alice"), ("Mallory", "Alice"), ("Mallory", "Alice"), ("Alice", None)]
    assert moves(world, action) == 3


def test_the_work_of_a_person_is_found_by_index(world: World, noon: datetime) -> None:
    plan(world, "Alice", noon, noon + DAY, deputy="bob@example.com")
    with world.service.database.reading() as session:
        absence = session.scalars(select(Absence)).one()
    absence.moves_after = 0
    in_their_place, own = absences.concerned(absence)
    assert "ix_actions_on_behalf_of" in how(world, lambda session: session.execute(in_their_place))
    by_index = how(world, lambda session: session.execute(own))
    assert "ix_actions_mine" in by_index or "ix_actions_assignee_id_id" in by_index
    assert "ix_absences_account_id" in how(world, lambda s: page(s, world.alice.id, {"limit": 1}))
    assert "ix_absences_account_id" in how(world, lambda s: away(s, [world.alice.id], now=noon))
