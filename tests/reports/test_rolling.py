"""Claims about the roll-up of the ledger: it counts each visit once, whatever happens on the way."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.models import FlowDay, Stay
from cfm_workflow.operations.reports import rolling
from cfm_workflow.worker.rolling import go_on, roll_up_reports
from tests.world import World

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def visits(world: World) -> list[tuple[Any, ...]]:
    """What is rolled up: the visits, and how many of a day there are of each kind."""
    with world.service.database.reading() as session:
        stays = session.execute(
            select(Stay.action_id, Stay.state, Stay.transition, Stay.to_state, Stay.entered_at, Stay.left_at)
        )
        return sorted(tuple(row) for row in stays)


def days(world: World) -> list[tuple[Any, ...]]:
    with world.service.database.reading() as session:
        rows = session.execute(select(FlowDay).where(FlowDay.count != 0)).scalars()
        key = ("day", "team_id", "assignee_id", "state", "transition", "to_state", "bucket", "count")
        return sorted(tuple(getattr(row, name) for name in key) for row in rows)


def later(**more: float) -> None:
    clock.freeze(clock.now() + timedelta(**more))


def a_day(world: World) -> dict[str, Any]:
    """An action that is accepted, started, finished, and taken back a moment later."""
    clock.freeze(MONDAY)
    action: dict[str, Any] = world.action("Alice")
    later(hours=1)
    world.alice.fire(action, "accept")
    later(hours=2)
    world.alice.fire(action, "start")
    return action


def test_each_visit_is_counted_with_its_time_and_an_undone_step_is_not(world: World) -> None:
    action = a_day(world)
    roll_up_reports(world.service)
    later(hours=3)
    world.alice.fire(action, "complete", outcome="fixed")
    roll_up_reports(world.service)
    assert {visit[2] for visit in visits(world)} == {"accept", "start", "complete"}
    later(minutes=5)
    world.alice.fire(action, "undo")
    later(hours=1)
    world.alice.fire(action, "complete", outcome="fixed")
    roll_up_reports(world.service)

    took = {visit[2]: visit[5] - visit[4] for visit in visits(world)}
    assert took == {
        "accept": timedelta(hours=1),
        "start": timedelta(hours=2),
        "complete": timedelta(hours=4, minutes=5),
    }
    assert (
        sum(day[-1] for day in days(world)) == 12
    )  # each for everybody and for its assignee, on its day and in its month


def test_doing_it_again_or_anew_comes_to_the_same(world: World) -> None:
    for _ in range(3):
        a_day(world)
    roll_up_reports(world.service)
    once = visits(world), days(world)

    with world.service.database.reading() as session:
        stale = rolling.read(session, world.service.settings.time_zone, now=clock.now())
    world.alice.fire(world.action("Alice"), "accept")
    roll_up_reports(world.service)
    assert not world.service.database.transaction(lambda session: rolling.write(session, stale))
    world.service.database.transaction(rolling.forget)
    assert visits(world) == []
    while go_on(world.service):
        pass

    assert set(once[0]) < set(visits(world)) and len(visits(world)) == len(once[0]) + 1


def test_it_comes_to_the_same_in_batches_of_any_size(world: World, monkeypatch: Any) -> None:
    for _ in range(3):
        action = a_day(world)
        world.alice.fire(action, "complete", outcome="fixed")
        world.alice.fire(action, "undo")
    roll_up_reports(world.service)
    at_once = visits(world), days(world)
    monkeypatch.setattr(rolling, "_MOVED", rolling._MOVED.limit(1))
    monkeypatch.setattr(rolling, "BATCH", 1)
    world.service.database.transaction(rolling.forget)

    roll_up_reports(world.service)

    assert (visits(world), days(world)) == at_once


def test_a_report_says_up_to_when_it_is_complete(world: World) -> None:
    a_day(world)
    assert world.sam.get("/reports/process")["complete_to"] is None
    roll_up_reports(world.service)

    report = world.sam.get("/reports/process")

    assert report["complete_to"] == clock.now().isoformat().replace("+00:00", "Z")
    assert report["hand_off"]["visits"]["value"] == 1
    assert abs(report["hand_off"]["median_seconds"] / 3600 - 1) <= 0.05
    [slowest] = [step for flow in report["workflows"] for step in flow["steps"] if step["slowest"]]
    assert (slowest["from"], slowest["transition"]) == ("accepted", "start")


def test_what_became_late_since_the_last_review_is_new(world: World) -> None:
    clock.freeze(MONDAY)
    world.action("Alice", due_at=(MONDAY + timedelta(hours=1)).isoformat())
    later(hours=2)
    world.sam.post("/reports/reviewed")
    fresh = world.action("Bob", due_at=(MONDAY + timedelta(hours=3)).isoformat())
    later(days=2)

    report = world.sam.get("/reports/overdue")

    assert [(each["id"], each["new"]) for each in report["oldest"]] == [(fresh["id"] - 1, False), (fresh["id"], True)]
    assert (report["overdue"]["value"], report["new"]["overdue"]["value"]) == (2, 1)
    assert [age["actions"]["value"] for age in report["by_age"]] == [0, 2, 0, 0]
