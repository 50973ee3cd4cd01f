"""Words of time: what they mean to somebody in Seoul who works from nine to six, on a Wednesday at noon."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfm_workflow.policy import calendars
from cfm_workflow.policy.when import FARTHEST, instant

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 25, 12, 10, tzinfo=SEOUL)
WEEK = {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
HOURS = calendars.calendar({"time_zone": "Asia/Seoul", "week": WEEK})

MEANT = {
    "tomorrow 17:00": "2026-11-26 17:00",
    "Tomorrow, 5pm": "2026-11-26 17:00",
    "at 5 p.m. tomorrow": "2026-11-26 17:00",
    "tomorrow": "2026-11-26 09:00",
    "tomorrow noon": "2026-11-26 12:00",
    "tomorrow at 12am": "2026-11-26 00:00",
    "the day after tomorrow 10:30": "2026-11-27 10:30",
    "in 2 hours": "2026-11-25 14:10",
    "in an hour and 30 minutes": "2026-11-25 13:40",
    "in 3 days": "2026-11-28 12:10",
    "in 3 days at 9am": "2026-11-28 09:00",
    "in a week": "2026-12-02 12:10",
    "17:00": "2026-11-25 17:00",
    "11:00": "2026-11-26 11:00",
    "5:30": "2026-11-25 17:30",
    "05:30": "2026-11-26 05:30",
    "today 11:00": None,
    "today": None,
    "Fri 15:30": "2026-11-27 15:30",
    "Wed 15:30": "2026-11-25 15:30",
    "Wed 9:00": "2026-12-02 09:00",
    "this Monday": None,
    "next Monday 9am": "2026-11-30 09:00",
    "next Friday": "2026-12-04 09:00",
    "Sunday": "2026-11-29 09:00",
    "2026-12-01 10:00": "2026-12-01 10:00",
    "2026-12-01T10:00": "2026-12-01 10:00",
    "2026-12-01": "2026-12-01 09:00",
    "Dec 1 10:00": "2026-12-01 10:00",
    "1st March 2027, 10:00": "2027-03-01 10:00",
    "March 1": "2027-03-01 09:00",
    "내일 17시": "2026-11-26 17:00",
    "내일 오후 5시에": "2026-11-26 17:00",
    "내일오후5시": "2026-11-26 17:00",
    "내일 5시": "2026-11-26 17:00",
    "내일 9시": "2026-11-26 09:00",
    "내일 8시": "2026-11-26 08:00",
    "내일 7시": "2026-11-26 19:00",
    "모레 10시 30분": "2026-11-27 10:30",
    "모레 낮 12시": "2026-11-27 12:00",
    "글피 오전 10시 반": "2026-11-28 10:30",
    "다음 주 월요일 오전 9시": "2026-11-30 09:00",
    "다음주 금요일": "2026-12-04 09:00",
    "금요일 오후 3:30": "2026-11-27 15:30",
    "2시간 뒤에": "2026-11-25 14:10",
    "1시간 30분 후": "2026-11-25 13:40",
    "3일 후": "2026-11-28 12:10",
    "3일 후 오전 9시": "2026-11-28 09:00",
    "2주 뒤": "2026-12-09 12:10",
    "12월 1일 10시": "2026-12-01 10:00",
    "2026년 12월 1일": "2026-12-01 09:00",
    "２０２６. １２. １. １０시": "2026-12-01 10:00",
    "밤 12시": None,
}


@pytest.mark.parametrize(("text", "meant"), MEANT.items())
def test_words_mean_what_people_mean_by_them(text: str, meant: str | None) -> None:
    at = instant(text, now=NOW, zone=SEOUL, hours=HOURS)
    assert (at and f"{at.astimezone(SEOUL):%Y-%m-%d %H:%M}") == meant


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "soon", "5", "tomorrow 5", "25:00", "24:00", "10:60", "13pm", "오후 13시", "2026-02-30", "2025-12-01",
        "in 0 hours", "1/2 10:00", "next", "Dec 11:30", "tomorrow tomorrow", "10:00 11:00", "in 2 hours tomorrow",
        "2시간", "9999-12-31", "in 9999 weeks", "tomorrow 17:00 call back", "0000-00-00", "내일은", "in -1 days",
        "١٧:٠٠",
    ],
)  # fmt: skip
def test_what_means_nothing_two_things_or_the_past_is_not_guessed(text: str) -> None:
    assert instant(text, now=NOW, zone=SEOUL, hours=HOURS) is None


def test_without_working_hours_a_day_begins_at_nine() -> None:
    assert instant("tomorrow", now=NOW, zone=SEOUL) == datetime(2026, 11, 26, 9, tzinfo=SEOUL)
    assert instant("내일 5시", now=NOW, zone=SEOUL) == datetime(2026, 11, 26, 17, tzinfo=SEOUL)


def test_the_clocks_may_change_in_between() -> None:
    berlin, now = ZoneInfo("Europe/Berlin"), datetime(2027, 3, 27, 2, 30, tzinfo=UTC)
    assert instant("tomorrow 2:30am", now=now, zone=berlin) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert instant("tomorrow 10:00", now=now, zone=berlin) == datetime(2027, 3, 28, 8, tzinfo=UTC)
    assert instant("in 24 hours", now=now, zone=berlin) == now + timedelta(hours=24)
    assert instant("in 1 day", now=now, zone=berlin) == now + timedelta(hours=23)


WORDS = [
    "tomorrow",
    "next",
    "Mon",
    "in",
    "3",
    "days",
    "17:00",
    "5pm",
    "at",
    "내일",
    "오후",
    "5시",
    "2",
    "시간",
    "뒤",
    "월요일",
]
WORDS += ["다음 주", "12월", "1일", "2026-12-01", "9", "반", "에", "Dec", "weeks", "and", "noon", "."]


@given(
    words=st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=6),
    gap=st.sampled_from([" ", ""]),
    zone=st.sampled_from(["UTC", "Asia/Seoul", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]),
    now=st.datetimes(
        datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2190-01-01"), timezones=st.just(UTC)
    ),
)
def test_any_words_mean_an_instant_to_come_or_nothing(words: list[str], gap: str, zone: str, now: datetime) -> None:
    at = instant(gap.join(words), now=now, zone=ZoneInfo(zone))
    assert at is None or now < at <= now + FARTHEST


@given(
    minutes=st.integers(0, 24 * 60 - 1),
    days=st.integers(1, 300),
    now=st.datetimes(
        datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2040-01-01"), timezones=st.just(UTC)
    ),
)
def test_a_written_date_and_time_is_that_in_both_languages(minutes: int, days: int, now: datetime) -> None:
    meant = datetime.combine(now.astimezone(SEOUL).date() + timedelta(days), datetime.min.time(), SEOUL)
    meant += timedelta(minutes=minutes)
    said = (f"{meant:%Y-%m-%d %H:%M}", f"{meant:%H:%M} {meant:%B %d %Y}", f"{meant:%Y년 %m월 %d일 %H시 %M분}")
    assert {instant(words, now=now, zone=SEOUL) for words in said} == {meant}
