"""Routes of endpoints and of the log of what was sent to them."""

from collections.abc import Mapping
from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.delivery.resolving import refusal_of
from cfm_workflow.errors import Invalid
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.forms.webhooks import (
    DeliveryOut,
    DeliveryQuery,
    DeliveryWithAttemptsOut,
    EnableIn,
    ReplayIn,
    RotationIn,
    WebhookChange,
    WebhookIn,
    WebhookOut,
    WebhookWithSecretOut,
)
from cfm_workflow.operations import webhooks as webhooks_operations
from cfm_workflow.queries import webhooks as webhooks_query
from cfm_workflow.service import Service

TAG = "webhooks"
RIGHT = "webhook.manage"
_WEBHOOK = "/webhooks/<id:webhook_id>"
_DELIVERY = "/deliveries/<id:delivery_id>"


def look_up(service: Service, body: Mapping[str, Any]) -> None:
    """Ask, with no transaction open, where a new URL leads. A name that has no address yet may get one later: it is
    looked up again at every connection.

    Raises:
        Invalid: it leads to an address that is not called.
    """
    if "url" not in body:
        return
    allowed = service.settings.webhook_allowed_networks
    refusal = refusal_of(webhooks_operations.target_of(body["url"], allowed=allowed), allowed=allowed)
    if refusal is not None:
        raise Invalid({"url": [f"must lead to a public address: {refusal}"]})


@route("GET", "/webhooks", "listWebhooks", tag=TAG, right=RIGHT, query=PageQuery, answers={200: page_of(WebhookOut)})
def list_webhooks(ask: Ask) -> Any:
    """Endpoints, the newest first; an integration sees its own."""
    return webhooks_query.page(ask.session, ask.service.ring, ask.caller, ask.query).as_answer()


@route(
    "POST",
    "/webhooks",
    "createWebhook",
    tag=TAG,
    right=RIGHT,
    body=WebhookIn,
    look_up=look_up,
    answers={201: WebhookWithSecretOut},
    secret=True,
    example={"url": "https://hooks.example.com/cfm", "event_types": ["action.*"], "teams": ["care"]},
)
def create_webhook(ask: Ask) -> Any:
    """Add an endpoint; the secret that signs what it gets is shown this once."""
    allowed = ask.service.settings.webhook_allowed_networks
    made = webhooks_operations.create(
        ask.session, ask.caller, ask.body, ring=ask.service.ring, allowed=allowed, now=ask.now
    )
    return Reply(made, 201)


@route("GET", _WEBHOOK, "getWebhook", tag=TAG, right=RIGHT, answers={200: WebhookOut})
def get_webhook(ask: Ask, webhook_id: int) -> Any:
    """One endpoint, how it is doing, and how far a replay is."""
    row = webhooks_query.find(ask.session, ask.caller, webhook_id)
    return webhooks_query.view(ask.session, ask.service.ring, row)


@route(
    "PATCH",
    _WEBHOOK,
    "changeWebhook",
    tag=TAG,
    right=RIGHT,
    body=WebhookChange,
    look_up=look_up,
    answers={200: WebhookOut},
    example={"event_types": ["action.completed", "feedback.*"], "state": "paused"},
)
def change_webhook(ask: Ask, webhook_id: int) -> Any:
    """Change, pause or resume an endpoint; while it is paused, events are kept for it."""
    allowed = ask.service.settings.webhook_allowed_networks
    return webhooks_operations.change(
        ask.session, ask.caller, webhook_id, ask.body, ring=ask.service.ring, allowed=allowed, now=ask.now
    )


@route("DELETE", _WEBHOOK, "deleteWebhook", tag=TAG, right=RIGHT, answers={204: None})
def delete_webhook(ask: Ask, webhook_id: int) -> Any:
    """Delete an endpoint; nothing more is sent to it."""
    webhooks_operations.remove(ask.session, ask.caller, webhook_id, now=ask.now)


@route(
    "POST",
    f"{_WEBHOOK}/rotate-secret",
    "rotateWebhookSecret",
    tag=TAG,
    right=RIGHT,
    body=RotationIn,
    answers={200: WebhookWithSecretOut},
    secret=True,
    example={},
)
def rotate_secret(ask: Ask, webhook_id: int) -> Any:
    """A new secret, shown this once; for 24 hours the one before signs too."""
    return webhooks_operations.rotate_secret(
        ask.session, ask.caller, webhook_id, ask.body, ring=ask.service.ring, now=ask.now
    )


@route("POST", f"{_WEBHOOK}/test", "testWebhook", tag=TAG, right=RIGHT, answers={202: DeliveryWithAttemptsOut})
def test_webhook(ask: Ask, webhook_id: int) -> Any:
    """Send an event `webhook.test` to this endpoint; the answer is the delivery to look at."""
    lined_up = webhooks_operations.test(ask.session, ask.caller, webhook_id, now=ask.now)
    return Reply(lined_up, 202, {"Location": f"../../deliveries/{lined_up['id']}"})


@route(
    "POST",
    f"{_WEBHOOK}/enable",
    "enableWebhook",
    tag=TAG,
    right=RIGHT,
    body=EnableIn,
    answers={200: WebhookOut},
    example={"replay": "failed"},
)
def enable_webhook(ask: Ask, webhook_id: int) -> Any:
    """Switch an endpoint on again, and send all that has not arrived since the first failure if you like."""
    return webhooks_operations.enable(ask.session, ask.caller, webhook_id, ask.body, ring=ask.service.ring, now=ask.now)


@route(
    "POST",
    f"{_WEBHOOK}/replay",
    "replayToWebhook",
    tag=TAG,
    right=RIGHT,
    body=ReplayIn,
    answers={202: WebhookOut},
    example={"after": 0},
)
def replay_to_webhook(ask: Ask, webhook_id: int) -> Any:
    """Send all events after a position again, or all that were given up: the same ids with fresh signatures."""
    begun = webhooks_operations.replay(
        ask.session, ask.caller, webhook_id, ask.body, ring=ask.service.ring, now=ask.now
    )
    return Reply(begun, 202, {"Location": f"../{webhook_id}"})


@route(
    "GET",
    f"{_WEBHOOK}/deliveries",
    "listDeliveries",
    tag=TAG,
    right=RIGHT,
    query=DeliveryQuery,
    answers={200: page_of(DeliveryOut, counted=True)},
)
def list_deliveries(ask: Ask, webhook_id: int) -> Any:
    """What was sent to an endpoint and is to be sent, the newest first."""
    webhooks_query.find(ask.session, ask.caller, webhook_id)
    return webhooks_query.deliveries(ask.session, webhook_id, ask.query).as_answer()


@route("GET", _DELIVERY, "getDelivery", tag=TAG, right=RIGHT, answers={200: DeliveryWithAttemptsOut})
def get_delivery(ask: Ask, delivery_id: int) -> Any:
    """One delivery with its attempts, the newest first."""
    webhooks_query.find_delivery(ask.session, ask.caller, delivery_id)
    return webhooks_query.delivery_with_attempts(ask.session, delivery_id)


@route("POST", f"{_DELIVERY}/redeliver", "redeliver", tag=TAG, right=RIGHT, answers={202: DeliveryWithAttemptsOut})
def redeliver(ask: Ask, delivery_id: int) -> Any:
    """Send it again at once, whatever became of it."""
    again = webhooks_operations.redeliver(ask.session, ask.caller, delivery_id, now=ask.now)
    return Reply(again, 202, {"Location": f"../{delivery_id}"})
