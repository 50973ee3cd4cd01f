"""Endpoints that fail: who is told and when, when they are switched off, and what makes good for it."""

from datetime import datetime

from cfm_workflow.worker.webhooks import Webhooks, replay_to_webhooks, watch_webhooks
from tests.posting import later, listen, log_of, notices, post_all
from tests.sinks import Sink, answering
from tests.world import World


def test_one_that_is_gone_is_switched_off_and_its_owner_told(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    receiver.behave = answering(410)
    made = listen(world.ada, receiver)
    world.feedback()
    world.feedback()
    post_all(world.service, channel)
    seen = world.ada.get(f"/webhooks/{made['id']}")
    assert seen["state"] == "disabled" and seen["disabled_reason"]
    assert len(receiver.received) == 1
    assert notices(world) == [("webhook.disabled", world.ada.id)]
    world.feedback()  # and nothing is lined up any more
    assert len(log_of(world.ada, made)) == 2


def test_after_five_days_of_nothing_but_failures_it_is_switched_off_and_comes_back_with_all_it_missed(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    made = listen(world.ada, receiver, "feedback.received")
    world.feedback()
    post_all(world.service, channel)
    receiver.behave = answering(500)
    world.feedback()
    world.feedback()
    post_all(world.service, channel)
    expected: list[tuple[str, int]] = []
    for hours, kind in ((23, None), (24, "webhook.failing"), (25, None), (72, "webhook.failing"), (119, None)):
        later(noon, hours=hours)
        post_all(world.service, channel)
        watch_webhooks(world.service)
        expected += [(kind, world.ada.id)] if kind else []
        assert notices(world) == expected
    assert world.ada.get(f"/webhooks/{made['id']}")["state"] == "active"
    later(noon, hours=120)
    watch_webhooks(world.service)
    seen = world.ada.get(f"/webhooks/{made['id']}")
    assert (seen["state"], notices(world)[-1]) == ("disabled", ("webhook.disabled", world.ada.id))

    world.feedback()  # missed
    assert post_all(world.service, channel) == 0
    receiver.behave = answering(204)
    count = len(receiver.received)
    seen = world.ada.post(f"/webhooks/{made['id']}/enable", {"replay": "failed"})
    assert (seen["state"], seen["failing_since"], seen["replay"]["of"]) == ("active", None, "missed")
    replay_to_webhooks(world.service)
    post_all(world.service, channel)
    arrived = [request.event["data"]["feedback"]["id"] for request in receiver.received[count:]]
    assert arrived == [2, 3, 4]
    assert world.ada.get(f"/webhooks/{made['id']}")["replay"] is None


def test_a_success_makes_good_for_all_failures_before(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    made = listen(world.ada, receiver, "feedback.received")
    receiver.script.append(answering(500))
    world.feedback()
    post_all(world.service, channel)
    [delivery] = log_of(world.ada, made)
    seen = world.ada.get(f"/webhooks/{made['id']}")
    assert seen["failing_since"] is not None and seen["failing_position"] == delivery["position"]
    later(noon, minutes=5)
    post_all(world.service, channel)
    seen = world.ada.get(f"/webhooks/{made['id']}")
    assert (seen["failing_since"], seen["failing_position"]) == (None, None)
    assert seen["last_success_at"] is not None


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
