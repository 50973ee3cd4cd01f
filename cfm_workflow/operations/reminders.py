"""Reminders whose time has come: told, and the next rung planned, in one transaction and without a lease.

Whoever changes an action's reminders has locked the action, so what is read under that lock is true: each is told once
whatever the number of processes, and not at all when it has just become pointless.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Integer, bindparam, select, text, update
from sqlalchemy.orm import Session

from cfm_workflow import ledger
from cfm_workflow.access import system
from cfm_workflow.db import plain
from cfm_workflow.models import Action, Reminder
from cfm_workflow.operations.actions import targets
from cfm_workflow.operations.actions.held import STORED, Held, Work, hold, take_up, write
from cfm_workflow.operations.receivers import Receivers
from cfm_workflow.policy.ladders import (
    Course,
    Ladder,
    Next,
    Target,
    following,
    latest_repetition,
    rung_of,
)
from cfm_workflow.policy.service_levels import event_type
from cfm_workflow.queries import policies as policies_query

BATCH: Final = 500
LATE_AFTER: Final = timedelta(minutes=5)
CLOCK: Final = system("clock")

_TABLE: Final = Action.__table__.c
_IS_DUE: Final = (
    text("reminders.state = 'planned'"),
    Reminder.at <= bindparam("now", type_=Reminder.__table__.c.at.type),
)
_ACTIONS: Final = (
    select(*(_TABLE[name] for name in STORED))
    .join(Reminder, Reminder.action_id == Action.id)
    .where(*_IS_DUE)
    .order_by(Reminder.at, Reminder.id)
    .limit(bindparam("count", type_=Integer))
    .with_for_update(of=Action, key_share=True, skip_locked=True)
)
_DUE: Final = (
    select(Reminder.id, Reminder.action_id, Reminder.target, Reminder.rung, Reminder.at)
    .where(*_IS_DUE, Reminder.action_id.in_(bindparam("ids", expanding=True)))
    .order_by(Reminder.at, Reminder.id)
)
_SETTLE: Final = (
    update(Reminder.__table__)  # type: ignore[arg-type]
    .where(Reminder.id.in_(bindparam("ids", expanding=True)))
    .values(state=bindparam("new_state"), settled_at=bindparam("settled"))
)


@dataclass(frozen=True, slots=True)
class _Told:
    """A reminder that is told now: which rung of what, planned for when."""

    work: Work
    target: Target
    ladder: Ladder
    step: Next
    way: Course


def fire_due(session: Session, *, now: datetime, count: int = BATCH) -> int:
    """Tell up to `count` reminders whose time has come, and return how many there were."""
    found, held = _lock(session, count, now)
    if not held:
        return 0
    works = {work.action.id: work for work in take_up(session, held)}
    due = plain(session, _DUE, {"now": now, "ids": list(works)}).all()
    told: list[_Told] = []
    rows: list[dict[str, Any]] = []
    pointless = [row.id for row in due if not _matters(works[row.action_id].action, Target(row.target))]
    for row in due:
        if row.id not in pointless:
            _climb(session, works[row.action_id], row, told, rows, now)
    _settle(session, [row.id for row in due if row.id not in pointless], "fired", now)
    _settle(session, pointless, "cancelled", now)
    targets.store(session, rows)
    people = Receivers(session, [each.work.action for each in told])
    for each in told:
        each.work.happened(event_type(each.target, each.ladder, each.step.rung), CLOCK, now, _about(each, people, now))
    changed = [works[ident] for ident in {row.action_id: None for row in due}]
    write(session, changed)
    ledger.record(session, [fact for work in changed for fact in work.facts], now=now)
    return found


def _lock(session: Session, count: int, now: datetime) -> tuple[int, list[Held]]:
    """How many reminders are due, and the actions they are about, each once; what somebody is changing now comes with
    the next tick."""
    rows = plain(session, _ACTIONS, {"now": now, "count": count}).all()
    return len(rows), list({row.id: hold(row) for row in rows}.values())


def _matters(action: Held, target: Target) -> bool:
    return targets.is_open(action, target) and action.category != "waiting" and targets.due(action, target) is not None


def _climb(
    session: Session, work: Work, row: Any, told: list[_Told], rows: list[dict[str, Any]], now: datetime
) -> None:
    """Tell a rung and all that were due by now after it, repetitions once; plan the next one."""
    action, target = work.action, Target(row.target)
    way, ladder = targets.course(session, action, target), _ladder(session, action, target)
    assert way is not None
    step: Next | None = latest_repetition(ladder, way, Next(row.rung, row.at), now)
    if step is not None and step.rung != row.rung:
        rows.append(_settled(targets.row(action, target, step, now), now))
    while step is not None and step.at <= now:
        told.append(_Told(work, target, ladder, step, way))
        step = following(ladder, way, step.rung, quiet_until=action.quiet_until)
        if step is not None and step.at <= now:
            step = latest_repetition(ladder, way, step, now)
            rows.append(_settled(targets.row(action, target, step, now), now))
    if step is None:
        action.planned &= ~targets.BITS[target]
    else:
        rows.append(targets.row(action, target, step, now))


def _settled(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return row | {"state": "fired", "settled_at": now}


def _ladder(session: Session, action: Held, target: Target) -> Ladder:
    assert action.policy_version_id is not None
    return policies_query.level_of(session, action.policy_version_id).ladders[target]


def _settle(session: Session, ids: Sequence[int], state: str, now: datetime) -> None:
    if ids:
        plain(session, _SETTLE, {"ids": list(ids), "new_state": state, "settled": now})


def _about(each: _Told, people: Receivers, now: datetime) -> dict[str, Any]:
    action = each.work.action
    rung = rung_of(each.ladder, each.step.rung)
    return {
        "from": action.state,
        "to": action.state,
        "transition": None,
        "comment": None,
        "reminder": {
            "target": each.target.value,
            "due_at": each.way.due,
            "rung": each.step.rung,
            "occurrence": action.occurrence,
            "planned_for": each.step.at,
            "late": now - each.step.at > LATE_AFTER,
            "urgent": rung.urgent,
        },
        "told": people.told(action, rung.to),
    }
