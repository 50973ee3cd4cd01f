"""Planned checks: planned when an item closes after its customer was told, cancelled when that is pointless.

Whoever changes a check has locked its item. How it is asked is in `asking`, what the customer says in `answers`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Check, Feedback
from cfm_workflow.policy.closing import Answer
from cfm_workflow.queries import checks as checks_query
from cfm_workflow.queries import feedback as feedback_query

_TABLE: Final = Check.__table__


def plan(session: Session, feedback_ids: Sequence[int], *, ask_at: datetime, now: datetime) -> None:
    """Plan to ask the customers of these items whether it really is solved."""
    row = {"state": "planned", "ask_at": ask_at, "created_at": now}
    if feedback_ids:
        session.execute(insert(Check), [row | {"feedback_id": ident} for ident in feedback_ids])


def cancel(session: Session, feedback_ids: Sequence[int]) -> None:
    """Ask no more about these items; call it in the transaction that makes it pointless."""
    session.execute(
        update(Check)
        .where(Check.feedback_id.in_(feedback_ids), Check.state == "planned")
        .values(state="cancelled")
        .execution_options(synchronize_session=False)
    )


def cancel_of_customer(session: Session, customer_id: int) -> None:
    """Ask somebody who does not want to be contacted nothing more."""
    theirs = select(Feedback.id).where(Feedback.customer_id == customer_id)
    session.execute(
        update(Check)
        .where(Check.feedback_id.in_(theirs), Check.state == "planned")
        .values(state="cancelled")
        .execution_options(synchronize_session=False)
    )


def erase(session: Session, feedback_ids: Sequence[int], *, instead: str) -> None:
    """Put `instead` in the place of what customers said about these items, and ask no more."""
    theirs = Check.feedback_id.in_(feedback_ids)
    session.execute(update(Check).where(theirs, Check.word.is_not(None)).values(word=instead))
    session.execute(update(Check).where(theirs, Check.state.in_(["planned", "asked"])).values(state="cancelled"))


def write_confirmation(session: Session, feedback_id: int, answer: Answer) -> None:
    """What is known of how an item was resolved; it is locked."""
    values = {"confirmation": answer.value, "version": Feedback.version + 1}
    session.execute(update(Feedback).where(Feedback.id == feedback_id).values(**values))


def checked(session: Session, actor: Caller, check_id: int, *, about: Mapping[str, Any]) -> Fact:
    """That a check has an answer now, or will have none."""
    check = session.execute(select(_TABLE).where(_TABLE.c.id == check_id)).one()
    item = session.execute(feedback_query.SELECT.where(Feedback.id == check.feedback_id)).one()
    shown = {"check": checks_query.view(check), "feedback": feedback_query.brief(item), **about}
    return Fact("feedback.checked", item.id, shown, actor, feedback_id=item.id)
