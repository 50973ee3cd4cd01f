"""The open actions of one person in the order in which they matter: overdue, today, this week, later, waiting, offered;
and before them those for which others ask this person for more time.

Each group is a list by key of its own and one stretch of an index. Never writes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, bindparam, func, select
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.db import plain
from cfm_workflow.models import Action, Customer, Feedback, Team
from cfm_workflow.queries import action_filters
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries.pages import Page

GROUPS: Final = ("asked", "overdue", "today", "week", "later", "waiting", "offered")
COUNTED: Final = 999
"""Counting ends there."""
EXCERPT: Final = 160
"""Characters of what the customer wrote that stand beside an action."""


@dataclass(frozen=True, slots=True)
class Borders:
    """Where one group ends and the next begins, on the wall of whoever reads."""

    now: datetime
    tomorrow: datetime
    next_week: datetime


def borders(now: datetime, zone: ZoneInfo) -> Borders:
    """The borders for a reader in `zone`; a week begins on Monday."""
    today = now.astimezone(zone).date()
    midnights = (today + timedelta(days=1), today + timedelta(days=7 - today.weekday()))
    return Borders(now, *(datetime.combine(day, time.min, zone) for day in midnights))


def wanted(group: str, caller: Caller, between: Borders) -> dict[str, Any]:
    """A group as filters of `queries.actions`."""
    if group == "asked":
        return {"answerable_by": caller, "sort": "due_at"}
    if group == "offered":
        return {"offered_to": caller, "sort": "due_at"}
    stretch: Mapping[str, Mapping[str, Any]] = {
        "overdue": {"waits": False, "overdue": True},
        "today":   {"waits": False, "not_due_before": between.now, "due_before": between.tomorrow},
        "week":    {"waits": False, "not_due_before": between.tomorrow, "due_before": between.next_week},
        "later":   {"waits": False, "not_due_before": between.next_week},
        "waiting": {"waits": True},
    }  # fmt: skip
    return {"assignee": caller.id, "finished": False, "sort": "due_at", **stretch[group]}


def page(
    session: Session,
    caller: Caller,
    group: str,
    between: Borders,
    filters: Mapping[str, Any],
    *,
    limit: int,
    cursor: str | None = None,
) -> Page:
    """A page of a group, as rows with names.

    Raises:
        Invalid: the cursor is not one of this list.
    """
    asked = wanted(group, caller, between) | dict(filters) | {"limit": limit, "cursor": cursor}
    return actions_query.rows(session, caller, asked, now=between.now)


def counts(session: Session, caller: Caller, between: Borders, filters: Mapping[str, Any]) -> dict[str, int]:
    """How many actions each group holds, up to COUNTED + 1, in one statement."""
    row = plain(session, _counted(frozenset(filters)), _given(caller, between) | dict(filters)).one()
    return dict(zip(GROUPS, row, strict=True))


def _given(caller: Caller, between: Borders) -> dict[str, Any]:
    return {
        "me": caller.id,
        "mine": sorted(caller.member_of),
        "led": sorted(caller.leads),
        "now": between.now,
        "tomorrow": between.tomorrow,
        "next_week": between.next_week,
        "most": COUNTED + 1,
    }


@lru_cache(maxsize=64)
def _counted(filters: frozenset[str]) -> Select[Any]:
    due = Action.due_sort
    mine = and_(Action.assignee_id == bindparam("me"), Action.finished_at.is_(None))
    goes_on, waits = (action_filters.FILTERS["waits"](value) for value in (False, True))
    stretches = (
        action_filters.FILTERS["answerable_by"](True),
        and_(mine, goes_on, due < bindparam("now")),
        and_(mine, goes_on, due >= bindparam("now"), due < bindparam("tomorrow")),
        and_(mine, goes_on, due >= bindparam("tomorrow"), due < bindparam("next_week")),
        and_(mine, goes_on, due >= bindparam("next_week")),
        and_(mine, waits),
        action_filters.FILTERS["offered_to"](True),
    )
    more = [action_filters.FILTERS[name](True) for name in sorted(filters)]
    return select(*(_up_to_most(and_(stretch, *more)) for stretch in stretches))


def _up_to_most(condition: Any) -> Any:
    rows = select(Action.id).where(condition).limit(bindparam("most")).subquery()
    return select(func.count()).select_from(rows).scalar_subquery()


_ITEMS: Final = (
    select(
        Feedback.id,
        func.substr(Feedback.text, 1, EXCERPT + 1).label("text"),
        Feedback.channel,
        Feedback.metric,
        Feedback.score,
        Customer.name.label("customer"),
    )
    .outerjoin_from(Feedback, Customer, Customer.id == Feedback.customer_id)
    .where(Feedback.id.in_(bindparam("ids", expanding=True)))
)


def items(session: Session, feedback_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Items in short, by id: what stands beside an action made on one."""
    if not feedback_ids:
        return {}
    return {row.id: dict(row._mapping) for row in plain(session, _ITEMS, {"ids": sorted(feedback_ids)})}


def teams(session: Session, caller: Caller) -> Sequence[Any]:
    """The teams of the caller, by name: what their work can be narrowed to."""
    own = sorted(caller.member_of | caller.leads)
    return session.execute(select(Team.id, Team.name).where(Team.id.in_(own)).order_by(Team.name)).all() if own else []
