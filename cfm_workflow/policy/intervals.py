"""Time cut into days, weeks and months of a time zone. Pure."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cfm_workflow import limits

_Step = tuple[Callable[[date], date], Callable[[date], date]]

INTERVALS: Final[Mapping[str, _Step]] = {
    #        the first day of the one it is in               and of the next one
    "day":   (lambda day: day,                               lambda day: day + timedelta(days=1)),
    "week":  (lambda day: day - timedelta(days=day.weekday()), lambda day: day + timedelta(days=7)),
    "month": (lambda day: day.replace(day=1),                lambda day: (day + timedelta(days=31)).replace(day=1)),
}  # fmt: skip


def edges(since: datetime, until: datetime, *, interval: str, zone: ZoneInfo) -> list[datetime]:
    """Where the intervals begin and the last one ends, the one with `since` first, `until` exclusive.

    Raises:
        ValueError: `until` is not after `since`, or there are more than limits.INTERVALS of them.
    """
    if since >= until:
        raise ValueError("must be after from")
    first, following = INTERVALS[interval]
    day = first(since.astimezone(zone).date())
    found = [_midnight(day, zone)]
    while found[-1] < until:
        if len(found) > limits.INTERVALS:
            raise ValueError(f"must be so that there are at most {limits.INTERVALS} intervals")
        day = following(day)
        found.append(_midnight(day, zone))
    return found


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
