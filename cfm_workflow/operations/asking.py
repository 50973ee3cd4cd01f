"""Customers are asked whether it really is solved, by a link in a mail; who does not answer in time counts as content.

Fired under the lock of the item: whoever makes a check pointless has that lock, so each is asked once or not at all.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, and_, bindparam, select, text, update
from sqlalchemy.orm import Session

from cfm_workflow import ledger
from cfm_workflow.access import system
from cfm_workflow.db import plain
from cfm_workflow.models import Check, Feedback, Message
from cfm_workflow.operations.checks import checked, write_confirmation
from cfm_workflow.operations.messages.telling import Untold, tell_customer
from cfm_workflow.policy.closing import ANSWERS_WITHIN, Answer
from cfm_workflow.queries.closing import ARRIVED

BATCH: Final = 200
CLOCK: Final = system("clock")

_TABLE: Final = Check.__table__

_DUE: Final = (
    select(Check.id, Check.feedback_id)
    .join(Feedback, Feedback.id == Check.feedback_id)
    .where(text("checks.state = 'planned'"), Check.ask_at <= bindparam("now", type_=_TABLE.c.ask_at.type))
    .order_by(Check.ask_at, Check.id)
    .limit(bindparam("count", type_=Integer))
    .with_for_update(of=Feedback, key_share=True, skip_locked=True)
)


def ask_due(session: Session, *, now: datetime, count: int = BATCH) -> int:
    """Ask up to `count` customers whether it really is solved; how many checks were looked at.

    Each is asked in the transaction that marks it. Who must not be written to any more is not asked.
    """
    rows = plain(session, _DUE, {"now": now, "count": count}).all()
    for row in rows:
        message = tell_customer(session, CLOCK, row.feedback_id, kind="check", now=now)
        if isinstance(message, Untold):
            values: dict[str, Any] = {"state": "cancelled"}
        else:
            values = {"state": "asked", "asked_at": now, "expires_at": now + ANSWERS_WITHIN, "message_id": message}
        session.execute(update(Check).where(Check.id == row.id).values(**values))
    return len(rows)


_UNANSWERED: Final = (
    select(
        Check.id,
        Check.feedback_id,
        and_(Feedback.closed_at <= Check.asked_at, Message.state.in_(ARRIVED)).label("was_asked_of_this_end"),
    )
    .join(Feedback, Feedback.id == Check.feedback_id)
    .join(Message, Message.id == Check.message_id)
    .where(text("checks.state = 'asked'"), Check.expires_at <= bindparam("now", type_=_TABLE.c.ask_at.type))
    .order_by(Check.expires_at, Check.id)
    .limit(bindparam("count", type_=Integer))
    .with_for_update(of=Feedback, key_share=True, skip_locked=True)
)


def assume_unanswered(session: Session, *, now: datetime, count: int = BATCH) -> int:
    """Note of up to `count` questions whose time is over that nobody answered them; how many they were.

    What was opened again since it was asked is not assumed to be solved, nor what nobody was asked in the end, because
    the mail was taken back or nobody got it: these questions have come to nothing.
    """
    rows = plain(session, _UNANSWERED, {"now": now, "count": count}).all()
    if not rows:
        return 0
    assumed = [row for row in rows if row.was_asked_of_this_end]
    session.execute(update(Check).where(Check.id.in_([row.id for row in rows])).values(state="cancelled"))
    session.execute(update(Check).where(Check.id.in_([row.id for row in assumed])).values(state="assumed"))
    facts = []
    for row in assumed:
        write_confirmation(session, row.feedback_id, Answer.ASSUMED)
        facts.append(checked(session, CLOCK, row.id, about={"told": []}))
    ledger.record(session, facts, now=now)
    return len(rows)
