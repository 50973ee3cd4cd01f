"""The supervisor's morning: what is late, what is new of it, and who has how much to do."""

from typing import Any, Final

from cfm_workflow.forms.reports import TeamReportQuery
from cfm_workflow.operations.reports.reviews import reviewed
from cfm_workflow.queries.reports.overdue import overdue
from cfm_workflow.queries.reports.overview import now
from cfm_workflow.queries.reports.workload import workload
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.speech import say
from cfm_workflow.web.supervision import frame

HERE: Final = "/supervision"
TILES: Final = ("overdue", "not_accepted_in_time", "extension_requested", "needs_decision", "waiting_long")
REVIEWED: Final = mark("What comes from now on is marked as new.")
OLDEST: Final = 8
HEATS: Final = 4


@page("GET", HERE, "supervision", right="reports.read")
def overview(visit: Visit) -> Shown:
    """What needs somebody's eye."""
    query = frame.said(visit, "team")
    scope = frame.scope(visit, frame.asked(visit, TeamReportQuery(), "team"))
    late = overdue(visit.session, scope)
    load = workload(visit.session, scope, visit.service.settings.time_zone)
    standing = now(visit.session, scope)
    values = {
        "open": standing["open"],
        "tiles": [(name, standing[name], late["new"].get(name)) for name in TILES],
        "reviewed_at": late["reviewed_at"],
        "late": late,
        "heat_of_teams": _most(late["by_team"]),
        "heat_of_people": _most(late["by_person"]),
        "oldest": late["oldest"][:OLDEST],
        "load": load,
        "most": max((line["open"]["value"] for line in load["people"]), default=0),
        "heat": heat,
    }
    return Shown("supervision/overview.html", {**frame.around(visit, HERE, query), **values})


@page("POST", "/supervision/reviewed", "supervision_reviewed", right="reports.review", once=False)
def set_reviewed(visit: Visit) -> See:
    """Say that one has gone through everything."""
    reviewed(visit.session, visit.caller, now=visit.now)
    team = visit.form.get("team", "")
    return See(frame.path_of(HERE, {"team": team} if team else {}), Said(say(REVIEWED)))


def _most(lines: list[dict[str, Any]]) -> int:
    """The largest number of a table, which is the darkest."""
    return max((age["actions"]["value"] for line in lines for age in line["by_age"]), default=0)


def heat(value: int, most: int) -> int:
    """How dark a number of a table is: 0 for none, up to HEATS for the largest."""
    return 0 if not value else 1 + (HEATS - 1) * value // max(most, 1)
