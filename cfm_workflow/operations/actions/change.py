"""Edit the fields of an action: what describes it, how urgent it is, when it is due. Never its state."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import CfmError, Invalid, NotFound, Stale
from cfm_workflow.models.actions import PRIORITIES, PRIORITY_NAMES
from cfm_workflow.operations.actions import dates, targets
from cfm_workflow.operations.actions.held import Work, lock_actions, take_up, write
from cfm_workflow.operations.actions.lapse import EXTENSION_RULE, MOVED, WITHDRAWN, end
from cfm_workflow.operations.actions.move import Moved, Result, visible
from cfm_workflow.operations.stand_ins import look_again
from cfm_workflow.policy.ladders import Target
from cfm_workflow.queries import relations as relations_query

DATING: Final = frozenset({"due_at", "due_on"})
DESCRIBING: Final = frozenset({"title", "description"})
"""What the assignee may change; the rest is for those who gave the work or lead."""


def change(
    session: Session,
    caller: Caller,
    action_id: int,
    fields: Mapping[str, Any],
    *,
    now: datetime,
    if_match: int | None = None,
) -> dict[str, Any]:
    """Change one action and return it as the API shows it.

    Raises:
        NotFound, Stale, Forbidden, Invalid: a new due date needs a reason.
    """
    expected = {} if if_match is None else {action_id: if_match}
    result = change_many(session, caller, [action_id], fields, now=now, if_match=expected)[action_id]
    if isinstance(result, CfmError):
        raise result
    return result.action


def change_many(
    session: Session,
    caller: Caller,
    action_ids: Collection[int],
    fields: Mapping[str, Any],
    *,
    now: datetime,
    if_match: Mapping[int, int] | None = None,
) -> dict[int, Result]:
    """Change actions, each for itself; per id the action or the reason why not."""
    held = lock_actions(session, action_ids)
    seen = visible(session, caller, held)
    works = [work for work in take_up(session, held) if work.action.id in seen]
    relations = relations_query.of_actions(session, caller, [work.action for work in works])
    results: dict[int, Result] = {action_id: NotFound("action", action_id) for action_id in action_ids}
    changed = []
    for work in works:
        ident = work.action.id
        expected = (if_match or {}).get(ident)
        try:
            if expected is not None and expected != work.action.version:
                raise Stale(work.action.version)
            _check(caller, relations[ident], fields)
            new = _new(session, work, fields, now)
        except CfmError as refusal:
            results[ident] = refusal
            continue
        if _apply(caller, work, new, fields.get("reason"), now):
            changed.append(work)
        results[ident] = Moved(ident, work.view(now))
    redated = {work.action.assignee_id for work in changed if Target.FINISH in work.moved}
    look_again(session, redated - {None})
    targets.plan(session, changed, now=now)
    write(session, changed)
    ledger.record(session, [fact for work in changed for fact in work.facts], now=now)
    return results


def _check(caller: Caller, relations: frozenset[str], fields: Mapping[str, Any]) -> None:
    only_describing = fields.keys() <= DESCRIBING
    access.require(caller, "action.describe" if only_describing else "action.change", relations)
    if DATING & fields.keys() and not fields.get("reason"):
        raise Invalid({"reason": ["is required when the due date changes"]})


def _new(session: Session, work: Work, fields: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The new values, as they are stored."""
    new = {name: value for name, value in fields.items() if name not in ("reason", "due_on")}
    if "priority" in new:
        new["priority"] = PRIORITIES[new["priority"]]
    if DATING & fields.keys():
        when = dates.due(session, fields, work.action.calendar_id, now=now)
        new |= {"due_at": when.at, "due_rule": when.rule}
    return new


def set_fields(work: Work, new: Mapping[str, Any]) -> dict[str, Any]:
    """Give an action other values, in memory; those that were others before, as events show them."""
    changes = ledger.changes(work.action, dict(new))
    for name in changes:
        setattr(work.action, name, new[name])
    if "priority" in changes:
        changes["priority"] = {side: PRIORITY_NAMES[number] for side, number in changes["priority"].items()}
    if "due_at" in changes:
        targets.move(work, Target.FINISH)
        work.action.first_due_at = work.action.first_due_at or work.action.due_at
    return changes


def _apply(caller: Caller, work: Work, new: dict[str, Any], reason: str | None, now: datetime) -> bool:
    """Change the fields in memory; False when everything was so already."""
    changes = set_fields(work, new)
    if not changes:
        return False
    about = {"from": work.action.state, "to": work.action.state, "changes": changes, "reason": reason}
    work.happened("action.changed", caller, now, about)
    if "due_at" in changes and work.action.extension_request is not None:
        end(work, WITHDRAWN, EXTENSION_RULE, {"reason": MOVED}, now=now)
    return True
