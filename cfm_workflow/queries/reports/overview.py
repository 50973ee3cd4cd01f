"""The supervisor's first look: what is open and late now, and what came and went over some days. Never writes."""

from collections import Counter
from datetime import timedelta
from statistics import median
from typing import Any, Final

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from cfm_workflow.db import plain
from cfm_workflow.models import Action, Feedback, Outcome
from cfm_workflow.models.actions import EXTENDED, FINISHED, HAS_CAUSE, UNFINISHED
from cfm_workflow.queries import action_filters
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries.reports.scope import MOST_STEPS, Period, Scope

WAITS_LONG: Final = timedelta(days=5)
MOST_CAUSES: Final = 50


def overview(session: Session, scope: Scope, period: Period, *, by: str | None) -> dict[str, Any]:
    """What is so now, what happened in the period, and that over time, by day or by week."""
    return {
        "period": period.view(),
        "now": now(session, scope),
        "happened": happened(session, scope, period),
        "outcomes": outcomes(session, scope, period),
        "root_causes": root_causes(session, scope, period),
        "over_time": over_time(session, scope, period, by=by),
    }


def now(session: Session, scope: Scope) -> dict[str, Any]:
    """What is so at this moment."""
    overdue = case((Action.due_sort < scope.now, 1), else_=0)
    query = select(Action.category, func.count().label("open"), func.sum(overdue).label("overdue")).group_by(
        Action.category
    )
    rows = plain(session, query.where(UNFINISHED, *scope.where), scope.given).all()
    waits_since = scope.now - WAITS_LONG
    not_accepted = scope.count(session, action_filters.not_accepted_in_time())
    waiting = scope.count(session, action_filters.waiting_since_before(), waiting_since_before=waits_since)
    asked = scope.count(session, action_filters.asks_for_time())
    return {
        "open": scope.figure(sum(row.open for row in rows), finished=False, sort="due_at"),
        "overdue": scope.figure(sum(int(row.overdue) for row in rows), overdue=True, sort="due_at"),
        "not_accepted_in_time": scope.figure(not_accepted, not_accepted_in_time=True, sort="accept_by"),
        "waiting": scope.figure(sum(row.open for row in rows if row.category == "waiting"), category="waiting"),
        "waiting_long": scope.figure(waiting, waiting_since_before=waits_since, sort="state_since"),
        "extension_requested": scope.figure(asked, extension_requested=True, sort="due_at"),
        "needs_decision": scope.figure(_undecided(session, scope), "/feedback", needs_decision=True),
    }


def _undecided(session: Session, scope: Scope) -> int:
    conditions = feedback_query.conditions({"needs_decision": True, "belongs_to": scope.teams})
    if scope.caller.hidden_teams:
        conditions.append(feedback_query.may_see(scope.caller))
    query = select(func.count()).select_from(Feedback).where(*conditions)
    return int(plain(session, query).scalar_one())


def happened(session: Session, scope: Scope, period: Period) -> dict[str, Any]:
    """What came, went, was kept and was put off in a period."""
    between: dict[str, Any] = {"finished_from": period.start, "finished_to": period.end}
    ended = _ended(session, scope, period)
    is_done, is_dropped = ended["done"], ended["dropped"]
    put_off = _put_off(session, scope, period)
    due = and_(Action.due_sort >= period.start, Action.due_sort < period.end)
    return {
        "opened": scope.figure(
            scope.count(session, Action.created_at >= period.start, Action.created_at < period.end),
            created_from=period.start,
            created_to=period.end,
        ),
        "finished": scope.figure(is_done + is_dropped, **between, sort="-finished_at"),
        "done": scope.figure(is_done, **between, category="done", sort="-finished_at"),
        "dropped": scope.figure(is_dropped, **between, category="dropped", sort="-finished_at"),
        "became_overdue": scope.figure(
            scope.count(session, due, action_filters.late()),
            due_from=period.start,
            due_before=period.end,
            late=True,
            sort="due_at",
        ),
        "met": scope.figure(ended["met"], **between, finish_met=True, sort="-finished_at"),
        "missed": scope.figure(ended["missed"], **between, finish_met=False, sort="-finished_at"),
        "extended": scope.figure(len(put_off), **between, extended=True, sort="-finished_at"),
        "extended_by_seconds": {"value": round(median(put_off)) if put_off else None, "rows": None},
    }


def _ended(session: Session, scope: Scope, period: Period) -> Counter[str]:
    query = (
        select(Action.category, Action.finish_met, func.count().label("many"))
        .where(*_finished_in(period), *scope.where)
        .group_by(Action.category, Action.finish_met)
    )
    found: Counter[str] = Counter()
    for row in plain(session, query, scope.given):
        found[row.category] += row.many
        if row.finish_met is not None:
            found["met" if row.finish_met else "missed"] += row.many
    return found


def _finished_in(period: Period) -> list[Any]:
    return [FINISHED, Action.finished_at >= period.start, Action.finished_at < period.end]


def _put_off(session: Session, scope: Scope, period: Period) -> list[float]:
    """By how many seconds, of what was finished in the period, the last due date is after the first one."""
    query = select(Action.first_due_at, Action.due_at).where(EXTENDED, *_finished_in(period)[1:], *scope.where)
    return [(row.due_at - row.first_due_at).total_seconds() for row in plain(session, query, scope.given)]


def outcomes(session: Session, scope: Scope, period: Period) -> list[dict[str, Any]]:
    """How what was finished ended, the most frequent first."""
    counted = (
        select(Action.outcome_id, func.count().label("many"))
        .where(*_finished_in(period), *scope.where)
        .group_by(Action.outcome_id)
        .subquery()
    )
    query = select(Outcome.key, Outcome.label, counted.c.many).join(counted, counted.c.outcome_id == Outcome.id)
    between: dict[str, Any] = {"finished_from": period.start, "finished_to": period.end, "sort": "-finished_at"}
    return [
        {"outcome": row.key, "label": row.label, "actions": scope.figure(row.many, outcome=row.key, **between)}
        for row in plain(session, query.order_by(counted.c.many.desc(), Outcome.key), scope.given)
    ]


def root_causes(session: Session, scope: Scope, period: Period) -> list[dict[str, Any]]:
    """Why it had to be done, as far as that was said; the most frequent first."""
    count = func.count().label("many")
    query = (
        select(Action.root_cause, count)
        .where(HAS_CAUSE, *_finished_in(period)[1:], *scope.where)
        .group_by(Action.root_cause)
        .order_by(count.desc(), Action.root_cause)
        .limit(MOST_CAUSES)
    )
    between: dict[str, Any] = {"finished_from": period.start, "finished_to": period.end, "sort": "-finished_at"}
    return [
        {"root_cause": row.root_cause, "actions": scope.figure(row.many, root_cause=row.root_cause, **between)}
        for row in plain(session, query, scope.given)
    ]


def over_time(session: Session, scope: Scope, period: Period, *, by: str | None) -> dict[str, Any]:
    """Opened, finished and become overdue per day, or per week where days would be too many."""
    is_long = (period.last - period.first).days >= MOST_STEPS
    days = 7 if by == "week" or is_long else 1
    steps = list(period.steps(days))
    opened = scope.per_step(session, Action.created_at, steps)
    finished = scope.per_step(session, Action.finished_at, steps, FINISHED)
    overdue = scope.per_step(session, Action.due_sort, steps, action_filters.late())
    return {
        "by": "day" if days == 1 else "week",
        "steps": [
            {
                "from": step.first.isoformat(),
                "to": step.last.isoformat(),
                "opened": scope.figure(opened[n], created_from=step.start, created_to=step.end),
                "finished": scope.figure(
                    finished[n], finished_from=step.start, finished_to=step.end, sort="-finished_at"
                ),
                "became_overdue": scope.figure(
                    overdue[n], due_from=step.start, due_before=step.end, late=True, sort="due_at"
                ),
            }
            for n, step in enumerate(steps)
        ],
    }
