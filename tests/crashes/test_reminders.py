"""The clock may die at any instant of telling: every reminder is told exactly once, and the next one is planned.

Its process ends itself before its first statement, before its second, and so on, around every COMMIT too. With --long
eight processes tell thousands of reminders and are killed at random instants.
"""

import sys
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.models import PersonalReminder, Reminder
from cfm_workflow.worker.reminders import tell_reminders
from tests import invariants
from tests.crashes.dying import in_a_child
from tests.ledger.telling import endpoint
from tests.world import World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

HOUR = timedelta(hours=1)
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
HOURLY = {
    "key": "hourly",
    "name": "Hourly",
    "targets": {"accept": "PT1H", "start": "PT2H", "finish": "PT4H"},
    "ladders": {
        "accept": [{"after": "PT0S", "to": ["assignee"]}],
        "start": [{"after": "PT0S", "to": ["assignee", "lead"]}, {"after": "PT30H", "to": ["supervisors"]}],
        "finish": [
            {"share": 75, "to": ["assignee"]},
            {"after": "PT0S", "to": ["assignee", "assigner"]},
            {"after": "PT1H", "to": ["supervisors"], "every": "PT1H"},
        ],
    },
}
RUNGS = ("action.due_soon", "action.overdue", "action.reminded", "action.escalated")
Rung = tuple[int, str, int, int]
"""Of which action and target, its number, and its occurrence."""


@pytest.fixture
def hourly(world: World, noon: datetime) -> World:
    """Somebody who hears of everything, and work by a policy of which much comes due within the day."""
    endpoint(world)
    clock.freeze(noon + timedelta(seconds=1))  # so that all events come after it
    always = world.sam.expect(201, "POST", "/calendars", {"name": "Always", "time_zone": "UTC", "week": ALWAYS})
    world.sam.expect(201, "POST", "/policies", HOURLY | {"calendar": always["id"]})
    return world


def told(world: World) -> list[Rung]:
    """Every rung that was told, from what its event says."""
    events = world.events(types=",".join(RUNGS))
    found = [(event["data"]["action"]["id"], event["data"]["reminder"]) for event in events]
    return sorted((ident, about["target"], about["rung"], about["occurrence"]) for ident, about in found)


def rungs(world: World, *states: str) -> list[Rung]:
    """The rows of rungs in these states."""
    table = Reminder.__table__.c
    query = select(table.action_id, table.target, table.rung, table.occurrence).where(Reminder.state.in_(states))
    with world.service.database.reading() as session:
        return sorted(tuple(row) for row in session.execute(query))


def is_due(world: World) -> bool:
    """Whether anything is left to tell."""
    ladders = select(Reminder.id).where(Reminder.state == "planned", Reminder.at <= clock.now())
    personal = select(PersonalReminder.id).where(
        PersonalReminder.state == "planned", PersonalReminder.remind_at <= clock.now()
    )
    with world.service.database.reading() as session:
        return any(session.scalars(query.limit(1)).first() is not None for query in (ladders, personal))


def remind(world: World, at: datetime, **fields: Any) -> int:
    """A reminder of Olga's for two people; its id."""
    body = {"feedback": world.feedback()["id"], "remind_at": at.isoformat(), "text": "Call back"}
    who = {"for": [world.olga.email, world.bob.email]}
    return int(world.olga.expect(201, "POST", "/reminders", body | who | fields)["id"])


def die_everywhere(world: World) -> list[int]:
    """Let the clock die at its first place, then at its second, and so on; after each transaction that one of them
    could end anew, until nothing is left to tell. How many died in each transaction."""
    deaths = [0]
    while is_due(world):
        before = invariants.dump(world.service.database)
        deaths[-1] += 1
        places = in_a_child(world.service, lambda: tell_reminders(world.service), end_at=deaths[-1])
        assert places is None, "it told everything without dying"
        if invariants.dump(world.service.database) != before:
            invariants.check(world.service.database)
            deaths.append(0)
    return deaths[:-1]


def test_wherever_the_clock_dies_each_reminder_is_told_once(hourly: World, noon: datetime) -> None:
    ids = [hourly.action(name, policy="hourly")["id"] for name in ("Alice", "Bob")]
    done = hourly.action("Alice", policy="hourly")
    hourly.alice.fire(done, "complete", through=True, outcome="fixed")
    once, daily = remind(hourly, noon + HOUR), remind(hourly, noon + HOUR, every="P1D")
    clock.freeze(noon + 8 * HOUR)
    deaths = die_everywhere(hourly)
    assert len(deaths) == 2 and min(deaths) > 5  # the transaction of ladders, and that of what people set themselves
    # Of the two repetitions that were missed the last one is told.
    each = [("accept", 0), ("finish", 0), ("finish", 1), ("finish", 2), ("finish", 4), ("start", 0)]
    assert told(hourly) == rungs(hourly, "fired") == [(ident, *rung, 1) for ident in ids for rung in each]
    assert rungs(hourly, "planned") == [(ident, *rung, 1) for ident in ids for rung in (("finish", 5), ("start", 1))]
    fired = [event["data"]["reminder"] for event in hourly.events(types="reminder.fired")]
    assert sorted((about["id"], about["state"]) for about in fired) == [(once, "fired"), (daily, "planned")]
    before = invariants.dump(hourly.service.database)
    tell_reminders(hourly.service)
    assert invariants.dump(hourly.service.database) == before
