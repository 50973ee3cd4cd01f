"""Twelve people reach for the same work at the same moment, over HTTP: one has it, and the others hear who."""

import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live import Server
from tests.world import World

CALLERS = 12
ACTIONS = 100


@pytest.mark.long
def test_of_twelve_who_accept_one_gets_it(world: World, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    people = [world.person(f"Person{n}", "agent") for n in range(CALLERS)]
    members = [person.email for person in people]
    crowd = world.ada.post("/teams", {"key": "crowd", "name": "Crowd", "mode": "pool", "members": members})
    offered = [world.give(assignees=[{"team": crowd["id"]}])["actions"][0]["id"] for _ in range(ACTIONS)]
    together = threading.Barrier(CALLERS)
    answers: list[Counter[int]] = [Counter() for _ in offered]

    def reach(n: int) -> None:
        for place, action in enumerate(offered):
            together.wait()
            path = f"/actions/{action}/transitions"
            status, _ = server.ask(people[n].token, "POST", path, {"transition": "accept"}, f"{n}-{action}")
            answers[place][status] += 1

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(reach, range(CALLERS)))
    total = sum(answers, Counter())
    with capsys.disabled():
        sys.stdout.write(f"\n{world.service.database.engine.dialect.name}: {dict(total)}\n")
    assert answers == [Counter({200: 1, 409: CALLERS - 1})] * ACTIONS
    for action in offered:
        assert world.history({"id": action}) == ["action.assigned", "action.accepted"]
