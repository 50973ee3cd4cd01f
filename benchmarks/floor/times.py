"""Business time as somebody writes it who knows one calendar: Monday to Friday, 9 to 12 and 13 to 18, UTC."""

from collections.abc import Iterator
from datetime import datetime, timedelta

_BLOCKS = ((9, 12), (13, 18))


def next_business_day(instant: datetime) -> datetime:
    """The same time of day on the next day that is worked."""
    later = instant + timedelta(days=1)
    while later.weekday() > 4:
        later += timedelta(days=1)
    return later


def at_share(start: datetime, due: datetime, percent: int) -> datetime:
    """The instant at which so much of the business time between two instants has passed."""
    left = sum((end - begin for begin, end in _worked(start, due)), timedelta()) * percent / 100
    for begin, end in _worked(start, due):
        if end - begin >= left:
            return begin + left
        left -= end - begin
    return due


def _worked(start: datetime, due: datetime) -> Iterator[tuple[datetime, datetime]]:
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < due:
        for first, last in _BLOCKS if day.weekday() < 5 else ():
            begin, end = max(day + timedelta(hours=first), start), min(day + timedelta(hours=last), due)
            if begin < end:
                yield begin, end
        day += timedelta(days=1)
