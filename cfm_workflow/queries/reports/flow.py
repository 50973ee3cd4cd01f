"""How work flows: visits of states that ended in a period, how long they took, and where it gets stuck. Never writes.

Counted from `flow_days`, which the clock keeps up with the ledger; `complete_to` says up to when it has come.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, false, func, or_, select, union_all
from sqlalchemy.orm import Session

from cfm_workflow.db import plain
from cfm_workflow.models import Account, Action, FlowDay, ReportProgress, Stay, Team, TeamMember, WorkflowVersion
from cfm_workflow.models.actions import UNFINISHED
from cfm_workflow.policy import spread
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries.pages import Page, Sort, fetch_page
from cfm_workflow.queries.reports.scope import Period, Scope
from cfm_workflow.workflow import FINISHED, Milestone

EVERYBODY: Final = -1
"""As the team of a row of `flow_days`: all visits, whosever they were."""
NONE: Final = 0
"""No team, or no person."""

Step = tuple[str, str, str, str]
"""Workflow, state, transition and state after it."""
Flow = Mapping[Step, Counter[int]]
"""How many visits ended by each step, per bucket of how long they took."""


def process(session: Session, scope: Scope, period: Period) -> dict[str, Any]:
    """Every workflow as a map: what is in each state now, and how much went along each step how slowly."""
    flow, standing = flow_of(session, scope, period), _standing(session, scope)
    drawn = [
        _map(scope, period, definition, flow, standing)
        for definition in _definitions(session)
        if any(step[0] == definition.key for step in flow) or any(key == definition.key for key, _ in standing)
    ]
    return {
        "period": period.view(),
        "complete_to": complete_to(session),
        "hand_off": hand_off(session, scope, period, flow),
        "workflows": drawn,
    }


def complete_to(session: Session) -> datetime | None:
    """What happened before this instant is counted; None before the first of it."""
    return session.execute(select(ReportProgress.complete_to)).scalar_one()


def flow_of(session: Session, scope: Scope, period: Period) -> Flow:
    """All visits that ended in the period."""
    found: dict[Step, Counter[int]] = {}
    keys = _keys(session)
    source = _seen_one_by_one(scope, period) if scope.caller.hidden_teams else _by_day(scope, period)
    for row in plain(session, source, scope.given):
        step = (keys[row.workflow_id], row.state, row.transition, row.to_state)
        if row.many:  # an undone step leaves a zero
            found.setdefault(step, Counter())[row.bucket] += int(row.many)
    return found


_WHAT: Final = ("workflow_id", "state", "transition", "to_state", "bucket")


def _by_day(scope: Scope, period: Period) -> Any:
    """The days and months of the roll-up: those of everybody, or of teams and of their members without a team."""
    columns = [getattr(FlowDay, name) for name in _WHAT]
    query = select(*columns, func.sum(FlowDay.count).label("many")).group_by(*columns)
    whose: list[Any] = [and_(FlowDay.team_id == EVERYBODY, FlowDay.assignee_id == NONE)]
    if scope.teams is not None:
        members = select(TeamMember.account_id).where(TeamMember.team_id.in_(scope.teams))
        whose = [
            and_(FlowDay.team_id.in_(scope.teams), FlowDay.assignee_id == NONE),
            and_(FlowDay.team_id == NONE, FlowDay.assignee_id.in_(members)),
        ]
    stretches = [FlowDay.day.between(first, last) for first, last in _stretches(period)]
    return union_all(*(query.where(those, stretch) for those in whose for stretch in stretches))


def month_of(day: str) -> str:
    """What stands for a whole month where days do: behind all days, so that no stretch of days holds it."""
    return f"M{day[:7]}"


def _stretches(period: Period) -> list[tuple[str, str]]:
    """The whole months of a period as one stretch, and the days before and behind them."""
    begin = period.first if period.first.day == 1 else _next_month(period.first)
    end = (period.last + timedelta(days=1)).replace(day=1)
    if begin >= end:
        return [(period.first.isoformat(), period.last.isoformat())]
    day = timedelta(days=1)
    found = [(month_of(begin.isoformat()), month_of((end - day).isoformat()))]
    if period.first < begin:
        found.append((period.first.isoformat(), (begin - day).isoformat()))
    if end <= period.last:
        found.append((end.isoformat(), period.last.isoformat()))
    return found


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _seen_one_by_one(scope: Scope, period: Period) -> Any:
    """For those who may not see everything: the visits themselves."""
    columns = [getattr(Stay, name) for name in _WHAT]
    query = select(*columns, func.count().label("many")).join_from(Stay, Action, Action.id == Stay.action_id)
    between = (Stay.left_at >= period.start, Stay.left_at < period.end)
    return query.where(*between, *_theirs(scope)).group_by(*columns)


def _theirs(scope: Scope) -> list[Any]:
    seen = [actions_query.may_see(scope.caller)] if scope.caller.hidden_teams else []
    return scope.of_teams(Stay.team_id, Stay.assignee_id) + seen


def _keys(session: Session) -> dict[int, str]:
    return {row.id: row.key for row in session.execute(select(WorkflowVersion.id, WorkflowVersion.key))}


@dataclass(frozen=True, slots=True)
class Drawn:
    """What of a workflow stands on its map, by name and in the order of its file."""

    key: str
    name: dict[str, str]
    initial: str
    states: dict[str, dict[str, Any]]
    transitions: dict[str, dict[str, Any]]

    def is_open(self, state: str) -> bool:
        """Whether it is a state in which work is unfinished."""
        return state in self.states and self.states[state]["category"] not in FINISHED

    @property
    def accepted(self) -> list[str]:
        """The states in which it counts as accepted."""
        return [name for name, state in self.states.items() if state["milestone"] == Milestone.ACCEPTED]


def _drawn(content: Mapping[str, Any]) -> Drawn:
    states = {state["name"]: state for state in content["states"]}
    transitions = {transition["name"]: transition for transition in content["transitions"]}
    return Drawn(content["key"], content["name"], content["initial"], states, transitions)


def _definitions(session: Session) -> list[Drawn]:
    """The latest version of each workflow."""
    newest = select(func.max(WorkflowVersion.id)).group_by(WorkflowVersion.key)
    query = select(WorkflowVersion.content).where(WorkflowVersion.id.in_(newest)).order_by(WorkflowVersion.key)
    return [_drawn(content) for content in session.scalars(query)]


def _standing(session: Session, scope: Scope) -> Counter[tuple[str, str]]:
    """How many unfinished actions are in each state now, per workflow and state."""
    keys = _keys(session)
    query = select(Action.workflow_id, Action.state, func.count().label("many")).where(UNFINISHED, *scope.where)
    found: Counter[tuple[str, str]] = Counter()
    for row in plain(session, query.group_by(Action.workflow_id, Action.state), scope.given):
        found[keys[row.workflow_id], row.state] += row.many
    return found


def _map(
    scope: Scope, period: Period, definition: Drawn, flow: Flow, standing: Mapping[tuple[str, str], int]
) -> dict[str, Any]:
    mine = {step: counts for step, counts in flow.items() if step[0] == definition.key}
    medians = {step: _seconds(counts, 0.5) or 0 for step, counts in mine.items() if definition.is_open(step[1])}
    slowest = max(medians, key=lambda step: medians[step]) if medians else None
    return {
        "workflow": definition.key,
        "name": definition.name,
        "states": [
            {
                "state": name,
                "label": state["label"],
                "category": state["category"],
                "now": scope.figure(
                    standing[definition.key, name], workflow=definition.key, state=name, finished=False, sort="due_at"
                )
                if definition.is_open(name)
                else None,
                **_took(scope, period, [step for step in mine if step[1] == name], mine, state=name),
            }
            for name, state in definition.states.items()
        ],
        "steps": [
            {
                "from": step[1],
                "transition": step[2],
                "label": definition.transitions.get(step[2], {}).get("label"),
                "to": step[3],
                "slowest": step == slowest,
                **_took(scope, period, [step], mine, state=step[1], transition=step[2], to_state=step[3]),
            }
            for step in sorted(mine, key=lambda step: _place(definition, step))
        ],
    }


def _place(definition: Drawn, step: Step) -> tuple[int, int, str]:
    states, transitions = list(definition.states), list(definition.transitions)
    _, left, name, entered = step
    return (
        states.index(left) if left in states else len(states),
        transitions.index(name) if name in transitions else len(transitions),
        entered,
    )


def _took(scope: Scope, period: Period, steps: list[Step], flow: Flow, **filters: str) -> dict[str, Any]:
    """How many visits ended by these steps, and how long they took."""
    counts: Counter[int] = sum((flow[step] for step in steps), Counter())
    workflow = steps[0][0] if steps else None
    rows = {"workflow": workflow, **filters, "left_from": period.start, "left_to": period.end}
    return {
        "visits": scope.figure(sum(counts.values()), "/reports/stays", **rows),
        "median_seconds": _seconds(counts, 0.5),
        "p90_seconds": _seconds(counts, 0.9),
    }


def _seconds(counts: Mapping[int, int], share: float) -> int | None:
    took = spread.quantile(counts, share)
    return None if took is None else round(took.total_seconds())


def hand_off(session: Session, scope: Scope, period: Period, flow: Flow | None = None) -> dict[str, Any]:
    """From being given to being accepted, whatever the workflow."""
    flow = flow_of(session, scope, period) if flow is None else flow
    taken = {step for definition in _definitions(session) for step in _accepting(definition, flow)}
    counts: Counter[int] = sum((flow[step] for step in taken), Counter())
    return {
        "visits": scope.figure(
            sum(counts.values()), "/reports/stays", hand_off=True, left_from=period.start, left_to=period.end
        ),
        "median_seconds": _seconds(counts, 0.5),
        "p90_seconds": _seconds(counts, 0.9),
    }


def _accepting(definition: Drawn, flow: Flow) -> Iterator[Step]:
    """The steps from the first state to one that counts as accepted."""
    for step in flow:
        key, left, _, entered = step
        if key == definition.key and left == definition.initial and entered in definition.accepted:
            yield step


# -- the visits themselves ---------------------------------------------------------------------------------------------

SORTS: Final = {"-left_at": Sort((Stay.left_at, Stay.action_id, Stay.number), descending=True)}
_FILTERS: Final[dict[str, Any]] = {
    "workflow": lambda v: Stay.workflow_id.in_(select(WorkflowVersion.id).where(WorkflowVersion.key == v)),
    "state": lambda v: Stay.state == v,
    "transition": lambda v: Stay.transition == v,
    "to_state": lambda v: Stay.to_state == v,
    "left_from": lambda v: Stay.left_at >= v,
    "left_to": lambda v: Stay.left_at < v,
}


def stays(session: Session, scope: Scope, wanted: Mapping[str, Any]) -> Page:
    """A page of visits that have ended, the last first."""
    conditions = [make(wanted[name]) for name, make in _FILTERS.items() if wanted.get(name) is not None]
    if wanted.get("hand_off"):
        conditions.append(_is_hand_off(session))
    conditions += _theirs(scope)
    query: Any = (
        select(Stay, Action.title, WorkflowVersion.key, Team.key, Team.name, Account.name, Account.email)
        .join(Action, Action.id == Stay.action_id)
        .join(WorkflowVersion, WorkflowVersion.id == Stay.workflow_id)
        .outerjoin(Team, Team.id == Stay.team_id)
        .outerjoin(Account, Account.id == Stay.assignee_id)
    )
    counted = select(Stay.action_id).join(Action, Action.id == Stay.action_id).where(*conditions)
    return fetch_page(session, query.where(*conditions), wanted, SORTS, present=_view, counted=counted)


def _is_hand_off(session: Session) -> Any:

    ways = [
        and_(
            Stay.workflow_id.in_(select(WorkflowVersion.id).where(WorkflowVersion.key == definition.key)),
            Stay.state == definition.initial,
            Stay.to_state.in_(definition.accepted),
        )
        for definition in _definitions(session)
    ]
    return or_(false(), *ways)


def _view(row: Any) -> dict[str, Any]:
    stay, title, workflow, team_key, team_name, name, email = row[:7]
    return {
        "action": {"id": stay.action_id, "title": title},
        "workflow": workflow,
        "state": stay.state,
        "transition": stay.transition,
        "to": stay.to_state,
        "team": None if stay.team_id is None else {"id": stay.team_id, "key": team_key, "name": team_name},
        "assignee": None if stay.assignee_id is None else {"id": stay.assignee_id, "name": name, "email": email},
        "entered_at": stay.entered_at,
        "left_at": stay.left_at,
        "seconds": round((stay.left_at - stay.entered_at).total_seconds()),
    }
