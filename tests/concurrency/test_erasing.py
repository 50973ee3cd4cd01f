"""Somebody is erased while others work on what they wrote: nothing told afterwards brings it back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.access import Caller
from cfm_workflow.models import Event
from cfm_workflow.operations import erasure, personal_reminders
from cfm_workflow.operations.actions.move import move
from cfm_workflow.operations.actions.steps import Order
from cfm_workflow.queries import callers
from tests.concurrency.at_once import PATIENCE, asking, until_it_waits
from tests.world import Person, World

# On SQLite there is one writer at a time.
pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"])

SECRET = "My card number is 4711."


def caller_of(session: Session, person: Person) -> Caller:
    found = callers.by_id(session, person.id)
    assert found is not None
    return found


def beside(world: World, first: Callable[[Session], Any], then: Callable[[], Any]) -> Any:
    """What `then` answers when it begins after `first` has done its work, and before that is committed."""
    with ThreadPoolExecutor(1) as threads, Session(world.service.database.writer) as session:
        first(session)
        second = threads.submit(then)
        until_it_waits(world, second)
        session.commit()
        return second.result(PATIENCE)


def told(world: World) -> str:
    with world.service.database.reading() as session:
        return "\n".join(session.scalars(select(Event.body)))


def test_a_transition_under_way_tells_nothing_of_an_item_that_is_erased_meanwhile(world: World) -> None:
    action = world.action("Alice", item=world.feedback(SECRET))
    erased = beside(
        world,
        lambda session: move(session, caller_of(session, world.alice), action["id"], Order("accept"), now=clock.now()),
        asking(world, world.ada, "DELETE", f"/feedback/{action['feedback_id']}"),
    )
    assert erased.status_code == 204
    assert world.history(action) == ["action.assigned", "action.accepted"]
    assert SECRET not in told(world)


def test_a_reminder_that_is_being_told_tells_nothing_of_an_item_that_is_erased_meanwhile(world: World) -> None:
    item = world.feedback(SECRET)
    at = clock.now() + timedelta(days=1)
    world.olga.post("/reminders", {"feedback": item["id"], "remind_at": at.isoformat(), "text": SECRET})
    erased = beside(
        world,
        lambda session: personal_reminders.fire_due(session, now=at),
        asking(world, world.ada, "DELETE", f"/feedback/{item['id']}"),
    )
    assert erased.status_code == 204
    assert [event["type"] for event in world.events(types="reminder.*")] == ["reminder.set", "reminder.fired"]
    assert SECRET not in told(world)


def test_a_reminder_set_on_an_item_that_is_being_erased_is_refused(world: World) -> None:
    item = world.feedback(SECRET)
    at = clock.now() + timedelta(days=1)
    refused = beside(
        world,
        lambda session: erasure.erase_feedback(session, caller_of(session, world.ada), item["id"], now=clock.now()),
        asking(
            world,
            world.olga,
            "POST",
            "/reminders",
            {"feedback": item["id"], "remind_at": at.isoformat(), "text": SECRET},
        ),
    )
    assert refused.status_code == 409
    assert SECRET not in told(world)


def test_work_given_on_an_item_that_is_being_erased_tells_nothing_of_it(world: World) -> None:
    item = world.feedback(SECRET)
    body = {"title": "Call back", "assignees": [{"user": world.alice.email}]}
    now = clock.now() + timedelta(seconds=1)
    given = beside(
        world,
        lambda session: erasure.erase_feedback(session, caller_of(session, world.ada), item["id"], now=now),
        asking(world, world.olga, "POST", f"/feedback/{item['id']}/actions", body),
    )
    assert given.status_code == 201
    assert SECRET not in told(world)
