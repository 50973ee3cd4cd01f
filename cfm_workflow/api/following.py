"""Routes of watchers, and of what people choose to hear of."""

from typing import Any

from cfm_workflow.api.actions import TAG as ACTIONS
from cfm_workflow.api.feedback import TAG as FEEDBACK
from cfm_workflow.api.me import TAG as ME
from cfm_workflow.api.outcomes import TAG as SETTINGS
from cfm_workflow.api.routing import Ask, route
from cfm_workflow.forms.actions import ActionOut
from cfm_workflow.forms.feedback import FeedbackOut
from cfm_workflow.forms.following import MyPreferencesIn, MyPreferencesOut, PreferencesIn, PreferencesOut, WatcherOut
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.operations import digests, preferences, watching
from cfm_workflow.policy.weekly import is_wanted
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import following as following_query
from cfm_workflow.queries import people as people_query

_OF_ACTION = "/actions/<id:action_id>/watchers"
_OF_ITEM = "/feedback/<id:feedback_id>/watchers"
_USER = "<id:user_id>"


@route(
    "GET",
    _OF_ACTION,
    "listWatchersOfAction",
    tag=ACTIONS,
    right="action.read",
    query=PageQuery,
    answers={200: page_of(WatcherOut)},
)
def list_watchers_of_action(ask: Ask, action_id: int) -> Any:
    """Who watches an action; those who watch its feedback item hear of it as well."""
    actions_query.find(ask.session, ask.caller, action_id)
    return following_query.watchers_of_action(ask.session, action_id, ask.query).as_answer()


@route(
    "PUT",
    f"{_OF_ACTION}/{_USER}",
    "watchAction",
    tag=ACTIONS,
    right="action.watch",
    answers={200: ActionOut},
    etag=True,
    matches=True,
)
def watch_action(ask: Ask, action_id: int, user_id: int) -> Any:
    """Let somebody hear of an action: oneself, or those in charge of it anybody who may see it."""
    return watching.watch_action(ask.session, ask.caller, action_id, user_id, now=ask.now, if_match=ask.if_match)


@route(
    "DELETE",
    f"{_OF_ACTION}/{_USER}",
    "unwatchAction",
    tag=ACTIONS,
    right="action.watch",
    answers={200: ActionOut},
    etag=True,
    matches=True,
)
def unwatch_action(ask: Ask, action_id: int, user_id: int) -> Any:
    """Let somebody hear of an action no more, as far as they heard of it as a watcher."""
    return watching.unwatch_action(ask.session, ask.caller, action_id, user_id, now=ask.now, if_match=ask.if_match)


@route(
    "GET",
    _OF_ITEM,
    "listWatchersOfFeedback",
    tag=FEEDBACK,
    right="feedback.read",
    query=PageQuery,
    answers={200: page_of(WatcherOut)},
)
def list_watchers_of_item(ask: Ask, feedback_id: int) -> Any:
    """Who watches a feedback item."""
    feedback_query.find(ask.session, ask.caller, feedback_id)
    return following_query.watchers_of_item(ask.session, feedback_id, ask.query).as_answer()


@route(
    "PUT",
    f"{_OF_ITEM}/{_USER}",
    "watchFeedback",
    tag=FEEDBACK,
    right="feedback.watch",
    answers={200: FeedbackOut},
)
def watch_item(ask: Ask, feedback_id: int, user_id: int) -> Any:
    """Let somebody hear of a feedback item and of every action made on it."""
    return watching.watch_item(ask.session, ask.caller, feedback_id, user_id, now=ask.now)


@route(
    "DELETE",
    f"{_OF_ITEM}/{_USER}",
    "unwatchFeedback",
    tag=FEEDBACK,
    right="feedback.watch",
    answers={200: FeedbackOut},
)
def unwatch_item(ask: Ask, feedback_id: int, user_id: int) -> Any:
    """Let somebody hear of a feedback item no more, as far as they heard of it as a watcher."""
    return watching.unwatch_item(ask.session, ask.caller, feedback_id, user_id, now=ask.now)


_EXAMPLE = {"notices": {"action.accepted": "never", "siblings": None}}


@route("GET", "/me/preferences", "getMyPreferences", tag=ME, right="self.read", answers={200: MyPreferencesOut})
def get_my_preferences(ask: Ask) -> Any:
    """What the caller hears of at once, in the digest, or never, and who decided it; and when they work."""
    account = people_query.find_user(ask.session, ask.caller.id or 0)
    own = following_query.own_choices(ask.session, account.id)
    chosen = following_query.preferences(own, following_query.defaults(ask.session))
    return chosen | {
        "working_hours": account.working_hours,
        "digest": digests.digest_of(account),
        "weekly_report": is_wanted(account.role, account.weekly_report),
    }


@route(
    "PATCH",
    "/me/preferences",
    "changeMyPreferences",
    tag=ME,
    right="self.manage",
    body=MyPreferencesIn,
    answers={200: MyPreferencesOut},
    example=_EXAMPLE | {"working_hours": {"mon": [["09:00", "12:00"]]}, "digest": {"every": "week"}},
)
def change_my_preferences(ask: Ask) -> Any:
    """Choose some kinds for oneself, null being back to what holds for everybody; when one works; and which reports
    come."""
    preferences.change_own(ask.session, ask.caller, ask.body, now=ask.now)
    return get_my_preferences(ask)


@route(
    "GET",
    "/preferences",
    "getDefaultPreferences",
    tag=SETTINGS,
    right="settings.manage",
    answers={200: PreferencesOut},
)
def get_defaults(ask: Ask) -> Any:
    """What holds for everybody who chose nothing."""
    return following_query.preferences({}, following_query.defaults(ask.session))


@route(
    "PATCH",
    "/preferences",
    "changeDefaultPreferences",
    tag=SETTINGS,
    right="settings.manage",
    body=PreferencesIn,
    answers={200: PreferencesOut},
    example=_EXAMPLE,
)
def change_defaults(ask: Ask) -> Any:
    """Decide some kinds for everybody who chose nothing; null is back to what is built in."""
    preferences.change_defaults(ask.session, ask.caller, ask.body["notices"], now=ask.now)
    return get_defaults(ask)
