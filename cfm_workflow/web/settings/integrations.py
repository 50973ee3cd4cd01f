"""Integrations: programs with an account and tokens of their own."""

from typing import Any, Final

from cfm_workflow.forms.loading import load
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.forms.people import IntegrationIn
from cfm_workflow.operations import tokens
from cfm_workflow.queries import people as people_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.settings.filling import asked, beside, filled, further, worded
from cfm_workflow.web.settings.people import FEW, OFF
from cfm_workflow.web.settings.secrets import shown_once
from cfm_workflow.web.settings.tokens import ENDED, SOME, USED_AS, choices, token_of
from cfm_workflow.web.speech import say

RIGHT: Final = "people.manage"
MADE: Final = mark("The token of %(name)s")
GO_ON: Final = mark("To the integration")
NOT_THESE: Final = mark("Choose among the rights of the integration.")
IS_OFF: Final = mark("It is switched off.")
_PATH: Final = "/settings/integrations"
_ONE: Final = "/settings/integrations/<id:account_id>"


@page("GET", _PATH, "integrations", right=RIGHT)
def integrations(visit: Visit) -> Shown:
    """All integrations."""
    found = people_query.integrations(visit.session, asked(visit, PageQuery()))
    values = {"rows": found.items, "next": further(visit, _PATH, found.next_cursor), **choices(visit)}
    return Shown("settings/integrations.html", values)


@page("POST", _PATH, "add_integration", right=RIGHT, again=integrations)
def add_integration(visit: Visit) -> Shown:
    """Add one, with its first token."""
    given: dict[str, Any] = {**filled(visit.form, "name"), "scopes": visit.form.getlist("scopes")}
    with worded({"scopes": SOME}):
        fields = load(IntegrationIn(), given)
    made = tokens.create_integration(visit.session, visit.caller, fields, now=visit.now)
    return _shown_once(made["id"], made["name"], made["token"])


def _shown_once(ident: int, name: str, secret: str) -> Shown:
    title = say(MADE) % {"name": name}
    return shown_once(title=title, secret=secret, hint=say(USED_AS), path=f"{_PATH}/{ident}", label=say(GO_ON))


@page("GET", _ONE, "integration", right=RIGHT)
def integration(visit: Visit, account_id: int) -> Shown:
    """One of them, with its tokens."""
    account = people_query.find_integration(visit.session, account_id)
    values = {
        "integration": people_query.integration_view(account),
        "rows": people_query.tokens(visit.session, account_id, FEW).items,
        **choices(visit),
    }
    return Shown("settings/integration.html", values)


@page("POST", f"{_ONE}/tokens", "add_integration_token", right=RIGHT, again=integration)
def add_token(visit: Visit, account_id: int) -> Shown:
    """Another token for it."""
    account = people_query.find_integration(visit.session, account_id)
    with worded({"scopes": NOT_THESE}), beside("name", IS_OFF):
        made = tokens.create(visit.session, visit.caller, account_id, token_of(visit), now=visit.now)
    return _shown_once(account_id, account.name, made["token"])


@page("POST", f"{_ONE}/tokens/<id:token_id>/end", "end_integration_token", right=RIGHT, once=False)
def end_token(visit: Visit, account_id: int, token_id: int) -> See:
    """End one of its tokens at once."""
    people_query.find_integration(visit.session, account_id)
    tokens.revoke(visit.session, visit.caller, account_id, token_id, now=visit.now)
    return See(f"{_PATH}/{account_id}", Said(say(ENDED)))


@page("POST", f"{_ONE}/off", "switch_off_integration", right=RIGHT, once=False)
def switch_off(visit: Visit, account_id: int) -> See:
    """End all its tokens."""
    name = people_query.find_integration(visit.session, account_id).name
    tokens.remove_integration(visit.session, visit.caller, account_id, now=visit.now)
    return See(_PATH, Said(say(OFF) % {"name": name}))
