"""Outcomes: how an action can end."""

from typing import Any, Final

from cfm_workflow.forms.loading import load
from cfm_workflow.forms.outcomes import OutcomeChange, OutcomeIn, OutcomeQuery
from cfm_workflow.operations import outcomes
from cfm_workflow.queries import outcomes as outcomes_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.own_settings import SAVED
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.settings.filling import (
    ADDED,
    DELETED,
    KEY_TAKEN,
    REMOVE,
    asked,
    beside,
    filled,
    flags,
    further,
)
from cfm_workflow.web.speech import say

IN_USE: Final = mark("Actions have ended with it. Take it out of use instead.")
_PATH: Final = "/settings/outcomes"
_ONE: Final = "/settings/outcomes/<id:outcome_id>"


@page("GET", _PATH, "outcomes", right="settings.read")
def all_outcomes(visit: Visit) -> Shown:
    """All outcomes."""
    found = outcomes_query.page(visit.session, asked(visit, OutcomeQuery()))
    return Shown("settings/outcomes.html", {"rows": found.items, "next": further(visit, _PATH, found.next_cursor)})


@page("GET", f"{_PATH}/new", "new_outcome", right="settings.manage")
def new_outcome(visit: Visit) -> Shown:
    """The form of a new one."""
    return Shown("settings/outcome.html", {"outcome": None})


@page("POST", _PATH, "add_outcome", right="settings.manage", again=new_outcome)
def add_outcome(visit: Visit) -> See:
    """Add it."""
    with beside("key", KEY_TAKEN):
        outcomes.create(visit.session, visit.caller, load(OutcomeIn(), _given(visit)), now=visit.now)
    return See(_PATH, Said(say(ADDED)))


def _given(visit: Visit) -> dict[str, Any]:
    return {
        **filled(visit.form, "key"),
        **flags(visit.form, "requires_reason", "benefits_customer", "active"),
        "label": filled(visit.form, "en", "ko"),
    }


@page("GET", _ONE, "outcome", right="settings.manage")
def outcome(visit: Visit, outcome_id: int) -> Shown:
    """The form of one of them."""
    seen = outcomes_query.view(outcomes_query.find(visit.session, outcome_id))
    return Shown("settings/outcome.html", {"outcome": seen})


@page("POST", _ONE, "change_outcome", right="settings.manage", again=outcome, once=False)
def change_outcome(visit: Visit, outcome_id: int) -> See:
    """Change it."""
    with beside("key", KEY_TAKEN):
        outcomes.change(visit.session, visit.caller, outcome_id, load(OutcomeChange(), _given(visit)), now=visit.now)
    return See(_PATH, Said(say(SAVED)))


@page("POST", f"{_ONE}/delete", "delete_outcome", right="settings.manage", again=outcome)
def delete_outcome(visit: Visit, outcome_id: int) -> See:
    """Delete one that no action ended with."""
    with beside(REMOVE, IN_USE):
        outcomes.remove(visit.session, visit.caller, outcome_id, now=visit.now)
    return See(_PATH, Said(say(DELETED)))
