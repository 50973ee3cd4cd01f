"""Teams: who works together, who leads, and what it means to give them work."""

from typing import Any, Final

from cfm_workflow.forms.loading import load
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.forms.people import TeamChange, TeamIn
from cfm_workflow.models.people import TeamMode
from cfm_workflow.operations import people
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.queries import people as people_query
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
    number,
    optional,
    worded,
)
from cfm_workflow.web.settings.people import FEW, active
from cfm_workflow.web.speech import say

MODES: Final = {
    TeamMode.EVERYONE: (mark("Everybody"), mark("Everybody in it gets an action of their own.")),
    TeamMode.POOL: (mark("Pool"), mark("One action is offered to all; whoever accepts it first has it.")),
    TeamMode.ROUND_ROBIN: (mark("In turn"), mark("One action for whoever is next.")),
    TeamMode.LEAST_BUSY: (mark("Least busy"), mark("One action for whoever has the least unfinished work.")),
}
"""What giving work to a team means, by name and in a sentence."""
HAS_WORK: Final = mark("This team has actions and stays. Take its members out instead.")
NOBODY: Final = mark("There is no such person, or they are switched off.")
JOINED: Final = mark("%(name)s is in the team now.")
LEFT: Final = mark("%(name)s is not in the team any more.")
_PATH: Final = "/settings/teams"
_ONE: Final = "/settings/teams/<id:team_id>"


@page("GET", _PATH, "teams", right="people.read")
def teams(visit: Visit) -> Shown:
    """All teams."""
    found = people_query.teams(visit.session, asked(visit, PageQuery()))
    values = {"rows": found.items, "next": further(visit, _PATH, found.next_cursor), "modes": _mode_names()}
    return Shown("settings/teams.html", values)


def _mode_names() -> dict[str, str]:
    return {mode.value: say(name) for mode, (name, _) in MODES.items()}


@page("GET", f"{_PATH}/new", "new_team", right="people.manage")
def new_team(visit: Visit) -> Shown:
    """The form of a new one."""
    return Shown("settings/team.html", {"team": None, **_choices(visit)})


def _choices(visit: Visit) -> dict[str, Any]:
    calendars = calendars_query.page(visit.session, FEW).items
    return {
        "modes": [(mode.value, say(name), say(meaning)) for mode, (name, meaning) in MODES.items()],
        "mode_names": _mode_names(),
        "calendars": [(calendar["id"], calendar["name"]) for calendar in calendars],
        "people": active(visit),
    }


@page("POST", _PATH, "add_team", right="people.manage", again=new_team)
def add_team(visit: Visit) -> See:
    """Add it."""
    with worded({"lead": NOBODY}), beside("key", KEY_TAKEN):
        made = people.create_team(visit.session, visit.caller, load(TeamIn(), _given(visit)), now=visit.now)
    return See(f"{_PATH}/{made['id']}", Said(say(ADDED)))


def _given(visit: Visit) -> dict[str, Any]:
    form = visit.form
    return {
        **filled(form, "key", "name", "mode"),
        **optional(form, "lead"),
        **flags(form, "restricted"),
        "calendar": number(form.get("calendar", "")),
    }


@page("GET", _ONE, "team", right="people.read")
def team(visit: Visit, team_id: int) -> Shown:
    """One of them, with its members."""
    seen = people_query.team_view(visit.session, people_query.find_team(visit.session, team_id))
    return Shown("settings/team.html", {"team": seen, **_choices(visit)})


@page("POST", _ONE, "change_team", right="people.manage", again=team, once=False)
def change_team(visit: Visit, team_id: int) -> See:
    """Change it."""
    with worded({"lead": NOBODY}), beside("key", KEY_TAKEN):
        people.change_team(visit.session, visit.caller, team_id, load(TeamChange(), _given(visit)), now=visit.now)
    return See(f"{_PATH}/{team_id}", Said(say(SAVED)))


@page("POST", f"{_ONE}/join", "join_team", right="people.manage", again=team, once=False)
def join(visit: Visit, team_id: int) -> See:
    """Take somebody in."""
    with worded({"person": NOBODY}):
        who = people.named_user(visit.session, visit.form.get("person", "").strip(), field="person")
    return _with_members(visit, team_id, add=who.id, out=None, said=say(JOINED) % {"name": who.name})


@page("POST", f"{_ONE}/leave", "leave_team", right="people.manage", again=team, once=False)
def leave(visit: Visit, team_id: int) -> See:
    """Take somebody out."""
    who = people_query.user_by_ref(visit.session, visit.form.get("person", "").strip())
    name, ident = (who.name, who.id) if who is not None else ("", None)
    return _with_members(visit, team_id, add=None, out=ident, said=say(LEFT) % {"name": name})


def _with_members(visit: Visit, team_id: int, *, add: int | None, out: int | None, said: str) -> See:
    """Members who were switched off meanwhile leave with the next change: nobody can put them in again."""
    seen = people_query.team_view(visit.session, people_query.find_team(visit.session, team_id))
    members = {member["id"] for member in seen["members"] if member["active"]} - {out}
    after = sorted(members | ({add} if add is not None else set()))
    people.change_team(visit.session, visit.caller, team_id, {"members": after}, now=visit.now)
    undo = "leave" if add is not None else "join"
    return See(
        f"{_PATH}/{team_id}", Said(said, undo=f"{_PATH}/{team_id}/{undo}", fields={"person": visit.form["person"]})
    )


@page("POST", f"{_ONE}/delete", "delete_team", right="people.manage", again=team)
def delete_team(visit: Visit, team_id: int) -> See:
    """Delete one that never had work."""
    with beside(REMOVE, HAS_WORK):
        people.delete_team(visit.session, visit.caller, team_id, now=visit.now)
    return See(_PATH, Said(say(DELETED)))
