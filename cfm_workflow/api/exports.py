"""Reports and lists as files: `.csv` and `.xlsx` beside the path that answers JSON, by the same query."""

from collections.abc import Callable, Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

from cfm_workflow import limits
from cfm_workflow.api import reports
from cfm_workflow.api.routing import Ask, Download, route
from cfm_workflow.forms.actions import ActionQuery
from cfm_workflow.forms.feedback import FeedbackQuery
from cfm_workflow.forms.reports import ReportQuery, SteppedReportQuery, TeamReportQuery, WeeklyQuery
from cfm_workflow.forms.sheets import WRITERS, Sheet
from cfm_workflow.operations.actions.filters import filters
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries.pages import Page
from cfm_workflow.queries.reports import tables
from cfm_workflow.texts import zone_named

ENDINGS: Final = tuple(WRITERS)


def download(ask: Ask, name: str, ending: str, sheets: Callable[[ZoneInfo], Iterator[Sheet]]) -> Download:
    """A file of sheets, with instants in the time zone of whoever asked."""
    media_type, write = WRITERS[ending]
    zone = _zone(ask)
    return Download(write(sheets(zone), zone), media_type, f"{name}-{ask.now.astimezone(zone).date()}.{ending}")


def _zone(ask: Ask) -> ZoneInfo:
    if ask.caller.id is None or ask.caller.is_integration:
        return ask.service.settings.time_zone
    return zone_named(people_query.me_view(ask.session, ask.caller)["time_zone"])


REPORTS: Final = (
    # name        query                make                     as tables
    ("overview",  SteppedReportQuery,  reports.make_overview,   tables.of_overview),
    ("overdue",   TeamReportQuery,     reports.make_overdue,    tables.of_overdue),
    ("workload",  TeamReportQuery,     reports.make_workload,   tables.of_workload),
    ("process",   ReportQuery,         reports.make_process,    tables.of_process),
    ("metrics",   SteppedReportQuery,  reports.make_metrics,    tables.of_metrics),
    ("weekly",    WeeklyQuery,         reports.make_weekly,     tables.of_weekly),
)  # fmt: skip


def _declare(name: str, ending: str, make: Callable[[Ask], Any], as_tables: Any, query: Any) -> None:
    def export(ask: Ask) -> Any:
        sheets = [Sheet(*table) for table in as_tables(make(ask))]
        return download(ask, name, ending, lambda zone: iter(sheets))

    export.__doc__ = f"The report {name} as a file for a spreadsheet."
    route(
        "GET",
        f"/reports/{name}.{ending}",
        f"export{name.capitalize()}As{ending.capitalize()}",
        tag=reports.TAG,
        right=reports.RIGHT,
        query=query,
        answers={200: None},
        file=WRITERS[ending][0],
    )(export)


ACTION_COLUMNS: Final = (
    "id", "feedback_id", "title", "description", "state", "category", "kind", "priority", "assignee", "assigned_by",
    "team", "due_at", "first_due_at", "overdue", "waiting_until", "outcome", "root_cause", "resolution", "goal",
    "benefit", "external_ref", "reopened_count", "created_at", "accepted_at", "started_at", "finished_at",
)  # fmt: skip
FEEDBACK_COLUMNS: Final = (
    "id", "source", "external_id", "channel", "touchpoint", "text", "language", "metric", "score", "customer",
    "customer_email", "customer_phone", "status", "needs_decision", "received_at", "created_at", "closed_at",
)  # fmt: skip


def _export_actions(ending: str) -> Callable[[Ask], Any]:
    def export(ask: Ask) -> Any:
        """The actions of a list as a file for a spreadsheet, at most 100,000."""
        wanted = filters(ask.session, ask.caller, ask.query)

        def rows() -> Iterator[list[Any]]:
            for action in _all(lambda more: actions_query.page(ask.session, ask.caller, wanted | more, now=ask.now)):
                yield [_cell(action[name]) for name in ACTION_COLUMNS]

        return download(ask, "actions", ending, lambda zone: iter([Sheet("actions", ACTION_COLUMNS, rows())]))

    return export


def _export_feedback(ending: str) -> Callable[[Ask], Any]:
    def export(ask: Ask) -> Any:
        """The feedback items of a list as a file for a spreadsheet, at most 100,000."""

        def rows() -> Iterator[list[Any]]:
            for item in _all(lambda more: feedback_query.page(ask.session, ask.caller, {**ask.query, **more})):
                customer = item["customer"] or {}
                reach = {"customer_email": customer.get("email"), "customer_phone": customer.get("phone")}
                yield [_cell((item | reach)[name]) for name in FEEDBACK_COLUMNS]

        return download(ask, "feedback", ending, lambda zone: iter([Sheet("feedback", FEEDBACK_COLUMNS, rows())]))

    return export


def _all(page: Callable[[dict[str, Any]], Page]) -> Iterator[dict[str, Any]]:
    """What a list holds, page by page, up to `limits.EXPORT`."""
    cursor, found = None, 0
    while found < limits.EXPORT:
        read = page({"cursor": cursor, "limit": min(limits.EXPORT_PAGE, limits.EXPORT - found), "count": False})
        yield from read.items
        cursor, found = read.next_cursor, found + len(read.items)
        if cursor is None:
            return


def _cell(value: Any) -> Any:
    """What people and teams are called; everything else is itself."""
    return value.get("name") or value.get("email") if isinstance(value, dict) else value


for _name, _query, _make, _as_tables in REPORTS:
    for _ending in ENDINGS:
        _declare(_name, _ending, _make, _as_tables, _query)

LISTS: Final = (
    # noun        right            query           export
    ("actions",   "action.read",   ActionQuery,    _export_actions),
    ("feedback",  "feedback.read", FeedbackQuery,  _export_feedback),
)  # fmt: skip

for _ending in ENDINGS:
    for _noun, _right, _filters, _export in LISTS:
        route(
            "GET",
            f"/{_noun}.{_ending}",
            f"export{_noun.capitalize()}As{_ending.capitalize()}",
            tag=_noun,
            right=_right,
            query=_filters,
            answers={200: None},
            file=WRITERS[_ending][0],
        )(_export(_ending))
