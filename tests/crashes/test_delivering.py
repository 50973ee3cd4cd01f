"""A worker may die at any instant of claiming, sending, settling: all arrives, and what arrives twice is explained.

The same harness finds two faults that are planted on purpose: marking before sending, and an event that is written in
a transaction of its own.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from cfm_workflow import clock
from cfm_workflow.ledger import events, outbox
from cfm_workflow.ledger.outbox import Claimed
from cfm_workflow.models import Action
from cfm_workflow.policy.deliveries import Answer, Verdict
from cfm_workflow.service import Service
from cfm_workflow.worker.webhooks import Webhooks
from tests import invariants
from tests.crashes import delivered
from tests.crashes.dying import in_a_child
from tests.crashes.receiving import Receiver, receiving
from tests.world import World, populate

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path) as running:
        yield running


@pytest.fixture
def listening(service: Service, receiver: Receiver, noon: datetime) -> World:
    """Everybody, and an endpoint on this machine that hears of everything."""
    service.settings = replace(service.settings, webhook_allowed_networks=(ip_network("127.0.0.0/8"),))
    world = populate(service)
    world.ada.post("/webhooks", {"url": receiver.url, "event_types": ["*"]})
    clock.freeze(noon + timedelta(seconds=1))
    return world


def happen(world: World) -> None:
    """Two steps of one action and one of another."""
    world.alice.fire(world.action("Alice"), "accept")
    world.action("Bob")


def die_everywhere(world: World, channel: Webhooks) -> int:
    """Let a worker die at its first place, another at its second, and so on; each has something new to do, and somebody
    else does what it left."""
    deaths = 0
    while True:
        happen(world)
        deaths += 1
        a_round = partial(delivered.work, world.service, channel, outbox.new_worker())
        places = in_a_child(world.service, a_round, end_at=deaths)
        if places is not None:
            return deaths
        delivered.work_off(world.service, channel)
        clock.freeze(clock.now() + outbox.LEASE + timedelta(seconds=1))


def test_wherever_a_worker_dies_everything_arrives(listening: World, receiver: Receiver) -> None:
    channel = Webhooks(listening.service)
    assert die_everywhere(listening, channel) > 20
    delivered.work_off(listening.service, channel)
    delivered.check(listening.service, receiver)
    invariants.check(listening.service.database)


class MarksBeforeSending(Webhooks):
    """The first planted fault."""

    def deliver(self, claimed: Claimed) -> None:
        now = clock.now()
        done = Answer(Verdict.DELIVERED)
        self._service.database.transaction(
            lambda session: outbox.settle(session, claimed, done, started_at=now, gaps=(), now=now)
        )
        super().deliver(claimed)


def test_the_harness_finds_a_worker_that_marks_before_it_sends(listening: World, receiver: Receiver) -> None:
    channel = MarksBeforeSending(listening.service)
    die_everywhere(listening, channel)
    delivered.work_off(listening.service, channel)
    with pytest.raises(AssertionError, match="never arrived"):
        delivered.check(listening.service, receiver)


def test_the_harness_finds_an_event_that_is_written_in_a_second_transaction(
    listening: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = listening
    action = world.action("Alice")
    later: list[Any] = []
    with monkeypatch.context() as fault:
        fault.setattr("cfm_workflow.ledger.record", lambda session, facts, *, now: later.append((facts, now)))

        def accept() -> None:
            world.alice.fire(action, "accept")
            for facts, now in later:
                world.service.database.transaction(lambda session: events.record(session, facts, now=now))  # noqa: B023

        died = 0
        while accepted(world, action) is False:
            died += 1
            assert in_a_child(world.service, accept, end_at=died) is None
    with pytest.raises(AssertionError, match="counts"):
        invariants.check(world.service.database)


def accepted(world: World, action: dict[str, Any]) -> bool:
    with world.service.database.reading() as session:
        return session.get_one(Action, action["id"]).state == "accepted"
