"""The settings of one's own: profile, password, browsers; and inviting others."""

import re
from typing import Any, Final
from zoneinfo import available_timezones

from cfm_workflow.errors import Conflict, Invalid
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.people import MeChange, UserIn
from cfm_workflow.operations import people, sessions, signing_in
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries import sessions as sessions_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.layout import SETTINGS, navigation
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.sign_in import AT_ONCE, CHANGED, guessed
from cfm_workflow.web.speech import say

SAVED: Final = mark("Saved.")
ENDED: Final = mark("That browser is signed out.")
ALL_ENDED: Final = mark("All your other browsers are signed out.")
INVITED: Final = mark("An invitation to %(email)s is on its way.")
TAKEN: Final = mark("There is a user with this address already.")
ROLES: Final = {"agent": mark("Agent"), "supervisor": mark("Supervisor"), "admin": mark("Administrator")}


@page("GET", "/settings", "settings", right="self.read")
def settings(visit: Visit) -> See:
    """To the first page of settings."""
    return See(navigation(SETTINGS)[0].path)


@page("GET", "/settings/me", "profile", right="self.read")
def profile(visit: Visit) -> Shown:
    """Name, language, time zone and appearance."""
    person = people_query.find_user(visit.session, visit.caller.id or 0)
    return Shown("settings/me.html", {"person": person, "zones": sorted(available_timezones())})


@page("POST", "/settings/me", "change_profile", right="self.read", again=profile, once=False)
def change_profile(visit: Visit) -> See:
    """Change them."""
    given = {name: visit.form.get(name, "").strip() for name in ("name", "language", "time_zone")}
    people.change_me(visit.session, visit.caller, load(MeChange(), given), now=visit.now)
    return See("/settings/me", Said(say(SAVED)))


@page("GET", "/settings/password", "password", right="self.read")
def password(visit: Visit) -> Shown:
    """The form of a new password."""
    has_password = sessions_query.has_password(visit.session, visit.caller.id or 0)
    return Shown("settings/password.html", {"has_password": has_password})


def _checked(visit: Visit) -> str:
    given = visit.form.get("current", "")
    own = visit.caller.email or ""
    if not guessed(visit, own, lambda: signing_in.is_own_password(visit.session, visit.caller, given)):
        raise Invalid({"current": [signing_in.WRONG_PASSWORD]})
    with AT_ONCE:
        return signing_in.hashed(visit.form.get("password", ""))


@page("POST", "/settings/password", "change_password", right="self.read", again=password, prepare=_checked, once=False)
def change_password(visit: Visit) -> See:
    """Change it."""
    signing_in.change_password(visit.session, visit.caller, visit.prepared, now=visit.now)
    return See("/settings/password", Said(say(CHANGED)))


@page("GET", "/settings/sessions", "sessions", right="self.read")
def browsers(visit: Visit) -> Shown:
    """Where the reader is signed in."""
    found = sessions_query.of_account(visit.session, visit.caller.id or 0, now=visit.now)
    rows = [
        {**row._mapping, "browser": browser(row.agent), "is_this": row.id == visit.caller.session_id} for row in found
    ]
    return Shown("settings/sessions.html", {"rows": rows})


@page("POST", "/settings/sessions/<id:session_id>/end", "end_session", right="self.read")
def end_session(visit: Visit, session_id: int) -> See:
    """Sign one of them out."""
    sessions.end(visit.session, visit.caller, session_id)
    return See("/settings/sessions", Said(say(ENDED)))


@page("POST", "/settings/sessions/others", "end_other_sessions", right="self.read")
def end_others(visit: Visit) -> See:
    """Sign all others out."""
    sessions.end_all(visit.session, visit.caller.id or 0, but=visit.caller.session_id)
    return See("/settings/sessions", Said(say(ALL_ENDED)))


_BROWSERS: Final = (("Edg", "Edge"), ("OPR", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
                    ("Chrome", "Chrome"), ("Safari", "Safari"))  # fmt: skip
_SYSTEMS: Final = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
                   ("Mac OS X", "macOS"), ("Linux", "Linux"))  # fmt: skip


def browser(agent: str) -> str:
    """What a browser is, in short, from what it calls itself."""
    name = next((name for word, name in _BROWSERS if re.search(rf"{word}/", agent)), "")
    system = next((name for word, name in _SYSTEMS if word in agent), "")
    return ", ".join(part for part in (name, system) if part)


@page("GET", "/settings/people/invite", "invitation", right="people.manage")
def invitation(visit: Visit) -> Shown:
    """The form of an invitation."""
    return Shown("settings/invite.html", {"roles": [(role, say(label)) for role, label in ROLES.items()]})


@page("POST", "/settings/people/invite", "invite", right="people.manage", again=invitation)
def invite(visit: Visit) -> See:
    """Make the account and mail the link."""
    given = {name: visit.form.get(name, "").strip() for name in ("email", "name", "role", "language")}
    fields: dict[str, Any] = {"time_zone": visit.reader.zone.key, **load(UserIn(), given)}
    try:
        signing_in.invite(visit.session, visit.caller, fields, now=visit.now)
    except Conflict:
        raise Invalid({"email": [TAKEN]}) from None
    return See("/settings/people/invite", Said(say(INVITED) % {"email": fields["email"]}))
