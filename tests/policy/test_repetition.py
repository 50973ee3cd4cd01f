"""What comes again keeps its time on the wall, whatever the clocks do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from cfm_workflow.policy.repetition import next_repetition

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Seoul", "UTC"])
SECONDS = st.integers(1_767_225_600, 1_830_297_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def repetitions(first: str, days: int, count: int) -> list[str]:
    """The walls of Berlin at which it comes again."""
    begin = datetime.fromisoformat(first).replace(tzinfo=BERLIN)
    found, after = [], begin
    for _ in range(count):
        after = next_repetition(begin, days, BERLIN, after=after)
        found.append(after.astimezone(BERLIN).isoformat())
    return found


def test_a_day_of_23_or_25_hours_moves_nothing_on_the_wall() -> None:
    assert repetitions("2026-03-28T17:00:00", 1, 2) == ["2026-03-29T17:00:00+02:00", "2026-03-30T17:00:00+02:00"]
    assert repetitions("2026-10-24T17:00:00", 1, 2) == ["2026-10-25T17:00:00+01:00", "2026-10-26T17:00:00+01:00"]
    assert repetitions("2026-03-23T09:30:15", 7, 2) == ["2026-03-30T09:30:15+02:00", "2026-04-06T09:30:15+02:00"]


def test_a_time_that_is_left_out_is_told_at_the_change_and_the_next_day_as_ever() -> None:
    assert repetitions("2026-03-28T02:30:00", 1, 2) == ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]


def test_a_time_that_comes_twice_is_told_the_first_time_only() -> None:
    assert repetitions("2026-10-24T02:30:00", 1, 2) == ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]


def test_what_was_missed_is_passed_over() -> None:
    first = datetime(2026, 1, 1, 8, 0, tzinfo=BERLIN)
    after = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
    assert next_repetition(first, 7, BERLIN, after=after) == datetime(2026, 6, 18, 6, 0, tzinfo=UTC)
    assert next_repetition(first, 1, BERLIN, after=first - timedelta(days=400)) == first + timedelta(days=1)


@given(SECONDS, SECONDS, st.integers(1, 999), ZONES)
def test_it_is_the_first_that_is_later(first: datetime, after: datetime, days: int, zone: str) -> None:
    found = next_repetition(first, days, ZoneInfo(zone), after=after)
    assert found > after
    before = next_repetition(first, days, ZoneInfo(zone), after=found - timedelta(microseconds=1))
    assert before == found
    local = [moment.astimezone(ZoneInfo(zone)).date() for moment in (first, found)]
    assert (local[1] - local[0]).days % days == 0 and (local[1] - local[0]).days >= days
    if (earlier := found - timedelta(days=days, hours=2)) > max(first, after):
        assert next_repetition(first, days, ZoneInfo(zone), after=earlier) < found
