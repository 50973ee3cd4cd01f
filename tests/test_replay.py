"""A real help desk's log through `standard`: what it accepts is in the ledger, once, also when the service is killed.

The long test prints its figures: how many requests and kills, what was accepted, and what was refused and why.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import invariants, replay
from tests.live import Server
from tests.world import Person, World

pytestmark = pytest.mark.skipif(
    not replay.LOG.exists(), reason="shared/data/helpdesk_log.csv is not beside the project"
)


def staff(world: World) -> tuple[dict[str, Person], int]:
    """Everybody of the log with a token, and their team."""
    people = {name: world.person(name, "supervisor", email=replay.email(name)) for name in replay.people()}
    members = [person.email for person in people.values()]
    team = world.ada.post("/teams", {"key": "helpdesk", "name": "Help desk", "members": members})
    return people, team["id"]


def expected_events(tally: replay.Tally, tickets: int) -> dict[str, int]:
    """What the accepted requests must have left in the ledger."""
    both = tally.accepted + tally.after_remedy
    return {
        "feedback.received": tickets,
        "feedback.closed": both["Closed"],
        "action.assigned": tickets,
        "action.completed": both["Resolve ticket"],
        "action.waiting": both["Wait"],
        "action.reopened": tally.remedies["reopen"],
        "action.resumed": tally.remedies["resume"],
    }


def assert_everything_is_there_once(world: World, tally: replay.Tally, tickets: int) -> None:
    counted = Counter(event["type"] for event in world.events())
    wanted = expected_events(tally, tickets)
    assert {name: counted[name] for name in wanted} == wanted
    invariants.check(world.service.database)


def test_a_real_log_is_in_the_ledger_step_by_step(world: World) -> None:
    people, team = staff(world)

    def ask(person: str, method: str, path: str, body: dict[str, Any] | None, key: str) -> tuple[int, Any]:
        response = people[person].ask(method, path, body, headers={"Idempotency-Key": key})
        assert response.status_code < 500, response.text
        return response.status_code, response.json

    tally = replay.Tally()
    some = list(replay.tickets(25))
    for ticket in some:
        tally.add(replay.walk(ticket, ask, team))
    assert tally.steps == sum(map(len, some))
    assert_everything_is_there_once(world, tally, len(some))


@pytest.mark.long
def test_a_real_log_survives_kills(
    world: World, server: Server, record_property: Callable[[str, object], None]
) -> None:
    """The whole log by four callers, the service killed again and again: no acknowledged step missing, none twice."""
    people, team = staff(world)
    dice, mutex = random.Random(1), threading.Lock()
    kills = asked = 0
    next_kill = dice.randint(500, 3000)

    def ask(person: str, method: str, path: str, body: dict[str, Any] | None, key: str) -> tuple[int, Any]:
        nonlocal kills, asked, next_kill
        with mutex:
            asked += 1
            if asked >= next_kill:
                server.kill()
                server.start()
                kills += 1
                next_kill = asked + dice.randint(500, 3000)
        return server.ask(people[person].token, method, path, body, key)

    tickets = list(replay.tickets())
    tally = replay.Tally()
    with ThreadPoolExecutor(4) as callers:
        for done in callers.map(lambda ticket: replay.walk(ticket, ask, team), tickets):
            tally.add(done)
    name = world.service.database.engine.dialect.name
    record_property(f"a real log on {name}", f"{asked} requests, {kills} kills\n{tally}")
    assert tally.steps == 21_348
    assert_everything_is_there_once(world, tally, len(tickets))
