"""Messages as everybody sees them: of an item, of a customer, and what went out last. Never writes."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import NotFound
from cfm_workflow.models import Account, Feedback, Message
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries.pages import Page, Sort, fetch_page

STATES: Final = ("queued", "cancelled", "sent", "kept", "failed", "recorded")
KINDS: Final = ("reply", "thank_you", "solved", "check", "share", "contact", "unasked")

SELECT: Final[Select[Any]] = select(
    *Message.__table__.c, Account.name.label("creator_name"), Account.email.label("creator_email")
).outerjoin_from(Message, Account, Account.id == Message.created_by)


def find(session: Session, caller: Caller, message_id: int) -> Any:
    """One message.

    Raises:
        NotFound: there is none, or the caller may not see its item.
    """
    row = session.execute(SELECT.where(Message.id == message_id)).one_or_none()
    if row is None:
        raise NotFound("message", message_id)
    try:
        feedback_query.find(session, caller, row.feedback_id)
    except NotFound:
        raise NotFound("message", message_id) from None
    return row


def view(message: Any, *, contact: bool) -> dict[str, Any]:
    """A message in the words of the API; `contact`: with the address of the customer."""
    shown = contact or message.customer_id is None
    return {
        "id": message.id,
        "feedback": message.feedback_id,
        "customer": message.customer_id,
        "direction": message.direction,
        "channel": message.channel,
        "kind": message.kind,
        "state": message.state,
        "to": message.address if shown else feedback_query.mask_email(message.address),
        "subject": message.subject,
        "body": message.body,
        "template": message.template_id,
        "share": message.share_id,
        "made_at": message.made_at,
        "leaves_at": message.leaves_at,
        "sent_at": message.sent_at,
        "answer": message.answer if shown else None,
        "created_by": None
        if message.created_by is None
        else {"id": message.created_by, "name": message.creator_name, "email": message.creator_email},
        "created_at": message.created_at,
    }


def show(session: Session, caller: Caller, rows: Collection[Any]) -> list[dict[str, Any]]:
    """Messages as this caller may see them."""
    ids = {row.feedback_id for row in rows if row.customer_id is not None}
    items = session.execute(feedback_query.SELECT.where(Feedback.id.in_(ids))).all() if ids else []
    reachable = feedback_query.with_contact(session, caller, items)
    return [view(row, contact=row.feedback_id in reachable) for row in rows]


_NEWEST: Final = {"-id": Sort((Message.id,), descending=True)}


def of_item(session: Session, caller: Caller, feedback_id: int, wanted: Mapping[str, Any]) -> Page:
    """A page of the messages of an item, the newest first; filter `direction`, `state`."""
    return _page(session, caller, SELECT.where(Message.feedback_id == feedback_id), wanted)


def of_customer(session: Session, caller: Caller, customer_id: int, wanted: Mapping[str, Any]) -> Page:
    """A page of every word to and from a customer, about whatever item the caller may see, the newest first."""
    query = SELECT.where(Message.customer_id == customer_id)
    if caller.hidden_teams:
        query = query.join(Feedback, Feedback.id == Message.feedback_id).where(feedback_query.may_see(caller))
    return _page(session, caller, query, wanted)


def _page(session: Session, caller: Caller, query: Select[Any], wanted: Mapping[str, Any]) -> Page:
    for name in ("direction", "state"):
        if wanted.get(name) is not None:
            query = query.where(getattr(Message, name) == wanted[name])
    found = fetch_page(session, query, wanted, _NEWEST, present=lambda row: row)
    return Page(show(session, caller, found.items), found.next_cursor)


_OUTGOING: Final = text("messages.direction = 'out' AND messages.share_id IS NULL")  # literal, as in the partial index


def last_outgoing(session: Session, feedback_id: int) -> Any | None:
    """The last word to the customer of an item that was not taken back and did not fail."""
    query = SELECT.where(Message.feedback_id == feedback_id, _OUTGOING, Message.state.not_in(["cancelled", "failed"]))
    return session.execute(query.order_by(Message.id.desc()).limit(1)).one_or_none()


def last_unasked(session: Session, customer_ids: Collection[int]) -> dict[int, Any]:
    """Per customer: when the last unasked mail to them was written."""
    unasked = text("messages.kind = 'unasked' AND messages.state IN ('queued', 'sent')")
    query = select(Message.customer_id, func.max(Message.made_at)).where(unasked, Message.customer_id.in_(customer_ids))
    found: Any = session.execute(query.group_by(Message.customer_id))
    return dict(found.all())


def not_to_be_kept(session: Session, ids: Collection[int]) -> set[int]:
    """Of some messages those whose texts may lie nowhere any more: about feedback that was erased since."""
    query = select(Message.id).join(Feedback, Feedback.id == Message.feedback_id)
    return set(session.scalars(query.where(Message.id.in_(ids), Feedback.erased_at.is_not(None))))
