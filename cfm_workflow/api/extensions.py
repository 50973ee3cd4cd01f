"""Routes of more time: asked for by the assignee, granted or refused by who may move the due date."""

from typing import Any, Final

from cfm_workflow.api.actions import TAG
from cfm_workflow.api.routing import Ask, route
from cfm_workflow.forms.actions import ActionOut
from cfm_workflow.forms.extensions import ExtensionIn, GrantIn, RefuseIn
from cfm_workflow.operations.actions import extensions

_EXTENSION: Final = "/actions/<id:action_id>/extension"


@route(
    "POST",
    _EXTENSION,
    "askForExtension",
    tag=TAG,
    right="action.ask_extension",
    body=ExtensionIn,
    answers={200: ActionOut},
    etag=True,
    matches=True,
    example={"due_on": "2026-12-04", "reason": "The part arrives on Thursday."},
)
def ask_for_extension(ask: Ask, action_id: int) -> Any:
    """Ask for a later due date; what was asked for before is replaced."""
    return extensions.ask(ask.session, ask.caller, action_id, ask.body, now=ask.now, if_match=ask.if_match)


@route(
    "DELETE",
    _EXTENSION,
    "withdrawExtension",
    tag=TAG,
    right="action.ask_extension",
    answers={200: ActionOut},
    etag=True,
    matches=True,
)
def withdraw_extension(ask: Ask, action_id: int) -> Any:
    """Take the request for more time back."""
    return extensions.withdraw(ask.session, ask.caller, action_id, now=ask.now, if_match=ask.if_match)


@route(
    "POST",
    f"{_EXTENSION}/grant",
    "grantExtension",
    tag=TAG,
    right="action.change",
    body=GrantIn,
    answers={200: ActionOut},
    etag=True,
    matches=True,
    example={"due_on": "2026-12-03", "reason": "Thursday must do."},
)
def grant_extension(ask: Ask, action_id: int) -> Any:
    """Give more time: until when was asked for, or another date."""
    return extensions.grant(ask.session, ask.caller, action_id, ask.body, now=ask.now, if_match=ask.if_match)


@route(
    "POST",
    f"{_EXTENSION}/refuse",
    "refuseExtension",
    tag=TAG,
    right="action.change",
    body=RefuseIn,
    answers={200: ActionOut},
    etag=True,
    matches=True,
    example={"reason": "The customer leaves on the 2nd."},
)
def refuse_extension(ask: Ask, action_id: int) -> Any:
    """Give no more time, with a reason; the due date stays."""
    reason = ask.body["reason"]
    return extensions.refuse(ask.session, ask.caller, action_id, reason, now=ask.now, if_match=ask.if_match)
