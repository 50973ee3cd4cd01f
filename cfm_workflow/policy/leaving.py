"""When a mail leaves: at once, gathered with others, in the morning, or when its reader works again. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cfm_workflow.policy import calendars
from cfm_workflow.policy.calendars import Calendar

WINDOW: Final = timedelta(minutes=15)
"""Reminders of one person within it are one mail, but for the first."""
SETTLING: Final = timedelta(minutes=1)
"""What comes in many batches, late reminders and moved dates, waits so long for the rest."""
MORNING: Final = time.fromisoformat("08:00")

Week = Mapping[str, Sequence[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Leaving:
    """When a mail leaves at the earliest, and whether it is one with what else leaves then."""

    at: datetime
    gathered: bool


def hours(week: Week, time_zone: str) -> Calendar:
    """A person's working hours, in their time zone.

    Raises:
        CalendarError: they make no sense; names the place, such as `week.mon.1`.
    """
    return calendars.calendar({"time_zone": time_zone, "week": week})


def morning(calendar: Calendar, now: datetime) -> datetime:
    """When the next day of work begins: not before eight on its own clock."""
    zone = ZoneInfo(calendar.time_zone)
    day = now.astimezone(zone).date()
    while True:
        opens = calendars.next_open(calendar, datetime.combine(day, MORNING, zone))
        if opens > now:
            return opens
        day += timedelta(days=1)


def in_hours(own: Calendar | None, instant: datetime) -> Leaving:
    """An instant at which the person works: the given one, or when they begin again."""
    if own is None:
        return Leaving(instant, gathered=False)
    opens = calendars.next_open(own, instant)
    return Leaving(max(opens, instant), gathered=opens > instant)


def in_window(latest: datetime | None, now: datetime) -> datetime:
    """When a reminder leaves whose reader had, or will have, the latest one at `latest` (within a window of now)."""
    if latest is None:
        return now
    return latest if latest > now else latest + WINDOW
