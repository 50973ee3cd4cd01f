"""People who ask at the same instant: threads that start together, and how often the tests let them. No tests here."""

import dataclasses
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sqlalchemy import text

from tests.world import Person, World

PATIENCE = 60.0  # seconds after which a thread counts as stuck


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What the calls return, started by threads that waited for each other."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        running = [threads.submit(run, call) for call in calls]
        return [one.result(PATIENCE) for one in running]


def asking(world: World, person: Person, method: str, path: str, body: Any = None, **more: Any) -> Callable[[], Any]:
    """A request to be sent by some thread, with a client of its own."""
    return lambda: dataclasses.replace(person, client=world.app.test_client()).ask(method, path, body, **more)


def firing(world: World, person: Person, action: Any, transition: str, **fields: Any) -> Callable[[], Any]:
    """A transition to be fired by some thread."""
    body = {"transition": transition, **fields}
    return asking(world, person, "POST", f"/actions/{action['id']}/transitions", body)


def completing(world: World, person: Person, action: Any) -> Callable[[], Any]:
    """An action to be done by some thread, from whatever state it has."""
    return firing(world, person, action, "complete", through=True, outcome="fixed")


def statuses(responses: Sequence[Any]) -> list[int]:
    """The status codes, sorted; none may be the server's fault."""
    for response in responses:
        assert response.status_code < 500, response.text
    return sorted(response.status_code for response in responses)


_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


def until_it_waits(world: World, second: "Future[Any]") -> None:
    """Until somebody waits for a lock of PostgreSQL, or has ended already."""
    while not second.done():
        with world.service.database.reading() as session:
            if session.scalar(_WAITING):
                return
