"""The filters of the lists behind figures, in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cfm_workflow.texts import mark
from cfm_workflow.web.speech import exact, say
from cfm_workflow.web.supervision import frame

CATEGORIES: Final = {
    "open": mark("Not accepted"),
    "active": mark("Being worked on"),
    "waiting": mark("Waiting"),
    "done": mark("Done"),
    "dropped": mark("Declined or cancelled"),
}
PRIORITIES: Final = {"urgent": mark("Urgent"), "high": mark("High"), "normal": mark("Normal"), "low": mark("Low")}
SORTS: Final = {
    "due_at": mark("Due first"),
    "-created_at": mark("Newest first"),
    "created_at": mark("Oldest first"),
    "-priority": mark("Most urgent first"),
    "-finished_at": mark("Finished last"),
    "accept_by": mark("To be accepted first"),
    "state_since": mark("Longest in its state"),
}
SORTS_OF_SOME: Final = {
    "-finished_at": "finished_from",
    "accept_by": "not_accepted_in_time",
    "state_since": "waiting_since_before",
}
"""Orders that stand only behind this filter."""
FILTERS: Final = {
    "assigner": mark("Given by"),
    "state": mark("State"),
    "kind": mark("Kind"),
    "finished": mark("Finished"),
    "overdue": mark("Overdue"),
    "orphaned": mark("Of somebody who has left"),
    "due_before": mark("Due before"),
    "due_after": mark("Due after"),
    "due_from": mark("Due from"),
    "feedback": mark("Feedback"),
    "group": mark("Action group"),
    "workflow": mark("Workflow"),
    "external_ref": mark("External reference"),
    "belongs_to": mark("Work of the teams"),
    "team_named": mark("Given to a team"),
    "assigned": mark("Somebody has it"),
    "created_from": mark("Created from"),
    "created_to": mark("Created before"),
    "finished_from": mark("Finished from"),
    "finished_to": mark("Finished before"),
    "overdue_days_min": mark("Days overdue, at least"),
    "overdue_days_max": mark("Days overdue, below"),
    "late": mark("Not finished by its due date"),
    "not_accepted_in_time": mark("Not accepted in time"),
    "waiting_since_before": mark("Waiting since before"),
    "waiting_since_from": mark("Waiting since"),
    "accept_by_from": mark("To be accepted from"),
    "extended": mark("Due later than at first"),
    "extension_requested": mark("More time asked for"),
    "finish_met": mark("First due date met"),
    "label": mark("Label"),
    "outcome": mark("Outcome"),
    "root_cause": mark("Root cause"),
    "q": mark("Words"),
    "channel": mark("Channel"),
    "channel_given": mark("Channel given"),
    "metric": mark("Metric"),
    "score_min": mark("Score from"),
    "score_max": mark("Score to"),
    "status": mark("Status"),
    "needs_decision": mark("Needs a decision"),
    "silent": mark("No word to the customer"),
    "source": mark("Source"),
    "external_id": mark("External id"),
    "label_all": mark("All of the labels"),
    "label_none": mark("None of the labels"),
    "customer": mark("Customer"),
    "received_from": mark("Received from"),
    "received_to": mark("Received before"),
    "scored": mark("With a score"),
    "transition": mark("Step"),
    "to_state": mark("Then"),
    "hand_off": mark("From being given to being accepted"),
    "left_from": mark("Left from"),
    "left_to": mark("Left before"),
}
"""The filters of all three lists, in words."""


def chips(path: str, asked: dict[str, str], teams: list[tuple[int, str]]) -> list[dict[str, str]]:
    """What is asked for beside the fields, in words, and the list without it."""
    names = {str(ident): name for ident, name in teams}
    found = []
    for name, value in asked.items():
        if name not in FILTERS:
            continue
        rest = {other: kept for other, kept in asked.items() if other != name}
        if SORTS_OF_SOME.get(rest.get("sort", "")) == name:
            del rest["sort"]
        without = frame.path_of(path, rest)
        found.append({"label": say(FILTERS[name]), "value": _value(name, value, names), "without": without})
    return found


YES: Final = mark("yes")
NO: Final = mark("no")


def _value(name: str, value: str, teams: Mapping[str, str]) -> str:
    if value in ("true", "false"):
        return say(YES) if value == "true" else say(NO)
    if name == "belongs_to":
        return ", ".join(teams.get(ident, ident) for ident in value.split(","))
    try:
        return exact(datetime.fromisoformat(value)) if "T" in value else value
    except ValueError:
        return value
