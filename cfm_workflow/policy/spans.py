"""Spans of time from one instant to another: in calendar time, in business time, in business days. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from cfm_workflow.policy import calendars
from cfm_workflow.policy.calendars import Calendar
from cfm_workflow.policy.due import parse_duration

MOST_DAYS: Final = 2_600
"""Ten years of business days."""


class Unit(StrEnum):
    """What a span is counted in."""

    CALENDAR = "calendar"
    BUSINESS = "business"
    BUSINESS_DAYS = "business_days"


@dataclass(frozen=True, slots=True)
class Span:
    """`length` as people write it: an ISO 8601 duration, or a number of days."""

    unit: Unit
    length: str | int

    @property
    def duration(self) -> timedelta:
        """How long it is; of business time so much of it. Not for business days, which differ in length."""
        return timedelta(0) if self.length == NOTHING else parse_duration(str(self.length))


NOTHING: Final = "PT0S"
AT_ONCE: Final = Span(Unit.CALENDAR, NOTHING)


def read_span(written: Any, *, may_be_nothing: bool = False) -> Span:
    """`"P2D"`, `{"business": "PT8H"}` or `{"business_days": 2}`.

    Raises:
        ValueError: it is none of them, is negative, or longer than ten years.
    """
    if isinstance(written, str):
        return Span(Unit.CALENDAR, _duration(written, may_be_nothing))
    if isinstance(written, Mapping) and len(written) == 1:
        ((unit, length),) = written.items()
        if unit == Unit.BUSINESS and isinstance(length, str):
            return Span(Unit.BUSINESS, _duration(length, may_be_nothing))
        if unit == Unit.BUSINESS_DAYS and isinstance(length, int) and not isinstance(length, bool):
            if not 1 <= length <= MOST_DAYS:
                raise ValueError(f"must be from 1 to {MOST_DAYS} business days")
            return Span(Unit.BUSINESS_DAYS, length)
    raise ValueError('must be a duration such as "P2D", {"business": "PT8H"} or {"business_days": 2}')


def _duration(text: str, may_be_nothing: bool) -> str:
    if not (may_be_nothing and text == NOTHING):
        parse_duration(text)
    return text


def write_span(span: Span) -> Any:
    """The span as people write it."""
    return span.length if span.unit is Unit.CALENDAR else {span.unit.value: span.length}


@lru_cache(maxsize=256)  # work that is given together is promised by the same instant
def after(span: Span, instant: datetime, calendar: Calendar) -> datetime:
    """The instant a span later."""
    if span.unit is Unit.CALENDAR:
        return instant + span.duration
    if span.unit is Unit.BUSINESS:
        return calendars.add(calendar, instant, span.duration)
    return calendars.add_days(calendar, instant, int(span.length))


def before(span: Span, instant: datetime, calendar: Calendar) -> datetime:
    """The instant a span earlier; not for business days."""
    if span.unit is Unit.CALENDAR:
        return instant - span.duration
    return calendars.subtract(calendar, instant, span.duration)


def between(unit: Unit, start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """How much time of this kind lies between two instants."""
    return end - start if unit is Unit.CALENDAR else calendars.worked(calendar, start, end)


def moved(unit: Unit, instant: datetime, by: timedelta, calendar: Calendar) -> datetime:
    """The instant so much later in time of this kind."""
    return instant + by if unit is Unit.CALENDAR else calendars.add(calendar, instant, by)


def paused_in(span: Span) -> Unit:
    """The kind of time in which waiting stops the clock of such a span."""
    return Unit.CALENDAR if span.unit is Unit.CALENDAR else Unit.BUSINESS
