"""One action for many feedback items: link, unlink; and a pool member's "not me"."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, limits
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, NotFound, Stale
from cfm_workflow.models import ActionFeedback, Feedback, PassedOver
from cfm_workflow.operations.actions import roll_up
from cfm_workflow.operations.actions.held import Work, lock_actions, take_up, write
from cfm_workflow.operations.actions.move import visible
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import relations as relations_query


def link(
    session: Session, caller: Caller, action_id: int, feedback_id: int, *, now: datetime, if_match: int | None = None
) -> dict[str, Any]:
    """Let the action serve one more item; linking twice changes nothing.

    Raises:
        NotFound, Stale, Forbidden, Conflict: it serves limits.ITEMS_PER_ACTION items already.
    """
    work = _take(session, caller, action_id, "action.link", if_match)
    feedback_query.find(session, caller, feedback_id)
    served = _served(session, action_id)
    if feedback_id in served:
        return work.view(now)
    if len(served) >= limits.ITEMS_PER_ACTION:
        raise Conflict(f"An action can serve {limits.ITEMS_PER_ACTION} feedback items.")
    _lock_item(session, feedback_id)
    session.execute(insert(ActionFeedback).values(action_id=action_id, feedback_id=feedback_id))
    return _record(session, caller, work, "action.linked", feedback_id, [*served, feedback_id], now)


def unlink(
    session: Session, caller: Caller, action_id: int, feedback_id: int, *, now: datetime, if_match: int | None = None
) -> dict[str, Any]:
    """Let the action serve one item less; the item it was made on stays.

    Raises:
        NotFound, Stale, Forbidden, Conflict: it is the item the action was made on.
    """
    work = _take(session, caller, action_id, "action.link", if_match)
    served = _served(session, action_id)
    if feedback_id not in served:
        raise NotFound("link to feedback item", feedback_id)
    if feedback_id == work.action.feedback_id:
        raise Conflict("The item on which an action was made stays.")
    _lock_item(session, feedback_id)
    gone = delete(ActionFeedback).where(
        ActionFeedback.action_id == action_id, ActionFeedback.feedback_id == feedback_id
    )
    session.execute(gone)
    rest = [served_id for served_id in served if served_id != feedback_id]
    return _record(session, caller, work, "action.unlinked", feedback_id, rest, now)


def pass_over(
    session: Session, caller: Caller, action_id: int, *, now: datetime, if_match: int | None = None
) -> dict[str, Any]:
    """Say "not me" to a pool action: it is no longer offered to the caller. Twice changes nothing.

    Raises:
        NotFound, Stale, Forbidden, Conflict: somebody has it already.
    """
    work = _take(session, caller, action_id, "action.pass_over", if_match)
    if not work.action.pool or work.action.assignee_id is not None:
        raise Conflict(f"{work.names.assignee_name or 'Nobody of a pool'} has it.")
    said = session.get(PassedOver, (action_id, caller.id))
    if said is not None:
        return work.view(now)
    session.add(PassedOver(action_id=action_id, account_id=caller.id, at=now))
    session.flush()
    about = {"from": work.action.state, "to": work.action.state, "comment": None}
    work.happened("action.passed_over", caller, now, about)
    return _written(session, work, now)


def _take(session: Session, caller: Caller, action_id: int, right: str, if_match: int | None) -> Work:
    held = lock_actions(session, [action_id])
    if not visible(session, caller, held):
        raise NotFound("action", action_id)
    if if_match is not None and if_match != held[0].version:
        raise Stale(held[0].version)
    access.require(caller, right, relations_query.of_actions(session, caller, held)[action_id])
    return take_up(session, held)[0]


def _served(session: Session, action_id: int) -> list[int]:
    served = select(ActionFeedback.feedback_id).where(ActionFeedback.action_id == action_id)
    return sorted(session.scalars(served))


def _lock_item(session: Session, feedback_id: int) -> None:
    session.execute(select(Feedback.id).where(Feedback.id == feedback_id).with_for_update(key_share=True))


def _record(
    session: Session, caller: Caller, work: Work, event_type: str, feedback_id: int, served: list[int], now: datetime
) -> dict[str, Any]:
    work.names.feedback_ids = ",".join(map(str, served))
    about = {"from": work.action.state, "to": work.action.state, "comment": None, "feedback_id": feedback_id}
    work.happened(event_type, caller, now, about)
    columns = (c for c in Feedback.__table__.c if c.name != "search_text")
    rows = session.execute(select(*columns).where(Feedback.id == feedback_id)).all()
    work.facts.extend(roll_up.settle(session, rows, caller, now=now))
    return _written(session, work, now)


def _written(session: Session, work: Work, now: datetime) -> dict[str, Any]:
    write(session, [work])
    ledger.record(session, work.facts, now=now)
    return work.view(now)
