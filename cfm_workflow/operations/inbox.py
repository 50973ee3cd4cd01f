"""Reading one's inbox: it is remembered up to where. Nobody else hears of it, so nothing is recorded."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.ledger.positions import horizon
from cfm_workflow.models import Account


def read_all(session: Session, caller: Caller) -> None:
    """Mark everything as read that the caller can have been told of; what commits later counts as new."""
    here = horizon(session) - 1
    session.execute(update(Account).where(Account.id == caller.id, Account.inbox_seen < here).values(inbox_seen=here))
