"""When an action is due: what people ask for as an instant, and how that came about.

The instant is the truth. The rule beside it says how it was reckoned: from it the date is explained, moved by waiting,
and reckoned again when its calendar has changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.errors import Invalid
from cfm_workflow.models import Calendar
from cfm_workflow.operations.actions.held import Held
from cfm_workflow.policy import calendars, spans
from cfm_workflow.policy.spans import Span
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.queries import due as due_query
from cfm_workflow.queries.due import Pause


@dataclass(frozen=True, slots=True)
class Due:
    """An instant, and the rule it follows: `in` a span `from` an instant, or `on` a day; None where somebody named it.

    `calendar_id` None is the default calendar.
    """

    at: datetime | None
    rule: dict[str, Any] | None
    calendar_id: int | None


def due(session: Session, fields: Mapping[str, Any], calendar_id: int | None, *, now: datetime) -> Due:
    """What `due_at`, `due_in` or `due_on` of a form ask for; `calendar_id` is the one of the team, if it has one.

    Raises:
        Invalid: there is no such calendar, nobody works on that day, or no time is left to be reckoned with.
    """
    if (asked := fields.get("due_in")) is not None:
        named = _named(session, asked.calendar_id) if asked.calendar_id is not None else None
        return reckon(session, asked.span, calendar_id if named is None else named.id, since=now, field="due_in")
    if (day := fields.get("due_on")) is not None:
        return _on(session, date.fromisoformat(day), calendar_id)
    return Due(fields.get("due_at"), None, calendar_id)


def reckon(session: Session, span: Span, calendar_id: int | None, *, since: datetime, field: str) -> Due:
    """So long after an instant.

    Raises:
        Invalid: the calendar has too little working time for that; names `field`.
    """
    calendar = calendars_query.reckoning(session, calendar_id)
    try:
        at = spans.after(span, since, calendar)
    except calendars.OutOfReach as why:
        raise Invalid({field: [str(why)]}) from None
    return Due(at, {"in": spans.write_span(span), "from": since.isoformat()} | on_the_wall(at, calendar), calendar_id)


def reckon_again(
    at: datetime | None, rule: Mapping[str, Any] | None, calendar: calendars.Calendar, pauses: Sequence[Pause]
) -> datetime | None:
    """When something that is due at an instant is due by its rule and a calendar, with the time it has waited.

    It stays as it is where somebody named the instant, and where the rule leads nowhere any more: on its day nobody
    works now, or there is too little working time.
    """
    if rule is None or at is None:
        return at
    if "on" in rule:
        return calendars.end_of_day(calendar, date.fromisoformat(rule["on"])) or at
    since = datetime.fromisoformat(rule["from"])
    try:
        return with_pauses(spans.read_span(rule["in"]), since, calendar, pauses)
    except calendars.OutOfReach:
        return at


def with_pauses(span: Span, since: datetime, calendar: calendars.Calendar, pauses: Sequence[Pause]) -> datetime:
    """So long after an instant, and so much later as has been waited since.

    Raises:
        OutOfReach: the calendar has too little working time for that.
    """
    unit = spans.paused_in(span)
    waited = due_query.counted(pauses, unit, since, calendar)
    return spans.moved(unit, spans.after(span, since, calendar), waited, calendar)


def begun(span: Span, since: datetime, by: datetime, calendar: calendars.Calendar) -> datetime:
    """From when a share of the time until `by`, which lies a span after `since`, is to be counted: so much later as has
    been waited meanwhile."""
    unit = spans.paused_in(span)
    try:
        waited = spans.between(unit, spans.after(span, since, calendar), by, calendar)
        return spans.moved(unit, since, waited, calendar) if waited > timedelta(0) else since
    except calendars.OutOfReach:
        return since


def after_waiting(session: Session, action: Held, since: datetime, *, now: datetime) -> dict[str, Any] | None:
    """Move the due date of what has waited by that time, if it was reckoned; the new date with its rule, else None.

    Time is counted as the rule counts it: business time by what was worked meanwhile. The first date moves along, for
    it is the same promise. What somebody named stays.
    """
    if action.due_at is None or action.due_rule is None or "in" not in action.due_rule:
        return None
    calendar = calendars_query.reckoning(session, action.calendar_id)
    unit, paused = _paused(action.due_rule, calendar, since, now)
    if not paused:
        return None
    at = spans.moved(unit, action.due_at, paused, calendar)
    first = action.first_due_at and spans.moved(unit, action.first_due_at, paused, calendar)
    return {"due_at": at, "first_due_at": first, "due_rule": action.due_rule | on_the_wall(at, calendar)}


def asked_after_waiting(session: Session, action: Held, since: datetime, *, now: datetime) -> dict[str, Any] | None:
    """The request for more time of what has waited, moved as a due date by the same rule would be."""
    request = action.extension_request
    if request is None or "in" not in (request["rule"] or {}):
        return request
    calendar = calendars_query.reckoning(session, action.calendar_id)
    unit, paused = _paused(request["rule"], calendar, since, now)
    at = spans.moved(unit, datetime.fromisoformat(request["due_at"]), paused, calendar)
    return request | {"due_at": at.isoformat(), "rule": request["rule"] | on_the_wall(at, calendar)}


def _paused(
    rule: Mapping[str, Any], calendar: calendars.Calendar, since: datetime, now: datetime
) -> tuple[spans.Unit, timedelta]:
    """How much of what a rule counts has been waited; what it was before the rule counts not."""
    unit = spans.paused_in(spans.read_span(rule["in"]))
    return unit, spans.between(unit, max(since, datetime.fromisoformat(rule["from"])), now, calendar)


def _on(session: Session, day: date, calendar_id: int | None) -> Due:
    row = calendars_query.chosen(session, calendar_id)
    calendar = calendars_query.reckoned(row)
    at = calendars.end_of_day(calendar, day)
    if at is None:
        raise Invalid({"due_on": [f"must be a day on which somebody works (calendar {row.name})"]})
    return Due(at, {"on": day.isoformat()} | on_the_wall(at, calendar), calendar_id)


def on_the_wall(at: datetime, calendar: calendars.Calendar) -> dict[str, str]:
    """What the clock on the wall shows then: that was meant, should the zone's rules change."""
    local = at.astimezone(ZoneInfo(calendar.time_zone)).replace(tzinfo=None)
    return {"wall": local.isoformat(), "zone": calendar.time_zone}


def _named(session: Session, ident: int) -> Calendar:
    calendar = session.scalars(select(Calendar).where(Calendar.id == ident)).one_or_none()
    if calendar is None:
        raise Invalid({"due_in.calendar": ["must be the id of a calendar"]})
    return calendar
