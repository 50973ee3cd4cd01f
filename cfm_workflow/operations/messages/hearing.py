"""A word of a customer: what it ends, and what goes on because of it."""

from datetime import datetime
from typing import Final

from sqlalchemy import or_, select, text, update
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller, system
from cfm_workflow.models import Action, ActionFeedback, Feedback
from cfm_workflow.operations import personal_reminders
from cfm_workflow.operations.actions.move import move_many
from cfm_workflow.operations.actions.steps import Order
from cfm_workflow.operations.coming_back import take_up_again
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.workflow import Category, leading_to

CUSTOMER: Final = system("customer's answer")
GOES_ON_IN: Final = (Category.ACTIVE, Category.OPEN)


def heard(session: Session, caller: Caller, feedback_id: int, *, now: datetime, at: datetime | None = None) -> None:
    """A word of the customer of an item, said `at` an instant (None: now), is recorded in this transaction by `caller`.

    Actions that wait for it go on, what had ended before is open again, and reminders that were only for its want are
    cancelled. Call it before the item is
    locked: actions come first.
    """
    _go_on(session, feedback_id, now)
    said_at = at or now
    take_up_again(session, feedback_id, at=said_at, now=now)
    later = or_(Feedback.heard_at.is_(None), Feedback.heard_at < said_at)
    session.execute(update(Feedback).where(Feedback.id == feedback_id, later).values(heard_at=said_at))
    personal_reminders.customer_answered(session, feedback_id, now=now)


def _go_on(session: Session, feedback_id: int, now: datetime) -> None:
    serving = select(ActionFeedback.action_id).where(ActionFeedback.feedback_id == feedback_id)
    waiting = select(*actions_query.JUDGED).where(
        Action.id.in_(serving), text("actions.category = 'waiting'"), Action.waiting_for_answer
    )
    ways: dict[str, list[int]] = {}
    for row in session.execute(waiting.order_by(Action.id)).all():
        definition = definition_of(session, row.workflow_id)
        for category in GOES_ON_IN:
            name = leading_to(definition, row, category, by=None, relations=frozenset({"system"}), now=now)
            if name is not None:
                ways.setdefault(name, []).append(row.id)
                break
    for name, ids in ways.items():
        move_many(session, CUSTOMER, ids, Order(name), now=now)
