"""A customer comes back to what was resolved or closed: soon after, it is open again; later it is a new item."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.models import Feedback
from cfm_workflow.operations import feedback, reopening
from cfm_workflow.policy.closing import REOPENS_WITHIN, WROTE_AGAIN
from cfm_workflow.queries import feedback as feedback_query


def place_of(
    session: Session, caller: Caller, item: Any, word: Mapping[str, Any], *, at: datetime, now: datetime
) -> int:
    """The id of the item that a word of the customer of `item` is about, said `at` an instant.

    Of one that was closed long before, that of a new item which follows it. `word`: its `body` and `channel`.
    """
    if item.closed_at is None or at < item.closed_at + REOPENS_WITHIN:
        ident: int = item.id
        return ident
    row = {
        "source": item.source,
        "text": word["body"],
        "channel": word["channel"],
        "language": item.language,
        "customer": None if item.customer_id is None else {"id": item.customer_id},
        "received_at": at,
        "follows_id": item.id,
    }
    [received] = feedback.receive(session, caller, [row], imported=False, now=now)
    return received.id


def take_up_again(session: Session, feedback_id: int, *, at: datetime, now: datetime) -> None:
    """A word of the customer, said `at` an instant, opens an item again that was resolved or closed before."""
    ended_at = _ended_at(session.execute(feedback_query.SELECT.where(Feedback.id == feedback_id)).one())
    if ended_at is None or at < ended_at:
        return
    locked = reopening.lock(session, feedback_id)
    ended_at = _ended_at(locked.item)
    if ended_at is not None and at >= ended_at:
        reopening.reopen(session, locked, reason=WROTE_AGAIN, comment=None, because=(), now=now)


def _ended_at(item: Any) -> datetime | None:
    ended_at: datetime | None = item.closed_at or item.resolved_at
    return ended_at
