"""An endpoint has the eyes of its owner, also at the moment of sending: what they may not see any more is not sent."""

from typing import Any

from sqlalchemy import select

from cfm_workflow.models import Delivery
from cfm_workflow.worker.webhooks import Webhooks
from tests.posting import allow_loopback, listen, post_all
from tests.sinks import Sink
from tests.world import World


def program(world: World, receiver: Sink, *patterns: str) -> tuple[int, dict[str, Any]]:
    """An integration and its endpoint."""
    made = world.ada.post("/integrations", {"name": "CRM", "scopes": ["webhooks:manage"]})
    body = {"url": receiver.url, "event_types": list(patterns)}
    as_program = {"headers": {"Authorization": f"Bearer {made['token']}"}}
    return made["id"], world.ada.expect(201, "POST", "/webhooks", body, **as_program)


def states(world: World, webhook: dict[str, Any]) -> list[str]:
    with world.service.database.reading() as session:
        query = select(Delivery.state).where(Delivery.webhook_id == webhook["id"]).order_by(Delivery.id)
        return list(session.scalars(query))


def test_work_that_became_a_restricted_teams_is_not_sent_any_more(
    world: World, channel: Webhooks, receiver: Sink
) -> None:
    _, webhook = program(world, receiver, "action.assigned")
    world.action("Mallory")
    world.pool_action()
    world.ada.expect(200, "PATCH", f"/teams/{world.care['id']}", {"restricted": True})
    post_all(world.service, channel)
    assert [request.event["data"]["action"]["assignee"]["name"] for request in receiver.received] == ["Mallory"]
    assert states(world, webhook) == ["delivered", "cancelled"]


def test_nothing_is_sent_for_an_integration_that_is_gone(world: World, channel: Webhooks, receiver: Sink) -> None:
    ident, webhook = program(world, receiver, "feedback.received")
    world.feedback()
    world.ada.expect(204, "DELETE", f"/integrations/{ident}")
    post_all(world.service, channel)
    assert receiver.received == [] and states(world, webhook) == ["cancelled"]


def test_events_for_administrators_are_not_sent_for_somebody_who_is_none_any_more(
    world: World, channel: Webhooks, receiver: Sink
) -> None:
    eve = world.person("Eve", "admin")
    webhook = listen(eve, receiver, "user.created", "feedback.received")
    world.feedback()
    world.person("Zoe", "agent")
    world.ada.expect(200, "PATCH", f"/users/{eve.id}", {"role": "supervisor"})
    world.ada.expect(202, "POST", f"/webhooks/{webhook['id']}/test")
    post_all(world.service, channel)
    assert sorted(receiver.types) == ["feedback.received", "webhook.test"]
    assert states(world, webhook) == ["delivered", "cancelled", "delivered"]


def test_what_an_administrator_set_up_outlives_them(world: World, channel: Webhooks, receiver: Sink) -> None:
    eve = world.person("Eve", "admin")
    listen(eve, receiver, "feedback.received")
    world.feedback()
    world.ada.expect(204, "DELETE", f"/users/{eve.id}")
    world.feedback()
    post_all(world.service, channel)
    assert len(receiver.received) == 2


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
