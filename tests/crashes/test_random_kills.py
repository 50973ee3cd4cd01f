"""Workers killed at random instants, thousands of them, while they change things and send: nothing is lost or doubled.

Each is forked from this warm process, runs the real operations and the real dispatcher, and is killed within
milliseconds; one receiver answers every tenth request with a failure. Runs with --long only.
"""

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.ledger import outbox
from cfm_workflow.models import Event, Feedback
from cfm_workflow.service import Service
from cfm_workflow.worker.dispatch import Dispatcher
from cfm_workflow.worker.webhooks import Webhooks
from tests import invariants
from tests.crashes import delivered
from tests.crashes.receiving import Receiver, receiving
from tests.world import World, populate

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="needs fork")]

KILLS = int(os.environ.get("RANDOM_KILLS", "10000"))
LONGEST_LIFE = 0.2  # seconds: what a fork needs to begin takes some of it
LOOKED_AT_EACH = 1_000


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path, refuse_each=10) as running:
        yield running


@pytest.fixture
def listening(service: Service, receiver: Receiver, noon: datetime) -> World:
    service.settings = replace(service.settings, webhook_allowed_networks=(ip_network("127.0.0.0/8"),))
    world = populate(service)
    world.ada.post("/webhooks", {"url": receiver.url, "event_types": ["*"]})
    return world


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forks beside threads; the children need none of them
def test_nothing_is_lost_or_doubled_however_often_workers_are_killed(
    listening: World,
    receiver: Receiver,
    tmp_path: Path,
    database_kind: str,
    record_property: Callable[[str, object], None],
) -> None:
    dice = random.Random(f"kills on {database_kind}")
    answers = tmp_path / "acknowledged"
    answers.touch()
    for n in range(KILLS):
        clock.freeze(clock.now() + outbox.LEASE + timedelta(seconds=1))
        live_and_die(listening, n, dice.uniform(0, LONGEST_LIFE), answers)
        if n % LOOKED_AT_EACH == LOOKED_AT_EACH - 1:
            settle(listening, receiver, answers)
    settle(listening, receiver, answers)
    record_property(f"{KILLS} kills on {database_kind}", summary(listening, receiver))


def live_and_die(world: World, n: int, seconds: float, answers: Path) -> None:
    world.service.database.dispose()  # a connection must not be used on both sides of a fork
    child = os.fork()
    if child == 0:
        try:
            live(world, n, answers)
        finally:
            os._exit(1)
    threading.Event().wait(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def live(world: World, n: int, answers: Path) -> None:
    """Send what there is, and beside it change things; what was acknowledged is written down at once."""
    dispatcher = Dispatcher(world.service, [Webhooks(world.service)])
    dispatcher.start()
    with answers.open("ab", buffering=0) as book:
        for k in range(1_000):
            name = f"{n}-{k}"
            item = world.olga.post("/feedback", {"text": "Late again.", "source": "kills", "external_id": name})
            book.write(f"feedback {name}\n".encode())
            action = world.give("Alice", item=item)["actions"][0]
            book.write(f"action {action['id']} 1\n".encode())
            done = world.alice.fire(action, "complete", through=True, outcome="fixed")
            book.write(f"action {action['id']} {done['version']}\n".encode())


def settle(world: World, receiver: Receiver, answers: Path) -> None:
    """Let one worker finish what all the dead left, and look at everything."""
    delivered.work_off(world.service, Webhooks(world.service))
    delivered.check(world.service, receiver)
    invariants.check(world.service.database)
    said = [line.split(" ") for line in answers.read_text().splitlines()]
    with world.service.database.reading() as session:
        items = list(session.scalars(select(Feedback.external_id).where(Feedback.source == "kills")))
        steps = {tuple(row) for row in session.execute(select(Event.action_id, Event.sequence))}
    assert len(items) == len(set(items))
    assert {words[1] for words in said if words[0] == "feedback"} <= set(items)
    lost = [words for words in said if words[0] == "action" and (int(words[1]), int(words[2])) not in steps]
    assert not lost


def summary(world: World, receiver: Receiver) -> str:
    receipts = receiver.receipts()
    doubled = sum(1 for came in receipts.values() if sum(receipt.status < 300 for receipt in came) > 1)
    with world.service.database.reading() as session:
        happened = session.scalars(select(Event.position)).all()
    return f"{len(happened)} events, {len(receipts)} received, {doubled} of them more than once"
