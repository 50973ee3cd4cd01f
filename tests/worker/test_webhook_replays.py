"""Sent again: what was missed, what was given up, a range, everything; and nobody is kept waiting by it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from sqlalchemy import literal_column, select
from sqlalchemy.orm import Session

from cfm_workflow import clock
from cfm_workflow.ledger import HEAD, know_head, replaying
from cfm_workflow.operations import webhooks
from cfm_workflow.queries import callers
from cfm_workflow.worker.webhooks import Webhooks, replay_to_webhooks
from tests.concurrency.at_once import PATIENCE, until_it_waits
from tests.concurrency.writers import MARK, mark, new_transaction, where_writers_overlap
from tests.posting import later, listen, log_of, post_all, walk
from tests.sinks import Sink, answering
from tests.world import World


def test_a_delivery_is_sent_again_whatever_became_of_it(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    made = listen(world.ada, receiver, "feedback.received")
    world.feedback()
    post_all(world.service, channel)
    [delivery] = log_of(world.ada, made)
    receiver.behave = answering(500)
    again = world.ada.expect(202, "POST", f"/deliveries/{delivery['id']}/redeliver")
    assert again["state"] == "pending"
    for n in range(4):  # all gaps are used anew
        later(noon, days=n)
        assert post_all(world.service, channel) == 1
    [delivery] = log_of(world.ada, made)
    assert (delivery["state"], delivery["tries"]) == ("dead", 5)
    receiver.behave = answering(204)
    world.ada.expect(202, "POST", f"/deliveries/{delivery['id']}/redeliver")
    post_all(world.service, channel)
    assert log_of(world.ada, made)[0]["state"] == "delivered"
    assert len(set(receiver.ids)) == 1
    assert len(world.ada.get(f"/deliveries/{delivery['id']}")["attempts"]) == 6


def test_all_that_was_given_up_can_be_sent_again(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    made = listen(world.ada, receiver, "feedback.received")
    world.feedback()
    post_all(world.service, channel)
    receiver.behave = answering(500)
    for _ in range(3):
        world.feedback()
    for n in range(5):
        later(noon, days=n)
        post_all(world.service, channel)
    assert len(log_of(world.ada, made, state="dead")) == 3
    receiver.behave = answering(204)
    world.ada.expect(202, "POST", f"/webhooks/{made['id']}/replay", {"dead": True})
    replay_to_webhooks(world.service)
    assert post_all(world.service, channel) == 3
    assert len(log_of(world.ada, made, state="delivered")) == 4


def test_an_empty_receiver_rebuilds_everything_from_a_replay_of_all(
    world: World, channel: Webhooks, receiver: Sink
) -> None:
    """Also what happened before the endpoint existed, with the ids of the feed."""
    for _ in range(3):
        walk(world)
    made = listen(world.ada, receiver, "action.*")
    world.ada.expect(202, "POST", f"/webhooks/{made['id']}/replay", {"after": 0})
    problem = world.ada.expect(409, "POST", f"/webhooks/{made['id']}/replay", {"after": 0})
    assert "under way" in problem["detail"]
    replay_to_webhooks(world.service)
    post_all(world.service, channel)
    assert set(receiver.ids) == {event["data"]["event_id"] for event in world.events(types="action.*")}
    newest: dict[int, dict[str, Any]] = {}
    for request in receiver.received:
        data = request.event["data"]
        known = newest.get(data["subject"]["id"])
        if known is None or known["sequence"] < data["sequence"]:
            newest[data["subject"]["id"]] = data
    states = {action["id"]: action["state"] for action in world.ada.get("/actions")["items"]}
    assert {ident: data["to"] for ident, data in newest.items()} == states

    world.ada.expect(202, "POST", f"/webhooks/{made['id']}/replay", {"after": 0})  # and once more
    replay_to_webhooks(world.service)
    assert post_all(world.service, channel) == len(set(receiver.ids))


def test_a_range_is_replayed_and_no_more(world: World, channel: Webhooks, receiver: Sink) -> None:
    for _ in range(4):
        world.feedback()
    positions = [event["data"]["position"] for event in world.events(types="feedback.received")]
    made = listen(world.ada, receiver, "feedback.received")
    body = {"after": positions[0], "until": positions[2]}
    world.ada.expect(202, "POST", f"/webhooks/{made['id']}/replay", body)
    replay_to_webhooks(world.service)
    post_all(world.service, channel)
    assert [request.event["data"]["position"] for request in receiver.received] == positions[1:3]


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
def test_what_is_recorded_by_a_statement_that_began_before_it_was_switched_on_arrives(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    """It has seen the webhook switched off, and gets positions behind all that the replay looks at."""
    receiver.script.append(answering(410))
    made = listen(world.ada, receiver, "feedback.received", MARK)
    world.feedback("Failed.")
    post_all(world.service, channel)
    world.feedback("Missed.")
    wait = literal_column("pg_advisory_xact_lock(4711)")

    def record(session: Session) -> None:
        know_head(session, session.execute(select(wait.label("waited"), *HEAD)).one())
        mark(session, 1)

    with ThreadPoolExecutor(1) as threads, new_transaction(world) as holding:
        holding.execute(select(wait))
        recorded = threads.submit(world.service.database.transaction, record)
        until_it_waits(world, recorded)
        world.ada.expect(200, "POST", f"/webhooks/{made['id']}/enable", {"replay": "failed"})
        replay_to_webhooks(world.service)
        holding.rollback()
        recorded.result(PATIENCE)
    replay_to_webhooks(world.service)
    post_all(world.service, channel)
    assert receiver.types == ["feedback.received"] * 3 + [MARK]


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
