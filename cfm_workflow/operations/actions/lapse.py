"""How a request for more time ends without an answer: with what it was about. Changes actions in memory only."""

from datetime import datetime
from typing import Any, Final

from cfm_workflow.access import Caller, system
from cfm_workflow.operations.actions.held import Held, Work
from cfm_workflow.queries.actions import asked_for

EXTENSION_RULE: Final = system("extension")
WITHDRAWN: Final = "action.extension_withdrawn"
ENDED: Final = "The action has ended."
HANDED_ON: Final = "Somebody else has the action now."
MOVED: Final = "The due date was moved."
"""Why it ended: reasons of `letters.words.REASONS`."""


def lapse(work: Work, *, now: datetime) -> None:
    """End the request for more time of an action, if it has become pointless; after whatever may have made it so."""
    if work.action.extension_request is None:
        return
    why = _why_pointless(work.action, work.action.extension_request)
    if why is not None:
        end(work, WITHDRAWN, EXTENSION_RULE, {"reason": why}, now=now)


def end(work: Work, event_type: str, caller: Caller, about: dict[str, Any], *, now: datetime) -> None:
    """End it, which is the event; `about` says what the event tells beside the request itself."""
    request, work.action.extension_request = asked_for(work.action.extension_request), None
    same = {"from": work.action.state, "to": work.action.state, "transition": None, "comment": None}
    work.happened(event_type, caller, now, same | {"extension_request": request} | about)


def _why_pointless(action: Held, request: dict[str, Any]) -> str | None:
    if action.finished_at is not None:
        return ENDED
    if action.assignee_id != request["asked_by"]:
        return HANDED_ON
    if action.due_at is None or action.due_at >= datetime.fromisoformat(request["due_at"]):
        return MOVED
    return None
