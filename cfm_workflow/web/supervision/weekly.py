"""The weekly report as a page, for reading and for print: each figure beside that of the week before."""

from datetime import date, timedelta
from typing import Any, Final

from cfm_workflow.forms.reports import WeeklyQuery
from cfm_workflow.letters.figures import meanings
from cfm_workflow.queries.reports.weekly import week_of, weekly
from cfm_workflow.web.pages import Shown, Visit, page
from cfm_workflow.web.supervision import frame

HERE: Final = "/supervision/weekly"
GROUPS: Final = (
    ("work", ("opened", "finished", "done", "dropped", "became_overdue")),
    ("promises", ("met", "missed", "extended", "extended_by_seconds", "hand_off_seconds")),
    ("customers", ("nps", "csat", "ces", "gcr")),
)
BETTER: Final = {
    "finished": 1, "done": 1, "became_overdue": -1, "met": 1, "missed": -1, "extended": -1, "hand_off_seconds": -1,
    "extended_by_seconds": -1, "nps": 1, "csat": 1, "gcr": 1, "dropped": -1,
}  # fmt: skip
"""Whether more is better or worse; of the others it is neither."""


@page("GET", HERE, "supervision_weekly", right="reports.read")
def week(visit: Visit) -> Shown:
    """One week, and how it differs from the one before."""
    query = frame.said(visit, "team", "week")
    asked = frame.asked(visit, WeeklyQuery(), *query)
    wanted = week_of(asked.get("week"), visit.service.settings.time_zone, now=visit.now)
    report = weekly(visit.session, frame.scope(visit, asked), wanted)
    figures = {each["figure"]: each for each in report["figures"]}
    words = meanings(figures, visit.reader.language)
    rest = {name: value for name, value in query.items() if name == "team"}
    values: dict[str, Any] = {
        "report": report,
        "groups": [(name, [_line(figures[each], words[each]) for each in names]) for name, names in GROUPS],
        "earlier": frame.path_of(HERE, {**rest, "week": _name(wanted.first - timedelta(days=7))}),
        "later": None
        if wanted.last >= visit.now.astimezone(wanted.zone).date()
        else frame.path_of(HERE, {**rest, "week": _name(wanted.first + timedelta(days=7))}),
        "export_query": frame.path_of("", {**rest, "week": report["week"]}).removeprefix("?"),
    }
    return Shown("supervision/weekly.html", {**frame.around(visit, HERE, query), **values})


def _name(monday: date) -> str:
    year, number, _ = monday.isocalendar()
    return f"{year}-W{number:02}"


def _line(figure: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    """A figure with its words, and what it is now more or less by."""
    value, before = figure["value"], figure["before"]["value"]
    by = None if value is None or before is None else value - before
    better = BETTER.get(figure["figure"], 0) * (by or 0)
    tone = "better" if better > 0 else "worse" if better < 0 else "same"
    return {**figure, **words, "by": by, "tone": tone, "is_span": figure["figure"].endswith("_seconds")}
