"""The customer is not content after all: the action that was last done is opened again, by the one door.

Locked as everywhere: group and action before the item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.orm import Session

from cfm_workflow import ledger
from cfm_workflow.access import system
from cfm_workflow.db import plain
from cfm_workflow.errors import Invalid, RefusedTransition
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Account, Action, ActionFeedback, Feedback
from cfm_workflow.operations import checks
from cfm_workflow.operations.actions.held import Held, lock_actions, lock_groups
from cfm_workflow.operations.actions.move import move
from cfm_workflow.operations.actions.steps import Order
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.operations.messages.withdrawing import withdraw
from cfm_workflow.policy.groups import item_status
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries.groups import progress_of
from cfm_workflow.workflow import Category, leading_to

CUSTOMER: Final = system("customer's answer")
ENDED: Final = ("resolved", "closed")

_LAST_DONE: Final = (
    select(Action.id)
    .join(ActionFeedback, ActionFeedback.action_id == Action.id)
    .where(ActionFeedback.feedback_id == bindparam("item"), Action.category == "done")
    .order_by(Action.finished_at.desc(), Action.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Locked:
    """An item, locked, and before it the action on it that was last done, if there is one."""

    item: Any
    action: Held | None


def lock(session: Session, feedback_id: int) -> Locked:
    """Lock an item so that it can be opened again."""
    ident = plain(session, _LAST_DONE, {"item": feedback_id}).scalar_one_or_none()
    action = None
    if ident is not None:
        lock_groups(session, [ident])
        [action] = lock_actions(session, [ident])
    session.execute(select(Feedback.id).where(Feedback.id == feedback_id).with_for_update(key_share=True))
    item = session.execute(feedback_query.SELECT.where(Feedback.id == feedback_id)).one()
    return Locked(item, action if action is not None and action.category == "done" else None)


def reopen(
    session: Session, locked: Locked, *, reason: str, comment: str | None, because: Sequence[Fact], now: datetime
) -> int | None:
    """Open an item again that was resolved or closed; the id of the action that is to be done again, None without one.

    Whoever did it last is to do it again, or the lead if they are away or gone, else whoever gave it or stands above.
    An item on which nothing was done is open by itself, and so is one whose workflow does not let the service open the
    action again: then somebody has to decide. `because`: what led to it, recorded with it in any case.
    """
    action = locked.action if locked.item.status in ENDED else None
    if action is not None and _move(session, action, reason=reason, comment=comment, because=because, now=now):
        return action.id
    facts = list(because)
    if action is not None or (locked.item.status == "closed" and locked.action is None):
        facts += _open(session, locked.item, reason, is_left=action is not None)
    ledger.record(session, facts, now=now)
    return None


def _move(
    session: Session, action: Held, *, reason: str, comment: str | None, because: Sequence[Fact], now: datetime
) -> bool:
    """Whether its workflow lets the service open it again."""
    definition = definition_of(session, action.workflow_id)
    relations = frozenset({"system"})
    name = leading_to(definition, action, Category.OPEN, by=None, relations=relations, now=now)
    if name is None:
        return False
    fields: dict[str, Any] = {"reason": reason} if "reason" in definition.transitions[name].fields else {}
    try:
        move(session, CUSTOMER, action.id, Order(name, fields, comment), now=now, because=because)
    except Invalid:  # whoever had it is gone, and nobody leads
        order = Order(name, fields | {"assignee": _somebody(session, action)}, comment)
        move(session, CUSTOMER, action.id, order, now=now, because=because)
    except RefusedTransition:
        return False
    return True


def _somebody(session: Session, action: Held) -> int:
    """Who gave the work, else somebody above: there is always an administrator."""
    first = case((Account.id == action.assigner_id, 0), (Account.role == "supervisor", 1), else_=2)
    candidates = select(Account.id).where(
        Account.active,
        Account.kind == "user",
        (Account.id == action.assigner_id) | Account.role.in_(["supervisor", "admin"]),
    )
    return session.scalars(candidates.order_by(first, Account.id).limit(1)).one()


def _open(session: Session, item: Any, reason: str, *, is_left: bool) -> list[Fact]:
    """Open an item again by itself; somebody has to decide what is to happen. `is_left`: what was done stays done."""
    serving = (
        select(Action.category)
        .join(ActionFeedback, ActionFeedback.action_id == Action.id)
        .where(ActionFeedback.feedback_id == item.id)
    )
    status, needs_decision = ("open", True) if is_left else item_status(progress_of(session.scalars(serving)))
    values = {
        "status": status,
        "needs_decision": needs_decision,
        "resolved_at": None,
        "settles_at": None,
        "closed_at": None,
        "version": Feedback.version + 1,
    }
    session.execute(update(Feedback).where(Feedback.id == item.id).values(**values))
    checks.cancel(session, [item.id])
    after = session.execute(feedback_query.SELECT.where(Feedback.id == item.id)).one()
    about = {"from": item.status, "to": status, "reason": reason, "feedback": feedback_query.brief(after)}
    what = "feedback.undecided" if is_left else "feedback.reopened"
    withdrawn = withdraw(session, CUSTOMER, [item.id]) if is_left else []
    return [*withdrawn, Fact(what, item.id, about, CUSTOMER, feedback_id=item.id)]
