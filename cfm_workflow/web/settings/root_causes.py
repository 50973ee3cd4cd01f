"""Root causes: what can have caused what customers complain of."""

from typing import Any, Final

from cfm_workflow.forms.loading import load
from cfm_workflow.forms.root_causes import RootCauseChange, RootCauseIn, RootCauseQuery
from cfm_workflow.operations import root_causes
from cfm_workflow.queries import root_causes as causes_query
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

IN_USE: Final = mark("Actions name it. Take it out of use instead.")
_PATH: Final = "/settings/root-causes"
_ONE: Final = "/settings/root-causes/<id:cause_id>"


@page("GET", _PATH, "root_causes", right="settings.read")
def all_causes(visit: Visit) -> Shown:
    """All root causes."""
    found = causes_query.page(visit.session, asked(visit, RootCauseQuery()))
    return Shown("settings/root_causes.html", {"rows": found.items, "next": further(visit, _PATH, found.next_cursor)})


@page("GET", f"{_PATH}/new", "new_root_cause", right="settings.manage")
def new_cause(visit: Visit) -> Shown:
    """The form of a new one."""
    return Shown("settings/root_cause.html", {"cause": None})


@page("POST", _PATH, "add_root_cause", right="settings.manage", again=new_cause)
def add_cause(visit: Visit) -> See:
    """Add it."""
    given = {**filled(visit.form, "key"), **_given(visit)}
    with beside("key", KEY_TAKEN):
        root_causes.create(visit.session, visit.caller, load(RootCauseIn(), given), now=visit.now)
    return See(_PATH, Said(say(ADDED)))


def _given(visit: Visit) -> dict[str, Any]:
    return {**flags(visit.form, "active"), "label": filled(visit.form, "en", "ko")}


@page("GET", _ONE, "root_cause", right="settings.manage")
def cause(visit: Visit, cause_id: int) -> Shown:
    """The form of one of them."""
    return Shown("settings/root_cause.html", {"cause": causes_query.view(causes_query.find(visit.session, cause_id))})


@page("POST", _ONE, "change_root_cause", right="settings.manage", again=cause, once=False)
def change_cause(visit: Visit, cause_id: int) -> See:
    """Change it; its key is what actions hold and stays."""
    root_causes.change(visit.session, visit.caller, cause_id, load(RootCauseChange(), _given(visit)), now=visit.now)
    return See(_PATH, Said(say(SAVED)))


@page("POST", f"{_ONE}/delete", "delete_root_cause", right="settings.manage", again=cause)
def delete_cause(visit: Visit, cause_id: int) -> See:
    """Delete one that no action names."""
    with beside(REMOVE, IN_USE):
        root_causes.remove(visit.session, visit.caller, cause_id, now=visit.now)
    return See(_PATH, Said(say(DELETED)))
