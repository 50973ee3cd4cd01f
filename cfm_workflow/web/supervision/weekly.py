"""The weekly report as a page, for reading and for print: each figure beside that of the week before."""

from typing import Any

from cfm_workflow.forms.reports import WeeklyQuery
from cfm_workflow.letters.places import WEEKLY as HERE
from cfm_workflow.letters.weekly import grouped
from cfm_workflow.policy.weekly import WEEK, name_of
from cfm_workflow.queries.reports.weekly import week_of, weekly
from cfm_workflow.web.pages import Shown, Visit, page
from cfm_workflow.web.supervision import frame


@page("GET", HERE, "supervision_weekly", right="reports.read")
def week(visit: Visit) -> Shown:
    """One week, and how it differs from the one before."""
    query = frame.said(visit, "team", "week")
    asked = frame.asked(visit, WeeklyQuery(), *query)
    wanted = week_of(asked.get("week"), visit.service.settings.time_zone, now=visit.now)
    report = weekly(visit.session, frame.scope(visit, asked), wanted)
    rest = {name: value for name, value in query.items() if name == "team"}
    values: dict[str, Any] = {
        "report": report,
        "groups": grouped(report, visit.reader.language),
        "means": visit.query.get("means"),
        "earlier": frame.path_of(HERE, {**rest, "week": name_of(wanted.first - WEEK)}),
        "later": None
        if wanted.last >= visit.now.astimezone(wanted.zone).date()
        else frame.path_of(HERE, {**rest, "week": name_of(wanted.first + WEEK)}),
        "export_query": frame.path_of("", {**rest, "week": report["week"]}).removeprefix("?"),
    }
    return Shown("supervision/weekly.html", {**frame.around(visit, HERE, query), **values})
