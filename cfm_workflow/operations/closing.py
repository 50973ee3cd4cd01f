"""How an item ends: somebody closes it, or it closes by itself once its customer was told or cannot be.

What is resolved is looked at until nothing is left to do by itself: `settles_at` says when next. Nothing is said to a
customer before the last step can no longer be undone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller, system
from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Action, ActionFeedback, Feedback, Outcome
from cfm_workflow.operations import checks
from cfm_workflow.queries import feedback as feedback_query

BATCH: Final = 100
LOOP: Final = system("closed loop")


def close(
    session: Session,
    caller: Caller,
    feedback_id: int,
    reason: str | None,
    *,
    check_after: timedelta | None,
    now: datetime,
) -> dict[str, Any]:
    """Close an item on which nothing is under way; without a reason if its customer has had a word since its end.

    `check_after`: how long afterwards a customer who was told is asked whether it really is solved; None: never.

    Raises:
        NotFound, Forbidden, Conflict: it is closed already, or actions are unfinished.
        Invalid: the customer was not told, and it is not said why.
    """
    session.execute(select(Feedback.id).where(Feedback.id == feedback_id).with_for_update(key_share=True))
    item = feedback_query.find(session, caller, feedback_id)
    access.require(caller, "feedback.close")
    told = item.resolved_at is not None and item.told_at is not None and item.told_at >= item.resolved_at
    if reason is None and not told:
        raise Invalid({"reason": ["is required: the customer has had no word since it was resolved"]})
    if item.status == "closed":
        raise Conflict("It is closed already.")
    unfinished = (
        select(Action.id)
        .join(ActionFeedback, ActionFeedback.action_id == Action.id)
        .where(ActionFeedback.feedback_id == feedback_id, Action.finished_at.is_(None))
    )
    if session.scalars(unfinished.limit(1)).first() is not None:
        raise Conflict("It has unfinished actions: finish or cancel them first.")
    facts = _close(session, [(item, reason, told)], caller, check_after=check_after, now=now)
    ledger.record(session, facts, now=now)
    return feedback_query.show(session, caller, feedback_query.find(session, caller, feedback_id))


def _close(
    session: Session,
    ending: Sequence[tuple[Any, str | None, bool]],
    actor: Caller,
    *,
    check_after: timedelta | None,
    now: datetime,
) -> list[Fact]:
    """Close locked items: each with the reason, if there is one, and whether its customer was told."""
    ids = [item.id for item, _, _ in ending]
    values = {
        "status": "closed",
        "needs_decision": False,
        "closed_at": now,
        "settles_at": None,
        "silent_at": None,
        "version": Feedback.version + 1,
    }
    session.execute(update(Feedback).where(Feedback.id.in_(ids)).values(**values))
    after = {item.id: item for item in session.execute(feedback_query.SELECT.where(Feedback.id.in_(ids)))}
    facts = []
    for item, reason, told in ending:
        about: dict[str, Any] = {"from": item.status, "to": "closed", "customer_told": told}
        about |= {"feedback": feedback_query.brief(after[item.id])} | ({} if reason is None else {"reason": reason})
        facts.append(Fact("feedback.closed", item.id, about, actor, feedback_id=item.id))
    if check_after is not None:
        told_ids = [item.id for item, _, told in ending if told and item.customer_email is not None]
        helped = benefiting(session, told_ids)
        checks.plan(session, [ident for ident in told_ids if ident in helped], ask_at=now + check_after, now=now)
    return facts


def benefiting(session: Session, feedback_ids: Sequence[int]) -> frozenset[int]:
    """Those of the items on which something was done that benefits the customer."""
    query = (
        select(ActionFeedback.feedback_id)
        .join(Action, Action.id == ActionFeedback.action_id)
        .join(Outcome, Outcome.id == Action.outcome_id)
        .where(ActionFeedback.feedback_id.in_(feedback_ids), Action.category == "done", Outcome.benefits_customer)
        .distinct()
    )
    return frozenset(session.scalars(query)) if feedback_ids else frozenset()
