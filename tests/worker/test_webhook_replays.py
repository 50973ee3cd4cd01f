"""Sent again: what was missed, what was given up, a range, everything; and nobody is kept waiting by it."""

from datetime import datetime

from cfm_workflow import clock
from cfm_workflow.ledger import replaying
from cfm_workflow.operations import webhooks
from cfm_workflow.queries import callers
from cfm_workflow.worker.webhooks import Webhooks, replay_to_webhooks
from tests.concurrency.test_feed import new_transaction, where_writers_overlap
from tests.posting import listen, post_all
from tests.sinks import Sink, answering
from tests.world import World


@where_writers_overlap
def test_what_happens_while_it_is_switched_on_again_is_replayed_too(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    """Whoever records meanwhile takes it for switched off still, and gets positions behind the one who enables."""
    receiver.script.append(answering(410))
    made = listen(world.ada, receiver, "feedback.received")
    world.feedback("Failed.")
    post_all(world.service, channel)
    with new_transaction(world) as enabling:
        ada = callers.by_id(enabling, world.ada.id)
        assert ada is not None
        body = {"replay": "failed"}
        webhooks.enable(enabling, ada, made["id"], body, ring=world.service.ring, now=clock.now())
        world.feedback("Missed.")
        enabling.commit()
    assert world.ada.get(f"/webhooks/{made['id']}")["replay"]["until"] is None
    replay_to_webhooks(world.service)
    post_all(world.service, channel)
    arrived = [request.event["data"]["feedback"]["text"] for request in receiver.received]
    assert arrived == ["Failed.", "Failed.", "Missed."]


@where_writers_overlap
def test_a_replay_under_way_holds_up_no_transition(world: World, receiver: Sink, channel: Webhooks) -> None:
    made = listen(world.ada, receiver)
    action = world.action()
    world.ada.expect(202, "POST", f"/webhooks/{made['id']}/replay", {"after": 0})
    with new_transaction(world) as replayed:
        replaying.go_on(replayed, made["id"], now=clock.now())
        world.alice.fire(action, "accept")  # which lines up a delivery, whose endpoint must stay for that long
        replayed.commit()
    post_all(world.service, channel)
    assert "action.accepted" in receiver.types
