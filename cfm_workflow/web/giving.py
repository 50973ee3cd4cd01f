"""Giving work on one or many feedback items: to people, to teams, or both; the due date is told in words beforehand."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

from flask import request

from cfm_workflow.errors import CfmError, Conflict, Invalid, NotFound
from cfm_workflow.forms.actions import FanOutIn
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.people import MODES
from cfm_workflow.letters.due import in_words
from cfm_workflow.letters.words import PRIORITIES as PRIORITY_WORDS
from cfm_workflow.models.actions import PRIORITIES, Completion, Kind
from cfm_workflow.operations.actions.fan_out import fan_out, foreseen
from cfm_workflow.queries import due as due_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries import policies as policies_query
from cfm_workflow.texts import mark
from cfm_workflow.web import feedback
from cfm_workflow.web.door import Said
from cfm_workflow.web.feedback import is_number
from cfm_workflow.web.moments import read_moment
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.speech import exact, say
from cfm_workflow.web.speech import say_many as ngettext

PEOPLE: Final = 200
"""So many people and teams are listed; the others can be named by their address."""
AT_ONCE: Final = 100
"""Items that work can be given on in one form: each is a fan-out of its own in the same transaction."""
QUOTED: Final = 5
PLAIN: Final = ("title", "description", "goal", "benefit", "policy")

KIND_WORDS: Final = {
    "external": mark("Speak to the customer"),
    "internal": mark("Fix the cause"),
}
MODE_WORDS: Final = {
    "everyone": mark("Everyone, one each"),
    "pool": mark("Whoever takes it first"),
    "round_robin": mark("In turn"),
    "least_busy": mark("Whoever has least to do"),
}
COMPLETION_WORDS: Final = {
    "all": mark("When all are finished"),
    "any": mark("When the first is done"),
    "at_least": mark("When so many are done"),
}
DUE_WORDS: Final = {
    "": mark("As the policy says"),
    "hours": mark("In working hours"),
    "business_days": mark("In working days"),
    "days": mark("In days, weekends counted"),
    "on": mark("On a day"),
    "at": mark("At a date and time"),
}
_NO_DUE: Final = mark("It has no due date: the policy gives none.")
_PICK: Final = mark("Pick some of the rows first.")
_MANY: Final = mark("Pick at most 100 items.")
_NOBODY: Final = mark("Choose at least one person or team.")


@page("GET", "/feedback/give", "give", right="action.create")
def form(visit: Visit) -> Shown:
    """The form: on which items, what, to whom, until when."""
    items = _items(visit, _ids(request.args.getlist("ids") if visit.problem is None else visit.form.getlist("ids")))
    people = people_query.users(visit.session, {"active": True, "limit": PEOPLE})
    teams = people_query.teams(visit.session, {"limit": PEOPLE})
    policies = policies_query.page(visit.session, {"limit": PEOPLE})
    values = {
        "items": items[:QUOTED],
        "ids": [item["id"] for item in items],
        "more": max(0, len(items) - QUOTED),
        "people": people.items,
        "has_more_people": people.next_cursor is not None,
        "teams": [{**team, "mode_label": say(MODE_WORDS[team["mode"]])} for team in teams.items],
        "policies": [(policy["key"], policy["name"]) for policy in policies.items if policy.get("active", True)],
        "modes": [(mode, say(MODE_WORDS[mode])) for mode in MODES],
        "kinds": [(kind, say(label)) for kind, label in KIND_WORDS.items()],
        "priorities": [(word, say(PRIORITY_WORDS[word])) for word in PRIORITIES],
        "completions": [(name, say(label)) for name, label in COMPLETION_WORDS.items()],
        "dues": [(name, say(label)) for name, label in DUE_WORDS.items()],
        "due_lines": _due_lines(visit, visit.typed),
        "back": f"/feedback/{items[0]['id']}" if len(items) == 1 else "/feedback",
        "picked": _picked(visit),
    }
    return Shown("feedback/give.html", values)


def _ids(given: list[str]) -> list[int]:
    ids = feedback.ids_of(given)
    if len(ids) > AT_ONCE:
        raise Invalid({"ids": [_MANY]})
    return ids


def _items(visit: Visit, ids: list[int]) -> list[dict[str, Any]]:
    """Those of the items that are there, in short."""
    found = []
    for ident in ids:
        try:
            found.append(feedback_query.brief(feedback_query.find(visit.session, visit.caller, ident)))
        except NotFound:
            continue
    if not found:
        raise NotFound("feedback item", ids[0])
    return found


def _picked(visit: Visit) -> dict[str, Any]:
    """Whom a form that is shown again had chosen."""
    return {"people": set(visit.form.getlist("people")), "teams": set(visit.form.getlist("teams"))}


@page("GET", "/feedback/give/due", "foresee_due", right="action.create")
def due(visit: Visit) -> Shown:
    """When work would be due that is given by what is filled in so far, and why: in words."""
    return Shown("feedback/due.html", {"due_lines": _due_lines(visit, request.args)}, fragment="feedback/due.html")


def _due_lines(visit: Visit, given: Any) -> list[str]:
    """The due date that follows, in words; nothing while something is missing."""
    try:
        asked = _due_of(visit, given)
        teams = [{"team": int(ident)} for ident in given.getlist("teams") if is_number(ident)]
        policy = {"policy": given["policy"]} if given.get("policy") else {}
        whom = teams or [{"user": visit.caller.id or 0}]
        body = load(
            FanOutIn(),
            {"title": "?", "assignees": whom, "kind": given.get("kind") or Kind.INTERNAL.value}
            | {"priority": given.get("priority") or "normal", **policy, **asked},
        )
        when = foreseen(visit.session, body, now=visit.now)
    except CfmError:
        return []
    if when.at is None:
        return [say(_NO_DUE)]
    action = SimpleNamespace(
        id=0,
        calendar_id=when.calendar_id,
        due_rule=when.rule,
        due_at=when.at,
        first_due_at=when.at,
        created_at=visit.now,
        finished_at=None,
    )
    lines = in_words(due_query.explain(visit.session, action, now=visit.now), visit.reader.language)
    return [exact(when.at), *lines[1:]]


def _due_of(visit: Visit, given: Mapping[str, str]) -> dict[str, Any]:
    """What the form says of the due date, as the API has it.

    Raises:
        Invalid: the number that belongs to the choice is none.
    """
    how, count = given.get("due", ""), given.get("due_in", "").strip()
    if how in ("hours", "business_days", "days"):
        if not (is_number(count) and len(count) < 6 and int(count)):
            raise Invalid({"due_in": ["is required"]})
        spans: dict[str, Any] = {
            "hours": {"business": f"PT{count}H"},
            "business_days": {"business_days": int(count)},
            "days": f"P{count}D",
        }
        return {"due_in": spans[how]}
    if how == "on":
        return {"due_on": given.get("due_on", "")}
    if how == "at":
        return {"due_at": read_moment(given.get("due_at", ""), visit.reader)}
    return {}


@page("POST", "/feedback/give", "give_work", right="action.create", again=form)
def give(visit: Visit) -> See | Shown:
    """Give it: on each item one request of its own, all of them or, of what is wrong with all of them, none."""
    ids = _ids(visit.form.getlist("ids"))
    body = load(FanOutIn(), _body(visit))
    refused: dict[int, CfmError] = {}
    given = 0
    for ident in ids:
        try:
            given += len(fan_out(visit.session, visit.caller, ident, body, now=visit.now)["actions"])
        except (NotFound, Conflict) as why:  # before anything was written for that item
            refused[ident] = why
        except Invalid as wrong:
            raise Invalid(_named(wrong)) from None
    if len(ids) == 1 and refused:
        raise refused[ids[0]]
    text = ngettext("%(n)s action given.", "%(n)s actions given.", given) % {"n": given}
    if len(ids) == 1:
        return See(f"/feedback/{ids[0]}", Said(text))
    shown = feedback.listing(visit, {})
    values = {**shown.values, "results": feedback.told(refused)}
    return Shown(shown.template, values, said=Said(text, is_bad=bool(refused)))


def _named(wrong: Invalid) -> dict[str, Any]:
    """What is wrong with one of those it is for, as something wrong with the choice of them."""
    return {("assignees" if name.startswith("assignees") else name): said for name, said in wrong.errors.items()}


def _body(visit: Visit) -> dict[str, Any]:
    """What was filled in, as the API has it."""
    sent = visit.form
    given: dict[str, Any] = {name: typed for name in PLAIN if (typed := sent.get(name, "").strip())}
    given |= {
        "title": sent.get("title", "").strip(),
        "kind": sent.get("kind", ""),
        "priority": sent.get("priority", ""),
    }
    whom: list[dict[str, Any]] = [{"user": int(each)} for each in sent.getlist("people") if is_number(each)]
    whom += [{"user": each} for each in sent.get("others", "").replace(",", " ").split()]
    for ident in sent.getlist("teams"):
        if is_number(ident):
            mode = sent.get(f"mode.{ident}", "")
            whom.append({"team": int(ident)} | ({"mode": mode} if mode else {}))
    if not whom:
        raise Invalid({"assignees": [_NOBODY]})
    completion = sent.get("completion", Completion.ALL.value)
    if completion == Completion.AT_LEAST.value:
        count = sent.get("at_least", "")
        given["completion"] = {"at_least": int(count) if is_number(count) else count}
    else:
        given["completion"] = completion
    return given | {"assignees": whom} | _due_of(visit, sent)
