"""Many actions at once: handed on, put off, or reported to those above; what became of each is shown."""

from typing import Any, Final
from urllib.parse import parse_qsl

from cfm_workflow.errors import CfmError, Invalid
from cfm_workflow.forms.actions import BulkIn
from cfm_workflow.forms.loading import load
from cfm_workflow.operations.actions.change import change_many
from cfm_workflow.operations.actions.move import Moved, Result, move_many
from cfm_workflow.operations.actions.raising import raise_many
from cfm_workflow.operations.actions.steps import Order
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.texts import mark
from cfm_workflow.web import problems
from cfm_workflow.web.door import Said
from cfm_workflow.web.pages import Shown, Visit, page
from cfm_workflow.web.speech import say_many as ngettext
from cfm_workflow.web.supervision.rows import ACTIONS, list_of_actions

PICK: Final = mark("Pick some of the rows first.")
NEEDED: Final = "is required"
VERBS: Final = {"reassign": ("assignee",), "extend": ("due_on",), "escalate": ()}
"""What can be done to many, and the fields it needs beside the reason."""


def _again(visit: Visit) -> Shown:
    return list_of_actions(visit, _back(visit), picked=set(visit.form.getlist("ids")))


def _back(visit: Visit) -> dict[str, str]:
    """The query of the list on which the rows were picked."""
    return dict(parse_qsl(visit.form.get("back", "")))


@page("POST", f"{ACTIONS}/bulk", "supervision_bulk", right="action.bulk", again=_again)
def bulk(visit: Visit) -> Shown:
    """Do one thing to all that were picked."""
    body = load(BulkIn(), _message(visit))
    results = _done(visit, body)
    titles = actions_query.titles(visit.session, visit.caller, body["ids"])
    told = [_told(ident, results[ident], titles) for ident in body["ids"]]
    count = sum(each["is_done"] for each in told)
    said = ngettext("%(count)s action was changed or reported.", "%(count)s actions were changed or reported.", count)
    shown = list_of_actions(visit, _back(visit), results=told)
    return Shown(shown.template, shown.values, said=Said(said % {"count": count}, is_bad=count < len(told)))


def _message(visit: Visit) -> dict[str, Any]:
    """What was filled in, as the API has it. Raises Invalid: nothing picked, or nothing said."""
    ids, verb = visit.form.getlist("ids"), visit.form.get("do", "")
    given = {name: visit.form.get(name, "").strip() for name in ("reason", "assignee", "due_on")}
    if not ids:
        raise Invalid({"ids": [PICK]})
    if verb not in VERBS:
        raise Invalid({"do": [NEEDED]})
    missing: dict[str, list[Any]] = {name: [NEEDED] for name in ("reason", *VERBS[verb]) if not given[name]}
    if missing:
        raise Invalid(missing)
    message: dict[str, Any] = {"ids": [int(ident) if ident.isdecimal() else ident for ident in ids]}
    message["reason"] = given["reason"]
    if verb == "reassign":
        return message | {"transition": "reassign", "assignee": given["assignee"]}
    if verb == "extend":
        return message | {"changes": {"due_on": given["due_on"]}}
    return message | {"escalate": True}


def _done(visit: Visit, body: Any) -> dict[int, Result]:
    reason = {"reason": body["reason"]}
    if "transition" in body:
        order = Order(body["transition"], reason | {"assignee": body["assignee"]})
        return move_many(visit.session, visit.caller, body["ids"], order, now=visit.now)
    if "escalate" in body:
        return raise_many(visit.session, visit.caller, body["ids"], body["reason"], now=visit.now)
    return change_many(visit.session, visit.caller, body["ids"], body["changes"] | reason, now=visit.now)


def _told(ident: int, result: Result, titles: dict[int, str]) -> dict[str, Any]:
    """What became of one of them."""
    why = "" if isinstance(result, Moved) else _why(result)
    return {"id": ident, "title": titles.get(ident), "is_done": isinstance(result, Moved), "why": why}


def _why(refusal: CfmError) -> str:
    problem = problems.problem_of(refusal)
    return next(iter(problem.errors.values()), problem.sentence)
