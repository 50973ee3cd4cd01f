"""Forget a person: the one thing that rewrites the ledger. Ids, positions and times stay, personal fields do not."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Action, ActionFeedback, DeadAddress, Event, Feedback
from cfm_workflow.operations import checks, notes, personal_reminders
from cfm_workflow.operations.messages import forgetting
from cfm_workflow.operations.reopening import CUSTOMER
from cfm_workflow.operations.search import refresh_search
from cfm_workflow.queries import customers as customers_query
from cfm_workflow.queries import feedback as feedback_query

ERASED: Final = "[erased]"
BATCH: Final = 500

ITEM_FIELDS: Final = ("text", "touchpoint", "external_id", "attributes")
CUSTOMER_FIELDS: Final = ("name", "email", "phone", "external_id", "do_not_contact")
MESSAGE_FIELDS: Final = ("subject", "body", "to")


def erase_feedback(session: Session, caller: Caller, feedback_id: int, *, now: datetime) -> None:
    """Erase the personal data of an item, in its row and in every event that shows it; its history stays.

    Raises:
        NotFound, Forbidden, Conflict: it has been erased already.
    """
    _lock_actions(session, [feedback_id])
    session.execute(select(Feedback.id).where(Feedback.id == feedback_id).with_for_update(key_share=True))
    item = feedback_query.find(session, caller, feedback_id)
    access.require(caller, "feedback.erase")
    if item.erased_at is not None:
        raise Conflict("It has been erased already.")
    planned = _erase_items(session, [feedback_id], now)
    _record(session, caller, "feedback.erased", feedback_id, now)
    personal_reminders.cancel_erased(session, caller, planned, now=now)


def erase_customer(session: Session, caller: Caller, customer_id: int, *, now: datetime) -> None:
    """Erase a customer and the personal data of all their items.

    Raises:
        NotFound, Forbidden, Conflict: they have been erased already.
    """
    customer = customers_query.find(session, customer_id, lock=True)
    access.require(caller, "customer.erase")
    if customer.erased_at is not None:
        raise Conflict("This customer has been erased already.")
    ids = list(session.scalars(select(Feedback.id).where(Feedback.customer_id == customer_id).order_by(Feedback.id)))
    if customer.email is not None:
        session.execute(delete(DeadAddress).where(DeadAddress.address == customer.email))
    customer.name, customer.email, customer.phone, customer.external_id = ERASED, None, None, None
    customer.unsubscribed_at, customer.do_not_contact, customer.do_not_contact_at = None, None, None
    customer.erased_at, customer.version = now, customer.version + 1
    session.flush()
    _lock_actions(session, ids)
    about_them = select(Event.position).where(Event.subject_type == "customer", Event.subject_id == customer_id)
    _rewrite(session, list(session.scalars(about_them)), items=frozenset(), customer_id=customer_id)
    planned = _erase_items(session, ids, now)
    for feedback_id in ids:
        _record(session, caller, "feedback.erased", feedback_id, now)
    personal_reminders.cancel_erased(session, caller, planned, now=now)
    fact = Fact("customer.erased", customer_id, {"customer": {"id": customer_id, "name": ERASED}}, caller)
    ledger.record(session, [fact], now=now)


def _lock_actions(session: Session, ids: list[int]) -> None:
    """Whoever moves an action has read its item already, and would tell of it as it was: let them finish first."""
    for at in range(0, len(ids), BATCH):
        some = ids[at : at + BATCH]
        serving = select(ActionFeedback.action_id).where(ActionFeedback.feedback_id.in_(some))
        query = select(Action.id).where(Action.id.in_(serving)).order_by(Action.id)
        session.execute(query.with_for_update(key_share=True))


def _erase_items(session: Session, ids: list[int], now: datetime) -> list[Any]:
    """Erase them; the personal reminders that are pointless now."""
    planned: list[Any] = []
    for at in range(0, len(ids), BATCH):
        some = ids[at : at + BATCH]
        session.execute(
            update(Feedback)
            .where(Feedback.id.in_(some))
            .values(
                text=ERASED,
                touchpoint=None,
                external_id=None,
                fingerprint=None,
                attributes={},
                customer_id=None,
                erased_at=now,
                version=Feedback.version + 1,
            )
        )
        refresh_search(session, some)
        planned += personal_reminders.erase(session, some, instead=ERASED)
        checks.erase(session, some, instead=ERASED)
        forgetting.erase(session, some, instead=ERASED, now=now)
        notes.erase(session, some, instead=ERASED)
        for positions in _positions_about(session, some):
            _rewrite(session, positions, items=frozenset(some), customer_id=None)
    return planned


def _positions_about(session: Session, ids: list[int]) -> Iterator[list[int]]:
    """The events that show one of these items, some at a time."""
    serving = select(ActionFeedback.action_id).where(ActionFeedback.feedback_id.in_(ids))
    last = 0
    while True:
        about = or_(Event.feedback_id.in_(ids), Event.action_id.in_(serving))
        query = select(Event.position).where(about, Event.position > last).order_by(Event.position).limit(BATCH)
        positions = list(session.scalars(query))
        if not positions:
            return
        yield positions
        last = positions[-1]


def _rewrite(session: Session, positions: list[int], *, items: frozenset[int], customer_id: int | None) -> None:
    ledger.erase(session, positions, lambda body: _without(body, items, customer_id))


def _without(body: dict[str, Any], items: frozenset[int], customer_id: int | None) -> dict[str, Any]:
    """The body of an event with what is personal replaced, wherever it shows one of the items or the customer."""
    data = body["data"]
    item = data.get("feedback")
    if isinstance(item, dict) and item.get("id") in items:
        for name in ("text", "touchpoint", "external_id"):
            if item.get(name) is not None:
                item[name] = ERASED
        if isinstance(item.get("customer"), dict):
            item["customer"]["name"] = ERASED
        if data.get("message") and data.get("reason") is not None:
            data["reason"] = ERASED  # a mail server may name the address
        if "text" in (data.get("reminder") or {}):
            data["reminder"]["text"] = ERASED
        for holder, name in ((data.get("check") or {}, "word"), (data, "comment")):
            if holder.get(name) is not None and _is_theirs(data):
                holder[name] = ERASED
        _blank(data.get("message"), MESSAGE_FIELDS)
        _blank(data.get("share"), ("address",))
        if (data.get("note") or {}).get("text"):
            data["note"]["text"] = ERASED
        _blank_changes(data, ITEM_FIELDS)
    if customer_id is not None:
        _blank(data.get("customer"), CUSTOMER_FIELDS)
        _blank_changes(data, CUSTOMER_FIELDS)
    return body


def _is_theirs(data: dict[str, Any]) -> bool:
    """Whether it is the customer who says something."""
    actor: dict[str, Any] = data["actor"]
    return (actor["type"], actor["name"]) == (CUSTOMER.type, CUSTOMER.name)


def _blank(shown: Any, names: tuple[str, ...]) -> None:
    for name in names:
        if isinstance(shown, dict) and shown.get(name) is not None:
            shown[name] = ERASED


def _blank_changes(data: dict[str, Any], names: tuple[str, ...]) -> None:
    changes = data.get("changes") or {}
    for name in names:
        if name in changes:
            changes[name] = {side: None if value is None else ERASED for side, value in changes[name].items()}


def _record(session: Session, caller: Caller, event_type: str, feedback_id: int, now: datetime) -> None:
    """An event of its own, after the rewriting, shows the item as it is now."""
    row = session.execute(feedback_query.SELECT.where(Feedback.id == feedback_id)).one()
    about = {"feedback": feedback_query.brief(row)}
    ledger.record(session, [Fact(event_type, feedback_id, about, caller, feedback_id=feedback_id)], now=now)
