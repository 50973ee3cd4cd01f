"""In which order events are tried, when again, and when no more; nothing while paused, nothing once deleted."""

from datetime import datetime

from sqlalchemy import select

from cfm_workflow.models import Delivery
from cfm_workflow.worker.webhooks import Webhooks, replay_to_webhooks
from tests.posting import GAPS, claim, later, listen, log_of, post_all, walk
from tests.sinks import Sink, answering
from tests.world import World


def test_an_event_is_first_tried_after_the_earlier_ones_of_its_action(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    receiver.behave = answering(500)
    made = listen(world.ada, receiver, "action.*")
    walk(world)
    while claimed := claim(world.service, channel, made["id"]):
        assert len(claimed) == 1  # the next one comes only when this one was tried
        channel.deliver(claimed[0])
    sequences = [request.event["data"]["sequence"] for request in receiver.received]
    assert sequences == sorted(sequences) == [1, 2, 3, 4]


def test_different_actions_do_not_wait_for_each_other(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    made = listen(world.ada, receiver, "action.assigned")
    for _ in range(3):
        world.action()
    assert len(claim(world.service, channel, made["id"])) == 3


def test_what_fails_comes_again_with_the_same_id_and_a_fresh_signature_until_it_is_given_up(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    receiver.behave = answering(500, b"out of order")
    made = listen(world.ada, receiver, "feedback.received")
    world.feedback()
    assert post_all(world.service, channel) == 1
    at = 0.0
    for gap in GAPS:
        later(noon, seconds=at + gap - 0.1)
        assert post_all(world.service, channel) == 0
        at += gap * 1.2  # jitter only adds, and no more than that
        later(noon, seconds=at)
        assert post_all(world.service, channel) == 1
    later(noon, days=30)
    assert post_all(world.service, channel) == 0

    [delivery] = log_of(world.ada, made)
    assert (delivery["state"], delivery["tries"], delivery["answer"]) == ("dead", 4, "500 out of order")
    assert len(set(receiver.ids)) == 1
    assert len({request.headers["webhook-signature"] for request in receiver.received}) == 4
    whole = world.ada.get(f"/deliveries/{delivery['id']}")
    assert [attempt["number"] for attempt in whole["attempts"]] == [4, 3, 2, 1]
    assert whole["attempts"][0] | {"started_at": 0, "ended_at": 0} == {
        "number": 4,
        "started_at": 0,
        "ended_at": 0,
        "verdict": "later",
        "status": 500,
        "address": f"127.0.0.1:{receiver.port}",
        "answer": "out of order",
    }


def test_who_asks_for_patience_gets_it(world: World, channel: Webhooks, receiver: Sink, noon: datetime) -> None:
    receiver.behave = answering(429, Retry_After="3600")
    listen(world.ada, receiver, "feedback.received")
    world.feedback()
    post_all(world.service, channel)
    later(noon, seconds=3599)
    assert post_all(world.service, channel) == 0
    later(noon, seconds=3601)
    assert post_all(world.service, channel) == 1


def test_while_it_is_paused_events_are_kept_for_it(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    made = listen(world.ada, receiver, "feedback.received")
    world.feedback()
    [claimed] = claim(world.service, channel, made["id"])
    world.ada.expect(200, "PATCH", f"/webhooks/{made['id']}", {"state": "paused"})
    channel.deliver(claimed)  # was claimed before: it is given back
    world.feedback()
    assert post_all(world.service, channel) == 0
    world.ada.expect(200, "PATCH", f"/webhooks/{made['id']}", {"state": "active"})
    assert post_all(world.service, channel) == 2
    assert {delivery["tries"] for delivery in log_of(world.ada, made)} == {1}


def test_nothing_is_sent_to_a_deleted_endpoint(world: World, channel: Webhooks, receiver: Sink) -> None:
    made = listen(world.ada, receiver, "feedback.received")
    for _ in range(3):
        world.feedback()
    [claimed] = claim(world.service, channel, made["id"], count=1)
    world.ada.expect(204, "DELETE", f"/webhooks/{made['id']}")
    channel.deliver(claimed)
    replay_to_webhooks(world.service)
    world.feedback()
    assert post_all(world.service, channel) == 0 and receiver.received == []
    with world.service.database.reading() as session:
        assert set(session.scalars(select(Delivery.state))) == {"cancelled"}
    world.ada.expect(404, "GET", f"/webhooks/{made['id']}")
    world.ada.expect(404, "GET", f"/deliveries/{claimed.id}")
