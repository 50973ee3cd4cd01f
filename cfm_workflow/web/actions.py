"""The page of one action: what it is, what can be done with it and why the rest cannot, and all that happened to it."""

from collections.abc import Mapping
from typing import Any, Final

from cfm_workflow import access
from cfm_workflow.errors import Stale
from cfm_workflow.forms.actions import PRIORITY_WORDS, ActionChange
from cfm_workflow.forms.following import CommentIn
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.personal_reminders import ReminderIn
from cfm_workflow.letters.due import in_words as due_in_words
from cfm_workflow.letters.words import PRIORITIES as PRIORITY_LABELS
from cfm_workflow.models.actions import PRIORITY_NAMES
from cfm_workflow.operations import personal_reminders, watching
from cfm_workflow.operations.actions import links
from cfm_workflow.operations.actions.acknowledge import acknowledge
from cfm_workflow.operations.actions.change import change
from cfm_workflow.operations.actions.comment import comment
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import due as due_query
from cfm_workflow.queries import events as events_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import following as following_query
from cfm_workflow.queries import groups as groups_query
from cfm_workflow.queries import personal_reminders as reminders_query
from cfm_workflow.queries import relations as relations_query
from cfm_workflow.texts import mark
from cfm_workflow.web import action_rows, extensions, steps, told
from cfm_workflow.web.door import Said
from cfm_workflow.web.moments import read_moment, tomorrow, written
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.speech import say

HISTORY: Final = 20
SIBLINGS: Final = 50
REMINDERS: Final = 20
WATCHERS: Final = 50
_ACTION: Final = "/actions/<id:action_id>"


@page("GET", _ACTION, "action", right="action.read")
def action_page(visit: Visit, action_id: int) -> Shown:
    """One action."""
    row = actions_query.find(visit.session, visit.caller, action_id)
    relations = relations_query.of_actions(visit.session, visit.caller, [row])
    [seen] = action_rows.shown(visit, [row], relations)
    values = {
        "action": seen,
        "form": extensions.form_of(visit, row, seen["steps"], _asked(visit)),
        "blocked": steps.blocked(visit, row, seen["steps"], relations),
        "news": action_rows.meanwhile(visit, action_id, row.version),
        "why_due": _why_due(visit, row),
        "siblings": _siblings(visit, row),
        "feedback": feedback_query.brief(feedback_query.find(visit.session, visit.caller, row.feedback_id)),
        "history": _history(visit, action_id),
        "reminders": _reminders(visit, action_id),
        "watching": _watching(visit, action_id),
        "may": _may(visit, row, relations[action_id]),
        "outcome_label": dict(steps.outcomes(visit)).get(row.outcome_key) if row.outcome_key else None,
        "priorities": [(name, say(PRIORITY_LABELS[name])) for name in reversed(PRIORITY_WORDS)],
        "due_typed": visit.typed.get("due_at") or (written(row.due_at, visit.reader) if row.due_at else ""),
        "tomorrow": visit.typed.get("remind_at") or written(tomorrow(visit.now, visit.reader, hour=17), visit.reader),
        "is_editing": "title" in visit.typed or visit.query.get("do") == "edit",
        "is_reminding": "remind_at" in visit.typed,
    }
    return Shown("actions/page.html", values, fragment="actions/body.html")


def _asked(visit: Visit) -> str | None:
    return visit.form.get("transition") if visit.problem is not None else visit.query.get("do")


def _why_due(visit: Visit, row: Any) -> list[str]:
    return due_in_words(due_query.explain(visit.session, row, now=visit.now), visit.reader.language)


def _siblings(visit: Visit, row: Any) -> dict[str, Any] | None:
    """The other actions of its group and how far all are together; None when it is alone."""
    group = groups_query.find(visit.session, visit.caller, row.group_id, now=visit.now)
    if group["total"] < 2:
        return None
    language = visit.reader.language
    states = definition_of(visit.session, row.workflow_id).states  # a fan-out gives all its actions one workflow
    others = [
        each | {"state_label": states[each["state"]].label[language]}
        for each in group["actions"]
        if each["id"] != row.id
    ]
    return group | {"actions": others[:SIBLINGS], "unshown": max(0, len(others) - SIBLINGS)}


def _history(visit: Visit, action_id: int) -> dict[str, Any]:
    wanted = {"sort": "-sequence", "limit": HISTORY, "cursor": visit.query.get("cursor")}
    found = events_query.of_action(visit.session, action_id, wanted)
    return {
        "events": _gathered(told.tell(visit, [("", body) for body in found.items])),
        "next": f"/actions/{action_id}?cursor={found.next_cursor}" if found.next_cursor else None,
        "first": f"/actions/{action_id}" if visit.query.get("cursor") else None,
    }


def _gathered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same without what is said several times in a row: the last of those, and how often."""
    found: list[dict[str, Any]] = []
    for event in events:
        if found and not event["quotes"] and event["sentence"] == found[-1]["sentence"]:
            found[-1]["times"] += 1
        else:
            found.append(event | {"times": 1})
    return found


def _reminders(visit: Visit, action_id: int) -> list[dict[str, Any]]:
    wanted = {"action": action_id, "state": ["planned"], "limit": REMINDERS}
    return list(reminders_query.page(visit.session, visit.caller, wanted).items)


def _watching(visit: Visit, action_id: int) -> dict[str, Any]:
    found = following_query.watchers_of_action(visit.session, action_id, {"limit": WATCHERS})
    people = [each["user"] for each in found.items]
    return {"people": people, "is_mine": any(person["id"] == visit.caller.id for person in people)}


def _may(visit: Visit, row: Any, relations: frozenset[str]) -> Mapping[str, bool]:
    rights = ("describe", "change", "comment", "acknowledge", "watch", "pass_over")
    may = {name: access.allows(visit.caller, f"action.{name}", relations) for name in rights}
    is_offered = row.pool and row.assignee_id is None and row.finished_at is None
    is_loud = row.finished_at is None and (row.quiet_until is None or row.quiet_until <= visit.now)
    return may | {"pass_over": may["pass_over"] and is_offered, "acknowledge": may["acknowledge"] and is_loud}


def _back(action_id: int, said: Said) -> See:
    return See(f"/actions/{action_id}", said)


# -- what can be done on it --------------------------------------------------------------------------------------------


@page("POST", f"{_ACTION}/transitions", "action_step", right="action.move", again=action_page)
def action_step(visit: Visit, action_id: int) -> See:
    """Move it to another state."""
    _, said = action_rows.fire(visit, action_id)
    return _back(action_id, said)


@page("POST", f"{_ACTION}/comments", "action_comment", right="action.read", again=action_page)
def action_comment(visit: Visit, action_id: int) -> See:
    """Say a word on it."""
    body = load(CommentIn(), {"comment": visit.form.get("comment", "")})
    comment(visit.session, visit.caller, action_id, body["comment"], now=visit.now)
    return _back(action_id, Said(say(COMMENTED)))


COMMENTED: Final = mark("Your comment is there.")


@page("POST", f"{_ACTION}/fields", "action_fields", right="action.read", again=action_page)
def action_fields(visit: Visit, action_id: int) -> See:
    """Change what describes it, how urgent it is, when it is due: what of it the reader may."""
    row = actions_query.find(visit.session, visit.caller, action_id)
    if action_rows.is_another_by_now(visit, action_id, row.version):
        raise Stale(row.version)
    fields = _changed(visit, row)
    if fields:
        change(visit.session, visit.caller, action_id, fields, now=visit.now, if_match=row.version)
    return _back(action_id, Said(say(SAVED)))


SAVED: Final = mark("Saved.")


def _changed(visit: Visit, row: Any) -> Mapping[str, Any]:
    """Those of the fields that are another than they were."""
    form = visit.form
    was = {name: getattr(row, name) for name in ("title", "description", "goal", "benefit")}
    given: dict[str, Any] = {}
    for name, old in was.items():
        new = form.get(name)
        if new is not None and new.strip() != (old or "").strip():
            given[name] = new.strip() if new.strip() or name == "title" else None
    if (priority := form.get("priority")) and priority != PRIORITY_NAMES[row.priority]:
        given["priority"] = priority
    due = form.get("due_at")
    if due is not None and due.strip() != (written(row.due_at, visit.reader) if row.due_at else ""):
        given["due_at"] = read_moment(due, visit.reader) if due.strip() else None
        if form.get("reason", "").strip():
            given["reason"] = form["reason"].strip()
    return load(ActionChange(), given)


@page("POST", f"{_ACTION}/watch", "action_watch", right="action.watch", once=False)
def action_watch(visit: Visit, action_id: int) -> See:
    """Hear of it from now on, or no more."""
    if visit.form.get("watch") == "no":
        watching.unwatch_action(visit.session, visit.caller, action_id, visit.caller.id or 0, now=visit.now)
        return _back(action_id, Said(say(UNWATCHED)))
    watching.watch_action(visit.session, visit.caller, action_id, visit.caller.id or 0, now=visit.now)
    return _back(action_id, Said(say(WATCHED)))


WATCHED: Final = mark("You will hear of it.")
UNWATCHED: Final = mark("You will not hear of it any more.")


@page("POST", f"{_ACTION}/acknowledge", "action_acknowledge", right="action.read", again=action_page)
def action_acknowledge(visit: Visit, action_id: int) -> See:
    """Have seen the reminders."""
    acknowledge(visit.session, visit.caller, action_id, now=visit.now)
    return _back(action_id, Said(say(QUIET)))


QUIET: Final = mark("It is quiet for two business days.")


@page("POST", f"{_ACTION}/pass-over", "action_pass_over", right="action.read", again=action_page)
def pass_over(visit: Visit, action_id: int) -> See:
    """Say "not me" to what was offered to the team."""
    links.pass_over(visit.session, visit.caller, action_id, now=visit.now)
    return See("/work", Said(say(PASSED)))


PASSED: Final = mark("It is not offered to you any more.")


@page("POST", f"{_ACTION}/reminders", "action_remind", right="reminder.set", again=action_page)
def action_remind(visit: Visit, action_id: int) -> See:
    """Be reminded of it."""
    given = {
        "action": action_id,
        "remind_at": read_moment(visit.form.get("remind_at", ""), visit.reader),
        "text": visit.form.get("text", ""),
    }
    personal_reminders.create(visit.session, visit.caller, load(ReminderIn(), given), now=visit.now)
    return _back(action_id, Said(say(REMINDED)))


REMINDED: Final = mark("You will be reminded.")
