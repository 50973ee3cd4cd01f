"""Routes of feedback items."""

from typing import Any

from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.forms.checks import CheckOut, CheckQuery
from cfm_workflow.forms.feedback import (
    CloseIn,
    FeedbackChange,
    FeedbackIn,
    FeedbackOut,
    FeedbackQuery,
    TimelineEntryOut,
    TimelineQuery,
)
from cfm_workflow.forms.messages import MessageOut
from cfm_workflow.forms.pages import page_of
from cfm_workflow.operations import closing, erasure
from cfm_workflow.operations import feedback as feedback_operations
from cfm_workflow.queries import checks as checks_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import timeline

TAG = "feedback"
_ONE = "/feedback/<id:feedback_id>"


@route(
    "GET",
    "/feedback",
    "listFeedback",
    tag=TAG,
    right="feedback.read",
    query=FeedbackQuery,
    answers={200: page_of(FeedbackOut, counted=True)},
)
def list_feedback(ask: Ask) -> Any:
    """Feedback items, the last received first unless `sort` says otherwise."""
    return feedback_query.page(ask.session, ask.caller, ask.query).as_answer()


@route(
    "POST",
    "/feedback",
    "createFeedback",
    tag=TAG,
    right="feedback.create",
    body=FeedbackIn,
    answers={201: FeedbackOut, 200: FeedbackOut},
    example={
        "source": "web-form",
        "external_id": "A-1001",
        "channel": "web",
        "text": "My miles are missing since Monday.",
        "metric": "nps",
        "score": 2,
        "customer": {"name": "Kim Minji", "email": "minji@example.com"},
    },
)
def create_feedback(ask: Ask) -> Any:
    """Store a feedback item; one of the same `source` and `external_id` is answered as it is stored (200)."""
    [received] = feedback_operations.receive(ask.session, ask.caller, [ask.body], imported=False, now=ask.now)
    row = feedback_query.find(ask.session, ask.caller, received.id)
    seen = feedback_query.show(ask.session, ask.caller, row)
    return Reply(seen, 201 if received.is_new else 200)


@route("GET", _ONE, "getFeedback", tag=TAG, right="feedback.read", answers={200: FeedbackOut})
def get_feedback(ask: Ask, feedback_id: int) -> Any:
    """One feedback item."""
    row = feedback_query.find(ask.session, ask.caller, feedback_id)
    return feedback_query.show(ask.session, ask.caller, row)


@route(
    "PATCH",
    _ONE,
    "changeFeedback",
    tag=TAG,
    right="feedback.change",
    body=FeedbackChange,
    answers={200: FeedbackOut},
    example={"channel": "phone", "metric": "csat", "score": 4},
)
def change_feedback(ask: Ask, feedback_id: int) -> Any:
    """Change the fields of an item."""
    return feedback_operations.change(ask.session, ask.caller, feedback_id, ask.body, now=ask.now)


@route("DELETE", _ONE, "eraseFeedback", tag=TAG, right="feedback.erase", answers={204: None})
def erase_feedback(ask: Ask, feedback_id: int) -> Any:
    """Erase the personal data of an item, in the ledger too; its history stays."""
    erasure.erase_feedback(ask.session, ask.caller, feedback_id, now=ask.now)


@route(
    "POST",
    f"{_ONE}/close",
    "closeFeedback",
    tag=TAG,
    right="feedback.close",
    body=CloseIn,
    answers={200: FeedbackOut},
    example={"reason": "Praise; nothing to do."},
)
def close_feedback(ask: Ask, feedback_id: int) -> Any:
    """Close an item on which nothing is under way; with a reason unless its customer was told."""
    after = closing.check_after(ask.service.settings.check_days)
    return closing.close(ask.session, ask.caller, feedback_id, ask.body["reason"], check_after=after, now=ask.now)


@route(
    "POST",
    f"{_ONE}/tell-solved",
    "tellSolved",
    tag=TAG,
    right="message.write",
    answers={201: MessageOut},
)
def tell_solved(ask: Ask, feedback_id: int) -> Any:
    """Tell the customer of a resolved item that it is solved; then it closes by itself."""
    wish = ask.service.settings.tell_customer
    return closing.tell_solved(ask.session, ask.caller, feedback_id, wish=wish, now=ask.now)


@route(
    "GET",
    f"{_ONE}/checks",
    "listChecks",
    tag=TAG,
    right="feedback.read",
    query=CheckQuery,
    answers={200: page_of(CheckOut)},
)
def list_checks(ask: Ask, feedback_id: int) -> Any:
    """When the customer of an item is asked whether it is solved, and what they answered; the last one first."""
    feedback_query.find(ask.session, ask.caller, feedback_id)
    return checks_query.page(ask.session, feedback_id, ask.query).as_answer()


@route(
    "GET",
    f"{_ONE}/timeline",
    "getTimeline",
    tag=TAG,
    right="feedback.read",
    query=TimelineQuery,
    answers={200: page_of(TimelineEntryOut)},
)
def get_timeline(ask: Ask, feedback_id: int) -> Any:
    """What happened to an item and to the actions that serve it, notes as they are now; newest last, unless asked."""
    feedback_query.find(ask.session, ask.caller, feedback_id)
    return timeline.page(ask.session, ask.caller, feedback_id, ask.query).as_answer()
