"""One feedback item: what the customer said and everything that is done about it; labels, watching and closing."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final

from cfm_workflow.errors import Invalid, NotFound
from cfm_workflow.forms.feedback import CloseIn
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.operations import closing, labelling, watching
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.policy.reach import refusal
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import checks as checks_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import following as following_query
from cfm_workflow.queries import groups as groups_query
from cfm_workflow.queries import messages as messages_query
from cfm_workflow.queries import reach, relations
from cfm_workflow.queries import shares as shares_query
from cfm_workflow.queries import templates as templates_query
from cfm_workflow.texts import mark
from cfm_workflow.web import extensions, steps, timeline
from cfm_workflow.web.door import Said
from cfm_workflow.web.feedback import CHANNELS, LANGUAGES, channel_of, may_make_labels, names, offered, status_of
from cfm_workflow.web.moments import written
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.speech import say

ACTIONS: Final = 15
GROUPS: Final = 20
SHARES: Final = 10
CHECKS: Final = 5
WATCHERS: Final = 20
TEMPLATES: Final = 100
SPOKEN: Final = ("phone", "chat", "letter", "in_person", "email")
"""The channels of words that were exchanged elsewhere."""
WAYS: Final = {
    "note": mark("Note"),
    "reply": mark("Reply"),
    "call": mark("Record a call"),
    "share": mark("Share"),
}
"""What can be written on an item, each in a form of its own; the address says which one is open."""
WAY_ICONS: Final = {"note": "note", "reply": "mail", "call": "phone", "share": "share"}
WAY_KEYS: Final = {"note": "KeyT", "reply": "KeyR", "call": "KeyP", "share": "KeyS"}

CHECK_WORDS: Final = {
    "planned": mark("The customer is asked whether it is solved"),
    "asked": mark("The customer was asked whether it is solved"),
    "answered": mark("The customer answered"),
    "assumed": mark("The customer was asked and did not answer: taken as solved"),
    "cancelled": mark("The customer is not asked"),
}
ANSWER_WORDS: Final = {"confirmed": mark("Solved"), "denied": mark("Not solved"), "assumed": mark("Taken as solved")}
COMPLETION_WORDS: Final = {
    "all": mark("all of them are needed"),
    "any": mark("the first one done is enough"),
}
AT_LEAST: Final = mark("%(n)s of them are needed")
GROUP_WORDS: Final = {"open": mark("Under way"), "completed": mark("Complete"), "failed": mark("Cannot be completed")}
WHY_NOT: Final = {
    "no_customer": mark("Nobody knows whom this feedback is from."),
    "do_not_contact": mark("The customer does not want to be contacted."),
    "no_address": mark("The customer has no e-mail address."),
    "dead_address": mark("Nothing arrives at the address of the customer."),
}
_LABELLED: Final = mark("Labels added.")
_UNLABELLED: Final = mark("Label removed.")
_WATCHING: Final = mark("You hear of everything that happens here.")
_NOT_WATCHING: Final = mark("You do not watch this any more.")
_CLOSED: Final = mark("Closed.")
_NO_REASON: Final = mark("The customer has had no word since it was resolved: please say why it is closed.")
_WHICH: Final = mark("Say which labels.")


@page("GET", "/feedback/<id:feedback_id>", "feedback_item", right="feedback.read")
def item(visit: Visit, feedback_id: int) -> Shown:
    """The item; as a fragment what is done about it."""
    return shown(visit, feedback_id, way=visit.query.get("write", ""))


@page("GET", "/feedback/<id:feedback_id>/story", "feedback_story", right="feedback.read")
def story(visit: Visit, feedback_id: int) -> Shown:
    """The story of an item, or an earlier page of it."""
    row = feedback_query.find(visit.session, visit.caller, feedback_id)
    cursor = load(PageQuery(), _cursor(visit, "older")).get("cursor")
    values = {"item": {"id": row.id}, "now": visit.now, **timeline.of_item(visit, feedback_id, cursor)}
    part = "feedback/earlier.html" if cursor else "feedback/latest.html"
    return Shown("feedback/story.html", values, fragment=part)


def _cursor(visit: Visit, name: str) -> dict[str, str]:
    given = visit.query.get(name)
    return {"cursor": given} if given else {}


def shown(visit: Visit, feedback_id: int, *, way: str = "", extra: Mapping[str, Any] | None = None) -> Shown:
    """The page of an item with the form of `way` open in it."""
    row = feedback_query.find(visit.session, visit.caller, feedback_id)
    seen = feedback_query.show(visit.session, visit.caller, row)
    way = way if way in WAYS else "note"
    last = messages_query.last_outgoing(visit.session, feedback_id)
    values = {
        "item": {**seen, **status_of(seen), "channel": channel_of(seen["channel"])},
        "is_erased": row.erased_at is not None,
        **_actions(visit, feedback_id),
        **_watching(visit, feedback_id),
        **timeline.of_item(visit, feedback_id, None),
        "shares": shares_query.of_item(visit.session, feedback_id, {"limit": SHARES}).items,
        "checks": [_check(each) for each in checks_query.page(visit.session, feedback_id, {"limit": CHECKS}).items],
        "labels_offered": offered(visit),
        "why_not": why_not_mail(visit, row),
        "way": way,
        "ways": [
            (f"/feedback/{feedback_id}?write={each}", say(label), WAY_ICONS[each], WAY_KEYS[each], each == way)
            for each, label in WAYS.items()
        ],
        "last_message": last.id if last is not None else "",
        "channels": [(name, say(CHANNELS[name])) for name in SPOKEN],
        "languages_of_customers": LANGUAGES,
        "made_at": written(visit.now, visit.reader),
        "templates": _templates(visit) if way == "reply" else [],
        "now": visit.now,
        "message": {},
        "preview": None,
        "reminder_line": None,
        "another": None,
        **(extra or {}),
    }
    return Shown("feedback/item.html", values, fragment="feedback/actions.html")


def _templates(visit: Visit) -> list[tuple[int, str]]:
    found = templates_query.page(visit.session, {"active": True, "limit": TEMPLATES}).items
    return [(each["id"], f"{each['name']} ({each['language']})") for each in found if each["kind"] != "check"]


def _actions(visit: Visit, feedback_id: int) -> dict[str, Any]:
    """A page of the actions of an item, as groups, with how far each group is and what the reader can do."""
    cursor = load(PageQuery(), _cursor(visit, "actions")).get("cursor") if not visit.problem else None
    wanted = {"feedback": feedback_id, "sort": "created_at", "limit": ACTIONS, "cursor": cursor}
    found = actions_query.page(visit.session, visit.caller, wanted, now=visit.now)
    groups = {each["id"]: each for each in groups_query.of_item(visit.session, visit.caller, feedback_id, count=GROUPS)}
    possible = _possible(visit, found.items)
    shown_rows = [{**each, **possible.get(each["id"], {})} for each in found.items]
    return {
        "groups": [
            (_group(groups.get(group_id)), list(rows))
            for group_id, rows in groupby(shown_rows, lambda each: each["group_id"])
        ],
        "action_count": sum(group["total"] for group in groups.values()),
        "done_count": sum(group["done"] for group in groups.values()),
        "more_actions": found.next_cursor,
        "first_actions": cursor is not None,
        "here": f"/feedback/{feedback_id}?actions={cursor}" if cursor else f"/feedback/{feedback_id}",
    }


def _possible(visit: Visit, actions: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Per action its state in words, and of what is not over the steps that the reader can take and the others."""
    rows = actions_query.find_many(visit.session, [each["id"] for each in actions])
    related = relations.of_actions(visit.session, visit.caller, list(rows.values()))
    possible = extensions.of_rows(visit, list(rows.values()), related)
    return {
        ident: {
            "state_label": definition_of(visit.session, row.workflow_id).states[row.state].label[visit.reader.language],
            "steps": possible[ident] if row.finished_at is None else [],
            "blocked": steps.blocked(visit, row, possible[ident], related) if row.finished_at is None else [],
        }
        for ident, row in rows.items()
    }


def _group(group: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """How far a group of several is, in words."""
    if group is None or group["total"] < 2:
        return None
    completion = group["completion"]
    words = (
        say(AT_LEAST) % {"n": completion["at_least"]}
        if isinstance(completion, dict)
        else say(COMPLETION_WORDS[completion])
    )
    return {**group, "completion_label": words, "state_label": say(GROUP_WORDS[group["state"]])}


def _watching(visit: Visit, feedback_id: int) -> dict[str, Any]:
    found = following_query.watchers_of_item(visit.session, feedback_id, {"limit": WATCHERS})
    return {
        "watchers": found.items,
        "more_watchers": found.next_cursor is not None,
        "is_watching": relations.watches(visit.session, visit.caller.id, action_id=0, feedback_id=feedback_id),
    }


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    answer = ANSWER_WORDS.get(check["answer"] or "")
    return {**check, "sentence": say(CHECK_WORDS[check["state"]]), "answer_label": say(answer) if answer else None}


def why_not_mail(visit: Visit, row: Any) -> str | None:
    """Why no mail can go to the customer of an item; None when it can."""
    if row.customer_id is None:
        return say(WHY_NOT["no_customer"])
    standing = reach.standings(visit.session, [row.customer_id])[row.customer_id]
    why = refusal(standing, "reply", now=visit.now)
    return None if why is None else say(WHY_NOT.get(why.code, why.reason))


# -- labels, watching, closing -----------------------------------------------------------------------------------------


def _item_again(visit: Visit, feedback_id: int) -> Shown:
    return shown(visit, feedback_id)


@page("POST", "/feedback/<id:feedback_id>/labels", "add_labels", right="label.use", again=_item_again)
def add_labels(visit: Visit, feedback_id: int) -> See:
    """Put labels on the item, each one that was typed."""
    given = names(visit.form.get("label", ""))
    if not given:
        raise Invalid({"label": [_WHICH]})
    order = labelling.Order(given, [], may_make_labels(visit))
    refused = labelling.label_many(visit.session, visit.caller, [feedback_id], order, now=visit.now)[feedback_id]
    if refused is not None:
        raise refused
    return See(f"/feedback/{feedback_id}", Said(say(_LABELLED)))


@page("POST", "/feedback/<id:feedback_id>/labels/remove", "remove_label", right="label.use")
def remove_label(visit: Visit, feedback_id: int) -> See:
    """Take one off; the way back puts it on again."""
    name = visit.form.get("label", "")
    labelling.unlabel_item(visit.session, visit.caller, feedback_id, name, now=visit.now)
    undo = Said(say(_UNLABELLED), f"/feedback/{feedback_id}/labels", {"label": name})
    return See(f"/feedback/{feedback_id}", undo)


@page("POST", "/feedback/<id:feedback_id>/watch", "watch_item", right="feedback.watch")
def watch(visit: Visit, feedback_id: int) -> See:
    """Hear of everything that happens to the item."""
    watching.watch_item(visit.session, visit.caller, feedback_id, visit.caller.id or 0, now=visit.now)
    return See(f"/feedback/{feedback_id}", Said(say(_WATCHING), f"/feedback/{feedback_id}/unwatch"))


@page("POST", "/feedback/<id:feedback_id>/unwatch", "unwatch_item", right="feedback.watch")
def unwatch(visit: Visit, feedback_id: int) -> See:
    """Hear of it no more; twice changes nothing."""
    try:
        watching.unwatch_item(visit.session, visit.caller, feedback_id, visit.caller.id or 0, now=visit.now)
    except NotFound:
        feedback_query.find(visit.session, visit.caller, feedback_id)
    return See(f"/feedback/{feedback_id}", Said(say(_NOT_WATCHING), f"/feedback/{feedback_id}/watch"))


@page("POST", "/feedback/<id:feedback_id>/close", "close_item", right="feedback.close", again=_item_again)
def close(visit: Visit, feedback_id: int) -> See:
    """Close the item; with a reason unless its customer was told."""
    body = load(CloseIn(), {"reason": reason} if (reason := visit.form.get("reason", "").strip()) else {})
    after = closing.check_after(visit.service.settings.check_days)
    try:
        closing.close(visit.session, visit.caller, feedback_id, body["reason"], check_after=after, now=visit.now)
    except Invalid as wrong:
        raise (Invalid({"reason": [_NO_REASON]}) if "reason" in wrong.errors else wrong) from None
    return See(f"/feedback/{feedback_id}", Said(say(_CLOSED)))
