"""The rows behind the figures: actions, items and visits of states, page by page."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cfm_workflow.forms.actions import PRIORITY_WORDS, ActionQuery
from cfm_workflow.forms.feedback import FeedbackQuery
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.reports import StayQuery
from cfm_workflow.operations import definitions
from cfm_workflow.operations.actions.filters import filters
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries.pages import Page
from cfm_workflow.queries.reports import flow
from cfm_workflow.queries.reports.scope import scope_of_teams
from cfm_workflow.web import problems
from cfm_workflow.web.pages import Shown, Visit, page
from cfm_workflow.web.speech import say
from cfm_workflow.web.supervision import frame
from cfm_workflow.web.supervision.filters import CATEGORIES, PRIORITIES, SORTS, SORTS_OF_SOME, chips
from cfm_workflow.workflow import Definition

ACTIONS: Final = "/supervision/actions"
CHOSEN: Final = ("team", "assignee", "category", "priority", "sort")
"""Filters with a field of their own; the others are shown as what can be taken away."""
PEOPLE_OFFERED: Final = 300
ROWS: Final = 50


@page("GET", ACTIONS, "supervision_actions", right="reports.read")
def actions(visit: Visit) -> Shown:
    """The actions that the filters of the address ask for."""
    return list_of_actions(visit, visit.query)


def list_of_actions(visit: Visit, query: Mapping[str, str], **more: Any) -> Shown:
    """The list that a query asks for; `more` are values beside it. Raises Invalid."""
    asked = _given(query)
    wanted = load(ActionQuery(), {"limit": str(ROWS), "count": "true", **asked})
    found = actions_query.page(visit.session, visit.caller, filters(visit.session, visit.caller, wanted), now=visit.now)
    offered = people_query.users(visit.session, {"active": True, "limit": PEOPLE_OFFERED}).items
    workflows, language = _newest(visit, found.items), visit.reader.language
    people = sorted((each["name"], each["email"], str(each["id"])) for each in offered)
    values = {
        "rows": [
            {**action, "state_label": _state(workflows[action["workflow"]], action["state"], language)}
            for action in found.items
        ],
        "people": people,
        "bulk_people": [(email, name) for name, email, _ in people],
        "categories": [(name, say(label)) for name, label in CATEGORIES.items()],
        "priorities": [(name, say(PRIORITIES[name])) for name in PRIORITY_WORDS],
        "sorts": [(name, say(label)) for name, label in SORTS.items() if name in _sorts(asked)],
        "carried": {name: value for name, value in asked.items() if name not in (*CHOSEN, "cursor")},
        "export": "/api/v1/actions",
        "results": [],
        **more,
    }
    return _list(visit, "actions", ACTIONS, asked, found, values)


def _sorts(asked: Mapping[str, str]) -> set[str]:
    """The orders in which this list can stand."""
    return {name for name in SORTS if name not in SORTS_OF_SOME or SORTS_OF_SOME[name] in asked}


def _newest(visit: Visit, items: Iterable[Mapping[str, Any]]) -> dict[str, Definition]:
    """The workflows of these, each read once."""
    return {key: definitions.newest(visit.session, key) for key in {item["workflow"] for item in items}}


def _state(definition: Definition, name: str, language: str) -> str:
    """What a reader calls a state; one of an older version that is gone, by its name."""
    state = definition.states.get(name)
    return name if state is None else state.label[language]


@page("GET", "/supervision/feedback", "supervision_feedback", right="reports.read")
def feedback(visit: Visit) -> Shown:
    """The feedback items behind a figure."""
    asked = _given(visit.query)
    wanted = load(FeedbackQuery(), {"limit": str(ROWS), "count": "true", **asked})
    found = feedback_query.page(visit.session, visit.caller, wanted)
    values = {"rows": found.items, "export": "/api/v1/feedback"}
    return _list(visit, "feedback", "/supervision/feedback", asked, found, values)


@page("GET", "/supervision/stays", "supervision_stays", right="reports.read")
def stays(visit: Visit) -> Shown:
    """The visits of states behind a figure of the process map."""
    asked = _given(visit.query)
    wanted = load(StayQuery(), {"limit": str(ROWS), "count": "true", **asked})
    scope = scope_of_teams(visit.caller, wanted.get("belongs_to"), now=visit.now)
    found = flow.stays(visit.session, scope, wanted)
    workflows, language = _newest(visit, found.items), visit.reader.language
    rows = [{**each, **_step(workflows[each["workflow"]], each, language)} for each in found.items]
    return _list(visit, "stays", "/supervision/stays", asked, found, {"rows": rows})


def _step(definition: Definition, stay: Mapping[str, Any], language: str) -> dict[str, str]:
    """A visit's states and step as the reader calls them."""
    step = definition.transitions.get(stay["transition"])
    return {
        "state_label": _state(definition, stay["state"], language),
        "to_label": _state(definition, stay["to"], language),
        "step_label": stay["transition"] if step is None else step.label[language],
    }


def _given(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in query.items() if value.strip()}


def _list(visit: Visit, noun: str, path: str, asked: dict[str, str], found: Page, values: dict[str, Any]) -> Shown:
    answer = found.as_answer()
    filtered = {name: value for name, value in asked.items() if name not in ("cursor", "limit", "count")}
    frame_values = frame.around(visit, path, filtered)
    frame_values |= {
        "total": answer.get("total", 0),
        "is_capped": answer.get("total_is_capped", False),
        "chips": chips(path, filtered, frame_values["teams"]),
        "asked": filtered,
        "asked_for": problems.encoded(**filtered),
        "next": frame.path_of(path, {**filtered, "cursor": found.next_cursor}) if found.next_cursor else None,
        "first": frame.path_of(path, filtered) if "cursor" in asked else None,
    }
    return Shown(f"supervision/{noun}.html", {**frame_values, **values})
