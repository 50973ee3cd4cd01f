"""A process may die at any instant: what a request was about to change is changed entirely or not at all.

Each request is made by a process that ends itself before its first statement, before its second, and so on, around
every COMMIT too; then it is made again with the same Idempotency-Key.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from cfm_workflow import clock
from cfm_workflow.service import open_service
from tests import invariants
from tests.crashes.dying import in_a_child
from tests.ledger.telling import endpoint
from tests.world import Person, World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")


@dataclass(frozen=True, slots=True)
class Request:
    """Something that somebody asks for."""

    person: Person
    method: str
    path: str
    body: Any = None

    def send(self, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key is not None and self.method == "POST" else {}
        response = self.person.ask(self.method, self.path, self.body, headers=headers)
        assert response.status_code < 300, response.text
        return response


def fan_out(world: World) -> Request:
    everybody = [{"user": world.alice.email}, {"team": "care", "mode": "everyone"}, {"team": "care", "mode": "pool"}]
    body = {"title": "Restore the miles", "assignees": everybody, "due_in": "P2D"}
    return Request(world.olga, "POST", f"/feedback/{world.feedback()['id']}/actions", body)


def complete(world: World) -> Request:
    """The last action of two items, through all states."""
    action = world.action("Alice")
    world.olga.expect(200, "PUT", f"/actions/{action['id']}/feedback/{world.feedback()['id']}")
    body = {"transition": "complete", "through": True, "outcome": "fixed"}
    return Request(world.alice, "POST", f"/actions/{action['id']}/transitions", body)


def win(world: World) -> Request:
    """The first of a group that needs only one: the others are cancelled, the item is resolved."""
    action = world.give("Alice", "Bob", "Lea", completion="any")["actions"][0]
    body = {"transition": "complete", "through": True, "outcome": "fixed"}
    return Request(world.alice, "POST", f"/actions/{action['id']}/transitions", body)


def link(world: World) -> Request:
    """Unfinished work reopens an item that was resolved."""
    done = world.action("Alice")
    world.alice.fire(done, "complete", through=True, outcome="fixed")
    path = f"/actions/{world.action('Bob')['id']}/feedback/{done['feedback_id']}"
    return Request(world.olga, "PUT", path)


def receive(world: World) -> Request:
    name = f"minji{len(world.events(types='feedback.received'))}"
    customer = {"name": "Minji", "email": f"{name}@example.com"}
    body = {"text": "My miles are missing.", "source": "survey", "external_id": name, "customer": customer}
    return Request(world.olga, "POST", "/feedback", body)


def bulk(world: World) -> Request:
    ids = [action["id"] for _ in range(2) for action in world.give("Alice", "Bob")["actions"]]
    return Request(world.sam, "POST", "/actions/bulk", {"ids": ids, "transition": "cancel", "reason": "Not needed."})


def edit(world: World) -> Request:
    return Request(world.olga, "PATCH", f"/actions/{world.action()['id']}", {"priority": "urgent"})


def erase(world: World) -> Request:
    item = world.feedback(customer={"name": "Minji"})
    world.give("Alice", item=item)
    return Request(world.ada, "DELETE", f"/feedback/{item['id']}")


def pass_over(world: World) -> Request:
    return Request(world.alice, "POST", f"/actions/{world.pool_action()['id']}/pass-over", {})


def undo(world: World) -> Request:
    """The news of the step that is undone have not left, and are taken back."""
    action = world.give("Alice", "Bob", completion="any")["actions"][0]
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    return Request(world.alice, "POST", f"/actions/{action['id']}/transitions", {"transition": "undo"})


def grant(world: World) -> Request:
    """The answer, the date, its reminders and the mail."""
    path = f"/actions/{world.action(due_at='2026-12-01T16:00:00Z')['id']}/extension"
    world.alice.post(path, {"due_at": "2026-12-03T16:00:00Z", "reason": "The part is late."})
    return Request(world.olga, "POST", f"{path}/grant", {})


REQUESTS = (fan_out, complete, win, link, receive, bulk, edit, erase, pass_over, undo, grant)


@dataclass(slots=True)
class Watched:
    """A database that is looked at between the deaths."""

    world: World
    before: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def look(self) -> dict[str, list[tuple[Any, ...]]]:
        return invariants.dump(self.world.service.database)

    def grown(self) -> dict[str, int]:
        """How many rows each table has more than before."""
        now = self.look()
        return {name: len(rows) - len(self.before[name]) for name, rows in now.items()}


@pytest.mark.parametrize("prepare", REQUESTS, ids=lambda prepare: prepare.__name__)
def test_a_request_cut_off_at_any_place_is_done_entirely_or_not_at_all(
    prepare: Callable[[World], Request], world: World, noon: datetime
) -> None:
    endpoint(world)
    clock.freeze(noon + timedelta(seconds=1))  # so that all events come after it
    watched = Watched(world)
    model = prepare(world)
    model.person.get("/me")  # notes that the token is in use, which the next minute does not
    watched.before = watched.look()
    places = in_a_child(world.service, lambda: model.send("model"))
    assert places is not None
    whole = watched.grown()

    request = prepare(world)
    watched.before = watched.look()
    was_done: list[bool] = []
    while not any(was_done):
        assert in_a_child(world.service, lambda: request.send("once"), end_at=len(was_done) + 1) is None
        was_done.append(watched.look() != watched.before)
    # Not at all until the COMMIT, entirely after it.
    assert places[len(was_done) - 1] == "after COMMIT"
    assert watched.grown() == whole
    invariants.check(world.service.database)

    if request.method == "POST":
        done = watched.look()
        assert request.send("once").headers["Idempotency-Replayed"] == "true"
        assert watched.look() == done
    open_service(world.service.settings).close()
    world.alice.fire(world.action("Alice"), "accept")
