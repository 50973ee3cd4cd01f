"""What lists of actions can be narrowed by: conditions of a statement, with their values bound. Never writes."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, false, func, not_, null, or_, select, text, true
from sqlalchemy.orm import aliased

from cfm_workflow.db import Instant
from cfm_workflow.models import Account, Action, ActionFeedback, PassedOver, TeamMember, WorkflowVersion
from cfm_workflow.queries.labels import is_served


def _finished(value: bool) -> Any:
    return Action.finished_at.is_not(None) if value else Action.finished_at.is_(None)


def _overdue(value: bool) -> Any:
    if value:
        return and_(Action.finished_at.is_(None), Action.due_sort < bindparam("now"))
    return or_(Action.finished_at.is_not(None), Action.due_sort >= bindparam("now"))


def late() -> Any:
    """Not finished by the due date: still open past it, or finished after it."""
    open_past_it = and_(Action.finished_at.is_(None), Action.due_sort < bindparam("now"))
    return or_(open_past_it, Action.finished_at > Action.due_sort)


def not_accepted_in_time() -> Any:
    """Nobody has accepted it although the time for that is over."""
    return and_(
        Action.finished_at.is_(None), Action.accepted_at.is_(None), Action.accept_by.is_not(None), _is_past_accepting()
    )


def _is_past_accepting() -> Any:
    return Action.accept_by < bindparam("now")


def waiting_since_before() -> Any:
    """It has waited since before an instant."""
    return and_(text("category = 'waiting'"), Action.state_since < bindparam("waiting_since_before"))


def extended() -> Any:
    """Its due date is later than the first one."""
    return Action.due_at > Action.first_due_at


def belongs_to(team: Any, assignee: Any, teams: Any) -> Any:
    """Whether work is that of some `teams`: given to one of them, or to a member without naming a team.

    A case, so that nobody takes it for a way to find rows: it goes with a range of an index that holds both columns.
    """
    members = select(TeamMember.account_id).where(TeamMember.team_id.in_(teams))
    return case((team.is_(None), assignee.in_(members)), else_=team.in_(teams))


def _waits(value: bool) -> Any:
    return text("actions.category = 'waiting'") if value else text("actions.category <> 'waiting'")  # as in the index


def _orphaned(value: bool) -> Any:
    gone = select(Account.id).where(Account.active.is_(False)).scalar_subquery()
    if value:
        return and_(Action.finished_at.is_(None), Action.assignee_id.in_(gone))
    return or_(Action.assignee_id.is_(None), Action.assignee_id.not_in(gone))


def _serves(_: bool) -> Any:
    serving = select(ActionFeedback.action_id).where(ActionFeedback.feedback_id == bindparam("feedback"))
    return Action.id.in_(serving)


def _workflow(_: bool) -> Any:
    versions = select(WorkflowVersion.id).where(WorkflowVersion.key == bindparam("workflow"))
    return Action.workflow_id.in_(versions.scalar_subquery())


def _offered(_: bool) -> Any:
    """Pool actions nobody has taken, of the caller's teams, which the caller has not passed over."""
    passed = exists().where(PassedOver.action_id == Action.id, PassedOver.account_id == bindparam("me"))
    return and_(
        Action.finished_at.is_(None),
        Action.pool,
        Action.assignee_id.is_(None),
        Action.team_id.in_(bindparam("mine", expanding=True)),
        ~passed,
    )


def _left_behind(all_teams: bool) -> Any:
    """Unfinished work of people who were switched off, in the teams the caller watches."""
    left = _orphaned(True)
    if all_teams:
        return left
    watched: Any = bindparam("watched", expanding=True)
    of_theirs = select(TeamMember.account_id).where(TeamMember.team_id.in_(watched))
    named = and_(Action.team_id.is_(None), Action.assignee_id.in_(of_theirs))
    return and_(left, or_(Action.team_id.in_(watched), named))


def asks_for_time() -> Any:
    """Its assignee asks for more time."""
    return text("actions.extension_request IS NOT NULL")  # as in the index


_Asking = aliased(Action, name="asking")


def _is_asking() -> Any:
    """The same for lists: they are few, and so to be found first and then put in whatever order."""
    return Action.id.in_(select(_Asking.id).where(text("asking.extension_request IS NOT NULL")))


def _answerable(_: bool) -> Any:
    """More time is asked for, and the caller gave the work or leads the team that does it."""
    led: Any = bindparam("led", expanding=True)
    of_theirs = select(TeamMember.account_id).where(TeamMember.team_id.in_(led))
    leads = case((Action.team_id.is_(None), Action.assignee_id.in_(of_theirs)), else_=Action.team_id.in_(led))
    return and_(_is_asking(), or_(Action.assigner_id == bindparam("me"), leads))


def _given_or_not(column: Any) -> Any:
    return lambda value: column.is_not(None) if value else column.is_(None)


def _equal(column: Any, name: str) -> Any:
    return lambda _: column == bindparam(name)


def _one_of(column: Any, name: str) -> Any:
    return lambda _: column.in_(bindparam(name, expanding=True))


FILTERS: dict[str, Callable[[bool], Any]] = {
    "assignee": _equal(Action.assignee_id, "assignee"),
    "assigner": _equal(Action.assigner_id, "assigner"),
    "team": _equal(Action.team_id, "team"),
    "state": _one_of(Action.state, "state"),
    "category": _one_of(Action.category, "category"),
    "kind": _equal(Action.kind, "kind"),
    "priority": _one_of(Action.priority, "priority"),
    "outcome": _one_of(Action.outcome_id, "outcome"),
    "root_cause": _equal(Action.root_cause, "root_cause"),
    "group": _equal(Action.group_id, "group"),
    "external_ref": _equal(Action.external_ref, "external_ref"),
    "due_before": lambda _: Action.due_sort < bindparam("due_before"),
    "not_due_before": lambda _: Action.due_sort >= bindparam("not_due_before"),
    "due_after": lambda _: and_(Action.due_sort > bindparam("due_after"), Action.due_at.is_not(None)),
    "due_from": lambda _: and_(Action.due_sort >= bindparam("due_from"), Action.due_at.is_not(None)),
    "created_from": lambda _: Action.created_at >= bindparam("created_from"),
    "created_to": lambda _: Action.created_at < bindparam("created_to"),
    "finished_from": lambda _: and_(Action.finished_at.is_not(None), Action.finished_at >= bindparam("finished_from")),
    "finished_to": lambda _: and_(Action.finished_at.is_not(None), Action.finished_at < bindparam("finished_to")),
    "finished": _finished,
    "overdue": _overdue,
    "waits": _waits,
    "overdue_days_min": lambda _: and_(
        Action.finished_at.is_(None), Action.due_sort <= bindparam("overdue_days_min", type_=Instant)
    ),
    "overdue_days_max": lambda _: and_(
        Action.finished_at.is_(None),
        Action.due_sort < bindparam("now"),
        Action.due_sort > bindparam("overdue_days_max", type_=Instant),
    ),
    "late": lambda value: late() if value else not_(late()),
    "not_accepted_in_time": lambda value: not_accepted_in_time() if value else not_(not_accepted_in_time()),
    "waiting_since_before": lambda _: waiting_since_before(),
    "waiting_since_from": lambda _: and_(
        text("category = 'waiting'"), Action.state_since >= bindparam("waiting_since_from")
    ),
    "accept_by_from": lambda _: Action.accept_by >= bindparam("accept_by_from"),
    "extended": lambda value: extended() if value else func.coalesce(not_(extended()), true()),
    "extension_requested": lambda value: _is_asking() if value else Action.extension_request.is_(null()),
    "finish_met": lambda value: Action.finish_met.is_(true() if value else false()),
    "team_named": _given_or_not(Action.team_id),
    "assigned": _given_or_not(Action.assignee_id),
    "belongs_to": lambda _: belongs_to(Action.team_id, Action.assignee_id, bindparam("belongs_to", expanding=True)),
    "orphaned": _orphaned,
    "rare_label": lambda _: is_served("rare_label", few=True),
    "common_label": lambda _: is_served("common_label", few=False),
    "feedback": _serves,
    "workflow": _workflow,
    "offered_to": _offered,
    "left_behind_for": _left_behind,
    "answerable_by": _answerable,
}
"""A filter makes its condition of the variant of its value (`actions.rows` says which); the value itself is bound under
the filter's name."""
