"""The working week of a business calendar, and which days are worked. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import NamedTuple

from cfm_workflow.policy.calendars.holidays import public_holidays


class Block(NamedTuple):
    """Working time without a break, in minutes since midnight of the day it begins on; `end` may pass 1440."""

    start: int
    end: int


@dataclass(frozen=True)
class Calendar:
    """When is worked. `documents.calendar` makes one of a document and checks what is taken for granted here."""

    time_zone: str
    week: tuple[tuple[Block, ...], ...]
    """Seven days, Monday first; the blocks of a week in order and none reaching into the next one."""
    country: str | None = None
    region: str | None = None
    days_off: tuple[tuple[date, str], ...] = ()
    """Own days off, each with a name or ""."""
    working_days: tuple[date, ...] = ()
    """Worked in spite of holidays and free weekdays; a free weekday takes the blocks of the nearest earlier other."""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.time_zone, self.week, self.country, self.region, self.days_off, self.working_days))

    @cached_property
    def _extra(self) -> frozenset[date]:
        return frozenset(self.working_days)


def is_working_day(calendar: Calendar, day: date) -> bool:
    """Whether working time begins on a day."""
    return bool(blocks_on(calendar, day))


def blocks_on(calendar: Calendar, day: date) -> tuple[Block, ...]:
    """The blocks that begin on a day."""
    blocks = calendar.week[day.weekday()]
    if day not in calendar._extra:
        return () if day in _free(calendar, day.year) else blocks
    earlier = (calendar.week[(day.weekday() - ago) % 7] for ago in range(7))
    return next((blocks for blocks in earlier if blocks), ())


def free_days(calendar: Calendar, first: date, last: date, limit: int = 100) -> list[tuple[date, str]]:
    """The first holidays and own days off from `first` to `last` that would have been worked otherwise, with names."""
    found: list[tuple[date, str]] = []
    for year in range(first.year, last.year + 1):
        for day, name in _free(calendar, year).items():
            if first <= day <= last and calendar.week[day.weekday()]:
                found.append((day, name))
            if len(found) == limit:
                return found
    return found


@lru_cache(maxsize=4096)
def _free(calendar: Calendar, year: int) -> Mapping[date, str]:
    """The holidays and own days off of a year in order, without those that are worked; an own name comes first."""
    free = dict(public_holidays(calendar.country, calendar.region, year)) if calendar.country else {}
    for day, name in calendar.days_off:
        if day.year == year:
            free[day] = name or free.get(day, "")
    return {day: free[day] for day in sorted(free) if day not in calendar._extra}
