"""How pages speak to their reader: language, and instants in their own zone. What templates find without importing it.

A reader is set once per request; without one (an error before anybody is known) a page speaks English in UTC.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from flask import Flask, g

from cfm_workflow import clock, texts
from cfm_workflow.texts import mark

_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a page is for: their language (one of ours) and their time zone."""

    language: str = texts.FALLBACK
    zone: ZoneInfo = _UTC


def reader() -> Reader:
    """Whom this request's page is for."""
    found: Reader = g.get("reader") or Reader()
    return found


def register(app: Flask) -> None:
    """Give every template the words and the clock of its reader."""
    app.jinja_env.globals |= {
        "_": say,
        "ngettext": say_many,
        "reader": reader,
        "exact": exact,
        "when": when,
        "day": day,
        "ago": ago,
        "lasting": lasting,
        "initials": initials,
        "hue": hue,
    }


def say(message: str) -> str:
    """A message in the reader's language."""
    return texts.translations(reader().language).gettext(message)


def say_many(one: str, many: str, count: int) -> str:
    """A message about so many."""
    return texts.translations(reader().language).ngettext(one, many, count)


_SHORT: Final = {
    #        of this week  of this year        any other
    "en": ("EEE HH:mm",   "d MMM HH:mm",      "d MMM y"),
    "ko": ("EEE HH:mm",   "M월 d일 HH:mm",    "y년 M월 d일"),
}  # fmt: skip
TODAY: Final = mark("Today %(time)s")
TOMORROW: Final = mark("Tomorrow %(time)s")
YESTERDAY: Final = mark("Yesterday %(time)s")
_NEAR: Final = {0: TODAY, 1: TOMORROW, -1: YESTERDAY}
WEEK: Final = 6
"""Days; so far away the day of the week says which day is meant."""


def exact(moment: datetime) -> str:
    """An instant in full, with the zone in which it is read."""
    to = reader()
    return f"{texts.instant(moment, to.language, to.zone)} ({to.zone.key})"


def when(moment: datetime) -> str:
    """An instant as short as it is clear."""
    to, now = reader(), clock.now()
    local = moment.astimezone(to.zone)
    days = (local.date() - now.astimezone(to.zone).date()).days
    if days in _NEAR:
        return say(_NEAR[days]) % {"time": format_datetime(local, "HH:mm", locale=to.language)}
    is_this_year = local.year == now.astimezone(to.zone).year
    pattern = _SHORT[to.language][0 if 0 < days <= WEEK else 1 if is_this_year else 2]
    return format_datetime(local, pattern, locale=to.language)


def day(moment: datetime) -> str:
    """The day of an instant."""
    to = reader()
    return format_date(moment.astimezone(to.zone).date(), "medium", locale=to.language)


def ago(moment: datetime) -> str:
    """How long ago, or in how long."""
    return format_timedelta(
        moment - clock.now(), granularity="minute", add_direction=True, format="short", locale=reader().language
    )


def lasting(span: timedelta) -> str:
    """How long something takes, roughly."""
    return format_timedelta(span, granularity="minute", format="short", locale=reader().language)


def initials(name: str) -> str:
    """One or two letters that stand for somebody: of a Korean name its last two syllables."""
    words = name.split()
    if not words:
        return "?"
    if "가" <= words[0][0] <= "힣":
        return "".join(words)[-2:]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


HUES: Final = 8


def hue(ident: Any) -> int:
    """Which of the colours stands for somebody, always the same."""
    return int(ident or 0) % HUES
