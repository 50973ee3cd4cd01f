"""My work: the open actions of whoever is signed in, by due date."""

from typing import Any

from cfm_workflow.operations import definitions
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.web.pages import See, Shown, Visit, page


@page("GET", "/", "start", right=None)
def start(visit: Visit) -> See:
    """To one's work, or to sign in."""
    return See("/work" if visit.caller.id is not None else "/sign-in")


@page("GET", "/work", "my_work", right="action.read")
def my_work(visit: Visit) -> Shown:
    """What is open and mine."""
    wanted = {"assignee": visit.caller.id, "finished": False, "cursor": visit.query.get("cursor")}
    found = actions_query.page(visit.session, visit.caller, wanted, now=visit.now)
    rows = [{**action, "state_label": state_label(visit, action)} for action in found.items]
    return Shown("work/page.html", {"rows": rows, "next": found.next_cursor})


def state_label(visit: Visit, action: dict[str, Any]) -> str:
    """What the reader calls the state of an action."""
    definition = definitions.newest(visit.session, action["workflow"])
    return definition.states[action["state"]].label[visit.reader.language]
