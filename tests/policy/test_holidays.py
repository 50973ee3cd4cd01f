"""Public holidays: those of Korea as published, with lunar and substitute days; regions; and what counts as free."""

import os
import subprocess
import sys
from datetime import date

import pytest

from cfm_workflow.policy.calendars import (
    CalendarError,
    countries,
    free_days,
    is_working_day,
    public_holidays,
    regions,
)
from tests.business_calendars import made

KOREA = {
    2025: """
        01-01 신정
        01-27 임시공휴일
        01-28 설날 전날
        01-29 설날
        01-30 설날 다음날
        03-01 삼일절
        03-03 삼일절 대체
        05-05 어린이날, 부처님오신날
        05-06 어린이날과 부처님오신날 대체
        06-03 대통령 선거일
        06-06 현충일
        08-15 광복절
        10-03 개천절
        10-05 추석 전날
        10-06 추석
        10-07 추석 다음날
        10-08 추석 대체
        10-09 한글날
        12-25 성탄절
        """,
    2026: """
        01-01 신정
        02-16 설날 전날
        02-17 설날
        02-18 설날 다음날
        03-01 삼일절
        03-02 삼일절 대체
        05-01 노동절
        05-05 어린이날
        05-24 부처님오신날
        05-25 부처님오신날 대체
        06-03 지방선거일
        06-06 현충일
        07-17 제헌절
        08-15 광복절
        08-17 광복절 대체
        09-24 추석 전날
        09-25 추석
        09-26 추석 다음날
        10-03 개천절
        10-05 개천절 대체
        10-09 한글날
        12-25 성탄절
        """,
    2027: """
        01-01 신정
        02-06 설날 전날
        02-07 설날
        02-08 설날 다음날
        02-09 설날 대체
        03-01 삼일절
        05-01 노동절
        05-03 노동절 대체
        05-05 어린이날
        05-13 부처님오신날
        06-06 현충일
        07-17 제헌절
        07-19 제헌절 대체
        08-15 광복절
        08-16 광복절 대체
        09-14 추석 전날
        09-15 추석
        09-16 추석 다음날
        10-03 개천절
        10-04 개천절 대체
        10-09 한글날
        10-11 한글날 대체
        12-25 성탄절
        12-27 성탄절 대체
        """,
}
"""The almanac (월력요항) of the Korea Astronomy and Space Science Institute, and the days the cabinet declared since.

노동절 and 제헌절 are public holidays again by the Public Holidays Act as amended in 2026; 현충일 and 신정 have no
substitute day.
"""


@pytest.mark.parametrize("year", KOREA)
def test_the_holidays_of_korea(year: int) -> None:
    published = {date.fromisoformat(f"{year}-{line.split()[0]}") for line in KOREA[year].strip().splitlines()}
    assert set(public_holidays("KR", None, year)) == published


def test_names_are_in_the_language_of_the_country_whatever_the_locale_of_the_process() -> None:
    code = (
        f"from {public_holidays.__module__} import public_holidays as p; print(ascii([*p('KR', None, 2026).values()]))"
    )
    spoken = {
        subprocess.check_output([sys.executable, "-c", code], env=os.environ | {"LANGUAGE": language}, text=True)
        for language in ("en_US", "th")
    }
    assert len(spoken) == 1
    assert public_holidays("KR", None, 2026)[date(2026, 2, 17)] == "설날"


def test_a_region_has_holidays_of_its_own() -> None:
    epiphany = date(2026, 1, 6)
    assert epiphany in public_holidays("DE", "BY", 2026)
    assert epiphany not in public_holidays("DE", None, 2026)
    assert "BY" in regions("DE")
    assert regions("KR") == ()


def test_a_working_day_wins_over_a_holiday_and_a_free_weekday() -> None:
    calendar = made(country="KR", holidays=["2026-11-24"], working_days=["2026-09-25", "2026-11-28"])
    expected = {
        date(2026, 9, 24): False,
        date(2026, 9, 25): True,
        date(2026, 11, 24): False,
        date(2026, 11, 25): True,
        date(2026, 11, 28): True,
        date(2026, 11, 29): False,
    }
    assert {day: is_working_day(calendar, day) for day in expected} == expected


def test_free_days_are_those_that_would_have_been_worked() -> None:
    calendar = made(
        country="KR",
        holidays=[{"date": "2026-10-09", "name": "창립기념일"}, "2026-10-08", "2026-10-10", "2026-12-25"],
        working_days=["2026-09-24"],
    )
    days = free_days(calendar, date(2026, 9, 1), date(2026, 12, 31))
    assert days == [
        (date(2026, 9, 25), "추석"),
        (date(2026, 10, 5), "개천절 대체 휴일"),
        (date(2026, 10, 8), ""),
        (date(2026, 10, 9), "창립기념일"),
        (date(2026, 12, 25), "기독탄신일"),
    ]
    assert free_days(calendar, date(2026, 9, 1), date(2026, 12, 31), limit=2) == days[:2]
    assert free_days(calendar, date(2026, 9, 25), date(2026, 10, 5)) == days[:2]
    assert free_days(calendar, date(2026, 9, 26), date(2026, 10, 4)) == []
    assert len(free_days(calendar, date(2026, 12, 25), date(2027, 1, 1))) == 2
    assert free_days(made(), date(2026, 1, 1), date(2026, 12, 31)) == []


@pytest.mark.parametrize("country", ["KR", "IN", "DE", "US", "JP", "SA"])
def test_holidays_can_be_asked_for_in_any_year_that_can_be_reached(country: str) -> None:
    for year in (1900, 1970, 2026, 2036, 2200, 2500):
        assert all(day.year == year for day in public_holidays(country, None, year))


@pytest.mark.long
def test_every_country_and_region_can_be_chosen() -> None:
    for country in sorted(countries()):
        for region in (None, *regions(country)):
            try:
                calendar = made(country=country, region=region)
            except CalendarError as refused:
                pytest.fail(f"{country} {region}: {refused.errors}")
            assert isinstance(is_working_day(calendar, date(2026, 11, 23)), bool)
