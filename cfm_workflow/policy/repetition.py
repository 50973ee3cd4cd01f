"""What comes again every so many days, at the same time on the wall. Pure."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cfm_workflow.policy.calendars.wall import first_instant_after, instant_of

MOST_DAYS: Final = 999
_DAY: Final = timedelta(days=1)


def next_repetition(first: datetime, days: int, zone: ZoneInfo, *, after: datetime) -> datetime:
    """The first instant later than `after` that is a whole number of times `days` behind `first` on the wall of `zone`.

    Of a time that comes twice it is the first, of one that is left out the instant of the change.
    """
    wall = first.astimezone(zone).replace(tzinfo=None)
    past = wall - wall.replace(hour=0, minute=0, second=0, microsecond=0)
    # From a day before on: what is too early is passed over below, what would be too late is not begun with.
    times = max(1, (after.astimezone(zone).date() - _DAY - wall.date()).days // days)
    while True:
        found = instant_of(first_instant_after(zone, wall.date() + times * days * _DAY, past))
        if found > after:
            return found
        times += 1
