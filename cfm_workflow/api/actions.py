"""Routes of actions: lists, one, transitions, links, many at once; and of action groups."""

from typing import Any

from cfm_workflow import access
from cfm_workflow.api.problems import problem
from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.errors import CfmError
from cfm_workflow.forms.actions import (
    ActionChange,
    ActionOut,
    ActionQuery,
    BulkIn,
    BulkOut,
    ChoicesOut,
    DueOut,
    FanOutIn,
    FanOutOut,
    GroupWithActionsOut,
    TransitionIn,
)
from cfm_workflow.forms.events import EventOut, HistoryQuery
from cfm_workflow.forms.following import CommentIn
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.letters.due import in_words as due_in_words
from cfm_workflow.operations.actions import links
from cfm_workflow.operations.actions.acknowledge import acknowledge
from cfm_workflow.operations.actions.change import change, change_many
from cfm_workflow.operations.actions.comment import comment
from cfm_workflow.operations.actions.fan_out import fan_out
from cfm_workflow.operations.actions.filters import filters
from cfm_workflow.operations.actions.move import Moved, move, move_many
from cfm_workflow.operations.actions.raising import raise_many
from cfm_workflow.operations.actions.steps import Order
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import due as due_query
from cfm_workflow.queries import events as events_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import groups as groups_query
from cfm_workflow.queries import relations as relations_query
from cfm_workflow.workflow import choices

TAG = "actions"
_FIELDS = ("reason", "outcome", "assignee", "until", "until_answer", "root_cause", "resolution")


@route(
    "GET",
    "/actions",
    "listActions",
    tag=TAG,
    right="action.read",
    query=ActionQuery,
    answers={200: page_of(ActionOut, counted=True)},
)
def list_actions(ask: Ask) -> Any:
    """Actions, the newest first unless `sort` says otherwise."""
    wanted = filters(ask.session, ask.caller, ask.query)
    return actions_query.page(ask.session, ask.caller, wanted, now=ask.now).as_answer()


@route(
    "POST",
    "/actions/bulk",
    "changeActions",
    tag=TAG,
    right="action.bulk",
    body=BulkIn,
    answers={207: BulkOut},
    example={"ids": [4, 5], "transition": "cancel", "reason": "Fixed by the new release."},
)
def bulk(ask: Ask) -> Any:
    """Fire one transition, make one change, or escalate; on up to 1,000 actions, each for itself."""
    access.require(ask.caller, "action.bulk")
    ids = ask.body["ids"]
    if "transition" in ask.body:
        results = move_many(ask.session, ask.caller, ids, _order(ask.body), now=ask.now)
    elif "escalate" in ask.body:
        results = raise_many(ask.session, ask.caller, ids, ask.body["reason"], now=ask.now)
    else:
        fields = ask.body["changes"] | ({"reason": ask.body["reason"]} if ask.body.get("reason") else {})
        results = change_many(ask.session, ask.caller, ids, fields, now=ask.now)
    return {"items": [_result(ident, results[ident]) for ident in ids]}


def _result(ident: int, result: Moved | CfmError) -> dict[str, Any]:
    if isinstance(result, Moved):
        return {"id": ident, "status": 200, "action": result.action, "problem": None}
    refused = problem(result)
    return {"id": ident, "status": refused["status"], "action": None, "problem": refused}


@route("GET", "/actions/<id:action_id>", "getAction", tag=TAG, right="action.read", answers={200: ActionOut}, etag=True)
def get_action(ask: Ask, action_id: int) -> Any:
    """One action."""
    row = actions_query.find(ask.session, ask.caller, action_id)
    return actions_query.view(row, row, now=ask.now)


@route(
    "PATCH",
    "/actions/<id:action_id>",
    "changeAction",
    tag=TAG,
    right="action.describe",
    body=ActionChange,
    answers={200: ActionOut},
    etag=True,
    matches=True,
    example={"priority": "urgent", "due_at": "2026-12-01T16:00:00Z", "reason": "The customer leaves on the 2nd."},
)
def change_action(ask: Ask, action_id: int) -> Any:
    """Change the fields of an action; its state changes by transitions only."""
    return change(ask.session, ask.caller, action_id, ask.body, now=ask.now, if_match=ask.if_match)


@route(
    "GET",
    "/actions/<id:action_id>/transitions",
    "getTransitions",
    tag=TAG,
    right="action.read",
    answers={200: ChoicesOut},
)
def get_transitions(ask: Ask, action_id: int) -> Any:
    """What the caller can do with an action now, and why the rest is not possible."""
    row = actions_query.find(ask.session, ask.caller, action_id)
    definition = definition_of(ask.session, row.workflow_id)
    relations = relations_query.of_actions(ask.session, ask.caller, [row])[action_id]
    allowed, blocked = choices(definition, row, by=ask.caller.id, relations=relations, now=ask.now)
    return {
        "current_state": row.state,
        "allowed": allowed,
        "blocked": {name: {"code": why.code.value, "reason": why.reason} for name, why in blocked.items()},
    }


@route(
    "POST",
    "/actions/<id:action_id>/transitions",
    "fireTransition",
    tag=TAG,
    right="action.move",
    body=TransitionIn,
    answers={200: ActionOut},
    etag=True,
    matches=True,
    example={"transition": "accept", "comment": "On it."},
)
def fire_transition(ask: Ask, action_id: int) -> Any:
    """Move an action to another state."""
    return move(ask.session, ask.caller, action_id, _order(ask.body), now=ask.now, if_match=ask.if_match)


def _order(body: Any) -> Order:
    return Order(
        transition=body["transition"],
        fields={name: body[name] for name in _FIELDS if body.get(name) is not None},
        comment=body.get("comment"),
        through=body["through"],
    )


@route(
    "POST",
    "/actions/<id:action_id>/pass-over",
    "passOver",
    tag=TAG,
    right="action.pass_over",
    answers={200: ActionOut},
    etag=True,
    matches=True,
)
def pass_over(ask: Ask, action_id: int) -> Any:
    """Say "not me" to what was offered to the caller's team."""
    return links.pass_over(ask.session, ask.caller, action_id, now=ask.now, if_match=ask.if_match)


@route(
    "POST",
    "/actions/<id:action_id>/acknowledge",
    "acknowledgeAction",
    tag=TAG,
    right="action.acknowledge",
    answers={200: ActionOut},
    etag=True,
    matches=True,
)
def acknowledge_action(ask: Ask, action_id: int) -> Any:
    """Say that one has seen the reminders: the action is quiet for two business days."""
    return acknowledge(ask.session, ask.caller, action_id, now=ask.now, if_match=ask.if_match)


@route(
    "POST",
    "/actions/<id:action_id>/comments",
    "commentOnAction",
    tag=TAG,
    right="action.comment",
    body=CommentIn,
    answers={200: ActionOut},
    etag=True,
    matches=True,
    example={"comment": "The customer called again."},
)
def comment_on_action(ask: Ask, action_id: int) -> Any:
    """Say a word on an action; it stands in its history, and those who have to do with it hear of it."""
    return comment(ask.session, ask.caller, action_id, ask.body["comment"], now=ask.now, if_match=ask.if_match)


@route(
    "GET",
    "/actions/<id:action_id>/events",
    "getHistory",
    tag=TAG,
    right="action.read",
    query=HistoryQuery,
    answers={200: page_of(EventOut)},
)
def get_history(ask: Ask, action_id: int) -> Any:
    """What happened to an action, oldest first."""
    actions_query.find(ask.session, ask.caller, action_id)
    return events_query.as_page(events_query.of_action(ask.session, action_id, ask.query))


@route("GET", "/actions/<id:action_id>/due", "getDue", tag=TAG, right="action.read", answers={200: DueOut})
def get_due(ask: Ask, action_id: int) -> Any:
    """How the due date of an action came about, also in words."""
    action = actions_query.find(ask.session, ask.caller, action_id)
    explained = due_query.explain(ask.session, action, now=ask.now)
    return explained | {"in_words": due_in_words(explained, ask.caller.language)}


_LINK = "/actions/<id:action_id>/feedback/<id:feedback_id>"


@route("PUT", _LINK, "linkFeedback", tag=TAG, right="action.link", answers={200: ActionOut}, etag=True, matches=True)
def link_feedback(ask: Ask, action_id: int, feedback_id: int) -> Any:
    """Let an action serve one more feedback item."""
    return links.link(ask.session, ask.caller, action_id, feedback_id, now=ask.now, if_match=ask.if_match)


@route(
    "DELETE", _LINK, "unlinkFeedback", tag=TAG, right="action.link", answers={200: ActionOut}, etag=True, matches=True
)
def unlink_feedback(ask: Ask, action_id: int, feedback_id: int) -> Any:
    """Let an action serve one feedback item less; the one it was made on stays."""
    return links.unlink(ask.session, ask.caller, action_id, feedback_id, now=ask.now, if_match=ask.if_match)


@route(
    "GET",
    "/feedback/<id:feedback_id>/actions",
    "listActionsOfFeedback",
    tag=TAG,
    right="action.read",
    query=PageQuery,
    answers={200: page_of(ActionOut)},
)
def list_actions_of_feedback(ask: Ask, feedback_id: int) -> Any:
    """The actions that serve a feedback item, oldest first."""
    feedback_query.find(ask.session, ask.caller, feedback_id)
    wanted = {**ask.query, "feedback": feedback_id, "sort": "created_at"}
    return actions_query.page(ask.session, ask.caller, wanted, now=ask.now).as_answer()


@route(
    "POST",
    "/feedback/<id:feedback_id>/actions",
    "giveActions",
    tag=TAG,
    right="action.create",
    body=FanOutIn,
    answers={201: FanOutOut},
    example={
        "title": "Restore the missing miles",
        "kind": "internal",
        "priority": "high",
        "assignees": [{"user": "ada@example.com"}, {"team": "it", "mode": "everyone"}],
        "completion": "all",
        "due_in": "P2D",
    },
)
def give_actions(ask: Ask, feedback_id: int) -> Any:
    """Give work on a feedback item to people, teams, or both: one action each, one group."""
    made = fan_out(ask.session, ask.caller, feedback_id, ask.body, now=ask.now)
    return Reply(made, 201)


@route(
    "GET",
    "/action-groups/<id:group_id>",
    "getActionGroup",
    tag=TAG,
    right="action.read",
    answers={200: GroupWithActionsOut},
)
def get_group(ask: Ask, group_id: int) -> Any:
    """How far the actions of one fan-out are."""
    return groups_query.find(ask.session, ask.caller, group_id, now=ask.now)
