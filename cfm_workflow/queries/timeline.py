"""All that happened to a feedback item, as one list: what the ledger says, and things as they are now. Never writes."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, exists, false, not_, or_, select, union_all
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.models import Action, ActionFeedback, Event
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import events as events_query
from cfm_workflow.queries import notes as notes_query
from cfm_workflow.queries import personal_reminders as reminders_query
from cfm_workflow.queries.pages import Page, Place, Sort, cut, find_place, in_order


@dataclass(frozen=True, slots=True)
class Source:
    """Things that entries tell of as they are now, to those for whom `show` finds them.

    What is `later` is no entry: the thing has one, where it began.
    """

    noun: str
    later: Any
    show: Callable[[Session, Caller, Collection[int]], Mapping[int, Any]]


SOURCES: Final = (
    Source("note", Event.type.in_(("note.changed", "note.deleted")), notes_query.shown),
    Source("reminder", false(), reminders_query.shown),
)
"""A row for each kind of thing; everything else is told as its events say."""

ORDERS: Final = ("asc", "desc")
_SORTS: Final = {order: Sort((Event.position,), descending=order == "desc") for order in ORDERS}


def page(session: Session, caller: Caller, feedback_id: int, wanted: Mapping[str, Any]) -> Page:
    """What happened to an item and to the visible actions that serve it; `wanted`: `order`, `limit`, `cursor`."""
    found = positions(session, caller, feedback_id, wanted)
    return Page(_entries(session, caller, found.items), found.next_cursor)


def bodies(session: Session, at: Sequence[int]) -> list[str]:
    """What the events at these positions say, in their order."""
    rows = session.execute(select(Event.position, Event.body).where(Event.position.in_(at)))
    found = {row.position: row.body for row in rows}
    return [found[position] for position in at]


def positions(session: Session, caller: Caller, feedback_id: int, wanted: Mapping[str, Any]) -> Page:
    """Which events a page shows; apart from what they say, so that long texts are read for one page only."""
    place = find_place({**wanted, "sort": wanted["order"]}, _SORTS)
    query = select(ActionFeedback.action_id).join(Action, Action.id == ActionFeedback.action_id)
    made_elsewhere = (ActionFeedback.feedback_id == feedback_id, Action.feedback_id != feedback_id)
    statement = _statement(caller, feedback_id, session.scalars(query.where(*made_elsewhere)).all(), place)
    rows = session.execute(statement, place.parameters).all()
    return cut(rows, place, present=lambda row: row.position, total=None)


def _statement(caller: Caller, feedback_id: int, linked: Sequence[int], place: Place) -> Select[Any]:
    """Events about the item and the actions made on it are together in one index; those of `linked` ones are few."""
    shown = [~Event.audit, *(not_(source.later) for source in SOURCES)]
    if caller.hidden_teams:
        seen = exists().where(Action.id == Event.action_id, actions_query.may_see(caller))
        shown.append(or_(Event.action_id.is_(None), seen))
    here = select(Event.position).where(Event.feedback_id == feedback_id, *shown)
    if not linked:
        return in_order(here, place.sort, after=place.is_after)
    away = or_(Event.feedback_id != feedback_id, Event.feedback_id.is_(None))
    there = select(Event.position).where(Event.action_id.in_(linked), away, *shown)
    # Looked up as a whole and then ordered: in the order of positions the whole ledger might be gone through for it.
    others = there.cte("elsewhere").prefix_with("MATERIALIZED")
    both = union_all(
        select(in_order(here, place.sort, after=place.is_after).subquery().c.position), select(others.c.position)
    ).subquery()
    by_position = Sort((both.c.position,), descending=place.sort.descending)
    return in_order(select(both.c.position), by_position, after=place.is_after)


def _entries(session: Session, caller: Caller, at: Sequence[int]) -> list[dict[str, Any]]:
    query = select(Event.position, Event.subject_type, Event.subject_id, Event.body).where(Event.position.in_(at))
    rows = {row.position: row for row in session.execute(query)}
    ids: dict[str, set[int]] = defaultdict(set)
    for row in rows.values():
        ids[row.subject_type].add(row.subject_id)
    things = {source.noun: source.show(session, caller, ids[source.noun]) for source in SOURCES if source.noun in ids}
    return [_entry(rows[position], things) for position in at]


def _entry(row: Any, things: Mapping[str, Mapping[int, Any]]) -> dict[str, Any]:
    entry = events_query.entry(row.body)
    if row.subject_type not in things:
        return entry
    thing = things[row.subject_type].get(row.subject_id)
    if thing is None:
        return {name: value for name, value in entry.items() if name != "changes"}  # they would tell what it says
    return entry | {row.subject_type: thing}
