"""Labels: how they look, what they mean, how often they are used; renamed, merged, retired."""

from datetime import timedelta
from itertools import pairwise
from operator import itemgetter
from typing import Any, Final

from cfm_workflow.forms.labels import LabelChange, LabelQuery, MergeIn, NewLabelIn
from cfm_workflow.forms.loading import load
from cfm_workflow.operations import labels
from cfm_workflow.policy.intervals import edges
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import labels as labels_query
from cfm_workflow.setting_values import LabelChoice
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.own_settings import SAVED
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.settings.filling import (
    ADDED,
    NAME_TAKEN,
    asked,
    beside,
    filled,
    further,
    number,
    optional,
    worded,
)
from cfm_workflow.web.speech import say

WEEKS: Final = 12
RETIRED: Final = mark("“%(name)s” is retired: it is offered no more.")
BACK: Final = mark("“%(name)s” is offered again.")
MERGED: Final = mark("“%(name)s” means “%(into)s” from now on.")
NOT_INTO: Final = mark("Choose another label that is in use.")
WORDING: Final = {
    "name": mark("Up to 100 characters, without comma and semicolon."),
    "colour": mark("A colour such as #206bc4."),
}
_PATH: Final = "/settings/labels"
_ONE: Final = "/settings/labels/<id:label_id>"


@page("GET", _PATH, "labels", right="settings.read")
def all_labels(visit: Visit) -> Shown:
    """All labels, and on how many items they are."""
    found = labels_query.page(visit.session, asked(visit, LabelQuery()))
    uses = labels_query.uses(visit.session, [row["id"] for row in found.items], seen=_seen(visit))
    values = {
        "rows": [{**row, "uses": uses.get(row["id"], 0)} for row in found.items],
        "most": labels_query.USES,
        "next": further(visit, _PATH, found.next_cursor),
        "query": visit.query,
        "is_free": visit.service.settings.labels is LabelChoice.FREE,
    }
    return Shown("settings/labels.html", values)


def _seen(visit: Visit) -> Any:
    """The condition on items that this reader may see; None: all of them."""
    return feedback_query.may_see(visit.caller) if visit.caller.hidden_teams else None


@page("POST", _PATH, "add_label", right="labels.manage", again=all_labels)
def add_label(visit: Visit) -> See:
    """Add one."""
    with worded(WORDING), beside("name", NAME_TAKEN):
        labels.create(visit.session, visit.caller, load(NewLabelIn(), _given(visit)), now=visit.now)
    return See(_PATH, Said(say(ADDED)))


def _given(visit: Visit) -> dict[str, Any]:
    given: dict[str, Any] = filled(visit.form, "name") | optional(visit.form, "description")
    return given | {"colour": visit.form.get("colour") if "coloured" in visit.form else None}


@page("GET", _ONE, "label", right="settings.read")
def label(visit: Visit, label_id: int) -> Shown:
    """One of them, with how often it was put on items in each of the last weeks."""
    row = labels_query.find(visit.session, label_id)
    when = edges(visit.now - timedelta(weeks=WEEKS), visit.now, interval="week", zone=visit.reader.zone)
    times = labels_query.counts(visit.session, labels_query.ids_of(visit.session, row), when, seen=_seen(visit))
    heir = None if row.into_id is None else labels_query.view(labels_query.find(visit.session, row.into_id))
    others = labels_query.page(visit.session, {"active": True, "limit": 200}).items
    values = {
        "label": labels_query.view(row),
        "heir": heir,
        "weeks": [{"from": begin, "count": count} for (begin, _), count in zip(pairwise(when), times, strict=True)],
        "most": max(times, default=0),
        "others": sorted([(each["id"], each["name"]) for each in others if each["id"] != label_id], key=itemgetter(1)),
    }
    return Shown("settings/label.html", values)


@page("POST", _ONE, "change_label", right="labels.manage", again=label, once=False)
def change_label(visit: Visit, label_id: int) -> See:
    """Rename it, change how it looks."""
    with worded(WORDING), beside("name", NAME_TAKEN):
        labels.change(visit.session, visit.caller, label_id, load(LabelChange(), _given(visit)), now=visit.now)
    return See(f"{_PATH}/{label_id}", Said(say(SAVED)))


@page("POST", f"{_ONE}/retire", "retire_label", right="labels.manage", again=label, once=False)
def retire_label(visit: Visit, label_id: int) -> See:
    """Offer it no more; where it is, it stays."""
    labels.retire(visit.session, visit.caller, label_id, now=visit.now)
    name = labels_query.find(visit.session, label_id).name
    return See(f"{_PATH}/{label_id}", Said(say(RETIRED) % {"name": name}, undo=f"{_PATH}/{label_id}/revive"))


@page("POST", f"{_ONE}/revive", "revive_label", right="labels.manage", again=label, once=False)
def revive_label(visit: Visit, label_id: int) -> See:
    """Offer it again."""
    seen = labels.change(visit.session, visit.caller, label_id, {"active": True}, now=visit.now)
    return See(f"{_PATH}/{label_id}", Said(say(BACK) % {"name": seen["name"]}, undo=f"{_PATH}/{label_id}/retire"))


@page("POST", f"{_ONE}/merge", "merge_label", right="labels.manage", again=label)
def merge_label(visit: Visit, label_id: int) -> See:
    """Make it a further name of another one."""
    name = labels_query.find(visit.session, label_id).name
    with worded({"into": NOT_INTO}), beside("into", NOT_INTO):
        into = load(MergeIn(), {"into": number(visit.form.get("into", ""))})["into"]
        heir = labels.merge(visit.session, visit.caller, label_id, into, now=visit.now)
    return See(f"{_PATH}/{heir['id']}", Said(say(MERGED) % {"name": name, "into": heir["name"]}))
