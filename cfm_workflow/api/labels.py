"""Routes of labels: the list of them, on an item, on many items, and over time."""

from datetime import timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from cfm_workflow.api.feedback import TAG as FEEDBACK
from cfm_workflow.api.problems import problem
from cfm_workflow.api.routing import Ask, Reply, route
from cfm_workflow.errors import CfmError, Invalid
from cfm_workflow.forms.feedback import FeedbackOut
from cfm_workflow.forms.labels import (
    BulkLabelIn,
    BulkLabelOut,
    CountsOut,
    CountsQuery,
    LabelChange,
    LabelOut,
    LabelQuery,
    MergeIn,
    NewLabelIn,
)
from cfm_workflow.forms.pages import page_of
from cfm_workflow.operations import labelling
from cfm_workflow.operations import labels as labels_operations
from cfm_workflow.policy.intervals import edges
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import labels as labels_query
from cfm_workflow.setting_values import LabelChoice

TAG = "labels"
_ONE = "/labels/<id:label_id>"
_ON_ITEM = "/feedback/<id:feedback_id>/labels/<path:name>"


@route(
    "GET",
    "/labels",
    "listLabels",
    tag=TAG,
    right="settings.read",
    query=LabelQuery,
    answers={200: page_of(LabelOut)},
)
def list_labels(ask: Ask) -> Any:
    """The labels there are, without those that were merged."""
    return labels_query.page(ask.session, ask.query).as_answer()


@route(
    "POST",
    "/labels",
    "createLabel",
    tag=TAG,
    right="labels.manage",
    body=NewLabelIn,
    answers={201: LabelOut},
    example={"name": "billing", "colour": "#206bc4", "description": "Anything about invoices."},
)
def create_label(ask: Ask) -> Any:
    """Add a label."""
    return Reply(labels_operations.create(ask.session, ask.caller, ask.body, now=ask.now), 201)


@route("GET", _ONE, "getLabel", tag=TAG, right="settings.read", answers={200: LabelOut})
def get_label(ask: Ask, label_id: int) -> Any:
    """One label, also one that is retired or was merged."""
    return labels_query.view(labels_query.find(ask.session, label_id))


@route(
    "PATCH",
    _ONE,
    "changeLabel",
    tag=TAG,
    right="labels.manage",
    body=LabelChange,
    answers={200: LabelOut},
    example={"name": "invoices"},
)
def change_label(ask: Ask, label_id: int) -> Any:
    """Rename a label, change how it looks, or retire it."""
    return labels_operations.change(ask.session, ask.caller, label_id, ask.body, now=ask.now)


@route("DELETE", _ONE, "deleteLabel", tag=TAG, right="labels.manage", answers={204: None})
def delete_label(ask: Ask, label_id: int) -> Any:
    """Retire a label: it is offered no more; where it is, it stays."""
    labels_operations.retire(ask.session, ask.caller, label_id, now=ask.now)


@route(
    "POST",
    f"{_ONE}/merge",
    "mergeLabel",
    tag=TAG,
    right="labels.manage",
    body=MergeIn,
    answers={200: LabelOut},
    example={"into": 1},
)
def merge_label(ask: Ask, label_id: int) -> Any:
    """Make a label a further name of another one, which is answered; the older labelling stays where both are."""
    return labels_operations.merge(ask.session, ask.caller, label_id, ask.body["into"], now=ask.now)


@route(
    "GET",
    f"{_ONE}/counts",
    "countLabel",
    tag=TAG,
    right="feedback.read",
    query=CountsQuery,
    answers={200: CountsOut},
)
def count_label(ask: Ask, label_id: int) -> Any:
    """How often a label was put on an item per day, week or month, of those items that have it now."""
    label = labels_query.find(ask.session, label_id)
    asked = ask.query
    until = asked.get("until") or ask.now
    since = asked.get("since") or until - timedelta(days=30)
    try:
        when = edges(since, until, interval=asked["interval"], zone=ZoneInfo(asked["time_zone"]))
    except ValueError as wrong:
        raise Invalid({"to": [str(wrong)]}) from None
    seen = feedback_query.may_see(ask.caller) if ask.caller.hidden_teams else None
    times = labels_query.counts(ask.session, labels_query.ids_of(ask.session, label), when, seen=seen)
    items = [
        {"from": begin, "to": end, "count": count} for (begin, end), count in zip(pairwise(when), times, strict=True)
    ]
    return {"label": labels_query.view(label), "items": items}


@route("PUT", _ON_ITEM, "labelFeedback", tag=FEEDBACK, right="label.use", answers={200: FeedbackOut})
def label_feedback(ask: Ask, feedback_id: int, name: str) -> Any:
    """Put a label on an item; one that nobody used before is made, unless labels are kept to a list (`CFM_LABELS`)."""
    may_make = _may_make(ask)
    return labelling.label_item(ask.session, ask.caller, feedback_id, name, may_make=may_make, now=ask.now)


@route("DELETE", _ON_ITEM, "unlabelFeedback", tag=FEEDBACK, right="label.use", answers={200: FeedbackOut})
def unlabel_feedback(ask: Ask, feedback_id: int, name: str) -> Any:
    """Take a label off an item."""
    return labelling.unlabel_item(ask.session, ask.caller, feedback_id, name, now=ask.now)


@route(
    "POST",
    "/feedback/bulk",
    "labelFeedbackItems",
    tag=FEEDBACK,
    right="label.use",
    body=BulkLabelIn,
    answers={207: BulkLabelOut},
    example={"ids": [17, 18], "label": ["billing"], "unlabel": []},
)
def label_items(ask: Ask) -> Any:
    """Put labels on up to 1,000 items, and take others off, each item for itself."""
    ids = ask.body["ids"]
    order = labelling.Order(ask.body["label"], ask.body["unlabel"], _may_make(ask))
    results = labelling.label_many(ask.session, ask.caller, ids, order, now=ask.now)
    labels = labels_query.of_items(ask.session, [ident for ident in ids if results[ident] is None])
    return {"items": [_result(ident, results[ident], labels.get(ident)) for ident in ids]}


def _may_make(ask: Ask) -> bool:
    return ask.service.settings.labels is LabelChoice.FREE


def _result(ident: int, refused: CfmError | None, labels: Any) -> dict[str, Any]:
    if refused is None:
        return {"id": ident, "status": 200, "labels": labels, "problem": None}
    why = problem(refused)
    return {"id": ident, "status": why["status"], "labels": None, "problem": why}
