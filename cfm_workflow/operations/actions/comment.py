"""A word on an action. It changes nothing, and those who have to do with the action hear of it."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import NotFound, Stale
from cfm_workflow.operations.actions.held import Held, lock_actions, take_up, write
from cfm_workflow.operations.actions.move import visible
from cfm_workflow.queries import relations as relations_query


def comment(
    session: Session, caller: Caller, action_id: int, words: str, *, now: datetime, if_match: int | None = None
) -> dict[str, Any]:
    """Leave a comment in the history of an action, and return the action.

    Raises:
        NotFound, Stale, Forbidden: only those may who have to do with it, watchers among them.
    """
    held = lock_actions(session, [action_id])
    if not visible(session, caller, held):
        raise NotFound("action", action_id)
    if if_match is not None and if_match != held[0].version:
        raise Stale(held[0].version)
    access.require(caller, "action.comment", _relations(session, caller, held[0]))
    [work] = take_up(session, held)
    about = {"from": work.action.state, "to": work.action.state, "transition": None, "comment": words}
    work.happened("action.commented", caller, now, about)
    write(session, [work])
    ledger.record(session, work.facts, now=now)
    return work.view(now)


def _relations(session: Session, caller: Caller, action: Held) -> frozenset[str]:
    relations = relations_query.of_actions(session, caller, [action])[action.id]
    is_watcher = relations_query.watches(session, caller.id, action_id=action.id, feedback_id=action.feedback_id)
    return relations | {"watcher"} if is_watcher else relations
