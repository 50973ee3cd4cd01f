"""Every number of a report leads to exactly the rows it counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cfm_workflow import clock
from tests.reports.walking import behind, figures, rolled_up
from tests.world import Person, World

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
MONTH = "from=2026-11-01&to=2026-11-25"


def at(**later: float) -> datetime:
    moment = START + timedelta(**later)
    clock.freeze(moment)
    return moment


def due(moment: datetime) -> str:
    return moment.isoformat()


@pytest.fixture
def autumn(world: World) -> World:
    """Three weeks of work in all states: late, kept, put off, handed on, undone, of a team and of a pool."""
    now = at()
    item = world.feedback(metric="nps", score=9, channel="web", source="form")
    world.feedback(metric="nps", score=3, source="form")
    world.feedback(metric="csat", score=5, channel="phone")
    world.feedback(metric="ces", score=2, channel="phone")
    kept, late, put_off, declined, undone = (
        world.action("Alice", item=item, due_at=due(now + timedelta(days=days))) for days in (5, 1, 2, 3, 4)
    )
    team = {"assignees": [{"team": "care", "mode": "everyone"}], "due_at": due(now + timedelta(days=20))}
    of_team = world.give(**team)["actions"]
    world.pool_action(due_at=due(now + timedelta(days=15)))
    world.action("Bob", due_at=due(now + timedelta(days=22, hours=5)))
    world.action("Mallory", due_at=due(now + timedelta(days=10)))
    at(hours=3)
    for action in (kept, late, put_off, undone):
        world.alice.fire(action, "accept")
    at(days=1, hours=2)
    for action in (kept, late, put_off, undone):
        world.alice.fire(action, "start")
    change = {"due_at": due(now + timedelta(days=9)), "reason": "The customer agreed."}
    world.olga.expect(200, "PATCH", f"/actions/{put_off['id']}", change)
    at(days=2)
    world.alice.fire(kept, "complete", outcome="fixed", root_cause="Import")
    world.alice.fire(declined, "decline", reason="Not mine.")
    world.alice.fire(undone, "complete", outcome="fixed")
    at(days=2, minutes=5)
    world.alice.fire(undone, "undo")
    at(days=3)
    world.alice.fire(late, "complete", outcome="wont_fix", reason="Too dear.", root_cause="Import")
    world.alice.fire(put_off, "complete", outcome="answered")
    world.olga.fire(kept, "reopen", reason="Not solved.")
    at(days=4)
    world.sam.fire(kept, "reassign", assignee=world.bob.email, reason="Alice is busy.")
    mine = of_team[0]
    who = next(each for each in world.people.values() if each.id == mine["assignee"]["id"])
    who.fire(mine, "accept")
    who.fire(mine, "wait", reason="Parts", until=due(now + timedelta(days=60)))
    nothing = world.action("Alice", item=world.feedback(metric="gcr", score=1))
    world.alice.fire(nothing, "decline", reason="Nothing to do.")
    clock.freeze(NOW)
    return rolled_up(world)


def wrong(who: Person, path: str) -> list[Any]:
    """The figures of a report that are not the number of their rows. At least some count something."""
    told = figures(who.expect(200, "GET", path))
    numbers = [(place, each, each.get("n", each["value"])) for place, each in told]
    assert sum(bool(number) for *_, number in numbers) >= 4
    return [(place, each, found) for place, each, number in numbers if (found := behind(who, each)) != number]


REPORTS = (
    f"/reports/overview?{MONTH}&by=week",
    "/reports/overdue",
    "/reports/workload",
    f"/reports/process?{MONTH}",
    f"/reports/metrics?{MONTH}&by=week",
    "/reports/weekly?week=2026-W45",
)


def test_every_figure_is_the_number_of_its_rows(autumn: World) -> None:
    assert [wrong(autumn.sam, path) for path in REPORTS] == [[]] * len(REPORTS)


def test_so_it_is_for_one_team_and_for_who_supervises_it_and_may_not_see_another(autumn: World) -> None:
    tom = autumn.person("Tom", "supervisor", supervises=["care"])
    assert [wrong(tom, path) for path in REPORTS] == [[]] * len(REPORTS)
    autumn.ada.post("/teams", {"key": "legal", "name": "Legal", "restricted": True, "members": [autumn.mallory.email]})
    autumn.give(item={"id": 1}, assignees=[{"team": "legal", "mode": "pool"}])

    of_team = [f"{path}{'&' if '?' in path else '?'}team=care" for path in REPORTS]

    assert [wrong(autumn.sam, path) for path in of_team] == [[]] * len(REPORTS)
    assert [wrong(tom, path) for path in REPORTS if "metrics" not in path] == [[]] * (len(REPORTS) - 1)
