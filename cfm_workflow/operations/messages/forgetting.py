"""Messages and shares of items that are erased: nothing of what was said stays, nor to whom."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, update
from sqlalchemy.orm import Session

from cfm_workflow.models import Message, Share
from cfm_workflow.operations.messages.sharing import take_back


def erase(session: Session, feedback_ids: Sequence[int], *, instead: str, now: datetime) -> None:
    """Put `instead` in the place of what was said about some items, and of addresses; end their shares.

    What has not left is taken back. Call it before events are rewritten.
    """
    take_back(session, Message.feedback_id.in_(feedback_ids))
    subject = case((Message.subject.is_not(None), instead))
    gone = {"body": instead, "subject": subject, "address": None, "answer": None, "customer_id": None}
    session.execute(update(Message).where(Message.feedback_id.in_(feedback_ids)).values(**gone))
    shares = update(Share).where(Share.feedback_id.in_(feedback_ids))
    session.execute(shares.values(address=instead))
    session.execute(shares.where(Share.revoked_at.is_(None)).values(revoked_at=now))
