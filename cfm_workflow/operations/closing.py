"""How an item ends: somebody closes it, or it closes by itself once its customer was told or cannot be.

What is resolved is looked at until nothing is left to do by itself: `settles_at` says when next. Nothing is said to a
customer before the last step can no longer be undone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Integer, bindparam, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller, system
from cfm_workflow.db import plain
from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Action, ActionFeedback, Feedback
from cfm_workflow.models.feedback import SETTLING
from cfm_workflow.operations import checks
from cfm_workflow.operations.messages import rows
from cfm_workflow.operations.messages.telling import Untold, tell_customer
from cfm_workflow.policy.closing import NO_CUSTOMER, UNREACHABLE, Ending, Next, next_of
from cfm_workflow.policy.reach import Standing, refusal
from cfm_workflow.queries import closing as closing_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import messages as messages_query
from cfm_workflow.queries import reach
from cfm_workflow.queries.closing import ARRIVED
from cfm_workflow.setting_values import TellCustomer

BATCH: Final = 100
LOOP: Final = system("closed loop")


def check_after(days: int) -> timedelta | None:
    """How long after it was closed a customer is asked whether it is solved, by the setting; None: never."""
    return timedelta(days=days) if days else None


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
        helped = closing_query.benefiting(session, told_ids)
        checks.plan(session, [ident for ident in told_ids if ident in helped], ask_at=now + check_after, now=now)
    return facts


# -- by a click ----------------------------------------------------------------------------------------------------


def tell_solved(
    session: Session, caller: Caller, feedback_id: int, *, wish: TellCustomer, now: datetime
) -> dict[str, Any]:
    """Tell the customer of a resolved item that it is solved; the message, which leaves when nothing can be undone.

    Raises:
        NotFound, Forbidden, Conflict: customers are not told here, this one cannot be or was already, or there is
            nothing to be told.
    """
    access.require(caller, "message.write")
    item = rows.lock_item(session, caller, feedback_id)
    if wish is TellCustomer.NEVER:
        raise Conflict("By a setting, customers are not told here that something is solved.")
    if ARRIVED & closing_query.solved_messages(session, [feedback_id]).get(feedback_id, frozenset()):
        raise Conflict("The customer was told already.")
    told = tell_customer(session, caller, item.id, kind="solved", now=now)
    if isinstance(told, Untold):
        raise Conflict(told.reason)
    return messages_query.show(session, caller, [messages_query.find(session, caller, told)])[0]


# -- the clock -----------------------------------------------------------------------------------------------------

_DUE: Final = (
    feedback_query.SELECT.where(
        SETTLING, Feedback.settles_at <= bindparam("now", type_=Feedback.__table__.c.settles_at.type)
    )
    .order_by(Feedback.settles_at, Feedback.id)
    .limit(bindparam("count", type_=Integer))
    .with_for_update(of=Feedback, key_share=True, skip_locked=True)
)


def settle_due(
    session: Session, *, wish: TellCustomer, check_after: timedelta | None, now: datetime, count: int = BATCH
) -> int:
    """Look at up to `count` items that were resolved: tell their customers, close them; how many they were."""
    items = plain(session, _DUE, {"now": now, "count": count}).all()
    if not items:
        return 0
    endings = _endings(session, items, now)
    nexts = {item.id: next_of(endings[item.id], wish, now=now) for item in items}
    for item in items:
        at = endings[item.id].final_at if nexts[item.id] is Next.LOOK_AGAIN else None
        session.execute(update(Feedback).where(Feedback.id == item.id).values(settles_at=at))
    closed = [
        (item, None if endings[item.id].told else endings[item.id].why_not, endings[item.id].told)
        for item in items
        if nexts[item.id] is Next.CLOSE
    ]
    facts = _close(session, closed, LOOP, check_after=check_after, now=now) if closed else []
    ledger.record(session, facts, now=now)
    for item in items:
        if nexts[item.id] is Next.TELL:
            tell_customer(session, LOOP, item.id, kind="solved", now=now)
    return len(items)


def _endings(session: Session, items: Sequence[Any], now: datetime) -> Mapping[int, Ending]:
    ids = [item.id for item in items]
    final, helped = closing_query.final_at(session, ids), closing_query.benefiting(session, ids)
    said = closing_query.solved_messages(session, ids)
    standings = reach.standings(session, [item.customer_id for item in items if item.customer_id is not None])
    return {
        item.id: Ending(
            final_at=final.get(item.id),
            why_not=_why_not(item, standings, now),
            told=not ARRIVED.isdisjoint(said.get(item.id, ())),
            on_its_way=item.id in said,
            benefits=item.id in helped,
        )
        for item in items
    }


def _why_not(item: Any, standings: Mapping[int, Standing], now: datetime) -> str | None:
    if item.customer_id is None:
        return NO_CUSTOMER
    why = refusal(standings[item.customer_id], "solved", now=now)
    return None if why is None else UNREACHABLE[why.code]
