"""What the tests of this folder look at: notices, mails and deliveries as they are stored, and an endpoint."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from cfm_workflow import clock, ledger
from cfm_workflow.models import Account, Delivery, Event, LedgerHead, Notice, Webhook
from tests.world import World


def told(world: World, name: str) -> list[tuple[str, str]]:
    """What a person hears: the type of the event, and `at_once` or `digest`; in the order it happened."""
    query = (
        select(Event.type, Notice.batch)
        .join(Notice, Notice.position == Event.position)
        .join(Account, Account.id == Notice.account_id)
        .where(Account.name == name)
        .order_by(Event.position)
    )
    with world.service.database.reading() as session:
        return [(row.type, "digest" if row.batch is None else "at_once") for row in session.execute(query)]


def mails(world: World, state: str = "pending") -> list[str]:
    """The names of those to whom a mail is on its way, one for each mail."""
    query = select(Account.name).join(Delivery, Delivery.account_id == Account.id).where(Delivery.state == state)
    with world.service.database.reading() as session:
        return sorted(session.scalars(query.order_by(Delivery.id)))


def forget(world: World) -> None:
    """Begin anew: nobody has been told anything."""
    world.service.database.transaction(
        lambda session: (session.execute(Notice.__table__.delete()), session.execute(Delivery.__table__.delete()))  # type: ignore[attr-defined]
    )


def endpoint(world: World, *event_types: str, **fields: Any) -> int:
    """An endpoint that listens; its id."""
    values = {
        "url": "https://example.com/hook",
        "event_types": list(event_types or ("*",)),
        "payload": "full",
        "include_customer": False,
        "include_imported": False,
        "secret": "v1.test.c2VhbGVk",
        "state": "active",
        "warnings": 0,
        "owner_id": world.ada.id,
        "version": 1,
        "created_at": clock.now(),
    }

    def work(session: Any) -> int:
        webhook = Webhook(**values | fields)
        session.add(webhook)
        session.flush()
        session.info["audience_version"] = session.scalars(select(LedgerHead.audience)).one()
        ledger.audience_changed(session)
        return webhook.id

    return world.service.database.transaction(work)


def deliveries(world: World, webhook_id: int) -> list[str]:
    """The types of the events that are on their way to an endpoint."""
    query = select(Event.type).join(Delivery, Delivery.position == Event.position)
    with world.service.database.reading() as session:
        return list(session.scalars(query.where(Delivery.webhook_id == webhook_id).order_by(Event.position)))


def states(world: World) -> list[tuple[str, int]]:
    """State and number of tries of every delivery, in the order they were made."""
    with world.service.database.reading() as session:
        return [tuple(row) for row in session.execute(select(Delivery.state, Delivery.tries).order_by(Delivery.id))]


def instant_of(world: World, delivery_id: int) -> datetime:
    """When a delivery is to be tried next."""
    with world.service.database.reading() as session:
        return session.scalars(select(Delivery.next_at).where(Delivery.id == delivery_id)).one()
