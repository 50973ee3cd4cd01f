"""Mails kept as files for want of a server: how long, and that whoever asked to disappear is in none of them."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cfm_workflow import clock
from cfm_workflow.delivery.outbox import FOLDER
from cfm_workflow.operations.deliveries import KEPT
from cfm_workflow.worker import mail
from cfm_workflow.worker.mail import Mail, empty_outbox
from tests.world import World


def keep_all(world: World) -> None:
    """Write all mails that are due in a minute."""
    channel = Mail(world.service)
    now = clock.now() + timedelta(minutes=1)
    clock.freeze(now)
    with world.service.database.reading() as session:
        receivers = channel.receivers(session, worker="test", now=now)
    for receiver in receivers:
        for claimed in world.service.database.transaction(
            lambda session: channel.claim(session, receiver, worker="test", count=10, now=now)  # noqa: B023
        ):
            channel.deliver(claimed)


def outbox(world: World) -> Path:
    return world.service.settings.instance / FOLDER


def texts(world: World) -> Sequence[str]:
    return sorted(path.read_text() for path in outbox(world).iterdir())


def let_be_written(path: Path, at: datetime) -> None:
    os.utime(path, (at.timestamp(), at.timestamp()))


def test_mails_are_kept_as_long_as_their_attempts(world: World, noon: datetime) -> None:
    world.give("Alice", "Bob")
    keep_all(world)
    old, young = sorted(outbox(world).glob("*.eml"))
    half, note = outbox(world) / ".delivery-9.part", outbox(world) / "notes.txt"
    for path, age in ((old, KEPT), (young, KEPT - timedelta(hours=1)), (half, KEPT), (note, KEPT)):
        path.touch()
        let_be_written(path, noon - age)
    clock.freeze(noon)
    empty_outbox(world.service)
    assert sorted(outbox(world).iterdir()) == sorted([old, young, half, note])
    clock.freeze(noon + timedelta(seconds=1))
    empty_outbox(world.service)
    assert sorted(outbox(world).iterdir()) == sorted([young, note])


def test_mails_to_somebody_who_was_removed_are_deleted(
    world: World, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "BATCH", 1)
    world.give("Alice", "Bob", "Lea")
    keep_all(world)
    assert len(texts(world)) == 3
    world.ada.expect(204, "DELETE", f"/users/{world.alice.id}")
    for _ in range(2):  # whoever died in the middle begins again
        empty_outbox(world.service)
        assert len(texts(world)) == 2 and not any("alice@example.com" in text for text in texts(world))


def test_mails_that_tell_of_erased_feedback_are_deleted(world: World, noon: datetime) -> None:
    item, other = world.feedback("Minji waits in vain."), world.feedback("The seat is broken.")
    action = world.give("Alice", item=item)["actions"][0]
    world.give("Bob", item=other)
    keep_all(world)
    world.alice.fire(action, "decline", reason="Not mine")  # of which those hear who lead and who gave it
    keep_all(world)
    assert ["Minji" in text for text in texts(world)].count(True) == 3 and len(texts(world)) == 4
    world.ada.expect(204, "DELETE", f"/feedback/{item['id']}")
    empty_outbox(world.service)
    [left] = texts(world)
    assert "bob@example.com" in left


def test_without_an_outbox_nothing_is_to_be_done(small_world: World) -> None:
    empty_outbox(small_world.service)
    assert not outbox(small_world).exists()
