"""How the due date of an action came about: from its row, its calendar and the ledger. Never writes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cfm_workflow.db import plain
from cfm_workflow.models import Event
from cfm_workflow.policy import calendars, spans
from cfm_workflow.policy.spans import Unit
from cfm_workflow.queries import calendars as calendars_query

FREE_DAYS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which an action waited; `end` None: it waits still. What waited until it ended has not gone on: that
    moves nothing (`counts`)."""

    start: datetime
    end: datetime | None
    counts: bool = True


_STEPS: Final = (
    select(Event.type, Event.at, Event.body)
    .where(Event.action_id == bindparam("id"), Event.sequence.is_not(None))
    .order_by(Event.sequence)
)


_STEPS_OF_SOME: Final = (
    select(Event.action_id, Event.type, Event.at, Event.body)
    .where(Event.action_id.in_(bindparam("ids", expanding=True)), Event.sequence.is_not(None))
    .order_by(Event.action_id, Event.sequence)
)


def explain(session: Session, action: Any, *, now: datetime) -> dict[str, Any]:
    """Everything that the due date of an action (a row) follows from; what it is in words, `letters.due` says."""
    row = calendars_query.chosen(session, action.calendar_id)
    calendar = calendars_query.reckoned(row)
    history = [(event.type, event.at, orjson.loads(event.body)["data"]) for event in _history(session, action.id)]
    rule = action.due_rule or {}
    since = datetime.fromisoformat(rule["from"]) if "from" in rule else action.created_at
    free = [] if action.due_at is None else _free_days(calendar, since, action.due_at)
    return {
        "due_at": action.due_at,
        "first_due_at": action.first_due_at,
        "overdue": action.finished_at is None and action.due_at is not None and action.due_at < now,
        "rule": {name: rule[name] for name in ("in", "on") if name in rule} or None,
        "since": since,
        "calendar": {"id": row.id, "name": row.name, "time_zone": row.time_zone},
        "pauses": [
            _pause(pause, rule, calendar, now) for pause in pauses(history) if pause.end is None or since < pause.end
        ],
        "free_days": [{"date": day.isoformat(), "name": name or None} for day, name in free],
        "changes": _changes(history),
    }


def _history(session: Session, action_id: int) -> Sequence[Any]:
    return plain(session, _STEPS, {"id": action_id}).all()


def pauses(history: Sequence[tuple[str, datetime, dict[str, Any]]]) -> list[Pause]:
    """When an action waited, by its events in their order: type, time, data."""
    found: list[Pause] = []
    began: datetime | None = None
    for event_type, at, data in history:
        category = (data.get("action") or {}).get("category")
        if category == "waiting" and began is None:
            goes_on = event_type == "action.undone" and found and not found[-1].counts
            began = found.pop().start if goes_on else at
        elif category != "waiting" and began is not None:
            found.append(Pause(began, at, counts=category not in ("done", "dropped")))
            began = None
    return [*found, Pause(began, None)] if began is not None else found


def pauses_of(session: Session, action_ids: Collection[int]) -> Mapping[int, list[Pause]]:
    """When each of some actions waited, read in one statement; those that never did are not in it."""
    if not action_ids:
        return {}
    histories: dict[int, list[tuple[str, datetime, dict[str, Any]]]] = {}
    for event in plain(session, _STEPS_OF_SOME, {"ids": list(action_ids)}):
        histories.setdefault(event.action_id, []).append((event.type, event.at, orjson.loads(event.body)["data"]))
    found = {ident: pauses(history) for ident, history in histories.items()}
    return {ident: some for ident, some in found.items() if some}


def counted(found: Sequence[Pause], unit: Unit, since: datetime, calendar: calendars.Calendar) -> timedelta:
    """How much time of a kind the pauses that are over hold, as far as they lie behind an instant."""
    over = [(max(each.start, since), each.end) for each in found if each.counts and each.end is not None]
    return sum((spans.between(unit, start, end, calendar) for start, end in over if since < end), timedelta(0))


def _pause(pause: Pause, rule: dict[str, Any], calendar: calendars.Calendar, now: datetime) -> dict[str, Any]:
    unit = spans.paused_in(spans.read_span(rule["in"])) if "in" in rule and pause.counts else None
    counted = None if unit is None else spans.between(unit, pause.start, pause.end or now, calendar)
    return {
        "from": pause.start,
        "to": pause.end,
        "counted_seconds": None if counted is None else int(counted.total_seconds()),
    }


def _free_days(calendar: calendars.Calendar, since: datetime, due: datetime) -> list[Any]:
    zone = ZoneInfo(calendar.time_zone)
    first, last = since.astimezone(zone).date(), due.astimezone(zone).date()
    return calendars.free_days(calendar, first, last, limit=FREE_DAYS_SHOWN)


def _changes(history: Sequence[tuple[str, datetime, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Each time it was moved: by whom, from when to when, why."""
    return [
        {
            "at": at,
            "type": event_type,
            "actor": {"type": data["actor"]["type"], "name": data["actor"]["name"]},
            "from": change["from"],
            "to": change["to"],
            "reason": data.get("reason"),
        }
        for event_type, at, data in history
        if (change := (data.get("changes") or {}).get("due_at")) is not None
    ]
