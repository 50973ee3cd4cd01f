"""Report actions to those above their assignees, by a person and with a reason. Nothing else changes."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import CfmError, Conflict, NotFound
from cfm_workflow.operations.actions.held import lock_actions, take_up, write
from cfm_workflow.operations.actions.move import Moved, Result, visible
from cfm_workflow.operations.receivers import Receivers
from cfm_workflow.policy.ladders import Receiver
from cfm_workflow.queries import relations as relations_query

TOLD: Final = (Receiver.ASSIGNEE, Receiver.LEAD, Receiver.SUPERVISORS)


def raise_many(
    session: Session, caller: Caller, action_ids: Collection[int], reason: str, *, now: datetime
) -> dict[int, Result]:
    """Tell assignee, lead and supervisors at once, of each action for itself; per id the action or why not."""
    held = lock_actions(session, action_ids)
    seen = visible(session, caller, held)
    works = [work for work in take_up(session, held) if work.action.id in seen]
    relations = relations_query.of_actions(session, caller, [work.action for work in works])
    receivers = Receivers(session, [work.action for work in works])
    results: dict[int, Result] = {action_id: NotFound("action", action_id) for action_id in action_ids}
    raised = []
    for work in works:
        action = work.action
        try:
            access.require(caller, "action.change", relations[action.id])
            if action.finished_at is not None:
                raise Conflict("It is finished: there is nothing to report.")
        except CfmError as refusal:
            results[action.id] = refusal
            continue
        told = [person for person in receivers.told(action, TOLD) if person["id"] != caller.id]
        about = {"from": action.state, "to": action.state, "transition": None, "comment": None}
        work.happened("action.raised", caller, now, about | {"reason": reason, "told": told})
        raised.append(work)
        results[action.id] = Moved(action.id, work.view(now))
    write(session, raised)
    ledger.record(session, [fact for work in raised for fact in work.facts], now=now)
    return results
