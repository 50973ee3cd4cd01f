"""Endpoints that fail: who is told and when, when they are switched off, and what makes good for it."""

from datetime import datetime

from cfm_workflow.worker.webhooks import Webhooks, watch_webhooks
from tests.posting import later, listen, notices, post_all
from tests.sinks import Sink, answering
from tests.world import World


def test_after_a_standstill_of_the_service_warnings_keep_their_distance(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    receiver.behave = answering(500)
    made = listen(world.ada, receiver, "feedback.received")
    world.feedback()
    post_all(world.service, channel)
    told = 0
    for hours, is_told in ((130, True), (131, False), (177, False), (178, True), (179, False), (225, False)):
        later(noon, hours=hours)
        watch_webhooks(world.service)
        told += is_told
        assert notices(world) == [("webhook.failing", world.ada.id)] * told
    later(noon, hours=226)
    watch_webhooks(world.service)
    assert world.ada.get(f"/webhooks/{made['id']}")["state"] == "disabled"


def test_whoever_goes_on_after_a_pause_begins_anew(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    receiver.behave = answering(500)
    made = listen(world.ada, receiver, "feedback.received")
    path = f"/webhooks/{made['id']}"
    world.feedback()
    post_all(world.service, channel)
    later(noon, hours=24)
    watch_webhooks(world.service)
    world.ada.expect(200, "PATCH", path, {"state": "paused"})
    assert world.ada.get(path)["failing_since"] is not None
    later(noon, days=6)
    seen = world.ada.expect(200, "PATCH", path, {"state": "active"})
    assert (seen["failing_since"], seen["failing_position"]) == (None, None)
    watch_webhooks(world.service)
    assert notices(world) == [("webhook.failing", world.ada.id)]
    post_all(world.service, channel)
    later(noon, days=7)
    watch_webhooks(world.service)  # a day of failures since then: the first warning, not the last
    assert notices(world) == [("webhook.failing", world.ada.id)] * 2
    assert world.ada.get(path)["state"] == "active"
