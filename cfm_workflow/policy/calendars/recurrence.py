"""Yearly recurrence of whole days (RFC 5545, 3.3.10): birthdays, the fourth Thursday of November, 29 February. Pure.

The library that would expand every rule looks for a day that never comes until the year 9999, which takes seconds.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Final

WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
EARLIEST_COUNTED: Final = 1900
_ONE_DAY: Final = timedelta(days=1)
_KNOWN: Final = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS"}


class Unknown(ValueError):
    """A rule that is not yearly, says what is not read here, or makes no sense."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which days of one year in `interval`. Beside a weekday stands which one of its month or year it is, or None."""

    start: date
    interval: int
    count: int | None
    until: date
    months: frozenset[int]
    month_days: frozenset[int]
    weekdays: tuple[tuple[int, int | None], ...]
    positions: frozenset[int]


def yearly(parts: Mapping[str, Sequence[Any]], start: date) -> Rule:
    """The rule of an event that begins on `start` for the first time; `parts` are those of `RRULE`, split at commas.

    Raises:
        Unknown: it is more than is understood here.
    """
    if parts.keys() - _KNOWN or [str(frequency) for frequency in parts.get("FREQ", ())] != ["YEARLY"]:
        raise Unknown
    count = _single(parts, "COUNT")
    if count and start.year < EARLIEST_COUNTED:
        raise Unknown
    months, month_days = _numbers(parts, "BYMONTH", most=12), _numbers(parts, "BYMONTHDAY", most=31, backwards=True)
    weekdays = tuple(_weekday(day) for day in parts.get("BYDAY", ()))
    if not weekdays and not month_days:
        months, month_days = months or frozenset([start.month]), frozenset([start.day])
    until = parts.get("UNTIL", [date.max])[0]
    return Rule(
        start,
        _single(parts, "INTERVAL") or 1,
        count,
        until.date() if isinstance(until, datetime) else until,
        months,
        month_days,
        weekdays,
        _numbers(parts, "BYSETPOS", most=366, backwards=True),
    )


def occurrences(rule: Rule, first: date, last: date) -> Iterator[date]:
    """The days from `first` to `last` (inclusive) on which it occurs, in order."""
    first_year = rule.start.year if rule.count else max(rule.start.year, first.year)
    late = (first_year - rule.start.year) % rule.interval
    years = range(first_year + (rule.interval - late) % rule.interval, last.year + 1, rule.interval)
    days = (day for year in years for day in _days_of_year(rule, year) if rule.start <= day <= rule.until)
    return (day for day in islice(days, rule.count) if first <= day <= last)


def _days_of_year(rule: Rule, year: int) -> list[date]:
    days = []
    for month in sorted(rule.months) or range(1, 13):
        length = monthrange(year, month)[1]
        days += [day for n in range(1, length + 1) if _is_meant(rule, day := date(year, month, n), length)]
    if not rule.positions:
        return days
    return [day for n, day in enumerate(days) if rule.positions & {n + 1, n - len(days)}]


def _is_meant(rule: Rule, day: date, length: int) -> bool:
    if rule.month_days and not rule.month_days & {day.day, day.day - length - 1}:
        return False
    return not rule.weekdays or any(_is_weekday(rule, day, length, *meant) for meant in rule.weekdays)


def _is_weekday(rule: Rule, day: date, length: int, weekday: int, which: int | None) -> bool:
    if day.weekday() != weekday or which is None:
        return day.weekday() == weekday
    if rule.months:
        from_start, to_end = day.day, length - day.day
    else:
        from_start, to_end = day.timetuple().tm_yday, (date(day.year, 12, 31) - day).days
    return which == (from_start - 1) // 7 + 1 if which > 0 else -which == to_end // 7 + 1


def _weekday(day: Any) -> tuple[int, int | None]:
    which, name = str(day)[:-2], str(day)[-2:].upper()
    try:
        number = int(which) if which else None
        weekday = WEEKDAYS.index(name)
    except ValueError:
        raise Unknown from None
    if number is not None and not 1 <= abs(number) <= 53:
        raise Unknown
    return weekday, number


def _single(parts: Mapping[str, Sequence[Any]], name: str) -> int | None:
    values = parts.get(name)
    if values is None:
        return None
    if len(values) != 1 or not isinstance(values[0], int) or not 1 <= values[0] <= 10_000:
        raise Unknown
    return int(values[0])


def _numbers(parts: Mapping[str, Sequence[Any]], name: str, *, most: int, backwards: bool = False) -> frozenset[int]:
    values = parts.get(name, ())
    least = -most if backwards else 1
    if not all(isinstance(n, int) and n and least <= n <= most and str(n).lstrip("-").isdigit() for n in values):
        raise Unknown
    return frozenset(int(n) for n in values)
