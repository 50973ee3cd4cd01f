"""Actions as everybody sees them: one row, lists by key, and what may be seen. Never writes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, String, and_, bindparam, cast, exists, false, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from cfm_workflow import limits
from cfm_workflow.access import Caller
from cfm_workflow.errors import NotFound
from cfm_workflow.models import (
    Account,
    Action,
    ActionFeedback,
    Outcome,
    PassedOver,
    Team,
    WorkflowVersion,
)
from cfm_workflow.models.actions import PRIORITY_NAMES
from cfm_workflow.queries.pages import Page, Sort, fetch_page

_Assignee = aliased(Account)
_Assigner = aliased(Account)

_FEEDBACK_IDS = (
    select(func.aggregate_strings(cast(ActionFeedback.feedback_id, String), ","))
    .where(ActionFeedback.action_id == Action.id)
    .scalar_subquery()
)

NAMES = (
    _Assignee.name.label("assignee_name"),
    _Assignee.email.label("assignee_email"),
    _Assigner.name.label("assigner_name"),
    _Assigner.email.label("assigner_email"),
    Team.key.label("team_key"),
    Team.name.label("team_name"),
    Outcome.key.label("outcome_key"),
    WorkflowVersion.key.label("workflow_key"),
    _FEEDBACK_IDS.label("feedback_ids"),
)


def with_names(columns: Sequence[Any]) -> Select[Any]:
    """A select of `columns` of actions joined with everything `NAMES` needs."""
    return (
        select(*columns)
        .select_from(Action)
        .join(WorkflowVersion, WorkflowVersion.id == Action.workflow_id)
        .join(_Assigner, _Assigner.id == Action.assigner_id)
        .outerjoin(_Assignee, _Assignee.id == Action.assignee_id)
        .outerjoin(Team, Team.id == Action.team_id)
        .outerjoin(Outcome, Outcome.id == Action.outcome_id)
    )


COLUMNS = tuple(Action.__table__.c)
_SELECT = with_names((*COLUMNS, *NAMES))
_ONE = _SELECT.where(Action.id == bindparam("id"))


def view(action: Any, names: Any, *, now: datetime) -> dict[str, Any]:
    """An action in the words of the API. `names` is a row with `NAMES`; it may be the same row as `action`."""
    waiting = action.category == "waiting"
    return {
        "id": action.id,
        "feedback_id": action.feedback_id,
        "feedback_ids": sorted(map(int, names.feedback_ids.split(","))) if names.feedback_ids else [action.feedback_id],
        "group_id": action.group_id,
        "workflow": names.workflow_key,
        "state": action.state,
        "category": action.category,
        "title": action.title,
        "description": action.description,
        "kind": action.kind,
        "priority": PRIORITY_NAMES[action.priority],
        "goal": action.goal,
        "benefit": action.benefit,
        "assignee": None
        if action.assignee_id is None
        else {"id": action.assignee_id, "name": names.assignee_name, "email": names.assignee_email},
        "assigned_by": {"id": action.assigner_id, "name": names.assigner_name, "email": names.assigner_email},
        "team": None
        if action.team_id is None
        else {"id": action.team_id, "key": names.team_key, "name": names.team_name},
        "pool": action.pool,
        "due_at": action.due_at,
        "first_due_at": action.first_due_at,
        "overdue": action.finished_at is None and action.due_at is not None and action.due_at < now,
        "waiting_until": action.waiting_until if waiting else None,
        "waiting_for_answer": waiting and action.waiting_for_answer,
        "outcome": names.outcome_key,
        "root_cause": action.root_cause,
        "resolution": action.resolution,
        "external_ref": action.external_ref,
        "attributes": action.attributes,
        "reopened_count": action.reopened_count,
        "version": action.version,
        "created_at": action.created_at,
        "state_since": action.state_since,
        "accepted_at": action.accepted_at,
        "started_at": action.started_at,
        "finished_at": action.finished_at,
    }


def may_see(caller: Caller) -> Any:
    """The condition under which an action is visible: work of restricted teams is for those who have to do with it."""
    if not caller.hidden_teams:
        return true()
    return or_(
        Action.team_id.is_(None),
        Action.team_id.not_in(list(caller.hidden_teams)),
        Action.assignee_id == caller.id,
        Action.assigner_id == caller.id,
        exists().where(_mine_on_same_item(caller)),
    )


def _mine_on_same_item(caller: Caller) -> Any:
    mine, link, same = aliased(Action), aliased(ActionFeedback), aliased(ActionFeedback)
    return and_(
        same.action_id == Action.id,
        link.feedback_id == same.feedback_id,
        mine.id == link.action_id,
        mine.assignee_id == caller.id,
    )


def find(session: Session, caller: Caller, action_id: int) -> Row[Any]:
    """One visible action with its names.

    Raises:
        NotFound: there is none, or the caller may not know of it.
    """
    query = _ONE if not caller.hidden_teams else _ONE.where(may_see(caller))
    row = session.execute(query, {"id": action_id}).one_or_none()
    if row is None:
        raise NotFound("action", action_id)
    return row


def find_many(session: Session, ids: Collection[int]) -> dict[int, Row[Any]]:
    """Actions with their names, by id, whoever asks."""
    rows = session.execute(_SELECT.where(Action.id.in_(list(ids)))).all()
    return {row.id: row for row in rows}


SORTS = {
    "due_at": Sort((Action.due_sort, Action.id)),
    "-due_at": Sort((Action.due_sort, Action.id), descending=True),
    "created_at": Sort((Action.id,)),
    "-created_at": Sort((Action.id,), descending=True),
    "priority": Sort((Action.priority, Action.id)),
    "-priority": Sort((Action.priority, Action.id), descending=True),
}


def page(session: Session, caller: Caller, wanted: dict[str, Any], *, now: datetime) -> Page:
    """One page of actions. `wanted` holds the filters, `sort`, `limit`, `cursor` and `count` of the form."""
    conditions = [
        condition for name, make in _FILTERS.items() if (condition := make(wanted.get(name), now)) is not None
    ]
    if caller.hidden_teams:
        conditions.append(may_see(caller))
    return fetch_page(
        session,
        _SELECT.where(*conditions),
        wanted,
        SORTS,
        counted=select(Action.id).where(*conditions),
        present=lambda row: view(row, row, now=now),
    )


def _finished(value: bool | None, now: datetime) -> Any:
    if value is None:
        return None
    return Action.finished_at.is_not(None) if value else Action.finished_at.is_(None)


def _overdue(value: bool | None, now: datetime) -> Any:
    if value is None:
        return None
    late = and_(Action.finished_at.is_(None), Action.due_sort < now)
    return late if value else or_(Action.finished_at.is_not(None), Action.due_sort >= now)


def _orphaned(value: bool | None, now: datetime) -> Any:
    if value is None:
        return None
    gone = select(Account.id).where(Account.active.is_(False)).scalar_subquery()
    if value:
        return and_(Action.finished_at.is_(None), Action.assignee_id.in_(gone))
    return or_(Action.assignee_id.is_(None), Action.assignee_id.not_in(gone))


def _serves(feedback_id: int | None, now: datetime) -> Any:
    if feedback_id is None:
        return None
    serving = select(ActionFeedback.action_id).where(ActionFeedback.feedback_id == feedback_id)
    return Action.id.in_(serving)


def _workflow(key: str | None, now: datetime) -> Any:
    if key is None:
        return None
    return Action.workflow_id.in_(select(WorkflowVersion.id).where(WorkflowVersion.key == key).scalar_subquery())


def _offered_to(caller: Caller | None, now: datetime) -> Any:
    """Pool actions nobody has taken, of the caller's teams, which the caller has not passed over."""
    if caller is None:
        return None
    if not caller.member_of:
        return false()
    passed = exists().where(PassedOver.action_id == Action.id, PassedOver.account_id == caller.id)
    return and_(
        Action.finished_at.is_(None),
        Action.pool,
        Action.assignee_id.is_(None),
        Action.team_id.in_(sorted(caller.member_of)),
        ~passed,
    )


_FILTERS: dict[str, Any] = {
    "assignee": lambda v, now: None if v is None else Action.assignee_id == v,
    "assigner": lambda v, now: None if v is None else Action.assigner_id == v,
    "team": lambda v, now: None if v is None else Action.team_id == v,
    "state": lambda v, now: None if not v else Action.state.in_(v),
    "category": lambda v, now: None if not v else Action.category.in_(v),
    "kind": lambda v, now: None if v is None else Action.kind == v,
    "priority": lambda v, now: None if not v else Action.priority.in_(v),
    "group": lambda v, now: None if v is None else Action.group_id == v,
    "external_ref": lambda v, now: None if v is None else Action.external_ref == v,
    "due_before": lambda v, now: None if v is None else Action.due_sort < v,
    "due_after": lambda v, now: None if v is None else and_(Action.due_sort > v, Action.due_at.is_not(None)),
    "finished": _finished,
    "overdue": _overdue,
    "orphaned": _orphaned,
    "feedback": _serves,
    "workflow": _workflow,
    "offered_to": _offered_to,
}


def brief(seen: dict[str, Any]) -> dict[str, Any]:
    """An action as it stands in an event: long text cut, at most 100 items named."""
    short = dict(seen)
    if (description := short["description"]) and len(description) > limits.EVENT_TEXT:
        short["description"], short["description_truncated"] = description[: limits.EVENT_TEXT], True
    short["feedback_ids"] = short["feedback_ids"][: limits.EVENT_FEEDBACK_IDS]
    return short
