"""The clock may die at any instant of telling: every reminder is told exactly once, and the next one is planned.

Its process ends itself before its first statement, before its second, and so on, around every COMMIT too. With --long
eight processes tell thousands of reminders and are killed at random instants.
"""

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.ledger import events
from cfm_workflow.models import Action, ActionFeedback, PersonalReminder, PersonalReminderReceiver, Reminder
from cfm_workflow.service import Service
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
    happened = world.events(types=",".join(RUNGS))
    found = [(event["data"]["action"]["id"], event["data"]["reminder"]) for event in happened]
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


def die_everywhere(world: World, tell: Callable[[Service], None] = tell_reminders) -> list[int]:
    """Let the clock die at its first place, then at its second, and so on; after each transaction that one of them
    could end anew, until nothing is left to tell. How many died in each transaction."""
    deaths = [0]
    while is_due(world):
        before = invariants.dump(world.service.database)
        deaths[-1] += 1
        places = in_a_child(world.service, lambda: tell(world.service), end_at=deaths[-1])
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


def test_the_harness_finds_a_clock_that_tells_in_a_second_transaction(
    hourly: World, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    hourly.action("Alice", policy="hourly")
    clock.freeze(noon + 8 * HOUR)
    later: list[Any] = []

    def tell(service: Service) -> None:
        tell_reminders(service)
        for facts, now in later:
            service.database.transaction(lambda session: events.record(session, facts, now=now))  # noqa: B023

    with monkeypatch.context() as fault:
        fault.setattr("cfm_workflow.ledger.record", lambda session, facts, *, now: later.append((facts, now)))
        with pytest.raises(AssertionError, match="counts"):
            die_everywhere(hourly, tell)


# -- many processes --------------------------------------------------------------------------------------------------

PROCESSES = 8
ACTIONS = int(os.environ.get("REMINDED_ACTIONS", "5000"))  # two reminders of each are due
PERSONAL = 2_000
LONGEST_LIFE = float(os.environ.get("REMINDED_LIFE", "2"))  # seconds


def copy(session: Session, table: Table, ident: int, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Write a row down again for each of `rows`, with these values instead of its own; their ids."""
    row = dict(session.execute(select(table).where(table.c.id == ident)).mappings().one())
    row = {name: value for name, value in row.items() if table.c[name].computed is None}
    last: int = session.execute(select(func.max(table.c.id))).scalar_one()
    ids = [last + n for n in range(1, len(rows) + 1)]
    session.execute(insert(table), [row | {"id": new} | dict(values) for new, values in zip(ids, rows, strict=True)])
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), ids[-1])))
    return ids


def pile_up(world: World, noon: datetime) -> None:
    """Thousands of actions and of what people set themselves, all due at once."""
    action = world.action("Alice", policy="hourly")
    set_ones = [remind(world, noon + HOUR), remind(world, noon + HOUR, every="P1D")]
    people = [person.id for person in world.people.values()]
    rows = [{"assignee_id": people[n % len(people)], "sequence": 0} for n in range(ACTIONS - 1)]

    def work(session: Session) -> None:
        ids = copy(session, Action.__table__, action["id"], rows)
        session.execute(insert(ActionFeedback), [{"action_id": i, "feedback_id": action["feedback_id"]} for i in ids])
        for ident in session.scalars(select(Reminder.id).where(Reminder.action_id == action["id"])).all():
            copy(session, Reminder.__table__, ident, [{"action_id": i} for i in ids])
        for ident in set_ones:
            for each in copy(session, PersonalReminder.__table__, ident, [{}] * (PERSONAL // 2 - 1)):
                receivers = [{"reminder_id": each, "account_id": person} for person in (world.olga.id, world.bob.id)]
                session.execute(insert(PersonalReminderReceiver), receivers)

    world.service.database.transaction(work)


def begin(world: World) -> int:
    """A process that tells reminders until there are none; its id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            while is_due(world):
                tell_reminders(world.service)
            code = 0
        finally:
            os._exit(code)
    return child


def kill_at_random(world: World, dice: random.Random) -> int:
    """Keep eight processes at it, each of which is killed after a while, until all is told; how many were killed."""
    kills, living = 0, dict[int, float]()
    try:
        while is_due(world):
            world.service.database.dispose()  # a connection must not be used on both sides of a fork
            while len(living) < PROCESSES:
                living[begin(world)] = clock.stopwatch() + dice.uniform(0, LONGEST_LIFE)
            child = min(living, key=lambda child: living[child])
            threading.Event().wait(max(0.0, living.pop(child) - clock.stopwatch()))
            kills += end(child)
    finally:
        for child in living:
            end(child)
    return kills


def end(child: int) -> bool:
    """Kill a process; whether it was still at it."""
    os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), "a process failed"
    return code != 0


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forks beside threads; the children need none of them
def test_however_often_eight_processes_are_killed_each_reminder_is_told_once(
    hourly: World, noon: datetime, database_kind: str, record_property: Callable[[str, object], None]
) -> None:
    pile_up(hourly, noon)
    clock.freeze(noon + 2 * HOUR + timedelta(seconds=1))
    began = clock.stopwatch()
    kills = kill_at_random(hourly, random.Random(f"reminders on {database_kind}"))
    took = clock.stopwatch() - began
    with hourly.service.database.reading() as session:
        ids = session.scalars(select(Action.id).order_by(Action.id)).all()
        reminders = session.scalars(select(PersonalReminder.id).order_by(PersonalReminder.id)).all()
        states = session.execute(select(PersonalReminder.state, PersonalReminder.occurrence)).all()
    assert (len(ids), len(reminders)) == (ACTIONS, PERSONAL)
    assert told(hourly) == rungs(hourly, "fired") == [(i, target, 0, 1) for i in ids for target in ("accept", "start")]
    following = (("finish", 0, 1), ("start", 1, 1))
    assert rungs(hourly, "planned") == [(i, *rung) for i in ids for rung in following]
    assert rungs(hourly, "cancelled", "suspended") == []
    fired = [event["data"]["reminder"]["id"] for event in hourly.events(types="reminder.fired")]
    assert sorted(fired) == reminders
    assert sorted(map(tuple, states)) == [("fired", 1)] * (PERSONAL // 2) + [("planned", 1)] * (PERSONAL // 2)
    invariants.check(hourly.service.database)
    found = f"{2 * len(ids) + len(reminders):,} reminders told once each, {kills} processes killed in {took:.0f} s"
    record_property(f"{PROCESSES} processes tell reminders on {database_kind}", found)
