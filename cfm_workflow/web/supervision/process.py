"""The process map: each workflow as a drawing, with what is where now, what went which way, and how slowly."""

from collections.abc import Mapping
from typing import Any, Final
from unicodedata import east_asian_width

from cfm_workflow.forms.reports import ReportQuery
from cfm_workflow.letters.figures import meanings
from cfm_workflow.queries.reports import flow
from cfm_workflow.queries.reports.scope import Period, Scope
from cfm_workflow.texts import mark
from cfm_workflow.web.pages import Shown, Visit, page
from cfm_workflow.web.speech import say
from cfm_workflow.web.supervision import diagram, frame

HERE: Final = "/supervision/process"
FINISHED: Final = ("done", "dropped")
LETTER: Final = 6.9
"""Pixels of a letter at the size of the map, and twice as much of a Korean one."""
LEAST_STATE: Final = 104
LEAST_LABEL: Final = 66
LABEL_HEIGHT: Final = 36
SLOWEST_HEIGHT: Final = 54
SLOWEST: Final = mark("Slowest")


@page("GET", HERE, "supervision_process", right="reports.read")
def process(visit: Visit) -> Shown:
    """Where work is, which way it goes, and where it gets stuck."""
    query = frame.said(visit, "team", "from", "to")
    asked = frame.asked(visit, ReportQuery(), *query)
    scope, period = frame.scope(visit, asked), frame.period(visit, asked)
    report = flow.process(visit.session, scope, period)
    names = ("visits", "median_seconds", "p90_seconds", "hand_off_seconds")
    values = {
        "report": report,
        "maps": [_map(visit, scope, period, drawn) for drawn in report["workflows"]],
        "meanings": list(meanings(names, visit.reader.language).values()),
        "export_query": frame.path_of("", query).removeprefix("?"),
    }
    return Shown("supervision/process.html", {**frame.around(visit, HERE, query), **values})


def _map(visit: Visit, scope: Scope, period: Period, report: dict[str, Any]) -> dict[str, Any]:
    """A workflow of the report with words in the reader's language, and where everything stands."""
    language = visit.reader.language
    arrived = _arrived(report)
    states = [
        {
            **state,
            "label": state["label"][language],
            "count": state["now"]
            or scope.figure(
                arrived[state["state"]],
                "/reports/stays",
                workflow=report["workflow"],
                to_state=state["state"],
                left_from=period.start,
                left_to=period.end,
            ),
            "is_end": state["category"] in FINISHED,
        }
        for state in report["states"]
    ]
    labels = {state["state"]: state["label"] for state in states}
    steps = [
        {
            **step,
            "label": (step["label"] or {}).get(language, step["transition"]),
            "from_label": labels.get(step["from"], step["from"]),
            "to_label": labels.get(step["to"], step["to"]),
        }
        for step in report["steps"]
    ]
    shown = [step for step in steps if step["visits"]["value"] and step["from"] in labels and step["to"] in labels]
    drawing = diagram.draw([_state(state) for state in states], [_edge(step) for step in shown])
    return {
        "workflow": report["workflow"],
        "name": report["name"][language],
        "states": [{**state, "box": drawing.states[state["state"]]} for state in states],
        "steps": steps,
        "lines": [{**step, "line": line} for step, line in zip(shown, drawing.lines, strict=True)],
        "width": drawing.width,
        "height": drawing.height,
    }


def _arrived(report: Mapping[str, Any]) -> dict[str, int]:
    """How many came to each state in the period."""
    arrived = {state["state"]: 0 for state in report["states"]}
    for step in report["steps"]:
        if step["to"] in arrived:
            arrived[step["to"]] += step["visits"]["value"]
    return arrived


def _state(state: Mapping[str, Any]) -> diagram.State:
    width = max(LEAST_STATE, _width(state["label"]) * 1.12 + 28)
    return diagram.State(state["state"], width, state["is_end"])


def _edge(step: Mapping[str, Any]) -> diagram.Edge:
    told = f"{frame.number(step['visits']['value'])} · {frame.took(step['median_seconds'])}"
    words = [step["label"], told, say(SLOWEST) if step["slowest"] else ""]
    width = max(LEAST_LABEL, *(_width(each) + 14 for each in words))
    height = SLOWEST_HEIGHT if step["slowest"] else LABEL_HEIGHT
    return diagram.Edge(step["from"], step["to"], width, height, step["visits"]["value"])


def _width(text: str) -> float:
    return sum(LETTER * (1.75 if east_asian_width(letter) in "WF" else 1) for letter in text)
