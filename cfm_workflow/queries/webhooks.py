"""Endpoints and the log of what was sent to them, as those who manage them see it. Never writes, shows no secret."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import NotFound
from cfm_workflow.models import Attempt, Delivery, Event, Team, Webhook
from cfm_workflow.queries import attempts
from cfm_workflow.queries.pages import Page, Sort, fetch_page
from cfm_workflow.security.addresses import parse_url
from cfm_workflow.security.keys import KeyRing
from cfm_workflow.security.sealing import unseal_headers

MASK: Final = "***"
ATTEMPTS_SHOWN: Final = 100
NEWEST: Final = {"-id": Sort((Webhook.id,), descending=True)}


def _may_manage(caller: Caller) -> list[Any]:
    """An integration keeps its own endpoints; with another's it could have sent to itself what it may not read."""
    mine = [Webhook.owner_id == caller.id] if caller.is_integration else []
    return [Webhook.state != "deleted", *mine]


def find(session: Session, caller: Caller, webhook_id: int, *, lock: bool = False) -> Webhook:
    """Raises NotFound unless there is such an endpoint and the caller may know of it."""
    query = select(Webhook).where(Webhook.id == webhook_id, *_may_manage(caller))
    row = session.scalars(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise NotFound("webhook", webhook_id)
    return row


def page(session: Session, ring: KeyRing, caller: Caller, wanted: Mapping[str, Any]) -> Page:
    """A page of endpoints, the newest first."""
    query = select(Webhook).where(*_may_manage(caller))
    found = fetch_page(session, query, wanted, NEWEST, present=lambda row: row[0])
    teams = _teams(session, found.items)
    return Page([_view(ring, row, teams) for row in found.items], found.next_cursor)


def view(session: Session, ring: KeyRing, row: Webhook) -> dict[str, Any]:
    """An endpoint in the words of the API."""
    return _view(ring, row, _teams(session, [row]))


def _teams(session: Session, rows: Iterable[Webhook]) -> dict[int, Any]:
    ids = {ident for row in rows for ident in row.teams or ()}
    found = session.execute(select(Team.id, Team.key, Team.name).where(Team.id.in_(ids))) if ids else ()
    return {team.id: {"id": team.id, "key": team.key, "name": team.name} for team in found}


def _view(ring: KeyRing, row: Webhook, teams: Mapping[int, Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        **_settings(row),
        "teams": None if row.teams is None else [teams[ident] for ident in row.teams if ident in teams],
        "headers": dict.fromkeys(unseal_headers(ring, row.id, row.headers), MASK),
        "failing_since": row.failing_since,
        "failing_position": row.failing_position,
        "last_success_at": row.last_success_at,
        "previous_secret_until": row.previous_until,
        "replay": None
        if row.replay_of is None
        else {"of": row.replay_of, "at": row.replay_at, "until": row.replay_until},
    }


def _settings(row: Webhook) -> dict[str, Any]:
    return {
        "description": row.description,
        "event_types": row.event_types,
        "workflows": row.workflows,
        "payload": row.payload,
        "include_customer": row.include_customer,
        "include_imported": row.include_imported,
        "state": row.state,
        "disabled_reason": row.disabled_reason,
        "owner_id": row.owner_id,
        "version": row.version,
        "created_at": row.created_at,
    }


def event_view(row: Webhook) -> dict[str, Any]:
    """As events show it: of the URL the origin only, as paths often hold a secret."""
    return {"id": row.id, "url": parse_url(row.url).origin, **_settings(row), "teams": row.teams}


# -- deliveries ------------------------------------------------------------------------------------------------------

_LOG: Final[Any] = select(Delivery, Event.event_id, Event.type).join(Event, Event.position == Delivery.position)
_LATEST: Final = {"-id": Sort((Delivery.id,), descending=True)}


def deliveries(session: Session, webhook_id: int, wanted: Mapping[str, Any]) -> Page:
    """A page of an endpoint's log, the newest first; filter `state`."""
    query = _in_state(_LOG.where(Delivery.webhook_id == webhook_id), wanted.get("state"))
    counted = _in_state(select(Delivery.id).where(Delivery.webhook_id == webhook_id), wanted.get("state"))
    return fetch_page(session, query, wanted, _LATEST, present=lambda row: delivery_view(*row[:3]), counted=counted)


def _in_state(query: Select[Any], state: str | None) -> Select[Any]:
    """The state stands there literally, so that the partial indexes can be used."""
    return query if state is None else query.where(text(f"deliveries.state = '{_STATES[state]}'"))


_STATES: Final = {state: state for state in ("pending", "delivered", "cancelled", "dead")}


def find_delivery(session: Session, caller: Caller, delivery_id: int) -> Delivery:
    """Raises NotFound unless there is such a delivery to an endpoint that the caller may know of."""
    query = select(Delivery).join(Webhook, Webhook.id == Delivery.webhook_id)
    row = session.scalars(query.where(Delivery.id == delivery_id, *_may_manage(caller))).one_or_none()
    if row is None:
        raise NotFound("delivery", delivery_id)
    return row


def delivery_view(row: Delivery, event_id: str, event_type: str) -> dict[str, Any]:
    """A delivery in the words of the API."""
    return {
        "id": row.id,
        "webhook_id": row.webhook_id,
        "event_id": event_id,
        "type": event_type,
        "position": row.position,
        "action_id": row.action_id,
        "sequence": row.sequence,
        "state": row.state,
        "tries": row.tries,
        "next_at": row.next_at if row.state == "pending" else None,
        "settled_at": row.settled_at,
        "answer": row.answer,
        "created_at": row.created_at,
    }


def delivery_with_attempts(session: Session, delivery_id: int) -> dict[str, Any]:
    """A delivery with its attempts, the newest first."""
    seen = delivery_view(*session.execute(_LOG.where(Delivery.id == delivery_id)).one())
    made = session.scalars(
        select(Attempt).where(Attempt.delivery_id == delivery_id).order_by(Attempt.number.desc()).limit(ATTEMPTS_SHOWN)
    )
    return seen | {"attempts": [attempts.view(attempt) for attempt in made]}
