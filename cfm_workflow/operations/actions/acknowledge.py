"""Say that one has seen the reminders of an action: it is quiet for a while, and not for good."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, NotFound, Stale
from cfm_workflow.operations.actions import targets
from cfm_workflow.operations.actions.held import lock_actions, take_up, write
from cfm_workflow.operations.actions.move import visible
from cfm_workflow.policy import calendars
from cfm_workflow.policy.ladders import Target
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.queries import relations as relations_query

QUIET_DAYS: Final = 2
"""Business days."""


def acknowledge(
    session: Session, caller: Caller, action_id: int, *, now: datetime, if_match: int | None = None
) -> dict[str, Any]:
    """Quiet an action for two business days: what would have been told meanwhile is told once at their end.

    Raises:
        NotFound, Stale, Forbidden, Conflict: it is finished.
    """
    held = lock_actions(session, [action_id])
    if not visible(session, caller, held):
        raise NotFound("action", action_id)
    [action] = held
    if if_match is not None and if_match != action.version:
        raise Stale(action.version)
    access.require(caller, "action.acknowledge", relations_query.of_actions(session, caller, held)[action_id])
    if action.finished_at is not None:
        raise Conflict("It is finished: nobody is reminded of it any more.")
    [work] = take_up(session, held)
    calendar = calendars_query.reckoning(session, action.calendar_id)
    before, action.quiet_until = action.quiet_until, calendars.add_days(calendar, now, QUIET_DAYS)
    targets.move(work, *(target for target in Target if action.planned & targets.BITS[target]))
    targets.plan(session, [work], now=now)
    about = {"from": action.state, "to": action.state, "transition": None, "comment": None}
    changes = {"quiet_until": {"from": before, "to": action.quiet_until}}
    work.happened("action.acknowledged", caller, now, about | {"changes": changes})
    write(session, [work])
    ledger.record(session, work.facts, now=now)
    return work.view(now)
