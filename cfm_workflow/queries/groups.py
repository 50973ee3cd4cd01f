"""Action groups: how far the set made by one fan-out is. Never writes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import NotFound
from cfm_workflow.models import Action, ActionGroup
from cfm_workflow.policy.groups import Progress
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import feedback as feedback_query


def progress_of(categories: Iterable[str]) -> Progress:
    """Count the categories of a group's actions."""
    all_of_them = list(categories)
    done = all_of_them.count("done")
    ended = done + all_of_them.count("dropped")
    return Progress(total=len(all_of_them), done=done, unfinished=len(all_of_them) - ended)


def view(group: Any, progress: Progress) -> dict[str, Any]:
    """A group in the words of the API."""
    return {
        "id": group.id,
        "feedback_id": group.feedback_id,
        "completion": {"at_least": group.at_least} if group.completion == "at_least" else group.completion,
        "state": group.state,
        "state_since": group.state_since,
        "total": progress.total,
        "done": progress.done,
        "unfinished": progress.unfinished,
        "created_at": group.created_at,
    }


def of_item(session: Session, caller: Caller, feedback_id: int, *, count: int) -> list[dict[str, Any]]:
    """How far the last groups of actions on an item are, the oldest first, as far as the caller may see them."""
    numbers = (
        select(Action.group_id, Action.category, func.count())
        .join(ActionGroup, ActionGroup.id == Action.group_id)
        .where(ActionGroup.feedback_id == feedback_id, actions_query.may_see(caller))
        .group_by(Action.group_id, Action.category)
    )
    categories: dict[int, list[str]] = {}
    for group_id, category, number in session.execute(numbers):
        categories.setdefault(group_id, []).extend([category] * number)
    groups = select(ActionGroup).where(ActionGroup.id.in_(sorted(categories)[-count:])).order_by(ActionGroup.id)
    return [view(group, progress_of(categories[group.id])) for group in session.scalars(groups)]


def find(session: Session, caller: Caller, group_id: int, *, now: datetime) -> dict[str, Any]:
    """A group with its actions, as far as the caller may see them.

    Raises:
        NotFound: there is none, or the caller may not know of it.
    """
    group = session.get(ActionGroup, group_id)
    if group is None:
        raise NotFound("action group", group_id)
    if caller.hidden_teams:
        feedback_query.find(session, caller, group.feedback_id)
    categories = session.scalars(select(Action.category).where(Action.group_id == group_id))
    seen = view(group, progress_of(categories))
    wanted = actions_query.with_names((*actions_query.COLUMNS, *actions_query.NAMES)).where(Action.group_id == group_id)
    rows = session.execute(wanted.where(actions_query.may_see(caller)).order_by(Action.id)).all()
    if not rows:
        raise NotFound("action group", group_id)
    return seen | {"actions": [actions_query.view(row, row, now=now) for row in rows]}
