"""Routes of messages."""

from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.messages import (
    BulkMessageIn,
    BulkMessageOut,
    BulkQuery,
    MessageIn,
    MessageOut,
    MessageQuery,
    MessagesOut,
    ShareOut,
)
from cfm_workflow.forms.pages import PageQuery, page_of
from cfm_workflow.operations.messages import bulk, contacts, sharing, writing
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import messages as messages_query
from cfm_workflow.queries import shares as shares_query

TAG = "messages"
_OF_ITEM = "/feedback/<id:feedback_id>/messages"
_ONE = "/messages/<id:message_id>"
_DEFAULTS = {"anyway": False, "include_contact": False, "days": 14}


@route(
    "GET",
    _OF_ITEM,
    "listMessages",
    tag=TAG,
    right="message.read",
    query=MessageQuery,
    answers={200: page_of(MessageOut)},
)
def list_messages(ask: Ask, feedback_id: int) -> Any:
    """Every word to and from the customer of an item, and to whom it was shared; the newest first."""
    feedback_query.find(ask.session, ask.caller, feedback_id)
    return messages_query.of_item(ask.session, ask.caller, feedback_id, ask.query).as_answer()


@route(
    "POST",
    _OF_ITEM,
    "createMessage",
    tag=TAG,
    right="message.write",
    body=MessageIn,
    answers={201: MessagesOut},
    example={"channel": "phone", "direction": "out", "body": "Told her that the miles are back."},
)
def create_message(ask: Ask, feedback_id: int) -> Any:
    """Write to the customer, share the item by mail, or record a word that was exchanged elsewhere."""
    fields = _DEFAULTS | dict(ask.body)
    if "to" in ask.body:
        wish = ask.service.settings.tell_customer
        made = writing.write(ask.session, ask.caller, feedback_id, fields, wish=wish, now=ask.now)
    else:
        made = contacts.record(ask.session, ask.caller, feedback_id, fields, now=ask.now)
    return Reply({"items": made}, 201)


@route("GET", _ONE, "getMessage", tag=TAG, right="message.read", answers={200: MessageOut})
def get_message(ask: Ask, message_id: int) -> Any:
    """One message."""
    return messages_query.show(ask.session, ask.caller, [messages_query.find(ask.session, ask.caller, message_id)])[0]


@route("DELETE", _ONE, "cancelMessage", tag=TAG, right="message.cancel", answers={204: None})
def cancel_message(ask: Ask, message_id: int) -> Any:
    """Take back a mail that has not left; it stays to be seen, as `cancelled`."""
    writing.cancel(ask.session, ask.caller, message_id, now=ask.now)


def weigh_messages(ask: Ask) -> Any:
    """Who would get it, and who not and why."""
    wish = ask.service.settings.tell_customer
    return bulk.weigh(ask.session, ask.caller, ask.body, wish=wish, now=ask.now)


@route(
    "POST",
    "/messages/bulk",
    "createMessages",
    tag=TAG,
    right="message.bulk",
    query=BulkQuery,
    body=BulkMessageIn,
    answers={200: BulkMessageOut},
    preview=weigh_messages,
    previewed=BulkMessageOut,
    example={"feedback": [1], "subject": "Miles are back", "body": "All missing miles were restored."},
)
def create_messages(ask: Ask) -> Any:
    """Write to the customers of many items; with `preview=true` only tells who would be left out, and why."""
    wish = ask.service.settings.tell_customer
    return bulk.send(ask.session, ask.caller, ask.body, wish=wish, now=ask.now)


@route(
    "GET",
    "/feedback/<id:feedback_id>/shares",
    "listShares",
    tag=TAG,
    right="message.read",
    query=PageQuery,
    answers={200: page_of(ShareOut)},
)
def list_shares(ask: Ask, feedback_id: int) -> Any:
    """With whom an item was shared, and when they opened it; the newest first."""
    feedback_query.find(ask.session, ask.caller, feedback_id)
    return shares_query.of_item(ask.session, feedback_id, ask.query).as_answer()


@route("DELETE", "/shares/<id:share_id>", "revokeShare", tag=TAG, right="share.revoke", answers={204: None})
def revoke_share(ask: Ask, share_id: int) -> Any:
    """End a share: its link shows nothing any more."""
    sharing.revoke(ask.session, ask.caller, share_id, now=ask.now)
