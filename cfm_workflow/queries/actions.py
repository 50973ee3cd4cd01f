"""Actions as everybody sees them: one row, lists by key, and what may be seen. Never writes."""

from collections import namedtuple
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, and_, bindparam, exists, or_, select, true
from sqlalchemy.orm import Session, aliased

from cfm_workflow import limits
from cfm_workflow.access import Caller
from cfm_workflow.db import listed, plain
from cfm_workflow.errors import NotFound
from cfm_workflow.models import (
    Account,
    Action,
    ActionFeedback,
    Feedback,
    Outcome,
    Team,
    WorkflowVersion,
)
from cfm_workflow.models.actions import PRIORITY_NAMES
from cfm_workflow.queries import sealing
from cfm_workflow.queries.action_filters import FILTERS
from cfm_workflow.queries.pages import Page, Sort, capped_count, cut, find_place, in_order

_Assignee = aliased(Account)
_Assigner = aliased(Account)

JUDGED: Final[tuple[Any, ...]] = (
    Action.id,
    Action.workflow_id,
    Action.state,
    Action.category,
    Action.state_since,
    Action.accepted_at,
    Action.started_at,
    Action.finished_at,
    Action.came_from,
    Action.undo_to,
    Action.undo_by,
    Action.undo_until,
    Action.assignee_id,
    Action.pool,
)
"""What `workflow.choices` looks at, of an action that is not locked."""


def _looked_up(column: Any, *where: Any) -> Any:
    """A name that is looked up for each row: with each table more in a join, PostgreSQL plans it twice as long."""
    return select(column).where(*where).correlate(Action).scalar_subquery()


NAMES = (
    _Assignee.name.label("assignee_name"),
    _Assignee.email.label("assignee_email"),
    _looked_up(Account.name, Account.id == Action.on_behalf_of_id).label("on_behalf_of_name"),
    _looked_up(Account.email, Account.id == Action.on_behalf_of_id).label("on_behalf_of_email"),
    _Assigner.name.label("assigner_name"),
    _Assigner.email.label("assigner_email"),
    Team.key.label("team_key"),
    Team.name.label("team_name"),
    _looked_up(Outcome.key, Outcome.id == Action.outcome_id).label("outcome_key"),
    _looked_up(WorkflowVersion.key, WorkflowVersion.id == Action.workflow_id).label("workflow_key"),
    _looked_up(listed(ActionFeedback.feedback_id), ActionFeedback.action_id == Action.id).label("feedback_ids"),
)


def with_names(columns: Sequence[Any]) -> Select[Any]:
    """A select of `columns` of actions joined with everything `NAMES` needs."""
    return (
        select(*columns)
        .select_from(Action)
        .join(_Assigner, _Assigner.id == Action.assigner_id)
        .outerjoin(_Assignee, _Assignee.id == Action.assignee_id)
        .outerjoin(Team, Team.id == Action.team_id)
    )


COLUMNS = tuple(Action.__table__.c)
_SELECT = with_names((*COLUMNS, *NAMES))
_ONE = _SELECT.where(Action.id == bindparam("id"))
_SHOWN = (
    *(Action.id, Action.feedback_id, Action.group_id, Action.state, Action.category),
    *(Action.title, Action.description, Action.kind, Action.priority, Action.goal, Action.benefit),
    *(Action.assignee_id, Action.on_behalf_of_id, Action.assigner_id, Action.team_id, Action.pool),
    *(Action.due_at, Action.first_due_at, Action.extension_request, Action.accept_by, Action.start_by),
    *(Action.accept_met, Action.start_met, Action.finish_met, Action.quiet_until),
    *(Action.waiting_until, Action.waiting_for_answer, Action.root_cause, Action.resolution, Action.external_ref),
    *(Action.attributes, Action.reopened_count, Action.version),
    *(Action.created_at, Action.state_since, Action.accepted_at, Action.started_at, Action.finished_at),
    *(Action.workflow_id, Action.came_from, Action.undo_to, Action.undo_by, Action.undo_until),
    *NAMES,
)
"""What `view` and `workflow.choices` look at."""
_LISTED = with_names(_SHOWN)


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
        "on_behalf_of": None
        if action.on_behalf_of_id is None
        else {"id": action.on_behalf_of_id, "name": names.on_behalf_of_name, "email": names.on_behalf_of_email},
        "assigned_by": {"id": action.assigner_id, "name": names.assigner_name, "email": names.assigner_email},
        "team": None
        if action.team_id is None
        else {"id": action.team_id, "key": names.team_key, "name": names.team_name},
        "pool": action.pool,
        "due_at": action.due_at,
        "first_due_at": action.first_due_at,
        "extension_request": asked_for(action.extension_request),
        "accept_by": action.accept_by,
        "start_by": action.start_by,
        "accept_met": action.accept_met,
        "start_met": action.start_met,
        "finish_met": action.finish_met,
        "quiet_until": action.quiet_until,
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


def asked_for(request: dict[str, Any] | None) -> dict[str, Any] | None:
    """A request for more time, as it is stored, in the words of the API. It is always that of the assignee."""
    if request is None:
        return None
    return {
        "due_at": datetime.fromisoformat(request["due_at"]),
        "reason": request["reason"],
        "asked_at": datetime.fromisoformat(request["asked_at"]),
    }


def may_see(caller: Caller) -> Any:
    """The condition under which an action is visible: work of restricted teams, and what else is done on the same
    items and on those that follow them, is for those who have to do with it."""
    if not caller.hidden_teams:
        return true()
    other, item, link = aliased(Action), aliased(Feedback), aliased(ActionFeedback)
    here = (link.action_id == Action.id, item.id == link.feedback_id, item.follows_id.is_not(None))
    return or_(
        Action.assignee_id == caller.id,
        Action.on_behalf_of_id == caller.id,
        Action.assigner_id == caller.id,
        exists().where(_on_same_item(other), or_(other.assignee_id == caller.id, other.on_behalf_of_id == caller.id)),
        and_(
            ~exists().where(_on_same_item(other), other.team_id.in_(list(caller.hidden_teams))),
            ~exists().where(*here, ~sealing.begins_seen(caller, item)),
        ),
    )


def _on_same_item(other: Any) -> Any:
    link, same = aliased(ActionFeedback), aliased(ActionFeedback)
    return and_(same.action_id == Action.id, link.feedback_id == same.feedback_id, other.id == link.action_id)


def find(session: Session, caller: Caller, action_id: int) -> Row[Any]:
    """One visible action with its names.

    Raises:
        NotFound: there is none, or the caller may not know of it.
    """
    query = _ONE if not caller.hidden_teams else _ONE.where(may_see(caller))
    row = plain(session, query, {"id": action_id}).one_or_none()
    if row is None:
        raise NotFound("action", action_id)
    return row


def find_many(session: Session, ids: Collection[int]) -> dict[int, Row[Any]]:
    """Actions with their names, by id, whoever asks."""
    rows = session.execute(_SELECT.where(Action.id.in_(list(ids)))).all()
    return {row.id: row for row in rows}


def titles(session: Session, caller: Caller, ids: Collection[int]) -> dict[int, str]:
    """What actions are called, by id; those that the caller may see."""
    rows = session.execute(select(Action.id, Action.title).where(Action.id.in_(list(ids)), may_see(caller)))
    return {row.id: row.title for row in rows}


SORTS = {
    "due_at": Sort((Action.due_sort, Action.id)),
    "-due_at": Sort((Action.due_sort, Action.id), descending=True),
    "created_at": Sort((Action.id,)),
    "-created_at": Sort((Action.id,), descending=True),
    "priority": Sort((Action.priority, Action.id)),
    "-priority": Sort((Action.priority, Action.id), descending=True),
    "finished_at": Sort((Action.finished_at, Action.id)),
    "-finished_at": Sort((Action.finished_at, Action.id), descending=True),
    "accept_by": Sort((Action.accept_by, Action.id)),
    "state_since": Sort((Action.state_since, Action.id)),
    "created_between": Sort((Action.created_at, Action.id)),
    "-created_between": Sort((Action.created_at, Action.id), descending=True),
}
"""By creation, ids do as well and need no index of their own; but not where a stretch of time is asked for."""


def page(session: Session, caller: Caller, wanted: dict[str, Any], *, now: datetime) -> Page:
    """One page of actions. `wanted` holds the filters, `sort`, `limit`, `cursor` and `count` of the form."""
    found = rows(session, caller, wanted, now=now)
    return replace(found, items=[view(row, row, now=now) for row in found.items])


def rows(session: Session, caller: Caller, wanted: dict[str, Any], *, now: datetime) -> Page:
    """The same page as rows with `NAMES`, for whoever shows more of them than the API does."""
    wanted = _in_time(wanted, now)
    place = find_place(wanted, SORTS)
    filters = tuple((name, _variant(wanted[name])) for name in FILTERS if _is_given(wanted.get(name)))
    asked, narrow, counted = _statements(filters, place.name, place.is_after)
    if caller.hidden_teams:
        asked, counted = asked.where(may_see(caller)), capped_count(narrow.where(may_see(caller)))
    given = {name: wanted[name] for name, _ in filters} | _of_caller(caller) | {"now": now}
    found = plain(session, asked, given | place.parameters).all()
    total = plain(session, counted, given).scalar_one() if wanted.get("count") else None
    return cut(found, place, present=_quick, total=total)


def _in_time(wanted: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Days of being overdue as instants, and the order that suits a stretch of time."""
    days: dict[str, Any] = {
        name: now - timedelta(days=wanted[name]) for name in OVERDUE_DAYS if wanted.get(name) is not None
    }
    sort = wanted.get("sort") or ""
    if sort.removeprefix("-") == "created_at" and (wanted.get("created_from") or wanted.get("created_to")):
        days["sort"] = sort.replace("created_at", "created_between")
    return wanted | days


OVERDUE_DAYS = ("overdue_days_min", "overdue_days_max")


def numbers(session: Session, caller: Caller, *, today: date, zone: ZoneInfo, now: datetime) -> dict[str, int]:
    """How much a person has to do: what the lists of their work count, up to limits.COUNT + 1."""
    midnight = datetime.combine(today + timedelta(days=1), time.min, zone)
    mine = {"assignee": caller.id, "finished": False}
    lists: dict[str, dict[str, Any]] = {
        "open": mine,
        "overdue": mine | {"overdue": True},
        "due_today": mine | {"due_before": midnight, "overdue": False},
        "offered": {"offered_to": caller},
    }
    return {name: _count(session, caller, wanted, now) for name, wanted in lists.items()}


def _count(session: Session, caller: Caller, wanted: dict[str, Any], now: datetime) -> int:
    total = page(session, caller, wanted | {"limit": 1, "count": True}, now=now).total
    return total or 0


def _is_given(value: Any) -> bool:
    return value is not None and value != []


def _variant(value: Any) -> bool:
    """What of a filter's value is part of the statement: a flag, or whether a caller may see all teams' work."""
    if isinstance(value, Caller):
        return value.is_administrator or (value.is_supervisor and value.supervises is None)
    return value is not False


def _of_caller(caller: Caller) -> dict[str, Any]:
    watched = caller.leads | (caller.supervises or frozenset())
    return {
        "me": caller.id,
        "mine": sorted(caller.member_of),
        "watched": sorted(watched),
        "led": sorted(caller.leads),
    }


@lru_cache(maxsize=512)
def _statements(filters: tuple[tuple[str, bool], ...], sort: str, after: bool) -> tuple[Select[Any], ...]:
    """The statements of a list, of its ids alone and of their count. There are few kinds, and making one costs more
    than using it."""
    conditions = [FILTERS[name](value) for name, value in filters]
    asked = in_order(_LISTED.where(*conditions), SORTS[sort], after=after)
    narrow = select(Action.id).where(*conditions)
    return asked, narrow, capped_count(narrow)


_Row = namedtuple("_Row", [column.name for column in _SHOWN])  # type: ignore[misc]
"""A row of `_LISTED` whose fields are read ten times as fast as those of SQLAlchemy's."""


def _quick(row: Row[Any]) -> Any:
    return _Row._make(row[: len(_Row._fields)])  # behind them stand the keys of the order


def brief(seen: dict[str, Any]) -> dict[str, Any]:
    """An action as it stands in an event: long text cut, at most 100 items named."""
    short = dict(seen)
    if (description := short["description"]) and len(description) > limits.EVENT_TEXT:
        short["description"], short["description_truncated"] = description[: limits.EVENT_TEXT], True
    short["feedback_ids"] = short["feedback_ids"][: limits.EVENT_FEEDBACK_IDS]
    return short
