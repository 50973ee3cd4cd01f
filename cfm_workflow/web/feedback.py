"""Feedback: the list of items with its filters, labels on many at once, and what somebody said by phone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from cfm_workflow import limits
from cfm_workflow.errors import CfmError, Invalid
from cfm_workflow.forms.feedback import METRICS, STATUSES, FeedbackIn, FeedbackQuery
from cfm_workflow.forms.labels import BulkLabelIn
from cfm_workflow.forms.loading import load
from cfm_workflow.letters.words import STATUSES as STATUS_WORDS
from cfm_workflow.operations import feedback as feedback_operations
from cfm_workflow.operations import labelling
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import labels as labels_query
from cfm_workflow.setting_values import LabelChoice
from cfm_workflow.texts import mark
from cfm_workflow.web import problems
from cfm_workflow.web.door import Said
from cfm_workflow.web.moments import begin_of, read_moment, written
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.speech import say
from cfm_workflow.web.speech import say_many as ngettext

ROWS: Final = 30
LABELS_OFFERED: Final = 200
TEXTS: Final = ("q", "label", "label_all", "label_none", "channel", "source", "score_min", "score_max")
DAYS: Final = ("received_from", "received_to")
FLAGS: Final = ("needs_decision", "silent")
CHOICES: Final = ("status", "metric", "sort", "customer")
FILTERS: Final = (*TEXTS, *DAYS, *FLAGS, *CHOICES)
"""What the address of the list can say, beside the cursor; so it can be kept, sent and come back to."""
FOLDED: Final = tuple(name for name in FILTERS if name not in ("q", "status", "sort"))
"""Those that stand behind "Filters"."""

FILTER_WORDS: Final = {
    "label": mark("Any of the labels"),
    "label_all": mark("All of the labels"),
    "label_none": mark("None of the labels"),
    "channel": mark("Channel"),
    "source": mark("Source"),
    "metric": mark("Metric"),
    "score_min": mark("Score from"),
    "score_max": mark("Score to"),
    "received_from": mark("Received from"),
    "received_to": mark("Received to"),
    "needs_decision": mark("Needs a decision"),
    "silent": mark("No word to the customer"),
    "customer": mark("Customer"),
}
TONES: Final = {"new": "blue", "open": "amber", "resolved": "green", "closed": "plain"}
"""The colour of each status."""
TABS: Final = ("", "new", "open", "resolved", "closed")

_RECORDED: Final = mark("Recorded.")
_KNOWN: Final = mark("This was recorded before.")
_PICK: Final = mark("Pick some of the rows first.")
_WHICH: Final = mark("Say which labels.")


@page("GET", "/feedback", "feedback", right="feedback.read")
def items(visit: Visit) -> Shown:
    """The items that the filters of the address ask for."""
    return listing(visit, visit.query)


def listing(visit: Visit, query: Mapping[str, str]) -> Shown:
    """The list as an address asks for it."""
    asked = {name: query[name].strip() for name in FILTERS if query.get(name, "").strip()}
    errors: Mapping[str, str] = {}
    rows, cursor = [], None
    try:
        wanted = load(FeedbackQuery(), _wanted(visit, asked, query.get("cursor")))
        found = feedback_query.page(visit.session, visit.caller, wanted)
        rows, cursor = [row(each) for each in found.items], found.next_cursor
    except Invalid as wrong:
        errors = problems.problem_of(wrong).errors
    values = {
        "rows": rows,
        "asked": asked,
        "errors": errors,
        "here": address({**asked, "cursor": query.get("cursor")}),
        "next": address({**asked, "cursor": cursor}) if cursor else None,
        "first": address(asked) if query.get("cursor") else None,
        "tabs": [
            (address({**asked, "status": each}), _tab(each), None, asked.get("status", "") == each) for each in TABS
        ],
        "chips": _chips(asked),
        "metrics": [(each, each.upper()) for each in METRICS],
        "labels": offered(visit),
        "back": problems.encoded(**asked),
        "results": [],
    }
    return Shown("feedback/list.html", values, fragment="feedback/rows.html", status=422 if errors else 200)


def _wanted(visit: Visit, asked: Mapping[str, str], cursor: str | None) -> dict[str, str]:
    """The filters as the API has them: days as instants in the zone of the reader, the last one included."""
    given = {name: value for name, value in asked.items() if name not in (*DAYS, *FLAGS)}
    given |= {name: "true" for name in FLAGS if asked.get(name)}
    for name, later in zip(DAYS, (0, 1), strict=True):
        if name in asked:
            given[name] = begin_of(asked[name], visit.reader, later=later)
    if cursor:
        given["cursor"] = cursor
    return given | {"limit": str(ROWS)}


def address(query: Mapping[str, str | None]) -> str:
    """The list with these filters."""
    given = {name: value for name, value in query.items() if value}
    return f"/feedback?{problems.encoded(**given)}" if given else "/feedback"


def _tab(status: str) -> str:
    return say(STATUS_WORDS[status]) if status in STATUSES else say(mark("All"))


def _chips(asked: Mapping[str, str]) -> list[dict[str, str]]:
    """The filters that are on, each with the address without it."""
    return [
        {
            "label": say(FILTER_WORDS[name]),
            "value": "" if name in FLAGS else asked[name].upper() if name == "metric" else asked[name],
            "without": address({each: value for each, value in asked.items() if each != name}),
        }
        for name in FOLDED
        if name in asked
    ]


def row(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as its row shows it: the text in short, the status in words."""
    return {**item, "text": item["text"][: limits.EVENT_TEXT], **status_of(item)}


def status_of(item: Mapping[str, Any]) -> dict[str, str]:
    """The status of an item in words, and its colour."""
    return {"status_label": say(STATUS_WORDS[item["status"]]), "tone": TONES[item["status"]]}


def offered(visit: Visit) -> list[str]:
    """The names of labels that can be chosen from."""
    found = labels_query.page(visit.session, {"active": True, "limit": LABELS_OFFERED})
    return [label["name"] for label in found.items]


# -- many at once ------------------------------------------------------------------------------------------------------


def _bulk_again(visit: Visit) -> Shown:
    return listing(visit, _kept_query(visit))


def _kept_query(visit: Visit) -> Mapping[str, str]:
    """The address of the list from which a form was sent."""
    return dict(parse_qsl(visit.form.get("back", "")))


@page("POST", "/feedback/bulk", "label_items", right="label.use", again=_bulk_again)
def label_items(visit: Visit) -> Shown:
    """Put labels on the picked items and take others off, each item for itself; what became of each."""
    ids = ids_of(visit.form.getlist("ids"))
    given = {"ids": ids, "label": names(visit.form.get("label", "")), "unlabel": names(visit.form.get("unlabel", ""))}
    if not (given["label"] or given["unlabel"]):
        raise Invalid({"label": [_WHICH]})
    body = load(BulkLabelIn(), given)
    order = labelling.Order(body["label"], body["unlabel"], may_make_labels(visit))
    results = labelling.label_many(visit.session, visit.caller, body["ids"], order, now=visit.now)
    refused = {ident: why for ident, why in results.items() if why is not None}
    shown = listing(visit, _kept_query(visit))
    count = len(results) - len(refused)
    text = ngettext("%(n)s item labelled.", "%(n)s items labelled.", count) % {"n": count}
    return Shown(shown.template, {**shown.values, "results": told(refused)}, said=Said(text, is_bad=bool(refused)))


def told(refused: Mapping[int, CfmError]) -> list[dict[str, Any]]:
    """Of what was refused: which item it is, and why."""
    return [{"id": ident, "sentence": problems.problem_of(why).sentence} for ident, why in refused.items()]


def ids_of(given: Sequence[str]) -> list[int]:
    """The items that were picked, each once.

    Raises:
        Invalid: none, too many, or something else than ids.
    """
    picked = list(dict.fromkeys(given))
    if not picked or len(picked) > limits.BULK or not all(map(is_number, picked)):
        raise Invalid({"ids": [_PICK]})
    return [int(each) for each in picked]


def is_number(typed: str) -> bool:
    """Whether that is a whole number that an id could be."""
    return typed.isascii() and typed.isdigit() and len(typed) < 19


def names(typed: str) -> list[str]:
    """Names that were typed one after the other, parted by commas."""
    return [name for each in typed.replace(";", ",").split(",") if (name := each.strip())]


def may_make_labels(visit: Visit) -> bool:
    """Whether a name that nobody used before makes a label."""
    return visit.service.settings.labels is LabelChoice.FREE


# -- a new one ---------------------------------------------------------------------------------------------------------

CHANNELS: Final = {
    "phone": mark("Phone"),
    "email": mark("E-mail"),
    "chat": mark("Chat"),
    "letter": mark("Letter"),
    "in_person": mark("In person"),
    "web": mark("Web"),
}


def channel_of(name: str | None) -> str | None:
    """What a channel is called; one of somebody's own is called as they call it."""
    return say(CHANNELS[name]) if name in CHANNELS else name


LANGUAGES: Final = (("en", "English"), ("ko", "한국어"))
_OF_CUSTOMER: Final = ("name", "email", "phone", "language")


@page("GET", "/feedback/new", "new_feedback", right="feedback.create")
def new(visit: Visit) -> Shown:
    """The form of an item that somebody records by hand."""
    values = {
        "channels": [(name, say(label)) for name, label in CHANNELS.items()],
        "metrics": [(each, each.upper()) for each in METRICS],
        "languages_of_customers": LANGUAGES,
        "received_at": visit.typed.get("received_at") or written(visit.now, visit.reader),
    }
    return Shown("feedback/new.html", values)


@page("POST", "/feedback/new", "record_feedback", right="feedback.create", again=new)
def record(visit: Visit) -> See:
    """Store it, and go there."""
    form = visit.form
    given: dict[str, Any] = {"source": "desk", "text": form.get("text", "")}
    given |= {name: form[name].strip() for name in ("channel", "touchpoint", "metric") if form.get(name, "").strip()}
    if score := form.get("score", "").strip():
        given["score"] = int(score) if is_number(score) else score
    if received := form.get("received_at", "").strip():
        given["received_at"] = read_moment(received, visit.reader)
    customer = {name: typed for name in _OF_CUSTOMER if (typed := form.get(f"customer.{name}", "").strip())}
    if set(customer) - {"language"}:
        given["customer"] = customer
    body = load(FeedbackIn(), given)
    [received_item] = feedback_operations.receive(visit.session, visit.caller, [body], imported=False, now=visit.now)
    return See(f"/feedback/{received_item.id}", Said(say(_RECORDED if received_item.is_new else _KNOWN)))
