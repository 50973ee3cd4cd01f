"""What makes a business calendar, and what is refused with the field that is wrong."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfm_workflow.policy.calendars import Block, Calendar, CalendarError, blocks_on, calendar, is_working_day
from tests.business_calendars import ALWAYS, NIGHT, OFFICE, document, made

MORNING = ["09:00", "12:00"]


def test_a_document_becomes_a_calendar() -> None:
    whole = document(
        "Europe/Berlin",
        (*OFFICE, [["22:00", "24:00"]], [["22:00", "06:00"]]),
        country="DE",
        region="BY",
        holidays=["2026-12-31", {"date": "2026-12-24", "name": "Heiligabend"}],
        working_days=["2026-11-28", "2026-01-06"],
    )
    office = (Block(540, 720), Block(780, 1080))
    assert calendar(whole) == Calendar(
        "Europe/Berlin",
        ((office,) * 5) + ((Block(1320, 1440),), (Block(1320, 1800),)),
        "DE",
        "BY",
        ((date(2026, 12, 24), "Heiligabend"), (date(2026, 12, 31), "")),
        (date(2026, 1, 6), date(2026, 11, 28)),
    )


def test_little_is_needed() -> None:
    assert calendar({"time_zone": "UTC", "week": {"wed": [MORNING]}}) == Calendar(
        "UTC", ((), (), (Block(540, 720),), (), (), (), ())
    )


@pytest.mark.parametrize(
    "week",
    [
        ALWAYS,
        NIGHT,
        [[["00:00", "00:00"]]] * 7,
        [[["12:00", "12:00"]]] * 7,
        [[["13:00", "18:00"], MORNING]],  # in any order
        [[MORNING, ["12:00", "13:00"]]],  # one after the other
        [[["22:00", "06:00"]], [["06:00", "07:00"]]],
        [[["06:00", "07:00"]], [], [], [], [], [], [["22:00", "06:00"]]],
    ],
)
def test_blocks_may_touch(week: Any) -> None:
    assert any(made(week=week).week)


def test_blocks_are_kept_in_order() -> None:
    assert made(week=[[["13:00", "18:00"], MORNING]]).week[0] == (Block(540, 720), Block(780, 1080))


def test_of_a_day_named_twice_the_first_name_counts() -> None:
    named = made(holidays=["2026-12-24", {"date": "2026-12-24", "name": "Eve"}, {"date": "2026-12-24", "name": "?"}])
    assert named.days_off == ((date(2026, 12, 24), "Eve"),)


def test_an_extra_working_day_has_the_blocks_of_the_nearest_earlier_weekday() -> None:
    calendar = made(
        week=([MORNING], [], [["13:00", "18:00"]], [], [], [], []),
        working_days=["2026-11-24", "2026-11-25", "2026-11-29"],
    )
    assert [blocks_on(calendar, date(2026, 11, day)) for day in (23, 24, 25, 26, 29)] == [
        (Block(540, 720),),
        (Block(540, 720),),
        (Block(780, 1080),),
        (),
        (Block(780, 1080),),
    ]
    wrapped = made(week=([], [], [], [], [], [], [MORNING]), working_days=["2026-11-28"])
    assert is_working_day(wrapped, date(2026, 11, 28))


EVERYTHING = ["country", "holidays", "time_zone", "week", "working_days"]
WRONG: list[tuple[Any, list[str]]] = [
    ({"time_zone": "Asia/Soul"}, ["time_zone"]),
    ({"time_zone": "asia/seoul"}, ["time_zone"]),
    ({"time_zone": "../UTC"}, ["time_zone"]),
    ({"time_zone": None}, ["time_zone"]),
    ({"country": "XX"}, ["country"]),
    ({"country": "kr"}, ["country"]),
    ({"country": "KOR"}, ["country"]),
    ({"country": "SouthKorea"}, ["country"]),
    ({"country": ["KR"]}, ["country"]),
    ({"country": "DE", "region": "XX"}, ["region"]),
    ({"country": "DE", "region": ["BY"]}, ["region"]),
    ({"country": "KR", "region": "11"}, ["region"]),
    ({"region": "BY"}, ["region"]),
    ({"week": None}, ["week"]),
    ({"week": [[MORNING]]}, ["week"]),
    ({"week": {}}, ["week"]),
    ({"week": {"mon": []}}, ["week"]),
    ({"week": {"monday": [MORNING]}}, ["week.monday"]),
    ({"week": {1: [MORNING]}}, ["week.1"]),
    ({"week": {"mon": MORNING}}, ["week.mon.0", "week.mon.1"]),
    ({"week": {"mon": "09:00-18:00"}}, ["week.mon"]),
    ({"week": {"mon": [MORNING] * 25}}, ["week.mon"]),
    ({"week": {"mon": [MORNING], "tue": [["09:00"]]}}, ["week.tue.0"]),
    ({"week": {"mon": [["09:00", "10:00", "11:00"]]}}, ["week.mon.0"]),
    ({"week": {"mon": [["9:00", "12:00"]]}}, ["week.mon.0"]),
    ({"week": {"mon": [["09:00", "12:60"]]}}, ["week.mon.0"]),
    ({"week": {"mon": [["24:00", "12:00"]]}}, ["week.mon.0"]),
    ({"week": {"mon": [["09:00", "24:01"]]}}, ["week.mon.0"]),
    ({"week": {"mon": [["09:00\n", "12:00"]]}}, ["week.mon.0"]),
    ({"week": {"mon": [["٠٩:٠٠", "12:00"]]}}, ["week.mon.0"]),
    ({"week": {"mon": [[540, 720]]}}, ["week.mon.0"]),
    ({"week": {"mon": [MORNING, ["11:59", "13:00"]]}}, ["week.mon.1"]),
    ({"week": {"mon": [["11:59", "13:00"], MORNING]}}, ["week.mon.0"]),
    ({"week": {"mon": [MORNING, MORNING]}}, ["week.mon.1"]),
    ({"week": {"mon": [["00:00", "00:00"], MORNING]}}, ["week.mon.1"]),
    ({"week": {"mon": [["22:00", "06:00"]], "tue": [["05:00", "07:00"]]}}, ["week.tue.0"]),
    ({"week": {"mon": [["05:00", "07:00"]], "sun": [["22:00", "06:00"]]}}, ["week.mon.0"]),
    ({"week": {"mon": [["12:00", "11:00"]], "tue": [["10:00", "12:00"], MORNING]}}, ["week.tue.0", "week.tue.1"]),
    ({"holidays": "2026-12-24"}, ["holidays"]),
    ({"holidays": ["2026-12-24"] * 2001}, ["holidays"]),
    ({"holidays": ["2026-12-24", "2026-12-32"]}, ["holidays.1"]),
    ({"holidays": ["2026-02-29", "20261224", "2026-W52-4", 20261224, None]}, [f"holidays.{n}" for n in range(5)]),
    ({"holidays": ["1969-12-31", "2200-01-01", "0001-01-01", "9999-12-31"]}, [f"holidays.{n}" for n in range(4)]),
    ({"holidays": [{"name": "Eve"}]}, ["holidays.0"]),
    ({"holidays": [{"date": "2026-12-24", "name": None}]}, ["holidays.0"]),
    ({"holidays": [{"date": "2026-12-24", "name": "E" * 201}]}, ["holidays.0"]),
    ({"holidays": [{"date": "2026-12-24", "title": "Eve"}]}, ["holidays.0"]),
    ({"working_days": {"2026-12-24": True}}, ["working_days"]),
    ({"working_days": ["2026-12-24", "x"]}, ["working_days.1"]),
    ({"working_days": [{"date": "2026-12-24"}]}, ["working_days.0"]),
    ({"holidays": ["2026-12-24"], "working_days": ["2026-12-23", "2026-12-24"]}, ["working_days.1"]),
    (dict.fromkeys(EVERYTHING, 1), EVERYTHING),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "fields"), WRONG, ids=lambda part: str(part)[:60])
def test_what_is_wrong_is_named(changes: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(CalendarError) as refused:
        calendar(document() | changes)
    assert sorted(refused.value.errors) == fields
    assert all(sentences and all(sentences) for sentences in refused.value.errors.values())


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["09:00", "24:00", "2026-12-24"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["mon", "date", "name", "x"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["time_zone", "country", "region", "week", "holidays", "working_days"]), json))
def test_whatever_comes_it_is_a_calendar_or_refused(changes: dict[str, Any]) -> None:
    try:
        assert any(calendar(document() | changes).week)
    except CalendarError as refused:
        assert refused.errors
