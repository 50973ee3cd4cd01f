"""Words of time, "tomorrow 5pm" or "내일 오후 5시", as the instant they mean to a person. Pure; never guesses.

They are a span from now ("in 2 hours", "3일 후"), a day, a time of day, or both in either order. A day alone means the
beginning of its work, a time alone the next time the clocks show it, a weekday the next such day; with "next" or 다음
주 it is that of the week after this one, which begins on Monday. What is not understood to its last word, could mean
two things, or is not in the future means nothing.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from cfm_workflow.policy import calendars
from cfm_workflow.policy.calendars import Calendar

FARTHEST: Final = timedelta(days=3_653)
BEGINNING: Final = 9 * 60
"""Minutes since midnight at which a day without working hours begins."""
USUAL: Final = (8 * 60, 19 * 60)
"""Between these lies what 5시 means where working hours do not tell."""

_ONE_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_NOON: Final = 12 * 60

_UNITS: Final[Mapping[str, timedelta]] = {
    **dict.fromkeys(("minutes", "minute", "mins", "min", "분"), timedelta(minutes=1)),
    **dict.fromkeys(("hours", "hour", "hrs", "hr", "시간"), timedelta(hours=1)),
    **dict.fromkeys(("days", "day", "일"), _ONE_DAY),
    **dict.fromkeys(("weeks", "week", "주일", "주"), _WEEK),
}
_DAYS: Final[Mapping[str, int]] = {
    "today": 0, "tomorrow": 1, "day after tomorrow": 2, "the day after tomorrow": 2,
    "오늘": 0, "내일": 1, "모레": 2, "내일모레": 2, "글피": 3,
}  # fmt: skip
_WEEKDAYS: Final[Mapping[str, int]] = {
    "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
    "mon": 0, "tue": 1, "tues": 1, "wed": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4, "sat": 5, "sun": 6,
    "월요일": 0, "화요일": 1, "수요일": 2, "목요일": 3, "금요일": 4, "토요일": 5, "일요일": 6,
}  # fmt: skip
_WEEKS: Final[Mapping[str, int]] = {
    "this": 0, "next": 1, "이번주": 0, "이번 주": 0, "다음주": 1, "다음 주": 1, "다다음주": 2, "다다음 주": 2,
}  # fmt: skip
_MONTHS: Final[Mapping[str, int]] = {
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8,
    "september": 9, "october": 10, "november": 11, "december": 12, "jan": 1, "feb": 2, "mar": 3, "apr": 4,
    "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_HALVES: Final[Mapping[str, tuple[int, int, int]]] = {
    # minutes added to those since twelve, and the hours with which the word is used
    "am": (0, 1, 12), "a.m.": (0, 1, 12), "pm": (_NOON, 1, 12), "p.m.": (_NOON, 1, 12),
    "오전": (0, 1, 12), "오후": (_NOON, 1, 12),
    "새벽": (0, 1, 6), "아침": (0, 5, 11), "낮": (_NOON, 12, 12), "저녁": (_NOON, 5, 11), "밤": (_NOON, 7, 11),
}  # fmt: skip


def instant(text: str, *, now: datetime, zone: ZoneInfo, hours: Calendar | None = None) -> datetime | None:
    """The instant `text` means to somebody in `zone` who works in `hours` (None: always), in UTC; None: it means none.

    It is after `now`, by FARTHEST at most. A time that the clocks skip is as much after the jump, of one that they show
    twice it is the first.
    """
    said = _plain(text)
    span = _AHEAD.fullmatch(said)
    at = _from_now(span, now, zone) if span else _on_the_clock(said, now, zone, hours)
    return at if at is not None and now < at <= now + FARTHEST else None


def _plain(text: str) -> str:
    words = " ".join(unicodedata.normalize("NFKC", text).casefold().replace(",", " ").split())
    words = re.sub(r"(?<=[0-9])t(?=[0-9])", " ", words)
    return re.sub(r"(?<=[0-9일주시분반오뒤후])에$", "", words)


def _any(words: Mapping[str, object]) -> str:
    return f"(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})"


# -- from now on ---------------------------------------------------------------------------------------------------

_PART: Final = re.compile(rf"(?P<count>[0-9]{{1,4}}|an?)\s?(?P<unit>{_any(_UNITS)})")
_PARTS: Final = rf"(?:[0-9]{{1,4}}|an?)\s?{_any(_UNITS)}(?:(?: and)? ?(?:[0-9]{{1,4}}|an?)\s?{_any(_UNITS)}){{0,3}}"
_AHEAD: Final = re.compile(rf"in (?P<english>{_PARTS})|(?P<korean>{_PARTS}) ?(?:뒤|후)")


def _from_now(found: re.Match[str], now: datetime, zone: ZoneInfo) -> datetime:
    """Days are counted on the calendar, at the same time of day; what is shorter, in time that passes."""
    days, passing = _lengths(found)
    local = now.astimezone(zone)
    return (local + days).astimezone(UTC) + passing if days else now + passing


def _lengths(found: re.Match[str]) -> tuple[timedelta, timedelta]:
    days, passing = timedelta(), timedelta()
    for part in _PART.finditer(found["english"] or found["korean"]):
        unit, count = _UNITS[part["unit"]], int(part["count"]) if part["count"].isdigit() else 1
        if unit < _ONE_DAY:
            passing += unit * count
        else:
            days += unit * count
    return days, passing


# -- days ----------------------------------------------------------------------------------------------------------


def _counted(found: re.Match[str], today: date) -> list[date]:
    days, passing = _lengths(found)
    return [] if passing else [today + days]


def _week(today: date, ahead: int) -> date:
    return today - today.weekday() * _ONE_DAY + ahead * _WEEK


def _weekday(found: re.Match[str], today: date) -> list[date]:
    day = _WEEKDAYS[found["weekday"]]
    if found["week"]:
        return [_week(today, _WEEKS[found["week"]]) + day * _ONE_DAY]
    first = today + (day - today.weekday()) % 7 * _ONE_DAY
    return [first, first + _WEEK]


def _date(found: re.Match[str], today: date) -> list[date]:
    named = found.groupdict()
    month = _MONTHS[named["name"]] if named.get("name") else int(named["month"])
    years = [int(named["year"])] if named["year"] else [today.year, today.year + 1]
    possible = []
    for year in years:
        try:
            possible.append(date(year, month, int(named["day"])))
        except ValueError:
            continue
    return [day for day in possible if today <= day <= today + FARTHEST]


_NTH: Final = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_NAME: Final = rf"(?P<name>{_any(_MONTHS)})"
_DAY: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], list[date]]], ...]] = (
    (re.compile(_any(_DAYS)), lambda found, today: [today + _DAYS[found[0]] * _ONE_DAY]),
    (re.compile(rf"(?:on )?(?:(?P<week>{_any(_WEEKS)}) ?)?(?P<weekday>{_any(_WEEKDAYS)})"), _weekday),
    (re.compile(r"next week|다음 ?주"), lambda _, today: [_week(today, 1)]),
    (_AHEAD, _counted),
    (re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"), _date),
    (re.compile(r"(?P<year>[0-9]{4})\. ?(?P<month>[0-9]{1,2})\. ?(?P<day>[0-9]{1,2})\.?"), _date),
    (re.compile(r"(?:(?P<year>[0-9]{4})년 ?)?(?P<month>[0-9]{1,2})월 ?(?P<day>[0-9]{1,2})일"), _date),
    (re.compile(rf"(?:on )?{_NAME} {_NTH}(?: (?P<year>[0-9]{{4}}))?"), _date),
    (re.compile(rf"(?:on )?{_NTH} {_NAME}(?: (?P<year>[0-9]{{4}}))?"), _date),
)


def _days(words: str, today: date) -> list[date] | None:
    """The days that are meant, of which the first in the future counts; None when these are no words of a day."""
    for pattern, read in _DAY:
        if (found := pattern.fullmatch(words)) is not None:
            return read(found, today)
    return None


# -- times of day --------------------------------------------------------------------------------------------------


class _Clock(NamedTuple):
    """Minutes since midnight; `either`: or twelve hours later."""

    minutes: int
    either: bool = False


_TIME: Final = re.compile(
    rf"(?:at )?(?:(?P<before>{_any(_HALVES)}) ?)?(?P<hour>[0-9]{{1,2}})"
    rf"(?P<minutes>:(?P<digits>[0-9]{{2}})(?::00)?|시(?: ?(?:(?P<korean>[0-9]{{1,2}})분|(?P<half>반)))?)?"
    rf"(?: ?(?P<after>{_any(_HALVES)}))?"
)


def _clock(words: str) -> _Clock | None:
    if words in ("noon", "at noon", "정오"):
        return _Clock(_NOON)
    found = _TIME.fullmatch(words)
    if found is None or (found["before"] and found["after"]):
        return None
    word, hour = found["before"] or found["after"], int(found["hour"])
    past = 30 if found["half"] else int(found["digits"] or found["korean"] or 0)
    if past > 59 or not (word or found["minutes"]):
        return None
    if word:
        added, low, high = _HALVES[word]
        return _Clock(added + hour % 12 * 60 + past) if low <= hour <= high else None
    if hour > 23:
        return None
    return _Clock(hour * 60 + past, either=hour > 0 and len(found["hour"]) == 1)


def _on_the_clock(said: str, now: datetime, zone: ZoneInfo, hours: Calendar | None) -> datetime | None:
    today = now.astimezone(zone).date()
    meant = set()
    for days, clock in _readings(said, today):
        instants = (_at(day, clock, zone, hours) for day in days)
        meant.add(next((at for at in instants if at is not None and at > now), None))
    return meant.pop() if len(meant) == 1 else None


def _readings(said: str, today: date) -> Iterator[tuple[list[date], _Clock | None]]:
    """Every way of taking the words for a day, a time, or both."""
    for cut in range(len(said)):
        if cut and not (said[cut - 1] == " " or "가" <= said[cut - 1] <= "힣"):
            continue
        halves = said[:cut].strip(), said[cut:].strip()
        for day, hour in (halves, halves[::-1]) if all(halves) else ((said, ""), ("", said)):
            days = _days(day, today) if day else [today, today + _ONE_DAY]
            clock = _clock(hour) if hour else None
            if days is not None and (clock is not None or not hour):
                yield days, clock


def _at(day: date, clock: _Clock | None, zone: ZoneInfo, hours: Calendar | None) -> datetime | None:
    blocks = calendars.blocks_on(hours, day) if hours is not None else ()
    worked = (min(block.start for block in blocks), max(block.end for block in blocks)) if blocks else USUAL
    if clock is None:
        minutes = worked[0] if blocks else BEGINNING
    elif clock.either:
        likely = _likely(clock.minutes, worked) or _likely(clock.minutes, USUAL)
        if likely is None:
            return None
        minutes = likely
    else:
        minutes = clock.minutes
    wall = datetime.combine(day, time.min) + timedelta(minutes=minutes)
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _likely(minutes: int, worked: tuple[int, int]) -> int | None:
    """The one of two times, twelve hours apart, that lies in working time; None when both do or neither."""
    possible = [at for at in (minutes, minutes + _NOON) if worked[0] <= at <= worked[1]]
    return possible[0] if len(possible) == 1 else None
