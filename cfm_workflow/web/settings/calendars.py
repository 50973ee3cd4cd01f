"""Calendars: when people work. What a change would move is shown before it is made."""

from typing import Any, Final
from zoneinfo import available_timezones

from flask import request

from cfm_workflow.errors import Invalid
from cfm_workflow.forms.calendars import CalendarChange, CalendarIn
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.operations import calendars
from cfm_workflow.policy.calendars import countries
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.own_settings import SAVED
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.settings.filling import (
    ADDED,
    DELETED,
    NAME_TAKEN,
    REMOVE,
    asked,
    beside,
    filled,
    flags,
    further,
    lines,
    optional,
    worded,
)
from cfm_workflow.web.settings.weeks import HOURS, day_names, read_week, write_week
from cfm_workflow.web.speech import say

RIGHT: Final = "calendars.manage"
IN_USE: Final = mark("Work, a team or a policy goes by it, or it is the default one.")
WORDING: Final = {
    "week": HOURS,
    "holidays": mark("A day per line such as 2026-12-24 Company day, each day once."),
    "working_days": mark("A day per line such as 2026-11-28 that is not a day off."),
    "country": mark("Two letters of a country that is known here, such as KR."),
    "region": mark("A region of the country that is known here."),
    "file": mark("A calendar file (.ics) with all-day events; it could not be read."),
    "default": mark("One calendar is the default: make another one that instead."),
}
_PATH: Final = "/settings/calendars"
_ONE: Final = "/settings/calendars/<id:calendar_id>"


@page("GET", _PATH, "calendars", right="settings.read")
def all_calendars(visit: Visit) -> Shown:
    """All calendars."""
    found = calendars_query.page(visit.session, asked(visit, PageQuery()))
    values = {
        "rows": [{**row, "week": write_week(row["week"])} for row in found.items],
        "next": further(visit, _PATH, found.next_cursor),
        "days": day_names(),
    }
    return Shown("settings/calendars.html", values)


def _form(visit: Visit, calendar: dict[str, Any] | None, preview: dict[str, Any] | None = None) -> Shown:
    shown = calendar if preview is None else preview["calendar"]
    values = {
        "calendar": calendar,
        "preview": preview,
        "shown": None if shown is None else _as_typed(shown),
        "hours": write_week({} if shown is None else shown["week"]),
        "days": day_names(),
        "zones": sorted(available_timezones()),
        "countries": countries(),
    }
    return Shown("settings/calendar.html", values)


def _as_typed(calendar: dict[str, Any]) -> dict[str, Any]:
    return {
        **calendar,
        "holidays": "\n".join(f"{day['date']} {day['name'] or ''}".strip() for day in calendar["holidays"]),
        "working_days": "\n".join(calendar["working_days"]),
    }


@page("GET", f"{_PATH}/new", "new_calendar", right=RIGHT)
def new_calendar(visit: Visit) -> Shown:
    """The form of a new one."""
    return _form(visit, None)


@page("GET", _ONE, "calendar", right="settings.read")
def calendar(visit: Visit, calendar_id: int) -> Shown:
    """One of them."""
    return _form(visit, calendars_query.view(calendars_query.find(visit.session, calendar_id)))


def _given(visit: Visit) -> dict[str, Any]:
    form = visit.form
    given: dict[str, Any] = filled(form, "name", "time_zone") | optional(form, "region")
    days = (line.partition(" ") for line in lines(form.get("holidays", "")))
    return {
        **given,
        **flags(form, "default"),
        "country": form.get("country", "").strip().upper() or None,
        "week": read_week(form),
        "holidays": [{"date": day, "name": name.strip() or None} for day, _, name in days],
        "working_days": lines(form.get("working_days", "")),
    }


@page("POST", _PATH, "add_calendar", right=RIGHT, again=new_calendar)
def add_calendar(visit: Visit) -> See:
    """Add it."""
    with worded(WORDING), beside("name", NAME_TAKEN):
        made = calendars.create(visit.session, visit.caller, load(CalendarIn(), _given(visit)), now=visit.now)
    return See(f"{_PATH}/{made['id']}", Said(say(ADDED)))


@page("POST", _ONE, "change_calendar", right=RIGHT, again=calendar, once=False)
def change_calendar(visit: Visit, calendar_id: int) -> See | Shown:
    """Show what the change would move, or make it."""
    stored = calendars_query.view(calendars_query.find(visit.session, calendar_id))
    given = _given(visit)
    if stored["default"] and not given["default"]:
        raise Invalid({"default": [WORDING["default"]]})
    with worded(WORDING), beside("name", NAME_TAKEN):
        fields = load(CalendarChange(), given)
        if visit.form.get("do") == "preview":
            moved = calendars.preview(visit.session, visit.caller, calendar_id, fields, now=visit.now)
            return _form(visit, stored, moved)
        calendars.change(visit.session, visit.caller, calendar_id, fields, now=visit.now)
    return See(f"{_PATH}/{calendar_id}", Said(say(SAVED)))


@page("POST", f"{_ONE}/file", "preview_calendar_file", right=RIGHT, again=calendar, once=False)
def preview_file(visit: Visit, calendar_id: int) -> Shown:
    """The days off of a file put into the form, and what they would move; saving it is the next step."""
    file = request.files.get("file")
    content = b"" if file is None else file.read()
    if not content:
        raise Invalid({"file": [WORDING["file"]]})
    stored = calendars_query.view(calendars_query.find(visit.session, calendar_id))
    with worded(WORDING):
        moved = calendars.preview_holidays(visit.session, visit.caller, calendar_id, content, now=visit.now)
    return _form(visit, stored, moved)


@page("POST", f"{_ONE}/delete", "delete_calendar", right=RIGHT, again=calendar)
def delete_calendar(visit: Visit, calendar_id: int) -> See:
    """Delete one that nothing goes by."""
    with beside(REMOVE, IN_USE):
        calendars.remove(visit.session, visit.caller, calendar_id, now=visit.now)
    return See(_PATH, Said(say(DELETED)))
