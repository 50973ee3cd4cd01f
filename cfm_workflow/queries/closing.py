"""What decides how resolved items go on: whom they benefited, what was said to their customers. Never writes."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cfm_workflow.models import Action, ActionFeedback, Feedback, Message, Outcome

ARRIVED: Final = frozenset({"sent", "kept"})


def benefiting(session: Session, feedback_ids: Collection[int]) -> frozenset[int]:
    """Those of the items on which something was done that benefits the customer."""
    query = (
        select(ActionFeedback.feedback_id)
        .join(Action, Action.id == ActionFeedback.action_id)
        .join(Outcome, Outcome.id == Action.outcome_id)
        .where(ActionFeedback.feedback_id.in_(feedback_ids), Action.category == "done", Outcome.benefits_customer)
        .distinct()
    )
    return frozenset(session.scalars(query)) if feedback_ids else frozenset()


def final_at(session: Session, feedback_ids: Collection[int]) -> Mapping[int, datetime]:
    """Per item: until when one of the steps that ended it can be undone."""
    query = (
        select(ActionFeedback.feedback_id, func.max(Action.undo_until))
        .join(Action, Action.id == ActionFeedback.action_id)
        .where(ActionFeedback.feedback_id.in_(feedback_ids), Action.undo_until.is_not(None))
        .group_by(ActionFeedback.feedback_id)
    )
    found: Any = session.execute(query)
    return dict(found.all())


def solved_messages(session: Session, feedback_ids: Collection[int]) -> Mapping[int, frozenset[str]]:
    """Per item: the states of the messages that told its customer, since it was resolved, that it is solved."""
    query = (
        select(Message.feedback_id, Message.state)
        .join(Feedback, Feedback.id == Message.feedback_id)
        .where(Message.feedback_id.in_(feedback_ids), Message.kind == "solved", Message.made_at >= Feedback.resolved_at)
    )
    found: dict[int, frozenset[str]] = {}
    for ident, state in session.execute(query):
        found[ident] = found.get(ident, frozenset()) | {state}
    return found
