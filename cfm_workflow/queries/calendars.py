"""Calendars as everybody sees them, and as instants are reckoned with. Never writes."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cfm_workflow.db import plain
from cfm_workflow.errors import NotFound
from cfm_workflow.models import Calendar
from cfm_workflow.policy import calendars
from cfm_workflow.queries.pages import Page, Sort, fetch_page


def find(session: Session, calendar_id: int, *, lock: bool = False) -> Calendar:
    """Raises NotFound unless there is such a calendar."""
    found = session.get(Calendar, calendar_id, with_for_update={"key_share": True} if lock else None)
    if found is None:
        raise NotFound("calendar", calendar_id)
    return found


def default(session: Session) -> Calendar:
    """The calendar of whatever has none of its own."""
    return session.scalars(select(Calendar).where(Calendar.is_default)).one()


def chosen(session: Session, calendar_id: int | None) -> Calendar:
    """A calendar that is there; None is the default one."""
    return default(session) if calendar_id is None else session.get_one(Calendar, calendar_id)


_TABLE: Final = Calendar.__table__.c
_RECKONED: Final = select(
    *(_TABLE[name] for name in ("name", "time_zone", "country", "region", "week", "holidays", "working_days"))
)
_OF_DEFAULT: Final = _RECKONED.where(_TABLE.is_default)
_OF_ONE: Final = _RECKONED.where(_TABLE.id == bindparam("id"))


def reckoning(session: Session, calendar_id: int | None) -> calendars.Calendar:
    """The calendar with this id as `policy.calendars` works with it, None being the default one; looked up once in a
    transaction, which therefore must not change it."""
    known: dict[int | None, calendars.Calendar] = session.info.setdefault("calendars", {})
    if calendar_id not in known:
        found = plain(session, _OF_DEFAULT, {}) if calendar_id is None else plain(session, _OF_ONE, {"id": calendar_id})
        known[calendar_id] = reckoned(found.one())
    return known[calendar_id]


def view(calendar: Calendar) -> dict[str, Any]:
    """A calendar in the words of the API."""
    return document(calendar) | {
        "id": calendar.id,
        "default": calendar.is_default,
        "version": calendar.version,
        "created_at": calendar.created_at,
    }


def document(calendar: Any) -> dict[str, Any]:
    """What of a calendar people write."""
    return {
        "name": calendar.name,
        "time_zone": calendar.time_zone,
        "country": calendar.country,
        "region": calendar.region,
        "week": calendar.week,
        "holidays": calendar.holidays,
        "working_days": calendar.working_days,
    }


def page(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of calendars."""
    return fetch_page(session, select(Calendar), wanted, {"id": Sort((Calendar.id,))}, present=lambda row: view(row[0]))


def reckoned(calendar: Any) -> calendars.Calendar:
    """The calendar as `policy.calendars` works with it; kept, for what it has worked out is kept in it."""
    return _read(orjson.dumps(written(calendar)))


def written(calendar: Any) -> dict[str, Any]:
    """The document that `policy.calendars` reads."""
    named = ({name: value for name, value in day.items() if value is not None} for day in calendar.holidays)
    return document(calendar) | {"holidays": list(named)}


@lru_cache(maxsize=256)
def _read(written: bytes) -> calendars.Calendar:
    return calendars.calendar(orjson.loads(written))
