"""Days off from a calendar file (RFC 5545, `.ics`): its all-day events, of several days and of every year, too. Pure.

What the file says and is not understood here is refused, not left out: a day off that is missing is a wrong due date.
"""

from collections.abc import Iterator, Set
from datetime import date, datetime, timedelta
from typing import Any, Final

from cfm_workflow import limits
from cfm_workflow.policy.calendars.documents import CalendarError
from cfm_workflow.policy.calendars.recurrence import Unknown, occurrences, yearly

EVENTS: Final = 2_000
"""In one file."""
LONGEST: Final = timedelta(days=366)
"""Of one event."""

_ONE_DAY: Final = timedelta(days=1)
_ONCE: Final = ("DTSTART", "DTEND", "DURATION", "RRULE", "RECURRENCE-ID", "UID", "STATUS", "SUMMARY")
_NEEDED: Final = {*_ONCE, "EXDATE", "RDATE", None}
"""What must not be broken, a line that has not even a name among them; what else is wrong is nothing to us."""


def from_ics(text: bytes, first_year: int, last_year: int) -> list[tuple[date, str]]:
    """The days from `first_year` to `last_year` (inclusive) on which an all-day event lies, in order, with its name.

    Of several events on one day the first in the file names it. Events with a time of day, and cancelled ones, count
    for nothing.

    Raises:
        CalendarError: about `file`: it is no calendar, or an event is broken or recurs in another way than yearly.
    """
    first, last = date(first_year, 1, 1), date(last_year, 12, 31)
    events = _events(text)
    moved = {(_uid(event), day) for event in events for day in _days(event, "RECURRENCE-ID")}
    found: dict[date, str] = {}
    for event in events:
        if not _is_all_day(event) or str(event.get("STATUS")).upper() == "CANCELLED":
            continue
        for day in _days_of(event, first, last, moved):
            found.setdefault(day, _name(event))
    return sorted(found.items())


def _events(text: bytes) -> list[Any]:
    import icalendar

    try:
        calendars = icalendar.Calendar.from_ical(text.decode("utf-8-sig"), multiple=True)
        events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError):
        raise _refused("must be an iCalendar file (RFC 5545) in UTF-8") from None
    if not calendars or any(calendar.name != "VCALENDAR" for calendar in calendars):
        raise _refused("must be an iCalendar file (RFC 5545) from BEGIN:VCALENDAR to END:VCALENDAR")
    if len(events) > EVENTS:
        raise _refused(f"must have at most {EVENTS} events")
    for event in events:
        _check(event)
    return events


def _check(event: Any) -> None:
    broken = {name for name, _ in event.errors} | {name for name in _ONCE if isinstance(event.get(name), list)}
    if broken & _NEEDED or "DTSTART" not in event or not isinstance(event["DTSTART"].dt, date):
        raise _broken(event)


def _is_all_day(event: Any) -> bool:
    return not isinstance(event["DTSTART"].dt, datetime)


def _days_of(event: Any, first: date, last: date, moved: Set[tuple[str, date]]) -> Iterator[date]:
    length = _length(event)
    without = set(_days(event, "EXDATE"))
    if "RECURRENCE-ID" not in event:
        without |= {day for uid, day in moved if uid == _uid(event)}
    for start in _starts(event, first - length, last):
        if start in without or not first - length < start <= last:
            continue
        for ahead in range(length.days):
            if first <= start + ahead * _ONE_DAY <= last:
                yield start + ahead * _ONE_DAY


def _starts(event: Any, first: date, last: date) -> Iterator[date]:
    yield from _days(event, "RDATE")
    start = event["DTSTART"].dt
    if "RRULE" not in event:
        yield start
        return
    try:
        yield from occurrences(yearly(event["RRULE"], start), first, last)
    except Unknown:
        raise _refused(
            f"must have only events that recur yearly, by month and day or weekday: {_name(event)}"
        ) from None


def _length(event: Any) -> timedelta:
    length: Any = event["DURATION"].dt if "DURATION" in event else _ONE_DAY
    for end in _days(event, "DTEND"):
        length = end - event["DTSTART"].dt
    if not isinstance(length, timedelta) or length > LONGEST:
        raise _broken(event)
    return max(length, _ONE_DAY)


def _days(event: Any, name: str) -> list[date]:
    """The days of a property that names one or many, over any number of lines."""
    values = event.get(name, ())
    moments = [
        moment.dt
        for value in (values if isinstance(values, list | tuple) else [values])
        for moment in getattr(value, "dts", [value])
    ]
    if not all(isinstance(moment, date) for moment in moments):
        raise _broken(event)
    return [moment.date() if isinstance(moment, datetime) else moment for moment in moments]


def _uid(event: Any) -> str:
    return str(event.get("UID", ""))


def _name(event: Any) -> str:
    """What can be shown and stored of its summary."""
    summary = event.get("SUMMARY", "")
    words = str(summary[0] if isinstance(summary, list) else summary).split()
    return "".join(character for character in " ".join(words) if character.isprintable())[: limits.NAME]


def _broken(event: Any) -> CalendarError:
    return _refused(f"must not have a broken event: {_name(event) or 'one without a name'}")


def _refused(sentence: str) -> CalendarError:
    return CalendarError({"file": [sentence]})
