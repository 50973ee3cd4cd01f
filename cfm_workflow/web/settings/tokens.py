"""Tokens of one's own: made, shown once, ended; and the secret address of one's calendar."""

from datetime import timedelta
from typing import Any, Final

from cfm_workflow.access import SCOPES
from cfm_workflow.errors import NotFound
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.forms.people import TokenIn
from cfm_workflow.operations import feeds, tokens
from cfm_workflow.queries import people as people_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.settings.filling import asked, filled, further, worded
from cfm_workflow.web.settings.secrets import shown_once
from cfm_workflow.web.speech import say

SCOPE_NAMES: Final = {
    "feedback:read": mark("Read feedback"),
    "feedback:write": mark("Write feedback"),
    "actions:read": mark("Read actions"),
    "actions:write": mark("Write actions"),
    "customers:read": mark("Read customers"),
    "customers:write": mark("Write customers"),
    "events:read": mark("Read events"),
    "webhooks:manage": mark("Manage webhooks"),
    "users:read": mark("Read people"),
    "users:manage": mark("Manage people"),
    "settings:manage": mark("Manage settings"),
}
LASTING: Final = {"30": mark("30 days"), "90": mark("90 days"), "365": mark("A year"), "": mark("Until it is ended")}
MADE: Final = mark("Your new token")
USED_AS: Final = mark("Programs send it with each request: Authorization: Bearer …")
FEED_MADE: Final = mark("The address of your calendar")
FEED_USED_AS: Final = mark("Subscribe to it in your calendar program. Whoever has it can read when your work is due.")
ENDED: Final = mark("The token has ended.")
FEED_ENDED: Final = mark("The address leads nowhere any more.")
SOME: Final = mark("Tick at least one right.")
TO_TOKENS: Final = mark("To your tokens")
_PATH: Final = "/settings/tokens"


@page("GET", _PATH, "tokens", right="self.read")
def own_tokens(visit: Visit) -> Shown:
    """The reader's tokens, without their secrets."""
    found = people_query.tokens(visit.session, visit.caller.id or 0, asked(visit, PageQuery()))
    values = {
        "rows": found.items,
        "next": further(visit, _PATH, found.next_cursor),
        "feed": _feed(visit),
        **choices(visit),
    }
    return Shown("settings/tokens.html", values)


def choices(visit: Visit) -> dict[str, Any]:
    """What a token can be given, and what its list is read with."""
    return {
        "now": visit.now,
        "scopes": [(scope, say(SCOPE_NAMES[scope])) for scope in SCOPES],
        "scope_names": {scope: say(name) for scope, name in SCOPE_NAMES.items()},
        "lasting": [(days, say(label)) for days, label in LASTING.items()],
    }


def _feed(visit: Visit) -> dict[str, Any] | None:
    try:
        return feeds.own(visit.session, visit.caller)
    except NotFound:
        return None


def token_of(visit: Visit) -> Any:
    """The token that a form describes."""
    given: dict[str, Any] = filled(visit.form, "name")
    given["scopes"] = visit.form.getlist("scopes") if visit.form.get("reach") == "some" else None
    if (days := visit.form.get("days", "")) in LASTING and days:
        given["expires_at"] = (visit.now + timedelta(days=int(days))).isoformat(timespec="seconds")
    with worded({"scopes": SOME}):
        return load(TokenIn(), given)


@page("POST", _PATH, "add_token", right="self.read", again=own_tokens)
def add_token(visit: Visit) -> Shown:
    """Make one."""
    made = tokens.create(visit.session, visit.caller, visit.caller.id or 0, token_of(visit), now=visit.now)
    return shown_once(title=say(MADE), secret=made["token"], hint=say(USED_AS), path=_PATH, label=say(TO_TOKENS))


@page("POST", f"{_PATH}/<id:token_id>/end", "end_token", right="self.read", once=False)
def end_token(visit: Visit, token_id: int) -> See:
    """End one at once."""
    tokens.revoke(visit.session, visit.caller, visit.caller.id or 0, token_id, now=visit.now)
    return See(_PATH, Said(say(ENDED)))


@page("POST", f"{_PATH}/calendar", "add_calendar_feed", right="self.read", again=own_tokens)
def add_feed(visit: Visit) -> Shown:
    """Give the calendar an address; a former one leads nowhere from then on."""
    secret = feeds.create(visit.session, visit.caller, now=visit.now)
    address = f"{visit.service.settings.base_url}/feeds/{secret}.ics"
    return shown_once(title=say(FEED_MADE), secret=address, hint=say(FEED_USED_AS), path=_PATH, label=say(TO_TOKENS))


@page("POST", f"{_PATH}/calendar/end", "end_calendar_feed", right="self.read", once=False)
def end_feed(visit: Visit) -> See:
    """End it."""
    feeds.remove(visit.session, visit.caller, now=visit.now)
    return See(_PATH, Said(say(FEED_ENDED)))
