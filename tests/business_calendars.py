"""Business calendars to reckon with, random ones, and a slow clock that knows nothing of the code. No tests here."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume
from hypothesis import strategies as st

from cfm_workflow.policy.calendars import WEEKDAYS, Block, Calendar, blocks_on, calendar

DAY = 24 * 60
MINUTE = timedelta(minutes=1)

ALWAYS = tuple([[["00:00", "24:00"]]] * 7)
OFFICE = tuple([[["09:00", "12:00"], ["13:00", "18:00"]]] * 5)
NIGHT = tuple([[["22:00", "06:00"]]] * 5)
EARLY = tuple([[["00:30", "02:30"], ["02:30", "03:10"], ["23:15", "00:30"]]] * 7)
"""Begins and ends where clocks are changed."""
WEEKS = {"always": ALWAYS, "office": OFFICE, "night": NIGHT, "early": EARLY}

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "America/Santiago",  # at midnight
    "Africa/Cairo",  # at midnight, on a Friday
    "Africa/Casablanca",  # back for Ramadan
    "Asia/Gaza",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Asia/Seoul",
    "Antarctica/Troll",  # two hours
    "America/Scoresbysund",
    "UTC",
)


def document(zone: str = "Asia/Seoul", week: Any = OFFICE, **rest: Any) -> dict[str, Any]:
    """What the API takes; `week` are lists of blocks from Monday on."""
    return {"name": "Ours", "time_zone": zone, "week": dict(zip(WEEKDAYS, week, strict=False)), **rest}


def made(zone: str = "Asia/Seoul", week: Any = OFFICE, **rest: Any) -> Calendar:
    """The calendar of such a document."""
    return calendar(document(zone, week, **rest))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def at(calendar: Calendar, text: str) -> datetime:
    """An instant by the wall time of a calendar, such as `2026-11-23 09:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(calendar.time_zone)).astimezone(UTC)


def wall(calendar: Calendar, instant: datetime | None) -> str | None:
    """The same the other way."""
    if instant is None:
        return None
    assert instant.tzinfo is UTC
    return instant.astimezone(ZoneInfo(calendar.time_zone)).strftime("%Y-%m-%d %H:%M")


@cache
def clock_changes(zone: str) -> list[datetime]:
    """The instants from 2025 to 2037 at which the clocks of a zone are changed; any one where they never are.

    Python has no list of them. Looking every six hours finds all unless a zone changes twice within them.
    """
    found, there = [], ZoneInfo(zone)
    instant, step = utc(2025, 1, 1), timedelta(hours=6)
    while instant < utc(2038, 1, 1):
        after = instant + step
        if instant.astimezone(there).utcoffset() != after.astimezone(there).utcoffset():
            low, high = instant, after
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                same = middle.astimezone(there).utcoffset() == instant.astimezone(there).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high.replace(microsecond=0))
        instant = after
    return found or [utc(2031, 5, 4)]


# -- the slow clock ----------------------------------------------------------------------------------------------------


def minutes_at_work(calendar: Calendar, start: datetime, end: datetime) -> list[datetime]:
    """Every minute of working time from `start` to `end`, found by looking at the clock on the wall minute by minute.

    Where clocks are put back, what they have shown already is over: the furthest they have come decides.
    """
    zone, found = ZoneInfo(calendar.time_zone), []
    instant = start - timedelta(hours=6)  # to learn how far they have come
    furthest = instant.astimezone(zone).replace(tzinfo=None)
    while instant < end:
        furthest = max(furthest, instant.astimezone(zone).replace(tzinfo=None))
        if instant >= start and is_work(calendar, furthest):
            found.append(instant)
        instant += MINUTE
    return found


def is_work(calendar: Calendar, shown: datetime) -> bool:
    """Whether a wall time lies in a block, of this day or of one that began on an earlier one."""
    for ago in (0, 1):
        day = shown.date() - timedelta(days=ago)
        minute = (shown.hour * 60 + shown.minute) + ago * DAY
        if any(block.start <= minute < block.end for block in blocks_on(calendar, day)):
            return True
    return False


# -- random ones -------------------------------------------------------------------------------------------------------


@st.composite
def weeks(draw: st.DrawFn) -> tuple[tuple[Block, ...], ...]:
    """Blocks anywhere in a week, also past midnight and past Sunday, some of them touching."""
    cuts = sorted(draw(st.sets(st.integers(0, 7 * 24 * 12 - 1), min_size=2, max_size=16)))
    first = draw(st.booleans())
    ends = [*cuts[1:], cuts[0] + 7 * 24 * 12]
    week: list[list[Block]] = [[] for _ in range(7)]
    for n, (start, end) in enumerate(zip(cuts, ends, strict=True)):
        if n % 2 == first or draw(st.integers(0, 4)) == 0:
            minute = start * 5 % DAY
            week[start * 5 // DAY].append(Block(minute, min(minute + (end - start) * 5, minute + DAY)))
    assume(any(week))
    return tuple(tuple(blocks) for blocks in week)


days = st.dates(date(2025, 1, 1), date(2036, 12, 31))
microseconds = st.integers(0, int(timedelta(days=12 * 365).total_seconds() * 1_000_000))
instants = microseconds.map(lambda number: utc(2025, 1, 1) + timedelta(microseconds=number))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Any calendar with a little working time a week."""
    off = draw(st.sets(days, max_size=5))
    return Calendar(
        draw(st.sampled_from(ZONES)),
        draw(weeks()),
        draw(st.sampled_from([None, "KR", "DE", "US"])),
        days_off=tuple((day, "") for day in sorted(off)),
        working_days=tuple(sorted(draw(st.sets(days, max_size=5)) - off)),
    )


def weekly(calendar: Calendar) -> timedelta:
    """The working time of an ordinary week."""
    return sum(((block.end - block.start) * MINUTE for blocks in calendar.week for block in blocks), timedelta())
