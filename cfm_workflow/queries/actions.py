"""Actions as everybody sees them: one row, lists by key, and what may be seen. Never writes."""

from collections import namedtuple
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, and_, bindparam, case, exists, false, func, not_, null, or_, select, text, true
from sqlalchemy.orm import Session, aliased

from cfm_workflow import limits
from cfm_workflow.access import Caller
from cfm_workflow.db import Instant, listed, plain
from cfm_workflow.errors import NotFound
from cfm_workflow.models import (
    Account,
    Action,
    ActionFeedback,
    Feedback,
    Outcome,
    PassedOver,
    Team,
    TeamMember,
    WorkflowVersion,
)
from cfm_workflow.models.actions import PRIORITY_NAMES
from cfm_workflow.queries import sealing
from cfm_workflow.queries.labels import is_served
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
"""A filter makes its condition of the `_variant` of its value; the value itself is bound under the filter's name."""


def brief(seen: dict[str, Any]) -> dict[str, Any]:
    """An action as it stands in an event: long text cut, at most 100 items named."""
    short = dict(seen)
    if (description := short["description"]) and len(description) > limits.EVENT_TEXT:
        short["description"], short["description_truncated"] = description[: limits.EVENT_TEXT], True
    short["feedback_ids"] = short["feedback_ids"][: limits.EVENT_FEEDBACK_IDS]
    return short
