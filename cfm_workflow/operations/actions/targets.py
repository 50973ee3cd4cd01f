"""What is promised for an action, whether it was kept, and the reminders of it: planned, moved and cancelled here, in
the transaction that causes it.

Of each target only the next rung is a live row, and `planned` of the action says for which there is one. What an action
needs follows from its row alone: so whoever changes one calls `judge` for what happened and `plan` at the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.orm import Session

from cfm_workflow.db import plain
from cfm_workflow.models import Reminder
from cfm_workflow.operations.actions import dates
from cfm_workflow.operations.actions.held import Held, Work
from cfm_workflow.policy import spans
from cfm_workflow.policy.calendars import Calendar, OutOfReach
from cfm_workflow.policy.ladders import Course, Next, Target, next_rung, when
from cfm_workflow.policy.service_levels import DEFAULT_KEY, ServiceLevel
from cfm_workflow.policy.spans import Span
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.queries import policies as policies_query
from cfm_workflow.queries.due import Pause
from cfm_workflow.workflow import Category

BITS: Final[Mapping[Target, int]] = {Target.ACCEPT: 1, Target.START: 2, Target.FINISH: 4}


@dataclass(frozen=True, slots=True)
class Step:
    """From which category to which; whether it left a finished state, and whether it took another step back."""

    left: Category
    entered: Category
    left_the_end: bool
    is_undo: bool


def promise(session: Session, action: Held, *, now: datetime) -> None:
    """By when it is to be accepted and started, from now on: that somebody had seen the former reminders quiets
    nothing of it."""
    _adopt(session, action)
    level = _level(session, action)
    action.promised_at, action.quiet_until = now, None
    action.accept_by = _after(session, level, Target.ACCEPT, action, now)
    action.start_by = _after(session, level, Target.START, action, now)
    action.accept_met = action.start_met = action.finish_met = None


def finish_target(session: Session, action: Held) -> Span | None:
    """By when, from being given, the policy wants it finished; None when people name that."""
    level = _level(session, action)
    return None if level is None else level.targets[Target.FINISH]


def is_open(action: Held, target: Target) -> bool:
    """Whether what the target is about has still to happen."""
    if action.finished_at is not None:
        return False
    if target is Target.ACCEPT:
        return action.accepted_at is None
    return target is Target.FINISH or action.started_at is None


def due(action: Held, target: Target) -> datetime | None:
    """The instant of a target."""
    if target is Target.FINISH:
        return action.due_at
    return action.accept_by if target is Target.ACCEPT else action.start_by


def course(session: Session, action: Held, target: Target) -> Course | None:
    """From when a target counts, when it is due and in which calendar; None when nothing is promised."""
    by = due(action, target)
    if by is None:
        return None
    calendar = _calendar(session, action)
    start = action.created_at
    if target is not Target.FINISH:
        level = _level(session, action)
        span = None if level is None else level.targets[target]
        start = action.promised_at or start
    elif (rule := action.due_rule or {}) and "in" in rule:
        span, start = spans.read_span(rule["in"]), datetime.fromisoformat(rule["from"])
    else:
        span = None
    return Course(start if span is None else dates.begun(span, start, by, calendar), by, calendar)


# -- planning --------------------------------------------------------------------------------------------------------

_INSERT: Final = insert(Reminder.__table__)  # type: ignore[arg-type]
_CANCEL: Final = (
    update(Reminder.__table__)  # type: ignore[arg-type]
    .where(text("state IN ('planned', 'suspended')"), Reminder.target == bindparam("of_target"))  # as in the index
    .values(state="cancelled", settled_at=bindparam("now"))
)
_CANCEL_OF_SOME: Final = _CANCEL.where(Reminder.action_id.in_(bindparam("ids", expanding=True)))
_CANCEL_OF_ONE: Final = _CANCEL.where(Reminder.action_id == bindparam("of_action"))
"""What is asked nearly always: its text need not be made anew at each execution."""
_SUSPEND: Final = (
    update(Reminder.__table__)  # type: ignore[arg-type]
    .where(Reminder.action_id.in_(bindparam("ids", expanding=True)), Reminder.state == "planned")
    .values(state="suspended")
)
_SUSPENDED: Final = select(Reminder.id, Reminder.action_id, Reminder.target, Reminder.rung).where(
    Reminder.action_id.in_(bindparam("ids", expanding=True)), Reminder.state == "suspended"
)
_RESUME: Final = (
    update(Reminder.__table__)  # type: ignore[arg-type]
    .where(Reminder.id == bindparam("at_id"))
    .values(state="planned", at=bindparam("new_at"))
)


def plan(session: Session, works: Sequence[Work], *, now: datetime) -> None:
    """Bring the reminders of stored actions in line with them; before the rows are written: it changes some."""
    for target in Target:
        _cancel(session, [work for work in works if _is_needless(work, target)], target, now)
    _go_on(session, [work for work in works if work.waited and work.action.planned], now)
    store(session, first(session, works, now=now))
    _suspend(session, [work for work in works if work.action.planned and _is_held_back(work)])


def first(session: Session, works: Sequence[Work], *, now: datetime) -> list[dict[str, Any]]:
    """The rows of targets that begin, or begin anew, for `store`: after the actions themselves."""
    rows = (_new(session, work, target, now) for work in works for target in Target if target in work.moved)
    return [row for row in rows if row is not None]


def store(session: Session, rows: list[dict[str, Any]]) -> None:
    """Write down reminders."""
    if rows:
        plain(session, _INSERT, rows)


def _is_held_back(work: Work) -> bool:
    """Whether it waits, and there may be something planned for it all the same."""
    return work.waits or (work.action.category == Category.WAITING and bool(work.moved))


def _is_needless(work: Work, target: Target) -> bool:
    if not work.action.planned & BITS[target]:
        return False
    return target in work.moved or not is_open(work.action, target) or due(work.action, target) is None


def _cancel(session: Session, works: Sequence[Work], target: Target, now: datetime) -> None:
    if not works:
        return
    given = {"of_target": target.value, "now": now}
    if len(works) == 1:
        plain(session, _CANCEL_OF_ONE, given | {"of_action": works[0].action.id})
    else:
        plain(session, _CANCEL_OF_SOME, given | {"ids": [work.action.id for work in works]})
    for work in works:
        work.action.planned &= ~BITS[target]


def _new(session: Session, work: Work, target: Target, now: datetime) -> dict[str, Any] | None:
    """The row of the next rung of a target that has none."""
    action = work.action
    if action.planned & BITS[target] or not is_open(action, target):
        return None
    way = course(session, action, target)
    if way is None:
        return None
    _adopt(session, action)
    level = _level(session, action)
    if level is None:
        return None
    since = work.ended_at or now  # an end that was undone never was
    if action.category == Category.WAITING:
        since = action.state_since  # its clock has stood still since
    step = next_rung(level.ladders[target], way, since=since, quiet_until=action.quiet_until)
    if step is None:
        return None
    action.planned |= BITS[target]
    return row(action, target, step, now)


def row(action: Held, target: Target, step: Next, now: datetime, *, state: str = "planned") -> dict[str, Any]:
    """A reminder as it is stored."""
    return {
        "action_id": action.id,
        "target": target.value,
        "rung": step.rung,
        "occurrence": action.occurrence,
        "at": step.at,
        "state": state,
        "settled_at": None,
        "created_at": now,
    }


def _suspend(session: Session, works: Sequence[Work]) -> None:
    """Nothing is told while it waits."""
    if works:
        plain(session, _SUSPEND, {"ids": [work.action.id for work in works]})


def _go_on(session: Session, works: Sequence[Work], now: datetime) -> None:
    """The rung that was next is next again, at its new time; one that was about to be told is told now."""
    if not works:
        return
    by_id = {work.action.id: work for work in works}
    moved = []
    for found in plain(session, _SUSPENDED, {"ids": list(by_id)}):
        work, target = by_id[found.action_id], Target(found.target)
        way, level = course(session, work.action, target), _level(session, work.action)
        if way is None or level is None:
            continue
        at = when(level.ladders[target], found.rung, way)
        moved.append({"at_id": found.id, "new_at": max(at or now, now, work.action.quiet_until or now)})
    if moved:
        plain(session, _RESUME, moved if len(moved) > 1 else moved[0])


_PLANNED: Final = select(Reminder.id, Reminder.action_id, Reminder.target, Reminder.rung, Reminder.at).where(
    Reminder.action_id.in_(bindparam("ids", expanding=True)), Reminder.state == "planned"
)


def replan(session: Session, actions: Sequence[Held], *, now: datetime) -> None:
    """Move what is planned to where its rung lies in the calendar as it is now; target and rung stay what they are."""
    by_id = {action.id: action for action in actions if action.planned}
    if not by_id:
        return
    moved = []
    for found in plain(session, _PLANNED, {"ids": list(by_id)}).all():
        action = by_id[found.action_id]
        at = _instant_of(session, action, Target(found.target), found.rung)
        if at is not None and found.at not in (at, action.quiet_until) and (at > now or found.at > now):
            moved.append({"at_id": found.id, "new_at": max(at, now, action.quiet_until or now)})
    if moved:
        plain(session, _RESUME, moved if len(moved) > 1 else moved[0])


def _instant_of(session: Session, action: Held, target: Target, rung: int) -> datetime | None:
    way, level = course(session, action, target), _level(session, action)
    if way is None or level is None:
        return None
    return when(level.ladders[target], rung, way)


# -- what happened ---------------------------------------------------------------------------------------------------


def judge(session: Session, work: Work, step: Step, *, now: datetime) -> None:
    """Note what a step means for what was promised: kept or not, begun anew, waiting, going on."""
    action = work.action
    if step.entered is Category.WAITING:
        work.waits, work.waited = True, False
    elif step.left is Category.WAITING:
        work.waits, work.waited = False, True
    if step.left_the_end:
        move(work, *Target)
        action.finish_met = None
    if step.entered is Category.OPEN and not step.is_undo:
        promise(session, action, now=now)
        move(work, Target.ACCEPT, Target.START)
    _keep(work, "accept_met", action.accepted_at, action.accept_by)
    _keep(work, "start_met", action.started_at, action.start_by)
    if step.entered is Category.DONE:
        _keep(work, "finish_met", action.finished_at, action.first_due_at)


def _keep(work: Work, name: str, happened: datetime | None, by: datetime | None) -> None:
    """Note once whether something happened in time."""
    if happened is None or by is None or getattr(work.action, name) is not None:
        return
    setattr(work.action, name, happened <= by)


def move(work: Work, *targets: Target) -> None:
    """Say that targets have moved: their ladders begin anew."""
    if not work.moved:
        work.action.occurrence += 1
    work.moved |= frozenset(targets)


def after_waiting(session: Session, work: Work, since: datetime, *, now: datetime) -> None:
    """Give what has not been started so much longer as it has waited."""
    action, level = work.action, _level(session, work.action)
    span = None if level is None else level.targets[Target.START]
    if action.start_by is None or action.started_at is not None or span is None:
        return
    calendar, unit = _calendar(session, action), spans.paused_in(span)
    action.start_by = spans.moved(unit, action.start_by, spans.between(unit, since, now, calendar), calendar)


def promised_again(session: Session, action: Held, target: Target, pauses: Sequence[Pause]) -> datetime | None:
    """By when it is to be accepted or started, by its calendar as it is now; as it is where that is over or leads
    nowhere."""
    by, level = due(action, target), _level(session, action)
    span = None if level is None else level.targets[target]
    if by is None or span is None or action.promised_at is None or not is_open(action, target):
        return by
    counted = pauses if target is Target.START else ()  # waiting gives no more time to accept
    try:
        return dates.with_pauses(span, action.promised_at, _calendar(session, action), counted)
    except OutOfReach:
        return by


def _level(session: Session, action: Held) -> ServiceLevel | None:
    return None if action.policy_version_id is None else policies_query.level_of(session, action.policy_version_id)


def _adopt(session: Session, action: Held) -> None:
    """Work that was given before there were policies goes by the default one from now on."""
    if action.policy_version_id is None and (chosen := policies_query.named(session, DEFAULT_KEY)) is not None:
        action.policy_version_id = chosen.version_id


def _after(
    session: Session, level: ServiceLevel | None, target: Target, action: Held, now: datetime
) -> datetime | None:
    span = None if level is None else level.targets[target]
    if span is None:
        return None
    try:
        return spans.after(span, now, _calendar(session, action))
    except OutOfReach:  # then nothing is promised, rather than that nobody could be given the work any more
        return None


def _calendar(session: Session, action: Held) -> Calendar:
    return calendars_query.reckoning(session, action.calendar_id)
