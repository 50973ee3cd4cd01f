"""The arithmetic of the time that is worked. Pure.

Business time is the real time that passes in blocks, whose ends are wall times made instants as `wall` says.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from cfm_workflow.errors import Conflict
from cfm_workflow.policy.calendars.wall import (
    EPOCH,
    MICROSECOND,
    first_instant,
    first_instant_after,
    instant_of,
    wall_time,
)
from cfm_workflow.policy.calendars.week import Block, Calendar, blocks_on, is_working_day

REACH: Final = 100
"""Years from an instant within which the end must lie."""
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2400, 1, 1, tzinfo=UTC)
"""Instants are taken from then until then."""

_MARGIN: Final = timedelta(days=4)
"""More than the block of a day can be away from the same day in UTC: it may last until the end of the next day."""


class OutOfReach(Conflict):
    """The end lies a hundred years away or more: there is too little working time, or none."""

    def __init__(self) -> None:
        super().__init__(f"The calendar has too little working time: the end is not reached within {REACH} years.")


def add(calendar: Calendar, instant: datetime, duration: timedelta) -> datetime:
    """The first instant by which `duration` of business time has passed: the end of a block, not the start of the next.

    Nothing added to an instant outside working time leaves it where it is.

    Raises:
        OutOfReach: that is more than `REACH` years away.
        ValueError: the instant is naive, or the duration negative.
    """
    at, left = _micros(instant), _length(duration)
    if not left:
        return instant.astimezone(UTC)
    for year in _years_from(calendar, instant):
        target = year.worked_before(at) + left
        if target <= year.worked[-1]:
            block = bisect_left(year.worked, target) - 1
            return instant_of(year.starts[block] + target - year.worked[block])
        left = target - year.worked[-1]
    raise OutOfReach


def subtract(calendar: Calendar, instant: datetime, duration: timedelta) -> datetime:
    """The last instant from which `duration` of business time passes until `instant`: the start of a block, not the end
    of the one before.

    Raises:
        OutOfReach: that is more than `REACH` years away.
        ValueError: the instant is naive, or the duration negative.
    """
    at, left = _micros(instant), _length(duration)
    if not left:
        return instant.astimezone(UTC)
    for year in _years_back(calendar, instant):
        target = year.worked_before(at) - left
        if target >= 0:
            block = bisect_right(year.worked, target) - 1
            return instant_of(year.starts[block] + target - year.worked[block])
        left = -target
    raise OutOfReach


def worked(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """The business time between two instants; negative when `end` is before `start`.

    Raises:
        ValueError: an instant is naive.
    """
    since, until = _micros(start), _micros(end)
    if until < since:
        return -worked(calendar, end, start)
    years = (_year(calendar, number) for number in range((start - _MARGIN).year, (end + _MARGIN).year + 1))
    return sum((year.worked_before(until) - year.worked_before(since) for year in years), 0) * MICROSECOND


def add_days(calendar: Calendar, instant: datetime, days: int) -> datetime:
    """The same wall time `days` working days later.

    An instant outside working time is moved to the next beginning first; the end of a block belongs to its day. Where
    the day reached has no working time at that wall time, the start of its next block counts, and after the last one
    its end. What passes midnight belongs to the day it began on.

    Days differ in length, so unlike durations days may lead elsewhere when they are added one after the other: over a
    short day an instant in the evening is moved to its end, and stays that early.

    Raises:
        OutOfReach: that is more than `REACH` years away.
        ValueError: the instant is naive, or `days` negative.
    """
    if days < 0:
        raise ValueError("business days are only added")
    begun_on, opened = _opening(calendar, instant)
    if not days:
        return instant_of(opened)
    zone = ZoneInfo(calendar.time_zone)
    past = wall_time(zone, opened) - datetime.combine(begun_on, time.min)
    day = _working_day_after(calendar, begun_on, days)
    return instant_of(first_instant_after(zone, day, _moved_into(blocks_on(calendar, day), past)))


def next_open(calendar: Calendar, instant: datetime) -> datetime:
    """The instant itself when it lies in working time, else the next beginning. The end of a block is outside of it.

    Raises:
        OutOfReach: that is more than `REACH` years away.
        ValueError: the instant is naive.
    """
    at = _micros(instant)
    for year in _years_from(calendar, instant):
        block = bisect_right(year.ends, at)
        if block < len(year.ends):
            return instant_of(max(at, year.starts[block]))
    raise OutOfReach


def end_of_day(calendar: Calendar, day: date) -> datetime | None:
    """The end of the last block that begins on a day; None when it has none."""
    blocks = blocks_on(calendar, day)
    if not blocks:
        return None
    return instant_of(first_instant(ZoneInfo(calendar.time_zone), day, blocks[-1].end))


# -- the blocks of a year as instants, in microseconds since 1970 ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Year:
    """All blocks that begin in a year; `worked` is the business time before each, and at last that of the year."""

    days: "array[int]"  # the ordinal of the day each begins on
    starts: "array[int]"
    ends: "array[int]"
    worked: "array[int]"

    def worked_before(self, at: int) -> int:
        """The business time of the year that lies before an instant."""
        block = bisect_right(self.starts, at) - 1
        return 0 if block < 0 else self.worked[block] + min(at, self.ends[block]) - self.starts[block]


@lru_cache(maxsize=1024)
def _year(calendar: Calendar, number: int) -> _Year:
    year = _Year(array("l"), array("q"), array("q"), array("q", [0]))
    zone = ZoneInfo(calendar.time_zone)
    first = date(number, 1, 1).toordinal()
    opened = first_instant(zone, date(number, 1, 1), 0)
    ended = max((end for _, end in _blocks_from(calendar, zone, first - 2, first)), default=opened)
    for ordinal in range(first, date(number + 1, 1, 1).toordinal()):
        for start, end in _blocks_from(calendar, zone, ordinal, ordinal + 1):
            start = max(start, ended)  # only an extra working day can begin before the day before it has ended
            if start < end:
                year.days.append(ordinal)
                year.starts.append(start)
                year.ends.append(end)
                year.worked.append(year.worked[-1] + end - start)
                ended = end
    return year


def _blocks_from(calendar: Calendar, zone: ZoneInfo, first: int, until: int) -> Iterator[tuple[int, int]]:
    for ordinal in range(first, until):
        day = date.fromordinal(ordinal)
        for start, end in blocks_on(calendar, day):
            yield first_instant(zone, day, start), first_instant(zone, day, end)


def _years_from(calendar: Calendar, instant: datetime) -> Iterator[_Year]:
    first = (instant - _MARGIN).year
    return (_year(calendar, number) for number in range(first, first + REACH + 1))


def _years_back(calendar: Calendar, instant: datetime) -> Iterator[_Year]:
    last = (instant + _MARGIN).year
    return (_year(calendar, number) for number in range(last, last - REACH - 1, -1))


def _opening(calendar: Calendar, instant: datetime) -> tuple[date, int]:
    """The next instant of working time, the end of a block being one, and the day on which its block begins."""
    at = _micros(instant)
    ended_on = None
    for year in _years_from(calendar, instant):
        block = bisect_right(year.ends, at)
        if block and year.ends[block - 1] == at:
            ended_on = date.fromordinal(year.days[block - 1])
        if block < len(year.ends):
            if ended_on and year.starts[block] > at:
                return ended_on, at
            return date.fromordinal(year.days[block]), max(at, year.starts[block])
    raise OutOfReach


@lru_cache(maxsize=4096)
def _working_day_after(calendar: Calendar, day: date, days: int) -> date:
    for ahead in range(1, REACH * 366):
        reached = day + timedelta(days=ahead)
        days -= is_working_day(calendar, reached)
        if not days:
            return reached
    raise OutOfReach


def _moved_into(blocks: tuple[Block, ...], past: timedelta) -> timedelta:
    for start, end in blocks:
        if past <= _minutes(end):
            return max(past, _minutes(start))
    return _minutes(blocks[-1].end)


def _minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def _micros(instant: datetime) -> int:
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    if not EARLIEST <= instant < LATEST:
        raise OutOfReach
    return (instant - EPOCH) // MICROSECOND


def _length(duration: timedelta) -> int:
    if duration < timedelta(0):
        raise ValueError("a duration cannot be negative")
    return duration // MICROSECOND
