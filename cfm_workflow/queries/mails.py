"""The log of mails: what was to be sent to whom, and what became of it. Never what they say. Never writes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from cfm_workflow.models import Account, Attempt, Delivery, Event, Feedback, Notice
from cfm_workflow.queries import attempts
from cfm_workflow.queries.pages import Page, Sort, fetch_page
from cfm_workflow.queries.people import user_by_ref

STATES: Final = ("pending", "delivered", "kept", "gathered", "cancelled", "dead")
ATTEMPTS_SHOWN: Final = 20

_NEWEST: Final = {"-id": Sort((Delivery.id,), descending=True)}
_MAILS: Final[Any] = (
    select(
        Delivery.id,
        Delivery.state,
        Delivery.tries,
        Delivery.next_at,
        Delivery.settled_at,
        Delivery.answer,
        Delivery.created_at,
        Account.id.label("person_id"),
        Account.name,
        Account.email,
    )
    .join(Account, Account.id == Delivery.account_id)
    .where(Delivery.webhook_id.is_(None), Delivery.account_id.is_not(None))  # as in the indexes
)


def page(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of mails, the newest first; filters `person` (id or address) and `state`."""
    query = _MAILS
    if wanted.get("person") is not None:
        person = user_by_ref(session, wanted["person"])
        if person is None:
            return Page([], None)
        query = query.where(Delivery.account_id == person.id)
    if wanted.get("state") is not None:
        query = query.where(Delivery.state == wanted["state"])
    found = fetch_page(session, query, wanted, _NEWEST, present=lambda row: row)
    made = _attempts(session, [row.id for row in found.items if row.tries])
    return Page([_view(row, made.get(row.id, [])) for row in found.items], found.next_cursor)


def _view(row: Any, made: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": row.id,
        "person": {"id": row.person_id, "name": row.name, "email": row.email},
        "state": row.state,
        "tries": row.tries,
        "next_at": row.next_at if row.state == "pending" else None,
        "settled_at": row.settled_at,
        "answer": row.answer,
        "created_at": row.created_at,
        "attempts": made,
    }


def _attempts(session: Session, delivery_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Per mail its attempts, the newest first; the first one has number 1."""
    query = select(Attempt).where(Attempt.delivery_id.in_(delivery_ids), Attempt.number <= ATTEMPTS_SHOWN)
    found: dict[int, list[dict[str, Any]]] = {}
    for row in session.scalars(query.order_by(Attempt.delivery_id, Attempt.number.desc())) if delivery_ids else ():
        found.setdefault(row.delivery_id, []).append(attempts.view(row))
    return found


def given_up(session: Session) -> int:
    """How many mails will never arrive."""
    dead = select(func.count()).where(Delivery.account_id.is_not(None), Delivery.state == "dead")
    return int(session.execute(dead).scalar_one())


def not_to_be_kept(session: Session, delivery_ids: Collection[int]) -> set[int]:
    """Of some mails those whose texts may lie nowhere any more: to somebody who was switched off, or telling of
    feedback that was erased since."""
    tells = exists().where(
        Notice.account_id == Delivery.account_id,
        Notice.batch == Delivery.position,
        Event.position == Notice.position,
        Feedback.id == Event.feedback_id,  # the item that an event shows
        Feedback.erased_at.is_not(None),
    )
    query = select(Delivery.id).join(Account, Account.id == Delivery.account_id)
    return set(session.scalars(query.where(Delivery.id.in_(delivery_ids), or_(~Account.active, tells))))
