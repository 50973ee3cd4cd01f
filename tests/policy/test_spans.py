"""Spans of time: what may be written, and what comes after, before and between."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cfm_workflow.policy import spans
from cfm_workflow.policy.calendars import Calendar, calendar
from cfm_workflow.policy.spans import Span, Unit, read_span, write_span

WEEK = {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
OFFICE: Calendar = calendar({"name": "Office", "time_zone": "UTC", "week": WEEK})
FRIDAY = datetime(2026, 11, 27, 15, tzinfo=UTC)
MONDAY = FRIDAY + timedelta(days=3)


@pytest.mark.parametrize("written", ["P2D", "PT8H", "P1DT30M", {"business": "PT8H"}, {"business_days": 2}])
def test_a_span_is_written_as_it_was_read(written: Any) -> None:
    assert write_span(read_span(written)) == written


@pytest.mark.parametrize(
    "written",
    [
        "", "P", "PT0S", "-P1D", "P1M", "P1Y", "P400Y", "two days", 5, None, [], {}, {"business": "-PT1H"},
        {"business": 8}, {"business": "PT0S"}, {"business_days": 0}, {"business_days": -1}, {"business_days": 1.5},
        {"business_days": True}, {"business_days": "2"}, {"business_days": 1_000_000},
        {"business": "PT8H", "business_days": 1}, {"calendar": "P1D"},
    ],
)  # fmt: skip
def test_what_is_no_span_is_refused(written: Any) -> None:
    with pytest.raises(ValueError):
        read_span(written)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (Span(Unit.CALENDAR, "P2D"), FRIDAY + timedelta(days=2)),
        (Span(Unit.BUSINESS, "PT3H"), FRIDAY + timedelta(hours=3)),
        (Span(Unit.BUSINESS, "PT4H"), MONDAY.replace(hour=10)),
        (Span(Unit.BUSINESS_DAYS, 1), MONDAY),
        (Span(Unit.BUSINESS_DAYS, 6), MONDAY + timedelta(days=7)),
    ],
)
def test_what_comes_a_span_later(span: Span, expected: datetime) -> None:
    assert spans.after(span, FRIDAY, OFFICE) == expected


def test_before_undoes_after_in_calendar_and_business_time() -> None:
    for span in (Span(Unit.CALENDAR, "P2D"), Span(Unit.BUSINESS, "PT5H")):
        assert spans.before(span, spans.after(span, FRIDAY, OFFICE), OFFICE) == FRIDAY


def test_a_weekend_between_counts_in_calendar_time_only() -> None:
    assert spans.between(Unit.CALENDAR, FRIDAY, MONDAY, OFFICE) == timedelta(days=3)
    assert spans.between(Unit.BUSINESS, FRIDAY, MONDAY, OFFICE) == timedelta(hours=8)
    assert spans.moved(Unit.BUSINESS, FRIDAY, timedelta(hours=8), OFFICE) == MONDAY
