"""Endpoints in tests: a world that may call loopback, and the channel driven step by step, without threads."""

import dataclasses
import ipaddress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.models import Notice
from cfm_workflow.service import Service
from cfm_workflow.worker.webhooks import Webhooks
from tests.sinks import Sink
from tests.world import Person, World

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
WORKER = "w"
GAPS = (10, 100, 1000)


def allow_loopback(world: World, **more: Any) -> None:
    """Let endpoints be on 127.0.0.0/8; `more` are other settings."""
    world.service.settings = dataclasses.replace(world.service.settings, webhook_allowed_networks=LOOPBACK, **more)


def listen(by: Person, sink: Sink, *patterns: str, **fields: Any) -> dict[str, Any]:
    """An endpoint at a sink, with its secret."""
    body = {"url": sink.url, "event_types": list(patterns or ("*",)), **fields}
    made: dict[str, Any] = by.expect(201, "POST", "/webhooks", body)
    return made


def post_all(service: Service, channel: Webhooks, *, count: int = 20) -> int:
    """Send all that is due, one after the other; how many attempts that were."""
    attempts = 0
    while True:
        now = clock.now()
        with service.database.reading() as session:
            receivers = channel.receivers(session, worker=WORKER, now=now)
        claimed = [one for receiver in receivers for one in claim(service, channel, receiver, count=count)]
        for one in claimed:
            channel.deliver(one)
        attempts += len(claimed)
        if not claimed:
            return attempts


def claim(service: Service, channel: Webhooks, receiver: int, *, count: int = 20) -> Any:
    now = clock.now()
    return service.database.transaction(
        lambda session: channel.claim(session, receiver, worker=WORKER, count=count, now=now)
    )


def log_of(by: Person, webhook: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    """The delivery log of an endpoint, the oldest first."""
    items: list[dict[str, Any]] = by.get(f"/webhooks/{webhook['id']}/deliveries", limit=200, **query)["items"]
    return items[::-1]


def later(noon: datetime, **more: float) -> None:
    """Let it be so much after noon."""
    clock.freeze(noon + timedelta(**more))


def walk(world: World) -> dict[str, Any]:
    """An action through its states."""
    action: dict[str, Any] = world.action()
    for transition in ("accept", "start"):
        world.alice.fire(action, transition)
    world.alice.fire(action, "complete", outcome="fixed")
    return action


def notices(world: World) -> list[tuple[str, int]]:
    """What owners were told of their endpoints, the oldest first: which kind, and who."""
    with world.service.database.reading() as session:
        query = select(Notice.kind, Notice.account_id).where(Notice.kind.like("webhook.%")).order_by(Notice.position)
        return [(row.kind, row.account_id) for row in session.execute(query)]
