"""One week beside the week before: each figure twice. Never writes."""

import re
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from cfm_workflow.errors import Invalid
from cfm_workflow.policy.weekly import last_ended, name_of
from cfm_workflow.queries.reports.flow import complete_to, hand_off
from cfm_workflow.queries.reports.metrics import results
from cfm_workflow.queries.reports.overview import happened
from cfm_workflow.queries.reports.scope import Period, Scope

_WEEK: Final = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)


def week_of(word: str | None, zone: ZoneInfo, *, now: datetime) -> Period:
    """The week of ISO 8601 that `2026-W47` names; by default the last one that has ended.

    Raises:
        Invalid: there is no such week.
    """
    if word is None:
        monday = last_ended(zone, now)
    elif (found := _WEEK.fullmatch(word)) is None:
        raise Invalid({"week": ["must be a week such as 2026-W47"]})
    else:
        try:
            monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        except ValueError:
            raise Invalid({"week": ["must be a week that exists"]}) from None
    if not 1970 < monday.year < 2200:
        raise Invalid({"week": ["must be between 1971 and 2199"]})
    return Period(monday, monday + timedelta(days=6), zone)


def weekly(session: Session, scope: Scope, week: Period) -> dict[str, Any]:
    """All figures of a week, each with that of the week before."""
    before = Period(week.first - timedelta(days=7), week.last - timedelta(days=7), week.zone)
    mine, earlier = _figures(session, scope, week), _figures(session, scope, before)
    return {
        "week": name_of(week.first),
        "period": week.view(),
        "before": before.view(),
        "complete_to": complete_to(session),
        "figures": [{"figure": name, **mine[name], "before": earlier[name]} for name in mine],
    }


def _figures(session: Session, scope: Scope, period: Period) -> dict[str, dict[str, Any]]:
    taken = hand_off(session, scope, period)
    visits = taken["visits"]
    handed = {"value": taken["median_seconds"], "n": visits["value"], "rows": visits["rows"]}
    return happened(session, scope, period) | {"hand_off_seconds": handed} | results(session, scope, period)
