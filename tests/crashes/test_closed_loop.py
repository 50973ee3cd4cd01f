"""The clock may die at any instant of closing the loop: the customer is told once and asked once, and it closes once.

Its process ends itself before its first statement, before its second, and so on, around every COMMIT too.
"""

import dataclasses
import sys
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import or_, select

from cfm_workflow import clock
from cfm_workflow.models import Check, Feedback
from cfm_workflow.service import Service
from cfm_workflow.setting_values import TellCustomer
from cfm_workflow.worker.closing import ask_customers, raise_silence, settle_items
from cfm_workflow.worker.messages import Messages
from tests import invariants
from tests.crashes.dying import in_a_child
from tests.ledger.telling import endpoint
from tests.mailing import send_all
from tests.world import World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

DAY = timedelta(days=1)
KIM = {"name": "Kim Minji", "email": "minji@example.com"}


def die_everywhere(world: World, job: Callable[[Service], None]) -> int:
    """Let a job die at its first place, then at its second, and so on until it ends; how often it died."""
    deaths = 0
    while in_a_child(world.service, lambda: job(world.service), end_at=deaths + 1) is None:
        deaths += 1
        invariants.check(world.service.database)
    return deaths


def test_wherever_the_clock_dies_the_customer_is_told_and_asked_once(world: World, noon: datetime) -> None:
    world.service.settings = dataclasses.replace(world.service.settings, tell_customer=TellCustomer.AUTOMATIC)
    endpoint(world)
    clock.freeze(noon + timedelta(seconds=1))  # so that all events come after it
    told = world.give("Alice", item=world.feedback(customer=KIM))["actions"][0]
    nobody = world.give("Alice", item=world.feedback())["actions"][0]
    silent = world.give("Alice", item=world.feedback(customer=KIM), kind="external")["actions"][0]
    for action in (told, nobody):
        world.alice.fire(action, "complete", through=True, outcome="fixed")
    clock.freeze(noon + timedelta(minutes=11))
    assert die_everywhere(world, settle_items) > 10
    assert [event["data"]["message"]["kind"] for event in world.events(types="message.queued")] == ["solved"]
    clock.freeze(noon + timedelta(minutes=12))
    send_all(world.service, Messages(world.service))
    assert die_everywhere(world, settle_items) > 5
    closed = [event["data"]["feedback"]["id"] for event in world.events(types="feedback.closed")]
    assert sorted(closed) == sorted([told["feedback_id"], nobody["feedback_id"]])
    clock.freeze(noon + 15 * DAY)
    assert die_everywhere(world, ask_customers) > 5
    assert die_everywhere(world, raise_silence) > 5
    assert [event["data"]["message"]["kind"] for event in world.events(types="message.queued")] == ["solved", "check"]
    [alarm] = world.events(types="feedback.silent")
    assert alarm["data"]["feedback"]["id"] == silent["feedback_id"]
    due = select(Feedback.id).where(or_(Feedback.settles_at.is_not(None), Check.state == "planned"))
    with world.service.database.reading() as session:
        left = session.scalars(due.outerjoin(Check, Check.feedback_id == Feedback.id)).all()
    assert left == []
