"""Whoever comes next gives back what a dead worker held, whatever else happens to the files meanwhile."""

import sys

import pytest

from cfm_workflow import clock
from cfm_workflow.ledger import outbox
from cfm_workflow.worker.presence import FOLDER, Presence, succeed
from cfm_workflow.worker.webhooks import Webhooks
from tests.ledger.telling import states
from tests.posting import listen
from tests.sinks import Sink
from tests.world import World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files cannot be locked so: leases run out instead")


def holding(world: World, channel: Webhooks, webhook_id: int, worker: str) -> None:
    now = clock.now()
    claimed = world.service.database.transaction(
        lambda session: channel.claim(session, webhook_id, worker=worker, count=1, now=now)
    )
    assert len(claimed) == 1


def is_held(world: World) -> bool:
    with world.service.database.reading() as session:
        return outbox.webhooks_with_work(session, worker="somebody else", now=clock.now()) == []


def test_what_the_dead_held_is_free_and_files_that_have_vanished_are_passed_by(
    world: World, channel: Webhooks, receiver: Sink
) -> None:
    made = listen(world.ada, receiver, "feedback.received")
    world.feedback()
    folder = world.service.settings.instance / FOLDER
    folder.mkdir()
    (folder / "0-vanished").symlink_to(folder / "nowhere")  # is listed, and not there when it is opened
    (folder / "1-dead").touch()
    holding(world, channel, made["id"], "1-dead")
    assert is_held(world)
    succeed(world.service)
    assert not is_held(world) and states(world) == [("pending", 1)]
    assert not (folder / "1-dead").exists()


def test_what_the_living_hold_stays_theirs(world: World, channel: Webhooks, receiver: Sink) -> None:
    made = listen(world.ada, receiver, "feedback.received")
    world.feedback()
    alive = Presence(world.service, "alive")
    alive.enter()
    holding(world, channel, made["id"], "alive")
    succeed(world.service)
    assert is_held(world)
    alive.leave()
    assert list((world.service.settings.instance / FOLDER).iterdir()) == []
