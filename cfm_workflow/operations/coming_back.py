"""A customer comes back to what was resolved or closed: soon after, it is open again; later it is a new item."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
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

    Of one that was closed long before, that of the item which follows it; of a new one, once those were closed long
    before, too. `word`: its `body` and `channel`.
    """
    last = _last(session, caller, item, at)
    if not _is_over(last, at):
        ident: int = last.id
        return ident
    # one at a time: of two words at once the later one finds what the earlier one made
    session.execute(select(Feedback.id).where(Feedback.id == last.id).with_for_update(key_share=True))
    last = _last(session, caller, last, at)
    if not _is_over(last, at):
        place: int = last.id
        return place
    row = {
        "source": last.source,
        "text": word["body"],
        "channel": word["channel"],
        "language": last.language,
        "customer": None if last.customer_id is None else {"id": last.customer_id},
        "received_at": at,
        "follows_id": last.id,
    }
    [received] = feedback.receive(session, caller, [row], imported=False, now=now)
    return received.id


def _is_over(item: Any, at: datetime) -> bool:
    """Whether it was closed so long before that it is not opened again."""
    return item.closed_at is not None and bool(at >= item.closed_at + REOPENS_WITHIN)


def _last(session: Session, caller: Caller, item: Any, at: datetime) -> Any:
    """From an item on, the first in its line that is not over; the last one if all are. What the caller may not see, or
    was erased, is not among them."""
    while _is_over(item, at):
        following = feedback_query.SELECT.where(
            Feedback.follows_id == item.id, Feedback.erased_at.is_(None), feedback_query.may_see(caller)
        )
        after = session.execute(following.order_by(Feedback.id.desc()).limit(1)).one_or_none()
        if after is None:
            return item
        item = after
    return item


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
