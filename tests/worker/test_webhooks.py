"""The channel to endpoints on real sockets: what arrives, in which order, when again, and when no more."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import func, select
from standardwebhooks import Webhook

from cfm_workflow import clock
from cfm_workflow.models import Attempt, Delivery, Event
from cfm_workflow.worker.dispatch import Dispatcher
from cfm_workflow.worker.importing import run_imports
from cfm_workflow.worker.webhooks import Webhooks, forget_deliveries, replay_to_webhooks, watch_webhooks
from tests.contract.shapes import closed, misfits
from tests.posting import GAPS, allow_loopback, claim, later, listen, log_of, notices, post_all, walk
from tests.sinks import Sink, answering, hanging, sink
from tests.world import World

# -- what arrives ----------------------------------------------------------------------------------------------------


def test_an_event_arrives_as_it_stands_in_the_feed_and_is_verified_by_the_published_library(
    world: World, channel: Webhooks, receiver: Sink
) -> None:
    made = listen(world.ada, receiver)
    walk(world)
    post_all(world.service, channel)

    events = {event["data"]["event_id"]: event for event in world.events()}
    for request in receiver.received:
        told = Webhook(made["secret"]).verify(request.body, request.headers)
        assert told == events[request.id]
    with world.service.database.reading() as session:
        bodies = set(session.scalars(select(Event.body)))
    assert {request.body.decode() for request in receiver.received} <= bodies  # byte for byte
    assert {"feedback.received", "action.assigned", "action.accepted", "action.completed"} <= set(receiver.types)
    assert {delivery["state"] for delivery in log_of(world.ada, made)} == {"delivered"}


def test_every_body_fits_the_schema_of_its_type(world: World, channel: Webhooks, receiver: Sink) -> None:
    listen(world.ada, receiver, "*", "user.*", "webhook.*", "team.*", include_customer=True)
    made = listen(world.ada, receiver, payload="thin")
    item = world.feedback(customer={"name": "Kim", "email": "kim@example.com", "phone": "+82 2 555 0100"})
    world.give("Alice", "Bob", item=item)
    walk(world)
    world.person("Eve", "agent")
    world.ada.post(f"/webhooks/{made['id']}/test")
    post_all(world.service, channel)

    kinds = world.ada.get("/event-types")
    shapes = {kind["type"]: closed(kind["json_schema"]) for kind in kinds["items"]}
    thin = closed(kinds["thin_json_schema"])
    Draft202012Validator.check_schema(thin)
    for request in receiver.received:
        is_thin = "action_id" in request.event["data"]
        assert misfits(thin if is_thin else shapes[request.event["type"]], request.event) == []
    assert {"user.created", "webhook.created", "webhook.test", "action.completed"} <= set(receiver.types)


def test_a_thin_body_has_ids_and_no_texts(small_world: World, receiver: Sink) -> None:
    allow_loopback(small_world)
    listen(small_world.ada, receiver, "action.*", payload="thin")
    action = small_world.action()
    small_world.alice.fire(action, "accept", comment="A secret remark")
    post_all(small_world.service, Webhooks(small_world.service))

    data = receiver.received[1].event["data"]
    assert (data["action_id"], data["feedback_id"], data["group_id"]) == (
        action["id"],
        action["feedback_id"],
        action["group_id"],
    )
    assert (data["sequence"], data["from"], data["to"]) == (2, "assigned", "accepted")
    assert b"secret" not in receiver.received[1].body and b"Alice" not in receiver.received[1].body


def test_a_customers_contact_goes_only_where_it_was_asked_for(small_world: World, receiver: Sink) -> None:
    allow_loopback(small_world)
    with sink() as other:
        listen(small_world.ada, receiver, include_customer=True)
        listen(small_world.ada, other)
        small_world.feedback(customer={"name": "Kim", "email": "kim@example.com", "phone": "+82 2 555 0100"})
        post_all(small_world.service, Webhooks(small_world.service))
        [told], [masked] = receiver.received, other.received
    assert told.event["data"]["feedback"]["customer"] | {"id": 0} == {
        "id": 0,
        "name": "Kim",
        "email": "kim@example.com",
        "phone": "+82 2 555 0100",
    }
    assert b"kim@example.com" not in masked.body and b"555" not in masked.body


def test_own_headers_are_sent_along(small_world: World, receiver: Sink) -> None:
    allow_loopback(small_world)
    listen(small_world.ada, receiver, headers={"Authorization": "Bearer abc", "X-Team": "care"})
    small_world.feedback()
    post_all(small_world.service, Webhooks(small_world.service))
    headers = receiver.received[0].headers
    assert (headers["authorization"], headers["x-team"]) == ("Bearer abc", "care")


# -- which events ----------------------------------------------------------------------------------------------------


def types_for(world: World, receiver: Sink, *patterns: str, **fields: Any) -> set[str]:
    listen(world.ada, receiver, *patterns, **fields)
    walk(world)
    world.person("Eve", "agent")
    csv = {"data": "text\nhello\n", "content_type": "text/csv", "query_string": {"map.text": "text"}}
    world.sam.expect(202, "POST", "/imports", **csv)
    run_imports(world.service)
    post_all(world.service, Webhooks(world.service))
    return set(receiver.types)


@pytest.mark.parametrize(
    ("patterns", "there", "not_there"),
    [
        (["*"], {"feedback.received", "action.accepted"}, {"user.created", "webhook.created"}),
        (["action.*"], {"action.accepted", "action.completed"}, {"feedback.received", "action_group.completed"}),
        (["action.accepted", "user.*"], {"action.accepted", "user.created"}, {"action.started"}),
    ],
)
def test_patterns_choose(
    small_world: World, receiver: Sink, patterns: list[str], there: set[str], not_there: set[str]
) -> None:
    allow_loopback(small_world)
    found = types_for(small_world, receiver, *patterns)
    assert there <= found and not not_there & found


def test_with_a_filter_only_events_about_actions_come(small_world: World, receiver: Sink) -> None:
    allow_loopback(small_world)
    it = small_world.ada.post("/teams", {"key": "it", "name": "IT", "members": ["olga@example.com"]})
    with sink() as nobody, sink() as callbacks:
        listen(small_world.ada, receiver, teams=["care"])
        listen(small_world.ada, nobody, teams=[it["id"]])
        listen(small_world.ada, callbacks, workflows=["callback"])
        walk(small_world)
        post_all(small_world.service, Webhooks(small_world.service))
        assert {kind.split(".")[0] for kind in receiver.types} == {"action"}
        assert (nobody.received, callbacks.received) == ([], [])


def test_history_comes_only_where_it_was_asked_for(small_world: World, receiver: Sink) -> None:
    allow_loopback(small_world)
    with sink() as other:
        listen(small_world.ada, receiver, "feedback.*", include_imported=True)
        listen(small_world.ada, other, "feedback.*")
        csv = {"data": "text\nhello\n", "content_type": "text/csv", "query_string": {"map.text": "text"}}
        small_world.sam.expect(202, "POST", "/imports", **csv)
        run_imports(small_world.service)
        post_all(small_world.service, Webhooks(small_world.service))
        assert (receiver.types, other.types) == (["feedback.received"], [])


def test_an_integration_hears_nothing_of_restricted_teams_and_nothing_once_it_is_gone(
    small_world: World, receiver: Sink
) -> None:
    world = small_world
    allow_loopback(world)
    program = world.ada.post("/integrations", {"name": "CRM", "scopes": ["webhooks:manage"]})
    as_program = {"headers": {"Authorization": f"Bearer {program['token']}"}}
    body = {"url": receiver.url, "event_types": ["*", "customer.*"]}
    world.ada.expect(201, "POST", "/webhooks", body, **as_program)
    channel = Webhooks(world.service)
    world.ada.expect(200, "PATCH", f"/teams/{world.care['id']}", {"restricted": True})
    world.pool_action()
    world.feedback(customer={"name": "Kim"})  # customer.created is for administrators
    post_all(world.service, channel)
    assert set(receiver.types) == {"feedback.received"}

    world.ada.expect(204, "DELETE", f"/integrations/{program['id']}")
    count = len(receiver.received)
    world.feedback()
    post_all(world.service, channel)
    assert len(receiver.received) == count


# -- order, retries, the end -----------------------------------------------------------------------------------------


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


# -- pause, again, all again -----------------------------------------------------------------------------------------


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


def test_a_test_goes_to_its_endpoint_alone(world: World, channel: Webhooks, receiver: Sink) -> None:
    with sink() as other:
        made = listen(world.ada, receiver, "action.completed", workflows=["callback"])
        listen(world.ada, other)
        delivery = world.ada.expect(202, "POST", f"/webhooks/{made['id']}/test")
        assert (delivery["type"], delivery["state"], delivery["attempts"]) == ("webhook.test", "pending", [])
        post_all(world.service, channel)
        assert (receiver.types, other.types) == (["webhook.test"], [])
        assert receiver.received[0].event["data"]["webhook"]["id"] == made["id"]
    assert world.ada.get(f"/deliveries/{delivery['id']}")["attempts"][0]["status"] == 204


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


def test_for_a_day_after_a_rotation_both_secrets_sign(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    made = listen(world.ada, receiver, "feedback.received")
    old = made["secret"]
    new = world.ada.expect(200, "POST", f"/webhooks/{made['id']}/rotate-secret", {})["secret"]
    assert new != old
    for hours, signatures in ((0, 2), (23, 2), (24, 1)):
        later(noon, hours=hours)
        world.feedback()
        post_all(world.service, channel)
        request = receiver.received[-1]
        assert len(request.headers["webhook-signature"].split(" ")) == signatures
        assert verifies(new, request) and verifies(old, request) is (signatures == 2)


def verifies(secret: str, request: Any) -> bool:
    stamp = int(request.headers["webhook-timestamp"])
    ours = Webhook(secret).sign(request.id, datetime.fromtimestamp(stamp, UTC), request.body.decode())
    return ours in request.headers["webhook-signature"].split(" ")


# -- many at once ----------------------------------------------------------------------------------------------------


@pytest.fixture
def dispatcher(world: World, channel: Webhooks) -> Iterator[Dispatcher]:
    made = Dispatcher(world.service, [channel])
    made.start()
    yield made
    made.stop()


def test_at_most_four_at_once_go_to_one_endpoint_and_another_is_not_kept_waiting(
    world: World, dispatcher: Dispatcher
) -> None:
    go_on = threading.Event()
    with sink(hanging(go_on)) as slow, sink() as quick:
        listen(world.ada, slow, "feedback.received")
        listen(world.ada, quick, "feedback.received")
        for _ in range(8):
            world.feedback()
        quick.wait_for(8)  # all of them, while the slow one has answered none
        assert slow.wait_for(4) and slow.most_at_once == 4
        go_on.set()
        slow.wait_for(8)
        assert slow.most_at_once == 4
        assert sorted(slow.ids) == sorted(quick.ids)


def test_endpoints_that_hang_keep_one_thread_each(small_world: World) -> None:
    stop = threading.Event()
    allow_loopback(small_world)
    channel = Webhooks(small_world.service, timeout=0.3)
    with sink(hanging(stop)) as slow:
        made = listen(small_world.ada, slow, "feedback.received")
        for _ in range(4):
            small_world.feedback()
        first = claim(small_world.service, channel, made["id"], count=2)
        channel.deliver(first[0])  # takes as long as it may
        assert len(claim(small_world.service, channel, made["id"])) == 1
        sending = threading.Thread(target=channel.deliver, args=[first[1]])
        sending.start()
        slow.wait_for(2)
        with small_world.service.database.reading() as session:
            assert channel.receivers(session, worker="w", now=clock.now()) == []
        sending.join()
        stop.set()


# -- keeping and forgetting ------------------------------------------------------------------------------------------


def test_attempts_and_settled_deliveries_are_forgotten_after_a_month(
    world: World, channel: Webhooks, receiver: Sink, noon: datetime
) -> None:
    made = listen(world.ada, receiver, "feedback.received")
    world.feedback()
    post_all(world.service, channel)
    world.ada.expect(200, "PATCH", f"/webhooks/{made['id']}", {"state": "paused"})
    world.feedback()
    later(noon, days=29)
    world.ada.expect(200, "PATCH", f"/webhooks/{made['id']}", {"state": "active"})
    world.feedback()
    forget_deliveries(world.service)
    assert len(log_of(world.ada, made)) == 3
    later(noon, days=30, hours=1)
    forget_deliveries(world.service)
    assert [delivery["state"] for delivery in log_of(world.ada, made)] == ["pending", "pending"]
    with world.service.database.reading() as session:
        assert session.execute(select(func.count()).select_from(Attempt)).scalar_one() == 0


def test_erasing_reaches_what_was_answered_and_what_is_sent_again(
    world: World, channel: Webhooks, receiver: Sink
) -> None:
    receiver.behave = answering(500, b"I do not know Minji")
    made = listen(world.ada, receiver, "feedback.received", include_customer=True)
    item = world.feedback(customer={"name": "Minji", "email": "minji@example.com"})
    post_all(world.service, channel)
    world.ada.expect(204, "DELETE", f"/customers/{item['customer']['id']}")
    [delivery] = log_of(world.ada, made)
    world.ada.expect(202, "POST", f"/deliveries/{delivery['id']}/redeliver")
    post_all(world.service, channel)
    assert b"minji" not in receiver.received[-1].body.lower()
    first = world.ada.get(f"/deliveries/{delivery['id']}")["attempts"][-1]
    assert first["answer"] is None
    assert orjson.loads(receiver.received[0].body)["data"]["feedback"]["customer"]["email"] == "minji@example.com"
