"""When a person's digest comes: daily or weekly, at a wall time of theirs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from cfm_workflow.policy import calendars
from cfm_workflow.policy.calendars import WEEKDAYS, Calendar


class Every(StrEnum):
    """How often; `day` is each day on which the person works."""

    DAY = "day"
    WEEK = "week"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a digest comes, for a week on which day (`mon` ...), and at what time of day."""

    every: Every
    on: str
    at: time


DEFAULT: Final = {"every": "day", "on": "mon", "at": "08:00"}
"""As it is written."""
DAYS_LOOKED_AT: Final = 400
"""Who does not work for longer gets it on the last of them."""


def read(written: Mapping[str, Any] | None) -> Rhythm:
    """The rhythm as it is stored; None is the default one."""
    chosen = DEFAULT | dict(written or {})
    return Rhythm(Every(chosen["every"]), chosen["on"], time.fromisoformat(chosen["at"]))


def following(rhythm: Rhythm, zone: ZoneInfo, works: Calendar, now: datetime) -> datetime | None:
    """The first instant after `now` at which a digest comes; None for never. `works` says on which days the person
    works."""
    if rhythm.every is Every.NEVER:
        return None
    today = now.astimezone(zone).date()
    at = now
    for ahead in range(DAYS_LOOKED_AT):
        day = today + timedelta(days=ahead)
        at = datetime.combine(day, rhythm.at, zone).astimezone(now.tzinfo)
        if at > now and (
            WEEKDAYS[day.weekday()] == rhythm.on if rhythm.every is Every.WEEK else calendars.is_working_day(works, day)
        ):
            break
    return at
