"""Policies: by when work is to be accepted, started and finished, and who is reminded when, in words and as a form."""

from collections.abc import Mapping
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from cfm_workflow.forms.actions import KINDS, PRIORITY_WORDS
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.forms.policies import PolicyChange, PolicyIn
from cfm_workflow.operations import policies
from cfm_workflow.policy.ladders import RUNGS, Receiver, Target
from cfm_workflow.policy.service_levels import DEFAULT, DEFAULT_KEY
from cfm_workflow.queries import calendars as calendars_query
from cfm_workflow.queries import policies as policies_query
from cfm_workflow.texts import mark
from cfm_workflow.web.door import Said
from cfm_workflow.web.own_settings import SAVED
from cfm_workflow.web.pages import See, Shown, Visit, page
from cfm_workflow.web.settings import people
from cfm_workflow.web.settings.filling import (
    ADDED,
    DELETED,
    KEY_TAKEN,
    REMOVE,
    asked,
    beside,
    filled,
    flags,
    further,
    number,
    worded,
)
from cfm_workflow.web.settings.spans import UNITS, in_words, parts_of, written
from cfm_workflow.web.speech import say

RIGHT: Final = "policies.manage"
TARGETS: Final = {Target.ACCEPT: mark("Accepted"), Target.START: mark("Started"), Target.FINISH: mark("Done")}
RECEIVERS: Final = {
    Receiver.ASSIGNEE: mark("Assignee"),
    Receiver.ASSIGNER: mark("Assigner"),
    Receiver.LEAD: mark("Lead"),
    Receiver.SUPERVISORS: mark("Supervisors"),
}
WHENS: Final = {
    "share": mark("percent of the time"),
    "before": mark("before it is due"),
    "at": mark("when it is due"),
    "after": mark("after it is due"),
}
KIND_NAMES: Final = {"internal": mark("Internal"), "external": mark("External")}
PRIORITY_NAMES: Final = {
    "low": mark("Low"),
    "normal": mark("Normal"),
    "high": mark("High"),
    "urgent": mark("Urgent"),
}
AT_SHARE: Final = mark("At %(share)s of the time")
BEFORE: Final = mark("%(span)s before it is due")
WHEN_DUE: Final = mark("When it is due")
AFTER: Final = mark("%(span)s after it is due")
LADDER: Final = mark("Each reminder later than the one before it, with a whole number and somebody to tell.")
WORDING: Final = {
    "targets": mark("A whole number of time, or nothing."),
    "ladders": LADDER,
    "position": mark("A whole number; the lowest that suits counts."),
    "calendar": mark("There is no such calendar."),
    "teams": mark("There is no such team."),
}
STAYS: Final = mark("The default policy suits everything and stays in use.")
IN_USE: Final = mark("Work was given under it. Take it out of use instead.")
_SPARE: Final = 2
"""Empty rows for further reminders; after saving there are as many again."""
_PATH: Final = "/settings/policies"
_ONE: Final = "/settings/policies/<id:policy_id>"


@page("GET", _PATH, "policies", right="settings.read")
def all_policies(visit: Visit) -> Shown:
    """All policies, what they promise in words."""
    found = policies_query.page(visit.session, asked(visit, PageQuery()))
    rows = sorted(found.items, key=lambda row: (row["position"], row["id"]))
    values = {
        "rows": [_in_words(visit, row) for row in rows],
        "next": further(visit, _PATH, found.next_cursor),
    }
    return Shown("settings/policies.html", values)


def _in_words(visit: Visit, policy: Mapping[str, Any]) -> dict[str, Any]:
    teams = {team["id"]: team["name"] for team in people.teams(visit)} if policy["teams"] else {}
    suits = [
        *(say(KIND_NAMES[kind]) for kind in policy["kinds"] or ()),
        *(say(PRIORITY_NAMES[priority]) for priority in policy["priorities"] or ()),
        *(teams.get(team, f"#{team}") for team in policy["teams"] or ()),
    ]
    return {
        **policy,
        "suits": suits,
        "is_default": policy["key"] == DEFAULT_KEY,
        "promises": [
            {
                "name": say(name),
                "span": None if (span := policy["targets"].get(target)) is None else in_words(span),
                "rungs": [_rung_in_words(rung) for rung in policy["ladders"].get(target, ())],
            }
            for target, name in TARGETS.items()
        ],
    }


def _rung_in_words(rung: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "when": _when_in_words(rung),
        "to": [say(RECEIVERS[Receiver(each)]) for each in rung["to"]],
        "every": in_words(rung["every"]) if rung.get("every") else None,
        "urgent": rung.get("urgent", False),
    }


def _when_in_words(rung: Mapping[str, Any]) -> str:
    if rung.get("share") is not None:
        return say(AT_SHARE) % {"share": f"{rung['share']} %"}
    if rung.get("before") is not None:
        return say(BEFORE) % {"span": in_words(rung["before"])}
    if not parts_of(rung["after"])[0]:
        return say(WHEN_DUE)
    return say(AFTER) % {"span": in_words(rung["after"])}


def _form(visit: Visit, policy: dict[str, Any] | None) -> Shown:
    document = policy or {**DEFAULT, "kinds": None, "priorities": None, "teams": None}
    calendars = calendars_query.page(visit.session, people.FEW).items
    values = {
        "policy": None if policy is None else _in_words(visit, policy),
        "targets": [_target(visit, target, say(name), document) for target, name in TARGETS.items()],
        "units": [(unit, say(name)) for unit, name in UNITS.items()],
        "whens": [(when, say(name)) for when, name in WHENS.items()],
        "receivers": [(receiver.value, say(name)) for receiver, name in RECEIVERS.items()],
        "kinds": [(kind, say(KIND_NAMES[kind])) for kind in KINDS],
        "priorities": [(priority, say(PRIORITY_NAMES[priority])) for priority in PRIORITY_WORDS],
        "teams": [(team["id"], team["name"]) for team in people.teams(visit)],
        "calendars": [(calendar["id"], calendar["name"]) for calendar in calendars],
    }
    return Shown("settings/policy.html", values)


def _target(visit: Visit, target: Target, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """A target as its form holds it: as stored, or as it was typed."""
    if visit.problem is not None:
        form = visit.form
        count, unit = form.get(f"{target}.count", ""), form.get(f"{target}.unit", "")
        every, every_unit = form.get(f"{target}.every", ""), form.get(f"{target}.every_unit", "")
        rows = [_typed_row(form, f"{target}.{n}") for n in range(RUNGS)]
        last = max((n for n, row in enumerate(rows) if row["when"]), default=-1)
        rungs = rows[: last + 1]
    else:
        span = document["targets"].get(target)
        count, unit = ("", "bh") if span is None else _parts_typed(span)
        stored = document["ladders"].get(target, ())
        rungs = [_row(rung) for rung in stored]
        again = stored[-1].get("every") if stored else None
        every, every_unit = _parts_typed(again) if again else ("", "d")
    empty = [dict(_EMPTY) for _ in range(min(_SPARE, RUNGS - len(rungs)))]
    return {
        "key": target.value,
        "name": name,
        "count": count,
        "unit": unit,
        "rungs": [*rungs, *empty],
        "every": every,
        "every_unit": every_unit,
    }


def _parts_typed(stored: Any) -> tuple[str, str]:
    count, unit = parts_of(stored)
    return str(count), unit


_EMPTY: Final = {"when": "", "count": "", "unit": "bd", "to": (), "urgent": False}


def _row(rung: Mapping[str, Any]) -> dict[str, Any]:
    row = {**_EMPTY, "to": rung["to"], "urgent": rung.get("urgent", False)}
    if rung.get("share") is not None:
        return {**row, "when": "share", "count": rung["share"]}
    when = "before" if rung.get("before") is not None else "after"
    count, unit = parts_of(rung[when])
    return {**row, "when": when, "count": count, "unit": unit} if count else {**row, "when": "at"}


def _typed_row(form: MultiDict[str, str], place: str) -> dict[str, Any]:
    row: dict[str, Any] = {name: form.get(f"{place}.{name}", "").strip() for name in ("when", "count", "unit")}
    return {**row, "to": form.getlist(f"{place}.to"), "urgent": f"{place}.urgent" in form}


def _rung(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the form as the API would be told of it."""
    rung: dict[str, Any] = {"to": row["to"], "urgent": row["urgent"]}
    if row["when"] == "share":
        rung["share"] = number(row["count"])
    elif row["when"] == "at":
        rung["after"] = "PT0S"
    else:
        rung[row["when"]] = written(row["count"], row["unit"])
    return rung


def _ladder(form: MultiDict[str, str], target: Target) -> list[dict[str, Any]]:
    """The rows of a target that say when; the last of them comes again if that was asked for."""
    rows = (_typed_row(form, f"{target}.{n}") for n in range(RUNGS))
    rungs = [_rung(row) for row in rows if row["when"] in WHENS]
    every = form.get(f"{target}.every", "").strip()
    if rungs and every:
        rungs[-1]["every"] = written(every, form.get(f"{target}.every_unit", ""))
    return rungs


def _given(visit: Visit) -> dict[str, Any]:
    form = visit.form
    return {
        **filled(form, "key", "name"),
        **flags(form, "active"),
        "position": number(form.get("position", "")),
        "kinds": form.getlist("kinds") or None,
        "priorities": form.getlist("priorities") or None,
        "teams": [number(team) for team in form.getlist("teams")] or None,
        "calendar": number(form.get("calendar", "")),
        "targets": {target.value: _span(form, target) for target in Target},
        "ladders": {target.value: _ladder(form, target) for target in Target},
    }


def _span(form: Mapping[str, str], target: Target) -> Any:
    count = form.get(f"{target}.count", "").strip()
    return written(count, form.get(f"{target}.unit", "")) if count else None


@page("GET", f"{_PATH}/new", "new_policy", right=RIGHT)
def new_policy(visit: Visit) -> Shown:
    """The form of a new one, with the reminders of the default one."""
    return _form(visit, None)


@page("GET", _ONE, "policy", right="settings.read")
def policy(visit: Visit, policy_id: int) -> Shown:
    """One of them."""
    return _form(visit, policies_query.view(visit.session, policies_query.find(visit.session, policy_id)))


@page("POST", _PATH, "add_policy", right=RIGHT, again=new_policy)
def add_policy(visit: Visit) -> See:
    """Add it."""
    with worded(WORDING), beside("key", KEY_TAKEN):
        made = policies.create(visit.session, visit.caller, load(PolicyIn(), _given(visit)), now=visit.now)
    return See(f"{_PATH}/{made['id']}", Said(say(ADDED)))


@page("POST", _ONE, "change_policy", right=RIGHT, again=policy, once=False)
def change_policy(visit: Visit, policy_id: int) -> See:
    """Change it for work that is given from now on."""
    given = _given(visit)
    row = policies_query.find(visit.session, policy_id)
    if row.key == DEFAULT_KEY:  # what it suits is not asked for
        given = {name: value for name, value in given.items() if name in ("name", "calendar", "targets", "ladders")}
    sentence = STAYS if row.key == DEFAULT_KEY else KEY_TAKEN
    with worded(WORDING), beside("key", sentence):
        policies.change(visit.session, visit.caller, policy_id, load(PolicyChange(), given), now=visit.now)
    return See(f"{_PATH}/{policy_id}", Said(say(SAVED)))


@page("POST", f"{_ONE}/delete", "delete_policy", right=RIGHT, again=policy)
def delete_policy(visit: Visit, policy_id: int) -> See:
    """Delete one that no work was given under."""
    with beside(REMOVE, IN_USE):
        policies.remove(visit.session, visit.caller, policy_id, now=visit.now)
    return See(_PATH, Said(say(DELETED)))
