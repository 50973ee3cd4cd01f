"""What came and went over time, what customers scored, how work ended and why it had to be done."""

from typing import Any, Final

from cfm_workflow.forms.reports import SteppedReportQuery
from cfm_workflow.letters.figures import meanings
from cfm_workflow.queries.reports.metrics import metrics
from cfm_workflow.queries.reports.overview import happened, outcomes, over_time, root_causes
from cfm_workflow.queries.root_causes import labels_of
from cfm_workflow.web.pages import Shown, Visit, page
from cfm_workflow.web.supervision import frame

HERE: Final = "/supervision/trends"
FIGURES: Final = (
    "opened", "finished", "became_overdue", "met", "missed", "extended", "extended_by_seconds", "nps", "csat", "ces",
    "gcr",
)  # fmt: skip

ENDS: Final = {"nps": (-100, 100), "csat": (0, 100), "ces": (1, 7), "gcr": (0, 100)}
"""Between what a score can lie, so that curves of small numbers do not look like earthquakes."""


@page("GET", HERE, "supervision_trends", right="reports.read")
def trends(visit: Visit) -> Shown:
    """A period as curves and tables."""
    query = frame.said(visit, "team", "from", "to", "by")
    asked = frame.asked(visit, SteppedReportQuery(), *query)
    scope, period, by = frame.scope(visit, asked), frame.period(visit, asked), asked.get("by")
    language = visit.reader.language
    causes = root_causes(visit.session, scope, period)
    words = labels_of(visit.session, [each["root_cause"] for each in causes])
    told = meanings(FIGURES, language)
    values: dict[str, Any] = {
        "period": period.view(),
        "happened": happened(visit.session, scope, period),
        "over_time": over_time(visit.session, scope, period, by=by),
        "scores": metrics(visit.session, scope, period, by=by),
        "outcomes": [
            {"label": each["label"][language], "actions": each["actions"]}
            for each in outcomes(visit.session, scope, period)
        ],
        "causes": [
            {"label": words.get(each["root_cause"], {}).get(language, each["root_cause"]), "actions": each["actions"]}
            for each in causes
        ],
        "ends": ENDS,
        "words": told,
        "meanings": list(told.values()),
        "export_query": frame.path_of("", query).removeprefix("?"),
    }
    return Shown("supervision/trends.html", {**frame.around(visit, HERE, query), **values})
