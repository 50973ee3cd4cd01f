"""What arrives at an endpoint: bodies, headers, signatures, and who gets what a customer can be reached by."""

from datetime import UTC, datetime
from typing import Any

from jsonschema import Draft202012Validator
from sqlalchemy import select
from standardwebhooks import Webhook

from cfm_workflow.models import Event
from cfm_workflow.worker.webhooks import Webhooks
from tests.contract.shapes import closed, misfits
from tests.posting import allow_loopback, later, listen, log_of, post_all, walk
from tests.sinks import Sink, sink
from tests.world import World


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
