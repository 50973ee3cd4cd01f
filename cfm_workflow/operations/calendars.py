"""Business calendars: made, changed and removed by supervisors. One is the default, and there always is one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger, limits
from cfm_workflow.access import Caller, system
from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Action, Calendar, Policy, Team
from cfm_workflow.operations import reckoning
from cfm_workflow.policy import calendars
from cfm_workflow.policy.calendars import CalendarError
from cfm_workflow.queries import calendars as calendars_query

YEARS_AHEAD: Final = 10
"""How far a yearly event of a file is followed."""
OFFICE_HOURS: Final = [["09:00", "12:00"], ["13:00", "18:00"]]
RECKONED_BY: Final = frozenset(
    {"time_zone", "country", "region", "week", "holidays", "working_days", "default"}  # all but its name
)
"""A change of these moves the dates of open actions."""
WORKING_WEEK: Final = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE_HOURS)


def create(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new calendar; `fields` as the form loads them.

    Raises:
        Forbidden, Conflict: the name is taken, or there are too many.
        Invalid: no time can be reckoned with it; names the field.
    """
    access.require(caller, "calendars.manage")
    if session.scalars(select(func.count()).select_from(Calendar)).one() >= limits.CALENDARS:
        raise Conflict(f"There can be at most {limits.CALENDARS} calendars.")
    _must_be_free(session, fields["name"])
    values = {name: value for name, value in fields.items() if name != "default"}
    calendar = Calendar(is_default=False, version=1, created_at=now, **values)
    _check(calendar)
    session.add(calendar)
    session.flush()
    facts: list[Fact] = []
    if fields.get("default"):
        facts = _make_default(session, caller, calendar)
        calendar.reckon_after = 0
        session.flush()
    seen = calendars_query.view(calendar)
    ledger.record(session, [*facts, Fact("calendar.created", calendar.id, {"calendar": seen}, caller)], now=now)
    return seen


def change(
    session: Session, caller: Caller, calendar_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change a calendar; `default` true takes that from the one that was it.

    Raises:
        NotFound, Forbidden, Invalid.
        Conflict: the name is taken, or there would be no default calendar any more.
    """
    calendar = calendars_query.find(session, calendar_id, lock=True)
    access.require(caller, "calendars.manage")
    changes = _changes(session, calendar, fields)
    for name in changes:
        setattr(calendar, name, fields[name])
    _check(calendar)
    facts: list[Fact] = []
    if fields.get("default") and not calendar.is_default:
        facts = _make_default(session, caller, calendar)
        changes |= {"default": {"from": False, "to": True}}
    if changes:
        calendar.version += 1
        if RECKONED_BY & changes.keys():
            calendar.reckon_after, calendar.reckon_from = 0, None
        session.flush()
        about = {"changes": changes, "calendar": calendars_query.view(calendar)}
        ledger.record(session, [*facts, Fact("calendar.changed", calendar_id, about, caller)], now=now)
    return calendars_query.view(calendar)


def preview(
    session: Session, caller: Caller, calendar_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """What the same change would move: see `reckoning.preview`. Changes nothing.

    Raises:
        NotFound, Forbidden, Invalid, Conflict: as the change would.
    """
    calendar = calendars_query.find(session, calendar_id)
    access.require(caller, "calendars.manage")
    changes = _changes(session, calendar, fields)
    stored = {column.key: getattr(calendar, column.key) for column in Calendar.__mapper__.columns}
    would_be = Calendar(**stored | {name: fields[name] for name in changes})
    would_be.is_default = calendar.is_default or bool(fields.get("default"))
    would_be.version += bool(changes) or would_be.is_default != calendar.is_default
    _check(would_be)
    return reckoning.preview(session, caller, calendar_id, would_be, now=now)


def add_holidays(session: Session, caller: Caller, calendar_id: int, file: bytes, *, now: datetime) -> dict[str, Any]:
    """Add the all-day events of an iCalendar file (RFC 5545) to the days off of a calendar.

    Raises:
        NotFound, Forbidden, Invalid: the file cannot be read, or holds too many days.
    """
    calendar = calendars_query.find(session, calendar_id, lock=True)
    return change(session, caller, calendar_id, _with_holidays(calendar, file, now), now=now)


def preview_holidays(
    session: Session, caller: Caller, calendar_id: int, file: bytes, *, now: datetime
) -> dict[str, Any]:
    """What they would move. Changes nothing.

    Raises:
        NotFound, Forbidden, Invalid.
    """
    calendar = calendars_query.find(session, calendar_id)
    return preview(session, caller, calendar_id, _with_holidays(calendar, file, now), now=now)


def _with_holidays(calendar: Calendar, file: bytes, now: datetime) -> dict[str, Any]:
    """The days off of a calendar with those of a file, as fields of a change."""
    try:
        found = calendars.from_ics(file, now.year - 1, now.year + YEARS_AHEAD)
    except CalendarError as wrong:
        raise Invalid(wrong.errors) from None
    known = {each["date"] for each in calendar.holidays}
    working = set(calendar.working_days)
    added = {day.isoformat(): name for day, name in found if day.isoformat() not in known | working}
    days = calendar.holidays + [{"date": day, "name": name[: limits.NAME]} for day, name in added.items()]
    if len(days) > limits.DAYS_OF_A_CALENDAR:
        raise Invalid({"file": [f"brings {len(added)} days; a calendar has at most {limits.DAYS_OF_A_CALENDAR}"]})
    return {"holidays": sorted(days, key=lambda each: each["date"])}


def _changes(session: Session, calendar: Calendar, fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What of a calendar would be another; whether it is the default is not among it."""
    if fields.get("default") is False and calendar.is_default:
        raise Conflict("One calendar is the default: make another one that instead.")
    changes = ledger.changes(calendar, {name: value for name, value in fields.items() if name != "default"})
    if "name" in changes:
        _must_be_free(session, fields["name"])
    return changes


def remove(session: Session, caller: Caller, calendar_id: int, *, now: datetime) -> None:
    """Delete a calendar that nothing goes by.

    Raises:
        NotFound, Forbidden, Conflict: it is the default, or in use.
    """
    calendar = calendars_query.find(session, calendar_id, lock=True)
    access.require(caller, "calendars.manage")
    if calendar.is_default:
        raise Conflict("One calendar is the default: make another one that first.")
    if session.scalars(select(Team.id).where(Team.calendar_id == calendar_id).limit(1)).first() is not None:
        raise Conflict("A team goes by this calendar: give it another one first.")
    if session.scalars(select(Policy.id).where(Policy.calendar_id == calendar_id).limit(1)).first() is not None:
        raise Conflict("A policy goes by this calendar: give it another one first.")
    if session.scalars(select(Action.id).where(Action.calendar_id == calendar_id).limit(1)).first() is not None:
        raise Conflict("Work was reckoned by this calendar: it stays, so that its dates can be explained.")
    seen = calendars_query.view(calendar)
    session.delete(calendar)
    session.flush()
    ledger.record(session, [Fact("calendar.deleted", calendar_id, {"calendar": seen}, caller)], now=now)


def ensure_default(session: Session, *, time_zone: str, country: str | None, now: datetime) -> None:
    """Make the default calendar of a new installation: office hours from Monday to Friday, holidays of the country."""
    if session.scalars(select(Calendar.id).where(Calendar.is_default)).first() is not None:
        return
    calendar = Calendar(
        name="Office hours",
        time_zone=time_zone,
        country=country,
        region=None,
        week=WORKING_WEEK,
        holidays=[],
        working_days=[],
        is_default=True,
        version=1,
        created_at=now,
    )
    session.add(calendar)
    session.flush()
    about = {"calendar": calendars_query.view(calendar)}
    ledger.record(session, [Fact("calendar.created", calendar.id, about, system("setup"))], now=now)


def _make_default(session: Session, caller: Caller, calendar: Calendar) -> list[Fact]:
    """Take it from the one that is it; what that means for that one, as a fact."""
    former = session.scalars(select(Calendar).where(Calendar.is_default).with_for_update(key_share=True)).one()
    session.execute(
        update(Calendar).where(Calendar.id == former.id).values(is_default=False, version=Calendar.version + 1)
    )
    session.refresh(former)
    calendar.is_default = True
    session.flush()
    about = {"changes": {"default": {"from": True, "to": False}}, "calendar": calendars_query.view(former)}
    return [Fact("calendar.changed", former.id, about, caller)]


def _check(calendar: Calendar) -> None:
    try:
        calendars.calendar(calendars_query.written(calendar))
    except CalendarError as wrong:
        raise Invalid(wrong.errors) from None


def _must_be_free(session: Session, name: str) -> None:
    if session.scalars(select(Calendar.id).where(Calendar.name == name)).first() is not None:
        raise Conflict(f"There is a calendar called {name} already.")
