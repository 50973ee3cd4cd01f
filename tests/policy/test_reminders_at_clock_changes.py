"""Reminders across every change of the clocks from 2025 to 2037: each minute is told exactly once, and never early.

When it is due, a slow clock says that looks at the wall minute by minute.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from cfm_workflow.policy.ladders import Course, Ladder, Next, following, latest_repetition, next_rung, read_ladder
from cfm_workflow.policy.repetition import next_repetition
from tests.business_calendars import ALWAYS, EARLY, ZONES, clock_changes, made, minutes_at_work

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
INSTANT = timedelta(microseconds=1)
PARTS = 12
BEFORE, AFTER = 3 * HOUR, 4 * HOUR
STEPS = int((BEFORE + AFTER) / MINUTE)
AT_TARGET = {"after": "PT0S", "to": ["assignee"]}
MISSED = 37
"""So many minutes at a time the service is down."""


@pytest.mark.parametrize("zone", ZONES)
def test_each_minute_around_a_clock_change_is_told_once(zone: str) -> None:
    for change in clock_changes(zone)[:2]:
        check_rungs(zone, change)
        check_repetitions(zone, change, step=7)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_each_minute_around_every_clock_change_of_every_zone_is_told_once(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    zones, changes, told, looked_at = sorted(available_timezones())[part::PARTS], 0, 0, 0
    for zone in zones:
        for change in clock_changes(zone):
            changes += 1
            if is_new(zone, change):
                looked_at += 1
                told += check_rungs(zone, change) + check_repetitions(zone, change)
    found = f"{len(zones)} zones, {changes} changes ({looked_at} unlike each other), {told:,} reminders"
    record_property(f"clock changes, part {part + 1} of {PARTS}", found)


SEEN: set[tuple[Any, ...]] = set()


def is_new(zone: str, change: datetime) -> bool:
    """Whether no zone yet has shown the same around this instant."""
    there = ZoneInfo(zone)
    shown = (change, *((change + n * 12 * HOUR).astimezone(there).utcoffset() for n in range(-4, 8)))
    is_first = shown not in SEEN
    SEEN.add(shown)
    return is_first


# -- ladders -----------------------------------------------------------------------------------------------------------


def check_rungs(zone: str, change: datetime) -> int:
    """Work that is due at each minute, and rungs that come every minute; how many were told."""
    start, count = change - BEFORE, 0
    every_minute = [start + n * MINUTE for n in range(STEPS + 1)]
    at_target = read_ladder([AT_TARGET], None)
    for week, every in ((ALWAYS, "PT1M"), (ALWAYS, {"business": "PT1M"}), (EARLY, {"business": "PT1M"})):
        calendar = made(zone, week)
        for minute in every_minute:
            course = Course(start, minute, calendar)
            assert next_rung(at_target, course, since=minute - INSTANT) == Next(0, minute)
            assert next_rung(at_target, course, since=minute) is None
        due = every_minute
        if every != "PT1M":
            due = [start, *(minute + MINUTE for minute in minutes_at_work(calendar, start, every_minute[-1]))]
        ladder, course = read_ladder([AT_TARGET | {"every": every}], None), Course(start, start, calendar)
        assert list(tell(ladder, course, every_minute)) == [(at, n, at) for n, at in enumerate(due)]
        assert list(tell(ladder, course, every_minute[::MISSED])) == missed(due, every_minute[::MISSED])
        for n, (earlier, later) in enumerate(pairwise(due), 1):
            assert next_rung(ladder, course, since=earlier) == Next(n, later)
        count += len(every_minute) + len(due)
    return count


def tell(ladder: Ladder, course: Course, ticks: Sequence[datetime]) -> Iterator[tuple[datetime, int, datetime]]:
    """What the clock tells that looks at these instants: when, which rung, and for when it was planned."""
    step = next_rung(ladder, course, since=course.start - INSTANT)
    for now in ticks:
        while step is not None and step.at <= now:
            step = latest_repetition(ladder, course, step, now)
            yield now, step.rung, step.at
            step = following(ladder, course, step.rung)


def missed(due: Sequence[datetime], ticks: Sequence[datetime]) -> list[tuple[datetime, int, datetime]]:
    """Of what came due between two looks only the last one is told."""
    found: list[tuple[datetime, int, datetime]] = []
    for now in ticks:
        past = [(n, at) for n, at in enumerate(due) if at <= now]
        if past and (not found or past[-1][0] > found[-1][1]):
            found.append((now, *past[-1]))
    return found


# -- what people set themselves ------------------------------------------------------------------------------------


def check_repetitions(zone: str, change: datetime, *, step: int = 1) -> int:
    """One a minute, from a day and a half before the change on, each to come again daily; how many were told."""
    there, begin = ZoneInfo(zone), change - 2 * DAY
    instants = [begin + n * MINUTE for n in range(5 * 24 * 60)]
    furthest: list[datetime] = []
    for instant in instants:
        shown = instant.astimezone(there).replace(tzinfo=None)
        furthest.append(max(shown, furthest[-1]) if furthest else shown)
    count = 0
    for first in (begin + 12 * HOUR + n * MINUTE for n in range(0, 24 * 60, step)):
        wall, after = first.astimezone(there).replace(tzinfo=None), first
        for day in (1, 2):
            due = instants[bisect_left(furthest, wall + day * DAY)]
            assert next_repetition(first, 1, there, after=after) == due
            assert next_repetition(first, 1, there, after=due - INSTANT) == due
            after = due + MISSED * MINUTE  # told late, and the next one comes at its time all the same
            count += 1
    return count
