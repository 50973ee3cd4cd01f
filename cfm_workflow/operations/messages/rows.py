"""What all operations on messages share: rows written, and what is recorded of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from cfm_workflow import limits
from cfm_workflow.access import Caller
from cfm_workflow.db import plain
from cfm_workflow.errors import Conflict
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Feedback, Message
from cfm_workflow.operations.ids import take_ids
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import messages as messages_query

_NOTHING: Final = dict.fromkeys(
    ("customer_id", "share_id", "template_id", "address", "language", "subject", "leaves_at", "sent_at", "answer")
)


def lock_item(session: Session, caller: Caller, feedback_id: int) -> Any:
    """An item that the caller may see, locked; nothing is written about one that was erased.

    Raises:
        NotFound, Conflict.
    """
    session.execute(select(Feedback.id).where(Feedback.id == feedback_id).with_for_update(key_share=True))
    item = feedback_query.find(session, caller, feedback_id)
    if item.erased_at is not None:
        raise Conflict("This feedback has been erased.")
    return item


def undo_time(session: Session) -> timedelta:
    """How long a message waits for an undo."""
    wait: timedelta = session.info.get("known", {}).get("message_wait", timedelta(0))
    return wait


def add(session: Session, caller: Caller, *, now: datetime, **values: Any) -> Any:
    """A new message as it is selected."""
    return add_many(session, caller, [values], now=now)[0]


def add_many(session: Session, caller: Caller, several: Sequence[Mapping[str, Any]], *, now: datetime) -> list[Any]:
    """New messages as they are selected, in the order given; as many statements for a thousand as for one."""
    if not several:
        return []
    usual = {**_NOTHING, "tries": 0, "created_by": caller.id, "created_at": now, "made_at": now}
    ids = take_ids(session, Message, len(several))
    new = [{**usual, **values, "id": ident} for ident, values in zip(ids, several, strict=True)]
    plain(session, insert(Message.__table__), new)  # type: ignore[arg-type]
    written = read(session, ids)
    return [written[ident] for ident in ids]


def fact(event_type: str, caller: Caller, message: Any, item: Any, **more: Any) -> Fact:
    """What is recorded of a message. How to reach a customer is no part of it."""
    shown = messages_query.view(message, contact=False)
    body = shown["body"]
    seen = {
        name: shown[name]
        for name in ("id", "feedback", "customer", "direction", "channel", "kind", "state", "subject", "made_at")
    }
    seen |= {"to": None if message.customer_id is not None else message.address, "body": body[: limits.EVENT_TEXT]}
    if len(body) > limits.EVENT_TEXT:
        seen["body_truncated"] = True
    about: Mapping[str, Any] = {"message": seen, "feedback": feedback_query.brief(item), **more}
    return Fact(event_type, message.id, dict(about), caller, feedback_id=message.feedback_id)


def to_sender(message: Any) -> list[dict[str, Any]]:
    """The one who wrote it, as the receiver of news about it."""
    if message.created_by is None:
        return []
    return [{"id": message.created_by, "name": message.creator_name, "as": "receiver"}]


def read(session: Session, ids: Sequence[int]) -> dict[int, Any]:
    """Messages by id, as they are now."""
    return {row.id: row for row in session.execute(messages_query.SELECT.where(Message.id.in_(ids)))}
