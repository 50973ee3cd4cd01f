"""Routes of business calendars."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from flask import request

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.errors import Malformed, Unsupported
from cfm_workflow.forms.calendars import CalendarChange, CalendarIn, CalendarOut, CalendarPreviewOut, PreviewQuery
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.operations import calendars as calendars_operations
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.service import Service

TAG = "settings"
RIGHT = "calendars.manage"
_ONE = "/calendars/<id:calendar_id>"
ICALENDAR: Final = "text/calendar"
EXAMPLE_FILE: Final = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\n"
    "DTSTAMP:20261101T000000Z\r\nDTSTART;VALUE=DATE:20261224\r\nSUMMARY:Company day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@route(
    "GET", "/calendars", "listCalendars", tag=TAG, right="settings.read",
    query=PageQuery, answers={200: page_of(CalendarOut)},
)  # fmt: skip
def list_calendars(ask: Ask) -> Any:
    """When people work."""
    return calendars_query.page(ask.session, ask.query).as_answer()


@route(
    "POST",
    "/calendars",
    "createCalendar",
    tag=TAG,
    right=RIGHT,
    body=CalendarIn,
    answers={201: CalendarOut},
    example={
        "name": "Seoul",
        "time_zone": "Asia/Seoul",
        "country": "KR",
        "week": {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "holidays": [{"date": "2026-12-24", "name": "Company day"}],
        "working_days": ["2026-11-28"],
    },
)
def create_calendar(ask: Ask) -> Any:
    """Add a calendar; `default` makes it that of everybody who has none of their own."""
    return Reply(calendars_operations.create(ask.session, ask.caller, ask.body, now=ask.now), 201)


@route("GET", _ONE, "getCalendar", tag=TAG, right="settings.read", answers={200: CalendarOut})
def get_calendar(ask: Ask, calendar_id: int) -> Any:
    """One calendar."""
    return calendars_query.view(calendars_query.find(ask.session, calendar_id))


def preview_change(ask: Ask, calendar_id: int) -> Any:
    """Which due dates a change of a calendar would move."""
    return calendars_operations.preview(ask.session, ask.caller, calendar_id, ask.body, now=ask.now)


@route(
    "PATCH",
    _ONE,
    "changeCalendar",
    tag=TAG,
    right=RIGHT,
    query=PreviewQuery,
    body=CalendarChange,
    answers={200: CalendarOut},
    preview=preview_change,
    previewed=CalendarPreviewOut,
    example={"working_days": ["2026-11-28"]},
)
def change_calendar(ask: Ask, calendar_id: int) -> Any:
    """Change a calendar; the lists and the week replace what was there. Open actions follow within seconds."""
    return calendars_operations.change(ask.session, ask.caller, calendar_id, ask.body, now=ask.now)


@route("DELETE", _ONE, "deleteCalendar", tag=TAG, right=RIGHT, answers={204: None})
def delete_calendar(ask: Ask, calendar_id: int) -> Any:
    """Delete a calendar that nothing goes by."""
    calendars_operations.remove(ask.session, ask.caller, calendar_id, now=ask.now)


def read_file(service: Service, query: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The body as it came, and its SHA-256.

    Raises:
        Unsupported, Malformed: it is empty.
    """
    if request.mimetype != ICALENDAR:
        raise Unsupported(f"The body must be {ICALENDAR}.")
    file = request.get_data()
    if not file:
        raise Malformed("The body is empty: send the file itself.")
    return {"file": file}, hashlib.sha256(file).digest()


def preview_holidays(ask: Ask, calendar_id: int) -> Any:
    """Which due dates the days off of a file would move."""
    file = ask.body["file"]
    return calendars_operations.preview_holidays(ask.session, ask.caller, calendar_id, file, now=ask.now)


@route(
    "POST",
    f"{_ONE}/holidays",
    "addHolidays",
    tag=TAG,
    right=RIGHT,
    query=PreviewQuery,
    receive=read_file,
    answers={200: CalendarOut},
    preview=preview_holidays,
    previewed=CalendarPreviewOut,
    example={ICALENDAR: EXAMPLE_FILE},
)
def add_holidays(ask: Ask, calendar_id: int) -> Any:
    """Add the all-day events of an iCalendar file to its days off; what is there already stays as it is."""
    return calendars_operations.add_holidays(ask.session, ask.caller, calendar_id, ask.body["file"], now=ask.now)
