"""More time: the assignee asks for it, who may move the due date grants or refuses it, and the assignee can withdraw.

At most one request of an action is open; it stands in the row of the action, and what became of others in the ledger.
It ends by itself with what it was about (`lapse`). Granting is a change of the due date like any other.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Invalid, NotFound, Stale
from cfm_workflow.operations.actions import dates, targets
from cfm_workflow.operations.actions.change import set_fields
from cfm_workflow.operations.actions.dates import Due
from cfm_workflow.operations.actions.held import Work, lock_actions, take_up, write
from cfm_workflow.operations.actions.lapse import WITHDRAWN, end
from cfm_workflow.operations.actions.move import visible
from cfm_workflow.operations.stand_ins import look_again
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.queries import due as due_query
from cfm_workflow.queries import relations as relations_query
from cfm_workflow.queries.actions import asked_for

REQUESTED: Final = "action.extension_requested"
GRANTED: Final = "action.extension_granted"
REFUSED: Final = "action.extension_refused"
FORMS: Final = ("due_at", "due_in", "due_on")
"""How a due date can be told."""


def ask(
    session: Session,
    caller: Caller,
    action_id: int,
    fields: Mapping[str, Any],
    *,
    now: datetime,
    if_match: int | None = None,
) -> dict[str, Any]:
    """Ask for a later due date (`due_at`, `due_in` or `due_on`) with a `reason`; the action. What was asked for before
    is replaced.

    Raises:
        NotFound, Stale, Forbidden: only the assignee asks.
        Conflict: it is finished, has no due date, or the caller may move that date without asking.
        Invalid: that is not later than its due date, or is over.
    """
    work, relations = _take(session, caller, action_id, "action.ask_extension", if_match)
    action = work.action
    if access.allows(caller, "action.change", relations):
        raise Conflict("You may change the due date yourself: there is nobody to ask.")
    if action.finished_at is not None:
        raise Conflict("It is finished: it needs no more time.")
    if action.due_at is None:
        raise Conflict("It has no due date: there is nothing to extend.")
    when = dates.due(session, fields, action.calendar_id, now=now)
    wanted = {
        "due_at": _checked(work, when, fields, now).isoformat(),
        "rule": when.rule,
        "reason": fields["reason"],
        "asked_at": now.isoformat(),
        "asked_by": action.assignee_id,
    }
    former = action.extension_request
    if former is not None and former | {"asked_at": wanted["asked_at"]} == wanted:
        return work.view(now)
    action.extension_request = wanted
    about = {"from": action.state, "to": action.state, "transition": None, "comment": None}
    request = {"extension_request": asked_for(wanted), "reason": fields["reason"]}
    work.happened(REQUESTED, caller, now, about | request)
    return _written(session, work, now)


def grant(
    session: Session,
    caller: Caller,
    action_id: int,
    fields: Mapping[str, Any],
    *,
    now: datetime,
    if_match: int | None = None,
    asked_at: datetime | None = None,
) -> dict[str, Any]:
    """Move the due date to what is asked for, or to another one that `fields` name; the action.

    The reason of the change is `reason`, else that of the request. `asked_at`: only if it is this very request.

    Raises:
        NotFound, Stale, Forbidden.
        Conflict: nobody asks for more time, or by now for something else.
        Invalid: that is not later than the due date, or is over.
    """
    work, _ = _take(session, caller, action_id, "action.change", if_match)
    request = _open_request(work, asked_at)
    named = any(fields.get(form) is not None for form in FORMS)
    action = work.action
    when = dates.due(session, fields, action.calendar_id, now=now) if named else _wanted(session, work, request)
    due_at = _checked(work, when, fields, now)
    changes = set_fields(work, {"due_at": due_at, "due_rule": when.rule})
    about = {"changes": changes, "reason": fields.get("reason") or request["reason"]}
    end(work, GRANTED, caller, about, now=now)
    look_again(session, {action.assignee_id})
    targets.plan(session, [work], now=now)
    return _written(session, work, now)


def refuse(
    session: Session,
    caller: Caller,
    action_id: int,
    reason: str,
    *,
    now: datetime,
    if_match: int | None = None,
    asked_at: datetime | None = None,
) -> dict[str, Any]:
    """Say no, and why; the due date stays. `asked_at`: only if it is this very request.

    Raises:
        NotFound, Stale, Forbidden, Conflict: nobody asks for more time, or by now for something else.
    """
    work, _ = _take(session, caller, action_id, "action.change", if_match)
    _open_request(work, asked_at)
    end(work, REFUSED, caller, {"reason": reason}, now=now)
    return _written(session, work, now)


def withdraw(
    session: Session, caller: Caller, action_id: int, *, now: datetime, if_match: int | None = None
) -> dict[str, Any]:
    """Take the request back; the action.

    Raises:
        NotFound, Stale, Forbidden: only the assignee does that. Conflict: nobody asks for more time.
    """
    work, _ = _take(session, caller, action_id, "action.ask_extension", if_match)
    _open_request(work, None)
    end(work, WITHDRAWN, caller, {"reason": None}, now=now)
    return _written(session, work, now)


def _take(
    session: Session, caller: Caller, action_id: int, right: str, if_match: int | None
) -> tuple[Work, frozenset[str]]:
    """The locked action, and how the caller stands to it."""
    held = lock_actions(session, [action_id])
    if not visible(session, caller, held):
        raise NotFound("action", action_id)
    if if_match is not None and if_match != held[0].version:
        raise Stale(held[0].version)
    relations = relations_query.of_actions(session, caller, held)[action_id]
    access.require(caller, right, relations)
    [work] = take_up(session, held)
    return work, relations


def _open_request(work: Work, asked_at: datetime | None) -> dict[str, Any]:
    request = work.action.extension_request
    if request is None:
        raise Conflict("Nobody asks for more time.")
    if asked_at is not None and datetime.fromisoformat(request["asked_at"]) != asked_at:
        raise Conflict("Something else is asked for by now.")
    return request


def _wanted(session: Session, work: Work, request: Mapping[str, Any]) -> Due:
    """What is asked for, reckoned as of now: a span counts what has been waited since, and the calendar may be another
    by now."""
    action, rule = work.action, request["rule"]
    at = datetime.fromisoformat(request["due_at"])
    if rule is None:
        return Due(at, None, action.calendar_id)
    calendar = calendars_query.reckoning(session, action.calendar_id)
    pauses = due_query.pauses_of(session, [action.id]).get(action.id, ()) if "in" in rule else ()
    at = dates.reckon_again(at, rule, calendar, pauses) or at
    return Due(at, rule | dates.on_the_wall(at, calendar), action.calendar_id)


def _checked(work: Work, when: Due, fields: Mapping[str, Any], now: datetime) -> datetime:
    """When it is to be due, which is more time than it has."""
    named_by = next((form for form in FORMS if fields.get(form) is not None), "due_at")
    if when.at is None or when.at <= now:
        raise Invalid({named_by: ["must be in the future"]})
    if work.action.due_at is not None and when.at <= work.action.due_at:
        raise Invalid({named_by: ["must be later than the due date it has"]})
    return when.at


def _written(session: Session, work: Work, now: datetime) -> dict[str, Any]:
    write(session, [work])
    ledger.record(session, work.facts, now=now)
    return work.view(now)
