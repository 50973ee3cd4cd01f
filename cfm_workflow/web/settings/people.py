"""People: who there is, what they may do, and switching them off."""

from typing import Any, Final
from zoneinfo import available_timezones

from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.people import UserChange, UserQuery
from cfm_workflow.operations import people, signing_in
from cfm_workflow.queries import absences as absences_query
from cfm_workflow.queries import people as people_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.own_settings import INVITED, ROLES, SAVED, TAKEN
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.settings.filling import REMOVE, asked, beside, filled, further
from cfm_workflow.web.speech import say

LAST: Final = mark("This is the last administrator. Make somebody else one first.")
OFF: Final = mark("%(name)s is switched off.")
ON: Final = mark("%(name)s is switched on again.")
IS_OFF: Final = mark("They are switched off.")
FEW: Final = {"limit": 200, "cursor": None}
_ONE: Final = "/settings/people/<id:user_id>"


@page("GET", "/settings/people", "people", right="people.read")
def everybody(visit: Visit) -> Shown:
    """Who there is."""
    found = people_query.users(visit.session, asked(visit, UserQuery()))
    values = {
        "rows": found.items,
        "next": further(visit, "/settings/people", found.next_cursor),
        "query": visit.query,
        "roles": roles(),
        "teams": [(team["id"], team["name"]) for team in teams(visit)],
    }
    return Shown("settings/people.html", values)


def roles() -> list[tuple[str, str]]:
    """The roles with their names."""
    return [(role, say(label)) for role, label in ROLES.items()]


def teams(visit: Visit) -> list[dict[str, Any]]:
    """The teams to choose from."""
    return list(people_query.teams(visit.session, FEW).items)


def active(visit: Visit) -> list[dict[str, Any]]:
    """The people to choose from; anybody can be named by address."""
    return list(people_query.users(visit.session, {**FEW, "active": True}).items)


@page("GET", _ONE, "person", right="people.read")
def person(visit: Visit, user_id: int) -> Shown:
    """One of them."""
    seen = people_query.user_view(visit.session, people_query.find_user(visit.session, user_id))
    values = {
        "person": seen | absences_query.current(visit.session, user_id, now=visit.now),
        "supervised": {team["id"] for team in seen["supervises"]},
        "roles": roles(),
        "role_names": {role: say(label) for role, label in ROLES.items()},
        "teams": teams(visit),
        "zones": sorted(available_timezones()),
    }
    return Shown("settings/person.html", values)


@page("POST", _ONE, "change_person", right="people.manage", again=person, once=False)
def change_person(visit: Visit, user_id: int) -> See:
    """Change them."""
    given: dict[str, Any] = filled(visit.form, "name", "email", "role", "language", "time_zone")
    given["supervises"] = [int(team) for team in visit.form.getlist("supervises") if team.isascii() and team.isdigit()]
    fields = load(UserChange(), given)
    known = people_query.user_by_ref(visit.session, fields["email"])
    if known is not None and known.id != user_id:
        raise Invalid({"email": [TAKEN]})
    with beside("role", LAST):
        people.change_user(visit.session, visit.caller, user_id, fields, now=visit.now)
    return See(f"/settings/people/{user_id}", Said(say(SAVED)))


@page("POST", f"{_ONE}/off", "switch_off", right="people.manage", again=person, once=False)
def switch_off(visit: Visit, user_id: int) -> See:
    """End what they are signed in with; their work stays to be given on."""
    with beside(REMOVE, LAST):
        seen = people.change_user(visit.session, visit.caller, user_id, {"active": False}, now=visit.now)
    return See(f"/settings/people/{user_id}", Said(say(OFF) % {"name": seen["name"]}))


@page("POST", f"{_ONE}/on", "switch_on", right="people.manage", again=person, once=False)
def switch_on(visit: Visit, user_id: int) -> See:
    """Let them in again."""
    seen = people.change_user(visit.session, visit.caller, user_id, {"active": True}, now=visit.now)
    return See(f"/settings/people/{user_id}", Said(say(ON) % {"name": seen["name"]}))


@page("POST", f"{_ONE}/invite", "invite_again", right="people.manage", again=person)
def invite_again(visit: Visit, user_id: int) -> See:
    """Mail them another link to begin with."""
    try:
        signing_in.invite_again(visit.session, visit.caller, user_id, now=visit.now)
    except Conflict:
        raise Invalid({REMOVE: [IS_OFF]}) from None
    email = people_query.find_user(visit.session, user_id).email
    return See(f"/settings/people/{user_id}", Said(say(INVITED) % {"email": email}))
