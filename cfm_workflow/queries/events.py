"""The ledger as it is read: the feed that never skips, an action's history, entries of a timeline. Never writes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Row, and_, exists, or_, select
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.ledger.positions import horizon
from cfm_workflow.models import Action, Event, Feedback
from cfm_workflow.policy.deliveries import matches
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries.pages import Page, Sort, fetch_page

FEED_SIZE = 100


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the feed: all there is behind `after`, up to and including `to`, as far as it was asked for."""

    after: int
    to: int
    rows: Sequence[Row[Any]] = ()
    has_more: bool = False


_EVENTS: Any = select(Event.position, Event.type, Event.audit, Event.action_id, Event.feedback_id, Event.body)


def read(session: Session, caller: Caller, wanted: Mapping[str, Any], *, audit: bool, size: int) -> Stretch:
    """The next events after a position, as far as `caller` may see them; at most `size`.

    `wanted`: `after` (a position, or "latest"), `types` (words; `action.*` for all of a kind), `action`, `feedback`.
    `audit`: whether events for administrators are among them.

    Nothing can be skipped: what is read ends where transactions may still be under way (`horizon`), and that
    place is read before the events.
    """
    end = horizon(session)
    if wanted["after"] == "latest":
        return Stretch(end - 1, end - 1)
    after = int(wanted["after"])
    query = _EVENTS.where(Event.position > after, Event.position < end)
    if not audit:
        query = query.where(~Event.audit)
    if caller.hidden_teams:
        query = query.where(may_see(caller))
    for name, column in (("action", Event.action_id), ("feedback", Event.feedback_id)):
        if wanted.get(name) is not None:
            query = query.where(column == wanted[name])
    if types := wanted.get("types"):
        query = query.where(_of_types(types))
    rows = session.execute(query.order_by(Event.position).limit(size + 1)).all()
    if len(rows) > size:
        return Stretch(after, rows[size - 1].position, rows[:size], has_more=True)
    return Stretch(after, max(after, end - 1), rows)


_SUBJECTS: Any = select(Event.position, Event.action_id, Event.feedback_id, Event.subject_type, Event.subject_id)


def subjects(session: Session, caller: Caller, after: int | None, *, size: int) -> tuple[list[str], int]:
    """What something happened to behind a position (None: nothing yet), as far as `caller` may see it, as words such as
    `action:17`; and up to which position that is all. Audit events are not among them."""
    end = horizon(session)
    if after is None or after >= end:
        return [], end - 1
    query = _SUBJECTS.where(Event.position > after, Event.position < end, ~Event.audit)
    if caller.hidden_teams:
        query = query.where(may_see(caller))
    rows = session.execute(query.order_by(Event.position).limit(size)).all()
    found: dict[str, None] = {}
    for row in rows:
        named = (("action", row.action_id), ("feedback", row.feedback_id), (row.subject_type, row.subject_id))
        found |= {f"{kind}:{ident}": None for kind, ident in named if ident is not None}
    return list(found), rows[-1].position if len(rows) == size else max(after, end - 1)


def picked_by(wanted: Mapping[str, Any], *, audit: bool) -> Callable[[Row[Any]], bool]:
    """The filters of `read` for rows that are here already; what a caller may not see of teams it does not know."""
    types, action, feedback = frozenset(wanted.get("types") or ()), wanted.get("action"), wanted.get("feedback")

    def is_wanted(row: Row[Any]) -> bool:
        return (
            (audit or not row.audit)
            and (action is None or row.action_id == action)
            and (feedback is None or row.feedback_id == feedback)
            and (not types or matches(types, row.type, audit=row.audit))
        )

    return is_wanted


def feed(session: Session, caller: Caller, wanted: Mapping[str, Any], *, audit: bool) -> bytes:
    """What `read` finds, as one JSON text around the frozen bodies; `limit` in `wanted` is the size of the page."""
    found = read(session, caller, wanted, audit=audit, size=wanted.get("limit") or FEED_SIZE)
    items = ",".join(row.body for row in found.rows)
    more = "true" if found.has_more else "false"
    return f'{{"items":[{items}],"last_position":{found.to},"has_more":{more}}}'.encode()


def may_see(caller: Caller) -> Any:
    """An event tells of its action and of its item, so both must be visible."""
    action = exists().where(Action.id == Event.action_id, actions_query.may_see(caller))
    item = exists().where(Feedback.id == Event.feedback_id, feedback_query.may_see(caller))
    return and_(or_(Event.action_id.is_(None), action), or_(Event.feedback_id.is_(None), item))


def _of_types(types: list[str]) -> Any:
    """The events that `policy.deliveries.matches` names, in SQL."""
    kinds: list[Any] = [Event.type.like(f"{word[:-1]}%") for word in types if word.endswith(".*")]
    if "*" in types:
        kinds.append(~Event.audit)
    return or_(*kinds, Event.type.in_(types))


HISTORY_SORTS = {"sequence": Sort((Event.sequence,)), "-sequence": Sort((Event.sequence,), descending=True)}


def of_action(session: Session, action_id: int, wanted: Mapping[str, Any]) -> Page:
    """The bodies of an action's own events, oldest first unless `sort` is `-sequence`."""
    query = select(Event.body).where(Event.action_id == action_id, Event.sequence.is_not(None))
    return fetch_page(session, query, wanted, HISTORY_SORTS, present=lambda row: row.body)


def as_page(page: Page) -> bytes:
    """The list envelope around bodies that stay the text they were frozen as."""
    cursor = orjson.dumps(page.next_cursor).decode()
    return f'{{"items":[{",".join(page.items)}],"next_cursor":{cursor}}}'.encode()


def entry(body: str) -> dict[str, Any]:
    """An event as an entry of a timeline: what happened, when, by whom, and the little that tells it from others."""
    event = orjson.loads(body)
    data = event["data"]
    shown = {
        "type": event["type"],
        "at": event["timestamp"],
        "actor": data["actor"],
        "event_id": data["event_id"],
        "subject": data["subject"],
    }
    if (action := data.get("action")) is not None:
        shown["action"] = {name: action[name] for name in ("id", "title", "state", "assignee", "team")}
    return shown | {name: data[name] for name in ("comment", "reason", "changes", "label", "watcher") if data.get(name)}
