"""Routes about the caller, and about the service itself."""

from typing import Any

from cfm_workflow import limits
from cfm_workflow.api.actions import TAG as ACTIONS
from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.actions import INSTEAD, ActionOut, MyActionQuery
from cfm_workflow.forms.events import LimitsOut
from cfm_workflow.forms.feeds import CalendarFeedOut, NewCalendarFeedOut
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.forms.people import MeChange, MeOut, NewTokenOut, TokenIn, TokenOut
from cfm_workflow.operations import feeds as feeds_operations
from cfm_workflow.operations import people as people_operations
from cfm_workflow.operations import tokens as tokens_operations
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import people as people_query

TAG = "me"


@route("GET", "/me", "getMe", tag=TAG, right="self.read", answers={200: MeOut})
def get_me(ask: Ask) -> Any:
    """Who the caller is, and in which teams."""
    return people_query.me_view(ask.session, ask.caller)


@route(
    "PATCH",
    "/me",
    "changeMe",
    tag=TAG,
    right="self.manage",
    body=MeChange,
    answers={200: MeOut},
    example={"language": "ko", "time_zone": "Asia/Seoul"},
)
def change_me(ask: Ask) -> Any:
    """Change the caller's own name, language or time zone."""
    people_operations.change_me(ask.session, ask.caller, ask.body, now=ask.now)
    return people_query.me_view(ask.session, ask.caller)


@route(
    "GET",
    "/me/actions",
    "listMyActions",
    tag=ACTIONS,
    right="action.read",
    query=MyActionQuery,
    answers={200: page_of(ActionOut, counted=True)},
)
def list_my_actions(ask: Ask) -> Any:
    """The caller's own unfinished actions by due date; or with `offered` what their teams may take."""
    wanted = dict(ask.query)
    asked = {name for name in INSTEAD if wanted.pop(name)}
    if "offered" in asked:
        wanted["offered_to"] = ask.caller
    elif "left_behind" in asked:
        wanted["left_behind_for"] = ask.caller
    elif "extension_requests" in asked:
        wanted["answerable_by"] = ask.caller
    else:
        wanted["assignee"] = ask.caller.id
    return actions_query.page(ask.session, ask.caller, wanted, now=ask.now).as_answer()


@route(
    "GET", "/me/tokens", "listMyTokens", tag=TAG, right="self.read", query=PageQuery, answers={200: page_of(TokenOut)}
)
def list_my_tokens(ask: Ask) -> Any:
    """The caller's own tokens, without their secrets."""
    tokens_operations.require_owner(ask.caller, ask.caller.id or 0)
    return people_query.tokens(ask.session, ask.caller.id or 0, ask.query).as_answer()


@route(
    "POST",
    "/me/tokens",
    "createMyToken",
    tag=TAG,
    right="self.manage",
    body=TokenIn,
    answers={201: NewTokenOut},
    secret=True,
    example={"name": "laptop"},
)
def create_my_token(ask: Ask) -> Any:
    """Make a token for the caller; its secret is shown this once."""
    return Reply(tokens_operations.create(ask.session, ask.caller, ask.caller.id or 0, ask.body, now=ask.now), 201)


@route("DELETE", "/me/tokens/<id:token_id>", "deleteMyToken", tag=TAG, right="self.manage", answers={204: None})
def delete_my_token(ask: Ask, token_id: int) -> Any:
    """End one of the caller's own tokens."""
    tokens_operations.revoke(ask.session, ask.caller, ask.caller.id or 0, token_id, now=ask.now)


@route(
    "GET", "/me/calendar-feed", "getMyCalendarFeed", tag=TAG, right="self.read", optional=True,
    answers={200: CalendarFeedOut},
)  # fmt: skip
def get_my_calendar_feed(ask: Ask) -> Any:
    """Since when the caller's calendar can be read at an address of its own, and when it last was."""
    return feeds_operations.own(ask.session, ask.caller)


@route(
    "POST",
    "/me/calendar-feed",
    "createMyCalendarFeed",
    tag=TAG,
    right="self.manage",
    answers={201: NewCalendarFeedOut},
    secret=True,
)
def create_my_calendar_feed(ask: Ask) -> Any:
    """Make a secret address for calendar programs, shown this once; a former one leads nowhere any more."""
    token = feeds_operations.create(ask.session, ask.caller, now=ask.now)
    return Reply({"url": f"{ask.service.settings.base_url}/feeds/{token}.ics"}, 201)


@route(
    "DELETE", "/me/calendar-feed", "deleteMyCalendarFeed", tag=TAG, right="self.manage", optional=True,
    answers={204: None},
)  # fmt: skip
def delete_my_calendar_feed(ask: Ask) -> Any:
    """End the address of the caller's calendar."""
    feeds_operations.remove(ask.session, ask.caller, now=ask.now)


@route("GET", "/limits", "getLimits", tag="service", right="self.read", answers={200: LimitsOut})
def get_limits(ask: Ask) -> Any:
    """How much is allowed of everything."""
    return limits.TABLE
