"""From the time on the wall of a zone to the instant, without a hole and without a choice. Pure.

A wall time stands for the first instant at which the clocks show it or a later one. Of an hour that comes twice that is
the first time, of an hour that is left out the instant of the change. So what is in order on the wall is in order.
Instants are counted in microseconds since 1970.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAY: Final = 24 * 60
"""Minutes from midnight to midnight on the wall."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

_WALL_EPOCH: Final = EPOCH.replace(tzinfo=None)
_ONE_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_MINUTES: Final = [_WALL_EPOCH + timedelta(minutes=n) for n in range(DAY)]
_READINGS: Final = [(wall.time(), wall.replace(fold=1).time()) for wall in _MINUTES]
"""Every minute as it is read for the first and for the second time; made once, because years of blocks need them."""


def first_instant(zone: ZoneInfo, day: date, minute: int) -> int:
    """The instant of a minute since the midnight of a day; the minute may lie on the next day."""
    if minute >= DAY:
        day, minute = day + _ONE_DAY, minute - DAY
    first, second = _READINGS[minute]
    return _instant(zone, datetime.combine(day, first), datetime.combine(day, second))


def first_instant_after(zone: ZoneInfo, day: date, past: timedelta) -> int:
    """The instant at which the clocks show that `past` is over since the midnight of a day."""
    wall = datetime.combine(day, time.min) + past
    return _instant(zone, wall, wall.replace(fold=1))


def wall_time(zone: ZoneInfo, at: int) -> datetime:
    """What the clocks show, without a zone."""
    return instant_of(at).astimezone(zone).replace(tzinfo=None)


def instant_of(at: int) -> datetime:
    """Microseconds since 1970 as an instant."""
    return EPOCH + timedelta(microseconds=at)


def _instant(zone: ZoneInfo, wall: datetime, again: datetime) -> int:
    """`again` is the second reading of `wall`; its offset is larger when the clocks never show it (PEP 495)."""
    past, offset, other = wall - _WALL_EPOCH, zone.utcoffset(wall), zone.utcoffset(again)
    assert offset is not None and other is not None
    if offset < other:
        return _change(zone, wall, past - other, past - offset)
    exact = past - offset
    return (exact.days * 86_400 + exact.seconds) * 1_000_000 + exact.microseconds


def _change(zone: ZoneInfo, wall: datetime, before: timedelta, after: timedelta) -> int:
    """The whole second at which the clocks jump over `wall`, after `before` and not later than `after`."""
    low, high = before // _SECOND, -(-after // _SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        if wall_time(zone, middle * 1_000_000) < wall:
            low = middle
        else:
            high = middle
    return high * 1_000_000
