"""Routes of supervision: reports as JSON, CSV and XLSX, and the visits of states behind some of their figures."""

from collections.abc import Iterable
from typing import Any, Final

from cfm_workflow.api.routing import Ask, route
from cfm_workflow.forms.pages import page_of
from cfm_workflow.forms.reports import (
    MetricsOut,
    OverdueOut,
    OverviewOut,
    ProcessOut,
    ReportQuery,
    ReviewedOut,
    StayOut,
    StayQuery,
    SteppedReportQuery,
    TeamReportQuery,
    WeeklyOut,
    WeeklyQuery,
    WorkloadOut,
)
from cfm_workflow.letters.figures import FIGURES, meanings
from cfm_workflow.operations.people import named_team
from cfm_workflow.operations.reports.reviews import reviewed
from cfm_workflow.queries.reports import flow
from cfm_workflow.queries.reports.metrics import metrics
from cfm_workflow.queries.reports.overdue import overdue
from cfm_workflow.queries.reports.overview import overview
from cfm_workflow.queries.reports.scope import Period, Scope, period_of, scope_of, scope_of_teams
from cfm_workflow.queries.reports.weekly import week_of, weekly
from cfm_workflow.queries.reports.workload import workload

TAG: Final = "reports"
RIGHT: Final = "reports.read"
LATE: Final = ("overdue", "not_accepted_in_time", "waiting_long")
LOAD: Final = ("open", "overdue", "waiting", "due_this_week")
FLOW: Final = ("visits", "median_seconds", "p90_seconds", "hand_off_seconds")
SCORES: Final = ("nps", "csat", "ces", "gcr")


@route(
    "GET",
    "/reports/overview",
    "getOverview",
    tag=TAG,
    right=RIGHT,
    query=SteppedReportQuery,
    answers={200: OverviewOut},
)
def get_overview(ask: Ask) -> Any:
    """What is open and late now, and what was opened, finished, kept and put off in a period."""
    return _defined(ask, make_overview(ask), FIGURES)


def make_overview(ask: Ask) -> dict[str, Any]:
    return overview(ask.session, _scope(ask), _period(ask), by=ask.query.get("by"))


@route("GET", "/reports/overdue", "getOverdue", tag=TAG, right=RIGHT, query=TeamReportQuery, answers={200: OverdueOut})
def get_overdue(ask: Ask) -> Any:
    """What is overdue or not accepted in time, by team, person and age; and what is new since the last review."""
    return _defined(ask, make_overdue(ask), LATE)


def make_overdue(ask: Ask) -> dict[str, Any]:
    return overdue(ask.session, _scope(ask))


@route(
    "GET", "/reports/workload", "getWorkload", tag=TAG, right=RIGHT, query=TeamReportQuery, answers={200: WorkloadOut}
)
def get_workload(ask: Ask) -> Any:
    """How much each person has to do, who is away, and who stands in."""
    return _defined(ask, make_workload(ask), LOAD)


def make_workload(ask: Ask) -> dict[str, Any]:
    return workload(ask.session, _scope(ask), ask.service.settings.time_zone)


@route("GET", "/reports/process", "getProcess", tag=TAG, right=RIGHT, query=ReportQuery, answers={200: ProcessOut})
def get_process(ask: Ask) -> Any:
    """Each workflow as a map: what is where now, what went which way in a period, and how long it took."""
    return _defined(ask, make_process(ask), FLOW)


def make_process(ask: Ask) -> dict[str, Any]:
    return flow.process(ask.session, _scope(ask), _period(ask))


@route(
    "GET", "/reports/metrics", "getMetrics", tag=TAG, right=RIGHT, query=SteppedReportQuery, answers={200: MetricsOut}
)
def get_metrics(ask: Ask) -> Any:
    """What customers scored in a period, by channel, by source and over time; and of how many scores that is made."""
    return _defined(ask, make_metrics(ask), SCORES)


def make_metrics(ask: Ask) -> dict[str, Any]:
    return metrics(ask.session, _scope(ask), _period(ask), by=ask.query.get("by"))


@route("GET", "/reports/weekly", "getWeekly", tag=TAG, right=RIGHT, query=WeeklyQuery, answers={200: WeeklyOut})
def get_weekly(ask: Ask) -> Any:
    """The figures of a week, each beside that of the week before."""
    report = make_weekly(ask)
    return _defined(ask, report, [each["figure"] for each in report["figures"]])


def make_weekly(ask: Ask) -> dict[str, Any]:
    week = week_of(ask.query.get("week"), ask.service.settings.time_zone, now=ask.now)
    return weekly(ask.session, _scope(ask), week)


@route(
    "GET",
    "/reports/stays",
    "listStays",
    tag=TAG,
    right=RIGHT,
    query=StayQuery,
    answers={200: page_of(StayOut, counted=True)},
)
def list_stays(ask: Ask) -> Any:
    """Visits of actions to states that have ended, the last first: what times in states are made of."""
    scope = scope_of_teams(ask.caller, ask.query.get("belongs_to"), now=ask.now)
    return flow.stays(ask.session, scope, ask.query).as_answer()


@route("POST", "/reports/reviewed", "setReviewed", tag=TAG, right="reports.review", answers={200: ReviewedOut})
def set_reviewed(ask: Ask) -> Any:
    """Say that one has gone through the reports: what comes from now on is marked as new."""
    reviewed(ask.session, ask.caller, now=ask.now)
    return {"reviewed_at": ask.now}


def _defined(ask: Ask, report: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return report | {"definitions": meanings(names, ask.caller.language)}


def _scope(ask: Ask) -> Scope:
    team = ask.query.get("team")
    team_id = None if team is None else named_team(ask.session, team, field="team").id
    return scope_of(ask.caller, team_id, now=ask.now)


def _period(ask: Ask) -> Period:
    zone = ask.service.settings.time_zone
    return period_of(ask.query.get("since"), ask.query.get("until"), zone, now=ask.now)
