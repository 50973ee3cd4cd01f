"""The weekly report by mail: about which week, when it comes, and who gets it without having chosen. Pure."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cfm_workflow.policy.calendars import Calendar
from cfm_workflow.policy.digests import Every, Rhythm, following

WEEK: Final = timedelta(days=7)
USUAL: Final = {"supervisor": True, "admin": False}
"""Whether it comes to whoever chose nothing, by role; others may not see reports."""


def is_wanted(role: str | None, chosen: bool | None) -> bool:
    """Whether it comes to somebody of this role who chose so, None being nothing."""
    return role in USUAL and (USUAL[role] if chosen is None else chosen)


def name_of(monday: date) -> str:
    """A week as ISO 8601 calls it, such as 2026-W47."""
    year, number, _ = monday.isocalendar()
    return f"{year}-W{number:02}"


def last_ended(zone: ZoneInfo, now: datetime) -> date:
    """The Monday of the last week that has ended in a zone."""
    today = now.astimezone(zone).date()
    return today - timedelta(days=today.weekday()) - WEEK


def comes_at(monday: date, zone: ZoneInfo, rhythm: Rhythm, own: ZoneInfo, works: Calendar) -> datetime:
    """When the report of a week of `zone` comes to somebody: with the first digest after its end, or as it would come
    on their days of work. `own` is their zone, `works` says on which days they work."""
    end = datetime.combine(monday + WEEK, time.min, zone).astimezone(UTC)
    regular = replace(rhythm, every=Every.DAY) if rhythm.every is Every.NEVER else rhythm
    found = following(regular, own, works, end - timedelta(microseconds=1))
    assert found is not None
    return found
