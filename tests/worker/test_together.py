"""Small transactions that are committed as one: each has its own outcome, and nothing is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.errors import Conflict
from cfm_workflow.models import DeadAddress
from cfm_workflow.worker.together import Together
from tests.world import World

MANY = 40


def note(session: Any, name: str) -> None:
    session.add(DeadAddress(address=name, reason="test", at=clock.now()))
    session.flush()


def noted(world: World) -> set[str]:
    with world.service.database.reading() as session:
        return set(session.scalars(select(DeadAddress.address)))


def test_whatever_many_threads_do_at_once_is_done_once(world: World) -> None:
    together = Together(world.service.database)
    names = {f"person{n}@example.com" for n in range(MANY)}
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: together.transaction(lambda session: note(session, name)), names))
    assert noted(world) == names


def test_who_fails_hears_of_it_and_those_beside_do_not(world: World) -> None:
    """The first one holds the line until the others have come: they are committed together, and one of them fails."""
    together = Together(world.service.database)
    has_begun, may_end = threading.Event(), threading.Event()

    def hold(session: Any) -> None:
        has_begun.set()
        assert may_end.wait(10)
        note(session, "first@example.com")

    def fail(session: Any) -> None:
        note(session, "failed@example.com")
        raise Conflict("not this one")

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(together.transaction, hold)
        assert has_begun.wait(10)
        failing = threads.submit(together.transaction, fail)
        fine = threads.submit(together.transaction, lambda session: note(session, "fine@example.com"))
        while together.waiting < 2:
            threading.Event().wait(0.001)
        may_end.set()
        first.result(10)
        fine.result(10)
        with pytest.raises(Conflict):
            failing.result(10)
    assert noted(world) == {"first@example.com", "fine@example.com"}


def test_whoever_commits_for_others_does_so_once_and_hands_the_lead_on(world: World) -> None:
    together = Together(world.service.database)
    begun = {name: threading.Event() for name in ("first", "second")}
    may_end = {name: threading.Event() for name in ("first", "second")}

    def hold(session: Any, name: str) -> None:
        begun[name].set()
        assert may_end[name].wait(30)
        note(session, name)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(together.transaction, lambda session: hold(session, "first"))
        assert begun["first"].wait(10)
        second = threads.submit(together.transaction, lambda session: hold(session, "second"))
        while together.waiting < 1:
            threading.Event().wait(0.001)
        may_end["first"].set()
        try:
            first.result(10)  # though the second has not ended
            assert begun["second"].wait(10)
        finally:
            may_end["second"].set()
        second.result(10)
    assert noted(world) == {"first", "second"}
