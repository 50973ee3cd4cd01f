"""A business calendar as people write it: a document of the API becomes a `Calendar`, or all that is wrong. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from cfm_workflow import limits
from cfm_workflow.errors import Invalid
from cfm_workflow.policy.calendars.holidays import countries, regions
from cfm_workflow.policy.calendars.wall import DAY
from cfm_workflow.policy.calendars.week import Block, Calendar

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
BLOCKS_A_DAY: Final = 24
DAYS: Final = 2_000
"""Own days off, and extra working days."""

_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WEEK: Final = 7 * DAY


class CalendarError(Invalid):
    """No calendar can be made of it; `errors` says for each field, such as `week.mon.1`, what would be right."""


class _Wrong(ValueError):
    """What would be right instead."""


class _Errors(dict[str, list[str]]):
    def note(self, field: str, sentence: str) -> None:
        self.setdefault(field, []).append(sentence)


def calendar(document: Mapping[str, Any]) -> Calendar:
    """The calendar that a document describes; fields that are none of a calendar's, such as its name, are passed over.

    Raises:
        CalendarError: with everything that is wrong, by field.
    """
    errors = _Errors()
    zone = _zone(document.get("time_zone"), errors)
    country, region = _place(document.get("country"), document.get("region"), errors)
    week = _week(document.get("week"), errors)
    days_off = _days_off(document.get("holidays", ()), errors)
    working_days = _working_days(document.get("working_days", ()), days_off, errors)
    if errors:
        raise CalendarError(errors)
    return Calendar(zone, week, country, region, tuple(sorted(days_off.items())), tuple(sorted(working_days)))


def _zone(name: Any, errors: _Errors) -> str:
    if isinstance(name, str) and name in _zones():
        return name
    errors.note("time_zone", "must be an IANA time zone such as Asia/Seoul")
    return ""


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _place(country: Any, region: Any, errors: _Errors) -> tuple[str | None, str | None]:
    if country is None:
        if region is not None:
            errors.note("region", "needs a country")
        return None, None
    if not isinstance(country, str) or country not in countries():
        errors.note("country", "must be a country whose holidays are known, by ISO 3166-1 alpha-2, such as KR")
        return None, None
    if region is None:
        return country, None
    known = regions(country)
    if not isinstance(region, str) or region not in known:
        choice = f"one of {', '.join(known)}" if known else f"null: {country} has no regions with holidays of their own"
        errors.note("region", f"must be {choice}")
    return country, region


# -- the week ----------------------------------------------------------------------------------------------------------


def _week(days: Any, errors: _Errors) -> tuple[tuple[Block, ...], ...]:
    if not isinstance(days, Mapping):
        errors.note("week", f"must be an object of {', '.join(WEEKDAYS)} with lists of blocks")
        return ()
    before = len(errors)
    for unknown in days.keys() - set(WEEKDAYS):
        errors.note(f"week.{unknown}", f"must be one of {', '.join(WEEKDAYS)}")
    week = [_day(days.get(name, ()), f"week.{name}", errors) for name in WEEKDAYS]
    if len(errors) > before:
        return ()
    if not any(week):
        errors.note("week", "must have some working time")
    _refuse_overlaps(week, errors)
    return tuple(tuple(sorted(blocks.values())) for blocks in week)


def _day(blocks: Any, field: str, errors: _Errors) -> dict[str, Block]:
    """The blocks of a weekday by their fields."""
    if not _is_list(blocks) or len(blocks) > BLOCKS_A_DAY:
        errors.note(field, f'must be a list of at most {BLOCKS_A_DAY} blocks, such as [["09:00", "18:00"]]')
        return {}
    found = {}
    for n, block in enumerate(blocks):
        try:
            found[f"{field}.{n}"] = _block(block)
        except _Wrong as wrong:
            errors.note(f"{field}.{n}", str(wrong))
    return found


def _block(block: Any) -> Block:
    if not _is_list(block) or len(block) != 2:
        raise _Wrong('must be a start and an end, such as ["09:00", "18:00"]')
    start, end = _time(block[0]), DAY if block[1] == "24:00" else _time(block[1])
    return Block(start, end if end > start else end + DAY)


def _time(text: Any) -> int:
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise _Wrong("must be times from 00:00 to 23:59, or 24:00 as an end")
    return int(found[1]) * 60 + int(found[2])


def _refuse_overlaps(week: Sequence[Mapping[str, Block]], errors: _Errors) -> None:
    blocks = [
        (day * DAY + block.start, day * DAY + block.end, field)
        for day, fields in enumerate(week)
        for field, block in fields.items()
    ]
    ended = max((end for _, end, _ in blocks), default=0) - _WEEK
    for start, end, field in sorted(blocks):
        if start < ended:
            errors.note(field, "must not begin before the block before it has ended")
        ended = max(ended, end)


# -- single days -------------------------------------------------------------------------------------------------------


def _days_off(entries: Any, errors: _Errors) -> dict[date, str]:
    found: dict[date, str] = {}
    for field, entry in _entries(entries, "holidays", errors):
        try:
            day, name = _day_off(entry)
        except _Wrong as wrong:
            errors.note(field, str(wrong))
            continue
        found[day] = found.get(day) or name
    return found


def _day_off(entry: Any) -> tuple[date, str]:
    if not isinstance(entry, Mapping):
        return _date(entry), ""
    name = entry.get("name", "")
    if entry.keys() - {"date", "name"} or not isinstance(name, str) or len(name) > limits.NAME:
        raise _Wrong(f"must have a date, and may have a name of at most {limits.NAME} characters")
    return _date(entry.get("date")), name


def _working_days(entries: Any, days_off: Mapping[date, str], errors: _Errors) -> set[date]:
    found = set()
    for field, entry in _entries(entries, "working_days", errors):
        try:
            day = _date(entry)
        except _Wrong as wrong:
            errors.note(field, str(wrong))
            continue
        if day in days_off:
            errors.note(field, "must not be a holiday of the calendar's own at the same time")
        found.add(day)
    return found


def _entries(entries: Any, field: str, errors: _Errors) -> Iterable[tuple[str, Any]]:
    if not _is_list(entries) or len(entries) > DAYS:
        errors.note(field, f"must be a list of at most {DAYS} days")
        return ()
    return ((f"{field}.{n}", entry) for n, entry in enumerate(entries))


def _date(text: Any) -> date:
    try:
        day = date.fromisoformat(text) if isinstance(text, str) and _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise _Wrong(f"must be a date from {FIRST_YEAR} to {LAST_YEAR}, such as 2026-12-24")
    return day


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
