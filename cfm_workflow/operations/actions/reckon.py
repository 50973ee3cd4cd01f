"""Reckon the dates of open actions anew, by their calendar as it is now. What somebody named stays, as does the state.

Nobody asks for it: the service itself does it, once a calendar has changed or the rules of a time zone have.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from cfm_workflow import ledger
from cfm_workflow.access import system
from cfm_workflow.models import Calendar
from cfm_workflow.operations.actions import dates, targets
from cfm_workflow.operations.actions.held import Held, Work, lock_actions, take_up, write
from cfm_workflow.operations.actions.lapse import lapse
from cfm_workflow.policy.ladders import Target
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.queries import due as due_query
from cfm_workflow.queries.due import Pause
from cfm_workflow.workflow import Category

CALLER: Final = system("calendar")
COLUMNS: Final = {"due_at": Target.FINISH, "accept_by": Target.ACCEPT, "start_by": Target.START}
"""The dates that follow from a calendar, and what of an action each is about."""


def reckon(session: Session, calendar: Calendar, action_ids: Collection[int], *, reason: str, now: datetime) -> int:
    """Reckon the dates of these actions, which go by `calendar`, and their reminders; how many due dates have moved.

    Each action of which a date has moved is one event; its `reason` is one of `letters.words.REASONS`.
    """
    held = [action for action in lock_actions(session, action_ids) if action.finished_at is None]
    waited = due_query.pauses_of(session, [action.id for action in held if _is_moved_by_waiting(action)])
    found = [(action, _moved(session, action, waited.get(action.id, ()), now)) for action in held]
    new = {action.id: moved for action, moved in found if moved}
    works = take_up(session, [action for action in held if action.id in new])
    for work in works:
        _apply(work, new[work.action.id], calendar, reason, now)
    targets.plan(session, works, now=now)
    targets.replan(session, held, now=now)
    write(session, works)
    ledger.record(session, [fact for work in works for fact in work.facts], now=now)
    return sum("due_at" in moved for moved in new.values())


def _is_moved_by_waiting(action: Held) -> bool:
    return "in" in (action.due_rule or {}) or (action.start_by is not None and action.started_at is None)


def _is_over(action: Held, name: str, now: datetime) -> bool:
    """What has passed was told and judged, and stays; but while an action waits its clock stands still."""
    at: datetime | None = getattr(action, name)
    return at is not None and at <= now and action.category != Category.WAITING


def _moved(session: Session, action: Held, pauses: Sequence[Pause], now: datetime) -> dict[str, Any]:
    """Those of its dates that are to be others, as they are stored."""
    calendar = calendars_query.reckoning(session, action.calendar_id)
    now_due = {
        "due_at": dates.reckon_again(action.due_at, action.due_rule, calendar, pauses),
        "accept_by": targets.promised_again(session, action, Target.ACCEPT, pauses),
        "start_by": targets.promised_again(session, action, Target.START, pauses),
    }
    new: dict[str, Any] = {
        name: at for name, at in now_due.items() if at != getattr(action, name) and not _is_over(action, name, now)
    }
    if (due_at := new.get("due_at")) is not None and action.due_rule is not None:
        new["due_rule"] = action.due_rule | dates.on_the_wall(due_at, calendar)
        if action.first_due_at == action.due_at:
            new["first_due_at"] = due_at  # it is the same promise
    return new


def _apply(work: Work, new: dict[str, Any], calendar: Calendar, reason: str, now: datetime) -> None:
    changes = ledger.changes(work.action, {name: value for name, value in new.items() if name != "due_rule"})
    for name, value in new.items():
        setattr(work.action, name, value)
    targets.move(work, *(target for name, target in COLUMNS.items() if name in new))
    about = {"from": work.action.state, "to": work.action.state, "changes": changes, "reason": reason}
    work.happened("action.changed", CALLER, now, about | {"calendar": {"id": calendar.id, "name": calendar.name}})
    lapse(work, now=now)
