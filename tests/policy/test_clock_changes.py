"""Business time across every change of the clocks from 2025 to 2037, against a clock that is asked every minute."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from cfm_workflow.policy.calendars import add, next_open, subtract, worked
from tests.business_calendars import WEEKS, ZONES, clock_changes, made, minutes_at_work

MINUTE = timedelta(minutes=1)
PARTS = 12
BEFORE, AFTER = timedelta(hours=20), timedelta(hours=28)


@pytest.mark.parametrize("zone", ZONES)
def test_business_time_is_right_across_clock_changes(zone: str) -> None:
    for change in clock_changes(zone)[:4]:
        for week in WEEKS:
            check(zone, week, change)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_business_time_is_right_across_every_clock_change_of_every_zone(part: int) -> None:
    for zone in sorted(available_timezones())[part::PARTS]:
        for change in clock_changes(zone):
            for week in WEEKS:
                check(zone, week, change)


def check(zone: str, week: str, change: datetime) -> None:
    calendar, start, end = made(zone, WEEKS[week]), change - BEFORE, change + AFTER
    shift = (start.astimezone(ZoneInfo(zone)).utcoffset(), end.astimezone(ZoneInfo(zone)).utcoffset())
    minutes = working_minutes(zone, week, change, shift)
    done = 0
    for instant in (start + n * MINUTE for n in range(0, int((end - start) / MINUTE), 20)):
        while done < len(minutes) and minutes[done] < instant:
            done += 1
        assert worked(calendar, start, instant) == done * MINUTE
        if done < len(minutes):
            assert next_open(calendar, instant) == max(minutes[done], instant)
    for n in range(1, len(minutes) + 1, 7):
        assert add(calendar, start, n * MINUTE) == minutes[n - 1] + MINUTE
        assert subtract(calendar, end, n * MINUTE) == minutes[-n]


SHOWN: dict[object, list[datetime]] = {}


def working_minutes(zone: str, week: str, change: datetime, shift: object) -> list[datetime]:
    """What the slow clock finds. Zones whose clocks do the same at the same instant are looked at once."""
    key = (week, change, shift)
    if key not in SHOWN:
        SHOWN[key] = minutes_at_work(made(zone, WEEKS[week]), change - BEFORE, change + AFTER)
    return SHOWN[key]
