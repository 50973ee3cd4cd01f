"""Business time: by example, by laws that hold for every calendar, and against a clock that is asked every minute."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfm_workflow.policy.calendars import (
    Block,
    Calendar,
    OutOfReach,
    add,
    add_days,
    blocks_on,
    end_of_day,
    is_working_day,
    next_open,
    subtract,
    worked,
)
from tests.business_calendars import (
    ALWAYS,
    EARLY,
    NIGHT,
    OFFICE,
    ZONES,
    at,
    calendars,
    clock_changes,
    instants,
    made,
    minutes_at_work,
    utc,
    wall,
    weekly,
    weeks,
)

NOTHING, MOMENT, HOUR = timedelta(0), timedelta(microseconds=1), timedelta(hours=1)
HALF_FRIDAY = (*OFFICE[:4], [["09:00", "13:00"]])

office = made()
korea = made(country="KR", working_days=["2026-11-28", "2026-05-05"])
night = made("Europe/Berlin", NIGHT)
half_friday = made(week=HALF_FRIDAY)
early_tuesday = made(week=([], [["06:00", "10:00"]], [["08:00", "09:00"]]))


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "end"),
    [
        (office, "2026-11-23 09:00", 1, "2026-11-23 10:00"),
        (office, "2026-11-23 11:30", 1, "2026-11-23 13:30"),  # the break
        (office, "2026-11-23 09:00", 3, "2026-11-23 12:00"),  # the end of a block, not the start of the next
        (office, "2026-11-23 09:00", 8, "2026-11-23 18:00"),
        (office, "2026-11-27 17:00", 2, "2026-11-30 10:00"),  # the weekend
        (office, "2026-11-28 03:00", 1, "2026-11-30 10:00"),
        (office, "2026-11-23 12:30", 0, "2026-11-23 12:30"),
        (half_friday, "2026-11-27 11:00", 3, "2026-11-30 10:00"),
        (korea, "2026-09-23 17:00", 2, "2026-09-28 10:00"),  # Chuseok
        (korea, "2026-11-27 17:00", 2, "2026-11-28 10:00"),  # a Saturday that is worked
        (korea, "2026-05-04 17:00", 2, "2026-05-05 10:00"),  # a holiday that is worked
        (night, "2026-11-27 23:00", 7, "2026-11-28 06:00"),
        (night, "2026-11-27 23:00", 8, "2026-11-30 23:00"),
        (night, "2026-03-27 22:00", 8, "2026-03-28 06:00"),
        (made("Europe/Berlin", ALWAYS), "2026-03-28 12:00", 24, "2026-03-29 13:00"),  # clocks are put forward
        (made("Europe/Berlin", ALWAYS), "2026-10-24 12:00", 24, "2026-10-25 11:00"),  # and back
    ],
)
def test_hours_are_added(calendar: Calendar, start: str, hours: int, end: str) -> None:
    assert wall(calendar, add(calendar, at(calendar, start), hours * HOUR)) == end


@pytest.mark.parametrize(
    ("calendar", "end", "hours", "start"),
    [
        (office, "2026-11-23 13:30", 1, "2026-11-23 11:30"),
        (office, "2026-11-23 18:00", 5, "2026-11-23 13:00"),  # the start of a block, not the end of the one before
        (office, "2026-11-30 10:00", 2, "2026-11-27 17:00"),
        (korea, "2026-09-28 10:00", 2, "2026-09-23 17:00"),
        (night, "2026-11-30 23:00", 2, "2026-11-28 05:00"),
        (office, "2026-11-29 12:00", 0, "2026-11-29 12:00"),
    ],
)
def test_hours_are_subtracted(calendar: Calendar, end: str, hours: int, start: str) -> None:
    assert wall(calendar, subtract(calendar, at(calendar, end), hours * HOUR)) == start


@pytest.mark.parametrize(
    ("calendar", "start", "days", "end"),
    [
        (office, "2026-11-27 15:00", 1, "2026-11-30 15:00"),
        (office, "2026-11-27 18:00", 1, "2026-11-30 18:00"),  # the end of a day belongs to it
        (office, "2026-11-23 12:00", 1, "2026-11-24 12:00"),
        (office, "2026-11-23 12:30", 1, "2026-11-24 13:00"),
        (office, "2026-11-28 10:00", 1, "2026-12-01 09:00"),
        (office, "2026-11-28 10:00", 0, "2026-11-30 09:00"),
        (office, "2026-11-23 10:00", 0, "2026-11-23 10:00"),
        (half_friday, "2026-11-26 17:00", 1, "2026-11-27 13:00"),
        (half_friday, "2026-11-27 13:00", 1, "2026-11-30 13:00"),
        (half_friday, "2026-11-26 17:00", 2, "2026-11-30 17:00"),
        (korea, "2026-09-23 10:00", 1, "2026-09-28 10:00"),
        (night, "2026-11-28 03:00", 1, "2026-12-01 03:00"),  # it is still Friday's shift
        (night, "2026-11-28 06:00", 1, "2026-12-01 06:00"),
        (early_tuesday, "2026-11-24 06:30", 1, "2026-11-25 08:00"),
        (made("Europe/Berlin", ALWAYS), "2026-03-28 02:30", 1, "2026-03-29 03:00"),
        (made(week=ALWAYS, holidays=["2026-11-25"]), "2026-11-24 00:00", 1, "2026-11-26 00:00"),
        (made(week=ALWAYS, holidays=["2027-01-02"]), "2027-01-01 00:00", 1, "2027-01-03 00:00"),
    ],
)  # fmt: skip
def test_days_are_added(calendar: Calendar, start: str, days: int, end: str) -> None:
    assert wall(calendar, add_days(calendar, at(calendar, start), days)) == end


def test_days_added_one_after_the_other_may_lead_elsewhere() -> None:
    thursday = at(half_friday, "2026-11-26 17:00")
    assert add_days(half_friday, add_days(half_friday, thursday, 1), 1) < add_days(half_friday, thursday, 2)


@pytest.mark.parametrize(
    ("calendar", "instant", "opens"),
    [
        (office, "2026-11-23 09:00", "2026-11-23 09:00"),
        (office, "2026-11-23 12:00", "2026-11-23 13:00"),
        (office, "2026-11-23 12:30", "2026-11-23 13:00"),
        (office, "2026-11-27 18:00", "2026-11-30 09:00"),
        (made(week=ALWAYS), "2026-11-23 00:00", "2026-11-23 00:00"),
        (korea, "2026-12-31 18:00", "2027-01-04 09:00"),
        (night, "2026-11-28 05:59", "2026-11-28 05:59"),
    ],
)
def test_the_next_opening(calendar: Calendar, instant: str, opens: str) -> None:
    assert wall(calendar, next_open(calendar, at(calendar, instant))) == opens


@pytest.mark.parametrize(
    ("calendar", "day", "end"),
    [
        (office, "2026-11-23", "2026-11-23 18:00"),
        (half_friday, "2026-11-27", "2026-11-27 13:00"),
        (office, "2026-11-28", None),
        (korea, "2026-09-24", None),
        (korea, "2026-11-28", "2026-11-28 18:00"),
        (night, "2026-11-27", "2026-11-28 06:00"),
        (made(week=ALWAYS), "2026-11-28", "2026-11-29 00:00"),
        (made("Europe/Berlin", [[]] * 6 + [[["00:00", "02:30"]]]), "2026-03-29", "2026-03-29 03:00"),
    ],
)
def test_the_end_of_a_day(calendar: Calendar, day: str, end: str | None) -> None:
    assert wall(calendar, end_of_day(calendar, date.fromisoformat(day))) == end


@pytest.mark.parametrize(
    ("blocks", "day", "minutes"),
    [
        # Berlin: 02:00 to 03:00 is left out on 29 March 2026 and comes twice on 25 October
        (["02:00", "03:00"], "2026-03-29", 0),
        (["02:15", "02:45"], "2026-03-29", 0),
        (["01:30", "02:30"], "2026-03-29", 30),
        (["02:30", "03:30"], "2026-03-29", 30),
        (["00:00", "24:00"], "2026-03-29", 23 * 60),
        (["02:00", "03:00"], "2026-10-25", 120),
        (["02:00", "02:30"], "2026-10-25", 30),
        (["02:30", "03:00"], "2026-10-25", 90),
        (["01:00", "02:30"], "2026-10-25", 90),
        (["00:00", "24:00"], "2026-10-25", 25 * 60),
    ],
)
def test_a_block_lasts_as_long_as_it_really_does(blocks: list[str], day: str, minutes: int) -> None:
    calendar = made("Europe/Berlin", [[]] * 6 + [[blocks]])
    midnight = at(calendar, f"{day} 00:00")
    assert worked(calendar, midnight - 12 * HOUR, midnight + 36 * HOUR) == timedelta(minutes=minutes)


def test_a_day_that_a_zone_skipped_has_no_working_time() -> None:
    """Samoa crossed the date line: after 29 December 2011 came the 31st."""
    samoa = made("Pacific/Apia", ALWAYS)
    skipped, change = date(2011, 12, 30), utc(2011, 12, 30, 10)
    assert end_of_day(samoa, skipped) == end_of_day(samoa, skipped - timedelta(days=1)) == change
    assert worked(samoa, change - 5 * HOUR, change + 5 * HOUR) == 10 * HOUR
    assert wall(samoa, add(samoa, change - HOUR, 2 * HOUR)) == "2011-12-31 01:00"


def test_ten_years_are_no_distance() -> None:
    always, start = made(week=ALWAYS), utc(2026, 11, 23, 12)
    assert add(always, start, timedelta(days=3660)) == start + timedelta(days=3660)
    assert subtract(always, start, timedelta(days=3660)) == start - timedelta(days=3660)
    assert add_days(always, start, 3660) == start + timedelta(days=3660)


@pytest.mark.parametrize("week", [((),) * 7, ((Block(0, 1),), *((),) * 6)])
def test_what_is_a_hundred_years_away_is_out_of_reach(week: tuple[tuple[Block, ...], ...]) -> None:
    scarce = Calendar("Asia/Seoul", week)
    now = utc(2026, 11, 23)
    for reckon in (add, subtract):
        with pytest.raises(OutOfReach):
            reckon(scarce, now, 100 * HOUR)
    with pytest.raises(OutOfReach):
        add_days(scarce, now, 6000)


def test_without_any_working_time_nothing_opens() -> None:
    empty = Calendar("Asia/Seoul", ((),) * 7)
    with pytest.raises(OutOfReach):
        next_open(empty, utc(2026, 11, 23))
    with pytest.raises(OutOfReach):
        add_days(empty, utc(2026, 11, 23), 0)
    assert worked(empty, utc(2026, 1, 1), utc(2027, 1, 1)) == NOTHING


@pytest.mark.parametrize("instant", [utc(1899, 12, 31), utc(2400, 1, 1), datetime.min.replace(tzinfo=UTC)])
def test_instants_beyond_all_reason_are_out_of_reach(instant: datetime) -> None:
    for reckon in (lambda: add(office, instant, HOUR), lambda: worked(office, instant, utc(2026, 1, 1))):
        with pytest.raises(OutOfReach):
            reckon()


def test_an_instant_needs_an_offset_and_a_duration_cannot_be_negative() -> None:
    naive, aware = datetime(2026, 11, 23, 9), utc(2026, 11, 23, 9)  # noqa: DTZ001 - it is meant to be naive
    for reckon in (
        lambda: add(office, naive, HOUR),
        lambda: add(office, naive, NOTHING),
        lambda: subtract(office, naive, HOUR),
        lambda: worked(office, naive, aware),
        lambda: worked(office, aware, naive),
        lambda: add_days(office, naive, 1),
        lambda: next_open(office, naive),
        lambda: add(office, aware, -MOMENT),
        lambda: subtract(office, aware, -MOMENT),
        lambda: add_days(office, aware, -1),
    ):
        with pytest.raises(ValueError):
            reckon()


def test_an_instant_may_come_in_any_zone_and_leaves_in_utc() -> None:
    elsewhere = datetime(2026, 11, 29, 12, tzinfo=timezone(timedelta(hours=9)))
    for result in (add(office, elsewhere, NOTHING), subtract(office, elsewhere, NOTHING), add(office, elsewhere, HOUR)):
        assert result.tzinfo is UTC


def test_an_extra_day_that_would_begin_before_its_neighbour_ended_counts_once() -> None:
    """Tuesday, worked for once, has Monday's shift until noon of the next day: Wednesday begins within it."""
    week = ([["13:00", "12:00"]], [], [["08:00", "17:00"]])
    calendar = made(week=week, working_days=["2026-11-24"])
    monday, thursday = at(calendar, "2026-11-23 00:00"), at(calendar, "2026-11-26 00:00")
    assert worked(calendar, monday, thursday) == 23 * HOUR + 23 * HOUR + 5 * HOUR


# -- laws --------------------------------------------------------------------------------------------------------------

shares = st.floats(0, 3)


@given(calendars(), instants, shares)
def test_adding_is_measured_and_taken_back(calendar: Calendar, start: datetime, share: float) -> None:
    duration = weekly(calendar) * share
    end = add(calendar, start, duration)
    assert end >= start
    assert worked(calendar, start, end) == duration
    assert worked(calendar, end, start) == -duration
    assert worked(calendar, subtract(calendar, end, duration), start) == NOTHING
    back = subtract(calendar, start, duration)
    assert worked(calendar, back, start) == duration
    assert worked(calendar, add(calendar, back, duration), start) == NOTHING
    if duration:
        assert worked(calendar, start, end - MOMENT) == worked(calendar, back + MOMENT, start) == duration - MOMENT


@given(calendars(), instants, shares, shares)
def test_how_a_duration_is_split_does_not_matter(calendar: Calendar, start: datetime, one: float, two: float) -> None:
    first, second = weekly(calendar) * one, weekly(calendar) * two
    assert add(calendar, add(calendar, start, first), second) == add(calendar, start, first + second)
    assert subtract(calendar, subtract(calendar, start, first), second) == subtract(calendar, start, first + second)


@given(calendars(), st.lists(instants, min_size=2, max_size=2), st.lists(shares, min_size=2, max_size=2))
def test_later_and_longer_end_later(calendar: Calendar, moments: list[datetime], shares: list[float]) -> None:
    early, late = sorted(moments)
    short, long = sorted(weekly(calendar) * share for share in shares)
    assert add(calendar, early, short) <= add(calendar, late, short) <= add(calendar, late, long)
    assert subtract(calendar, early, long) <= subtract(calendar, late, long) <= subtract(calendar, late, short)
    assert next_open(calendar, early) <= next_open(calendar, late)


@given(calendars(), instants, instants, instants)
def test_stretches_of_business_time_add_up(calendar: Calendar, a: datetime, b: datetime, c: datetime) -> None:
    assert worked(calendar, a, b) + worked(calendar, b, c) == worked(calendar, a, c)
    assert NOTHING <= worked(calendar, *sorted([a, b])) <= abs(b - a)


@given(calendars(), instants)
def test_an_opening_is_the_first_moment_of_working_time(calendar: Calendar, instant: datetime) -> None:
    opened = next_open(calendar, instant)
    assert worked(calendar, instant, opened) == NOTHING
    assert worked(calendar, opened, opened + MOMENT) == MOMENT
    assert next_open(calendar, opened) == opened


@given(calendars(), instants, st.integers(0, 30))
def test_days_lead_from_one_working_day_to_another(calendar: Calendar, instant: datetime, days: int) -> None:
    """In UTC, where days are days: so many working days begin after the one it starts on, up to the one it reaches."""
    calendar = replace(calendar, time_zone="UTC")
    reached = add_days(calendar, instant, days)
    assert reached <= add_days(calendar, instant, days + 1)
    starts = days_of(calendar, instant) or days_of(calendar, next_open(calendar, instant))
    assert any(
        days == sum(is_working_day(calendar, first + timedelta(days=n)) for n in range(1, (last - first).days + 1))
        for first in starts
        for last in days_of(calendar, reached)
    )


def days_of(calendar: Calendar, instant: datetime) -> list[date]:
    """The days whose blocks hold or end at an instant: two where one ends as the next begins."""
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return [
        day.date()
        for day in (midnight - timedelta(days=1), midnight)
        for block in blocks_on(calendar, day.date())
        if timedelta(minutes=block.start) <= instant - day <= timedelta(minutes=block.end)
    ]


@given(st.sampled_from(ZONES), weeks(), st.data())
def test_no_minute_is_counted_that_the_clock_on_the_wall_does_not_show(
    zone: str, week: tuple[tuple[Block, ...], ...], data: st.DataObject
) -> None:
    """Around a change of the clocks."""
    calendar = Calendar(zone, week)
    start = data.draw(st.sampled_from(clock_changes(zone))) - 15 * HOUR
    end = start + 30 * HOUR
    minutes = minutes_at_work(calendar, start, end)
    assert worked(calendar, start, end) == timedelta(minutes=len(minutes))
    if minutes:
        nth = data.draw(st.integers(1, len(minutes)))
        assert add(calendar, start, timedelta(minutes=nth)) == minutes[nth - 1] + timedelta(minutes=1)
        assert subtract(calendar, end, timedelta(minutes=nth)) == minutes[-nth]


@given(calendars(), instants)
def test_equal_calendars_are_one(calendar: Calendar, instant: datetime) -> None:
    again = Calendar(**{name: getattr(calendar, name) for name in Calendar.__dataclass_fields__})
    assert again == calendar and hash(again) == hash(calendar)
    assert blocks_on(again, instant.date()) == blocks_on(calendar, instant.date())
    assert made("Europe/Berlin", EARLY) != calendar
