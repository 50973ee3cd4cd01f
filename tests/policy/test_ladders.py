"""Ladders: which rung comes when, which one is next, and what is no ladder."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfm_workflow.policy.calendars import calendar
from cfm_workflow.policy.ladders import (
    Course,
    LadderError,
    Next,
    following,
    latest_repetition,
    next_rung,
    read_ladder,
    rung_of,
    when,
    write_rung,
)
from cfm_workflow.policy.service_levels import DEFAULT
from cfm_workflow.policy.spans import Span, Unit

WEEK = {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
OFFICE = calendar({"name": "Office", "time_zone": "UTC", "week": WEEK})
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COURSE = Course(MONDAY, MONDAY + 4 * DAY, OFFICE)
FINISH = read_ladder(DEFAULT["ladders"]["finish"], None)
LATER = st.integers(-20 * 24, 400 * 24).map(lambda hours: MONDAY + hours * HOUR)


def test_the_default_ladder_in_office_hours() -> None:
    assert [when(FINISH, number, COURSE) for number in range(7)] == [
        MONDAY + 2 * DAY + 9 * HOUR,  # 75 % of four working days: as the third one ends
        MONDAY + 4 * DAY,
        MONDAY + 7 * DAY,  # the weekend is not counted
        MONDAY + 9 * DAY,
        MONDAY + 11 * DAY,
        MONDAY + 18 * DAY,  # weekly from here on
        MONDAY + 25 * DAY,
    ]
    assert rung_of(FINISH, 6) == FINISH[-1]


@given(LATER)
def test_the_next_rung_is_the_first_one_after(since: datetime) -> None:
    found = next_rung(FINISH, COURSE, since=since)
    assert found is not None and found.at == when(FINISH, found.rung, COURSE) and found.at > since
    if found.rung:
        earlier = when(FINISH, found.rung - 1, COURSE)
        assert earlier is not None and earlier <= since


def test_rungs_come_in_their_order_though_they_overtake_each_other() -> None:
    ladder = read_ladder(
        [{"share": 50, "to": ["assignee"]}, {"before": "P1D", "to": ["assignee"]}, {"after": "PT0S", "to": ["lead"]}],
        None,
    )
    near = Course(MONDAY, MONDAY + 2 * HOUR, OFFICE)
    step = next_rung(ladder, near, since=MONDAY)
    assert step is not None and step.rung == 0
    assert following(ladder, near, 0) == Next(2, near.due)  # a day before was past when it was given
    assert following(ladder, COURSE, 0) == Next(1, COURSE.due - DAY)
    assert following(ladder, near, 1) == Next(0, MONDAY + HOUR)


def test_what_the_calendar_never_reaches_does_not_come() -> None:
    ladder = read_ladder(
        [{"after": "PT0S", "to": ["assignee"]}, {"after": {"business": "PT200H"}, "to": ["lead"], "every": "P1D"}], None
    )
    thin = Course(MONDAY, MONDAY + DAY, calendar({"time_zone": "UTC", "week": {"mon": [["09:00", "09:01"]]}}))
    assert next_rung(ladder, thin, since=MONDAY) == Next(0, thin.due)
    assert following(ladder, thin, 0) is None
    assert next_rung(ladder, thin, since=thin.due) is None
    assert latest_repetition(ladder, thin, Next(5, MONDAY + 3 * DAY), MONDAY + 9 * DAY) == Next(5, MONDAY + 3 * DAY)


def test_business_days_are_not_counted_through_one_by_one() -> None:
    ladder = read_ladder([{"after": "PT0S", "to": ["lead"], "every": {"business_days": 1}}], None)
    step = next_rung(ladder, Course(MONDAY, datetime(1970, 1, 1, 10, tzinfo=UTC), OFFICE), since=MONDAY)
    assert step == Next(14_842, MONDAY + HOUR)
    soon = Course(MONDAY, MONDAY + HOUR, OFFICE)
    for days in range(30):
        since = MONDAY + days * DAY
        found = next_rung(ladder, soon, since=since)
        assert found == next(Next(n, at) for n in range(40) if (at := when(ladder, n, soon)) is not None and at > since)


def test_a_ladder_without_repetition_ends() -> None:
    ladder = FINISH[:2]
    assert next_rung(ladder, COURSE, since=MONDAY + 4 * DAY) is None
    assert following(ladder, COURSE, 1) is None
    assert when(ladder, 2, COURSE) is None
    assert next_rung((), COURSE, since=MONDAY) is None


@given(LATER, LATER)
def test_what_lies_in_quiet_is_told_once_at_its_end(since: datetime, quiet_until: datetime) -> None:
    loud = next_rung(FINISH, COURSE, since=since)
    found = next_rung(FINISH, COURSE, since=since, quiet_until=quiet_until)
    assert loud is not None and found is not None
    if loud.at >= quiet_until:
        assert found == loud
        return
    assert found.at == quiet_until and found.rung >= loud.rung
    own, after = when(FINISH, found.rung, COURSE), when(FINISH, found.rung + 1, COURSE)
    assert own is not None and after is not None and own <= quiet_until < after


@given(LATER)
def test_a_year_of_repetitions_that_were_missed_is_one(now: datetime) -> None:
    last = len(FINISH) - 1
    first = when(FINISH, last + 1, COURSE)
    assert first is not None
    found = latest_repetition(FINISH, COURSE, Next(last + 1, first), now)
    assert found.rung >= last + 1
    if found.at <= now:
        after = when(FINISH, found.rung + 1, COURSE)
        assert after is not None and after > now
    assert latest_repetition(FINISH, COURSE, Next(0, MONDAY), now) == Next(0, MONDAY)  # rungs are told one by one


def test_a_target_outside_working_time_has_its_shares_all_the_same() -> None:
    saturday = MONDAY + 5 * DAY
    course = Course(saturday, saturday + 4 * HOUR, OFFICE)
    assert when(FINISH, 0, course) == saturday + 3 * HOUR


@given(st.integers(1, 500), st.sampled_from(["PT1M", "PT90M", "P1D", {"business": "PT3H"}, {"business_days": 1}]))
def test_repetitions_come_at_their_distance(number: int, every: Any) -> None:
    ladder = read_ladder([{"after": "PT0S", "to": ["assignee"], "every": every}], None)
    instants = [when(ladder, number + n, COURSE) for n in range(3)]
    for earlier, later in pairwise(instants):
        assert earlier is not None and later is not None and later > earlier
        assert next_rung(ladder, COURSE, since=earlier) == Next(instants.index(later) + number, later)


def test_a_rung_is_written_as_it_was_read() -> None:
    for written in DEFAULT["ladders"]["finish"]:
        shown = write_rung(read_ladder([written], None)[0])
        assert {name: value for name, value in shown.items() if value not in (None, False)} == written


RUNG = {"after": "PT0S", "to": ["assignee"]}


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ([{"to": ["assignee"]}], "0.share"),
        ([RUNG | {"share": 75}], "0.after"),
        ([{"before": {"business_days": 1}, "to": []}], "0.before"),
        ([{"before": "PT0S", "to": []}], "0.before"),
        ([{"after": "-PT1H", "to": []}], "0.after"),
        ([RUNG | {"every": "PT1H"}, {"after": "P1D", "to": []}], "0.every"),
        ([RUNG | {"every": "PT59S"}], "0.every"),
        ([RUNG, {"before": "PT1H", "to": []}], "1"),
        ([RUNG, RUNG], "1"),
        ([{"share": 110, "to": []}, RUNG], "1"),
    ],
)
def test_what_is_no_ladder_names_the_place(written: list[dict[str, Any]], place: str) -> None:
    with pytest.raises(LadderError) as wrong:
        read_ladder(written, Span(Unit.BUSINESS_DAYS, 2))
    assert list(wrong.value.errors) == [place]
