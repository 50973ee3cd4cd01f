"""Who wants to hear of an action or a feedback item: oneself, or somebody whom those in charge add."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, limits
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, NotFound, Stale
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Account, ActionWatcher, Feedback, FeedbackWatcher
from cfm_workflow.operations.actions.held import Work, lock_actions, take_up, write
from cfm_workflow.operations.actions.move import visible
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import callers
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries import relations as relations_query


def watch_action(
    session: Session, caller: Caller, action_id: int, user_id: int, *, now: datetime, if_match: int | None = None
) -> dict[str, Any]:
    """Let somebody watch an action, and return it; twice changes nothing.

    Raises:
        NotFound, Stale, Forbidden, Conflict: they are switched off, may not see it, or limits.WATCHERS watch it.
    """
    work, person = _take_action(session, caller, action_id, user_id, if_match)
    if _is_watching(session, ActionWatcher, ActionWatcher.action_id == action_id, user_id):
        return work.view(now)
    _check_room(session, ActionWatcher, ActionWatcher.action_id == action_id)
    _check_sight(person, lambda watcher: actions_query.find(session, watcher, action_id), session)
    session.execute(insert(ActionWatcher).values(action_id=action_id, account_id=user_id, added_by=caller.id, at=now))
    return _record_action(session, caller, work, "action.watched", person, now)


def unwatch_action(
    session: Session, caller: Caller, action_id: int, user_id: int, *, now: datetime, if_match: int | None = None
) -> dict[str, Any]:
    """Let somebody watch an action no more, and return it.

    Raises:
        NotFound: also when they do not watch it; Stale, Forbidden.
    """
    work, person = _take_action(session, caller, action_id, user_id, if_match)
    watching = ActionWatcher.action_id == action_id
    if not _is_watching(session, ActionWatcher, watching, user_id):
        raise NotFound("watcher", user_id)
    session.execute(delete(ActionWatcher).where(watching, ActionWatcher.account_id == user_id))
    return _record_action(session, caller, work, "action.unwatched", person, now)


def watch_item(session: Session, caller: Caller, feedback_id: int, user_id: int, *, now: datetime) -> dict[str, Any]:
    """Let somebody watch a feedback item and with it every action made on it; twice changes nothing.

    Raises:
        NotFound, Forbidden, Conflict: they are switched off, may not see it, or limits.WATCHERS watch it.
    """
    item, person = _take_item(session, caller, feedback_id, user_id)
    if _is_watching(session, FeedbackWatcher, FeedbackWatcher.feedback_id == feedback_id, user_id):
        return feedback_query.show(session, caller, item)
    _check_room(session, FeedbackWatcher, FeedbackWatcher.feedback_id == feedback_id)
    _check_sight(person, lambda watcher: feedback_query.find(session, watcher, feedback_id), session)
    session.execute(
        insert(FeedbackWatcher).values(feedback_id=feedback_id, account_id=user_id, added_by=caller.id, at=now)
    )
    return _record_item(session, caller, feedback_id, "feedback.watched", person, now)


def unwatch_item(session: Session, caller: Caller, feedback_id: int, user_id: int, *, now: datetime) -> dict[str, Any]:
    """Let somebody watch a feedback item no more.

    Raises:
        NotFound: also when they do not watch it; Forbidden.
    """
    _, person = _take_item(session, caller, feedback_id, user_id)
    watching = FeedbackWatcher.feedback_id == feedback_id
    if not _is_watching(session, FeedbackWatcher, watching, user_id):
        raise NotFound("watcher", user_id)
    session.execute(delete(FeedbackWatcher).where(watching, FeedbackWatcher.account_id == user_id))
    return _record_item(session, caller, feedback_id, "feedback.unwatched", person, now)


def _take_action(
    session: Session, caller: Caller, action_id: int, user_id: int, if_match: int | None
) -> tuple[Work, Account]:
    held = lock_actions(session, [action_id])
    if not visible(session, caller, held):
        raise NotFound("action", action_id)
    person = people_query.find_user(session, user_id)
    if if_match is not None and if_match != held[0].version:
        raise Stale(held[0].version)
    relations = relations_query.of_actions(session, caller, held)[action_id]
    access.require(caller, "action.watch" if user_id == caller.id else "action.add_watcher", relations)
    return take_up(session, held)[0], person


def _take_item(session: Session, caller: Caller, feedback_id: int, user_id: int) -> tuple[Any, Account]:
    session.execute(select(Feedback.id).where(Feedback.id == feedback_id).with_for_update(key_share=True))
    item = feedback_query.find(session, caller, feedback_id)
    person = people_query.find_user(session, user_id)
    relations = relations_query.to_item(session, caller, item._mapping)
    access.require(caller, "feedback.watch" if user_id == caller.id else "feedback.add_watcher", relations)
    return item, person


def _is_watching(session: Session, table: Any, of_it: Any, user_id: int) -> bool:
    return session.scalars(select(table.account_id).where(of_it, table.account_id == user_id)).first() is not None


def _check_room(session: Session, table: Any, of_it: Any) -> None:
    """Under the lock of what is watched, so that nobody comes in between."""
    watching = session.scalars(select(func.count()).select_from(table).where(of_it)).one()
    if watching >= limits.WATCHERS:
        raise Conflict(f"At most {limits.WATCHERS} people can watch the same thing.")


def _check_sight(person: Account, find: Any, session: Session) -> None:
    """Nobody hears of what they may not see."""
    watcher = callers.by_id(session, person.id)
    if watcher is None:
        raise Conflict(f"{person.name} has been switched off.")
    try:
        find(watcher)
    except NotFound:
        raise Conflict(f"{person.name} may not see this.") from None


def _record_action(
    session: Session, caller: Caller, work: Work, event_type: str, person: Account, now: datetime
) -> dict[str, Any]:
    about = {"from": work.action.state, "to": work.action.state, "comment": None, "watcher": _named(person)}
    work.happened(event_type, caller, now, about)
    write(session, [work])
    ledger.record(session, work.facts, now=now)
    return work.view(now)


def _record_item(
    session: Session, caller: Caller, feedback_id: int, event_type: str, person: Account, now: datetime
) -> dict[str, Any]:
    """With a version of its own: by that the events of an item are put in order."""
    session.execute(update(Feedback).where(Feedback.id == feedback_id).values(version=Feedback.version + 1))
    item = feedback_query.find(session, caller, feedback_id)
    about = {"watcher": _named(person), "feedback": feedback_query.brief(item)}
    ledger.record(session, [Fact(event_type, feedback_id, about, caller, feedback_id=feedback_id)], now=now)
    return feedback_query.show(session, caller, item)


def _named(person: Account) -> dict[str, Any]:
    return {"id": person.id, "name": person.name}
