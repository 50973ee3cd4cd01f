"""My work: the open actions of whoever is signed in, what is offered to their teams, and every step of it by a key."""

from collections.abc import Mapping
from typing import Any, Final

from cfm_workflow import limits
from cfm_workflow.errors import CfmError, Invalid
from cfm_workflow.forms.actions import KINDS, PRIORITY_WORDS
from cfm_workflow.letters.words import PRIORITIES as PRIORITY_LABELS
from cfm_workflow.models.actions import PRIORITIES
from cfm_workflow.operations import definitions
from cfm_workflow.operations.actions.move import move_many
from cfm_workflow.queries import labels as labels_query
from cfm_workflow.queries import my_work as my_work_query
from cfm_workflow.texts import mark
from cfm_workflow.web import action_rows, problems, steps
from cfm_workflow.web.actions import action_page
from cfm_workflow.web.door import Said
from cfm_workflow.web.pages import See, Shown, Visit, came_from, page
from cfm_workflow.web.speech import say, say_many

ROWS: Final = 20
"""So many of each group stand on the first page; each has pages of its own."""
PAGE: Final = 50

HEADINGS: Final[Mapping[str, str]] = {
    "asked": mark("More time asked for"),
    "overdue": mark("Overdue"),
    "today": mark("Today"),
    "week": mark("This week"),
    "later": mark("Later"),
    "waiting": mark("Waiting"),
    "offered": mark("Offered to your team"),
}
KIND_LABELS: Final = {"internal": mark("Internal"), "external": mark("External")}
FILTERS: Final = ("state", "priority", "kind", "team", "label")
LABELS_OFFERED: Final = 200
BULK: Final = ("accept", "start", "complete", "decline", "release", "wait", "resume")
"""The steps that can be fired on many rows of one's own at once."""


@page("GET", "/", "start", right=None)
def start(visit: Visit) -> See:
    """To one's work, or to sign in."""
    return See("/work" if visit.caller.id is not None else "/sign-in")


@page("GET", "/work", "my_work", right="action.read")
def my_work(visit: Visit) -> Shown:
    """What is open and mine, in groups; or a page of one group."""
    between = my_work_query.borders(visit.now, visit.reader.zone)
    filters = _filters(visit)
    counts = my_work_query.counts(visit.session, visit.caller, between, filters)
    chosen = visit.query.get("group")
    chosen = chosen if chosen in my_work_query.GROUPS else None
    rows: list[Any] = []
    pages: dict[str, tuple[int, int, str | None]] = {}
    for group in [chosen] if chosen else my_work_query.GROUPS:
        if not counts[group]:
            continue
        size, cursor = (PAGE, visit.query.get("cursor")) if chosen else (ROWS, None)
        found = my_work_query.page(visit.session, visit.caller, group, between, filters, limit=size, cursor=cursor)
        pages[group] = (len(rows), len(rows) + len(found.items), found.next_cursor)
        rows += found.items
    shown = action_rows.shown(visit, rows)
    asked = {name: value for name in FILTERS if (value := visit.query.get(name))}
    values = {
        "groups": [
            _group(group, counts[group], shown[first:end], after, asked) for group, (first, end, after) in pages.items()
        ],
        "chosen": chosen,
        "heading": HEADINGS[chosen] if chosen else None,
        "counts": counts,
        "total": sum(counts[group] for group in my_work_query.GROUPS if group not in ("asked", "offered")),
        "most": my_work_query.COUNTED,
        "asked": asked,
        "here": _address(group=chosen, cursor=visit.query.get("cursor") if chosen else None, **asked),
        "everything": _address(**asked),
        "choices": _choices(visit),
        "bulk": _bulk_steps(shown),
        "outcomes": steps.outcomes(visit),
        "results": [],
    }
    return Shown("work/page.html", values, fragment="work/list.html")


def _group(
    group: str, count: int, rows: list[dict[str, Any]], cursor: str | None, asked: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "name": group,
        "label": HEADINGS[group],
        "count": count,
        "rows": rows,
        "all": _address(group=group, **asked) if cursor else None,
        "next": _address(group=group, cursor=cursor, **asked) if cursor else None,
    }


def _address(**query: str | None) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"/work?{problems.encoded(**given)}" if given else "/work"


def _filters(visit: Visit) -> dict[str, Any]:
    """What the list is narrowed to; what is no choice of ours narrows nothing."""
    given: dict[str, Any] = {}
    state, priority, kind, team, label = (visit.query.get(name, "") for name in FILTERS)
    if state in dict(_states(visit)):
        given["state"] = [state]
    if priority in PRIORITIES:
        given["priority"] = [PRIORITIES[priority]]
    if kind in KINDS:
        given["kind"] = kind
    if team.isascii() and team.isdigit() and int(team) in visit.caller.member_of | visit.caller.leads:
        given["team"] = int(team)
    if label and label in {each["name"] for each in _labels(visit)}:
        ids = frozenset[int]().union(*labels_query.named(visit.session, [label], field="label"))
        given["common_label"] = sorted(ids)  # looked up for each: one person's work is never much
    return given


def _states(visit: Visit) -> list[tuple[str, str]]:
    """The unfinished states of all workflows, each once."""
    language = visit.reader.language
    found: dict[str, str] = {}
    for definition in definitions.all_newest(visit.session):
        found |= {
            s.name: s.label[language] for s in definition.states.values() if not s.finished and s.name not in found
        }
    return list(found.items())


def _choices(visit: Visit) -> dict[str, list[tuple[str, str]]]:
    return {
        "state": _states(visit),
        "priority": [(name, say(PRIORITY_LABELS.get(name, name))) for name in reversed(PRIORITY_WORDS)],
        "kind": [(name, say(KIND_LABELS[name])) for name in KINDS],
        "label": [(label["name"], label["name"]) for label in _labels(visit)],
        "team": [(str(team.id), team.name) for team in my_work_query.teams(visit.session, visit.caller)],
    }


def _labels(visit: Visit) -> list[dict[str, Any]]:
    found = labels_query.page(visit.session, {"active": True, "limit": LABELS_OFFERED}).items
    return sorted(found, key=lambda label: label["name"].casefold())


def _bulk_steps(rows: list[dict[str, Any]]) -> list[steps.Step]:
    """What can be done with some of the rows at once, each kind once."""
    found: dict[str, steps.Step] = {}
    for row in rows:
        for step in row["steps"]:
            if step.name in BULK and step.name not in found:
                found[step.name] = step
    return [found[name] for name in BULK if name in found]


# -- one row -----------------------------------------------------------------------------------------------------------


@page("GET", "/work/<id:action_id>", "work_row", right="action.read")
def work_row(visit: Visit, action_id: int) -> Shown | See:
    """One row, with the form of the step `do` in it; a browser without script gets the page of the action."""
    if not visit.is_fragment:
        do = visit.query.get("do")
        return See(f"/actions/{action_id}?{problems.encoded(do=do)}" if do else f"/actions/{action_id}")
    return Shown("work/one.html", action_rows.one(visit, action_id, do=visit.query.get("do")), fragment="work/one.html")


def _row_again(visit: Visit, action_id: int) -> Shown:
    """The row once more, with what was typed, what is wrong with it, and what others did meanwhile."""
    if not visit.is_fragment:
        shown: Shown = action_page(visit, action_id)
        return shown
    values = action_rows.one(visit, action_id, do=visit.form.get("transition"))
    return Shown("work/one.html", values, fragment="work/one.html")


@page("POST", "/work/<id:action_id>", "work_step", right="action.move", again=_row_again)
def work_step(visit: Visit, action_id: int) -> Shown | See:
    """Do a step; the row as it is afterwards, in the same answer."""
    _, said = action_rows.fire(visit, action_id)
    if not visit.is_fragment:
        return See(came_from() or "/work", said)
    return Shown("work/one.html", action_rows.one(visit, action_id), fragment="work/one.html", said=said)


# -- many rows ---------------------------------------------------------------------------------------------------------


def _bulk_again(visit: Visit) -> Shown:
    shown: Shown = my_work(visit)
    return shown


@page("POST", "/work/bulk", "work_bulk", right="action.move", again=_bulk_again)
def work_bulk(visit: Visit) -> Shown:
    """Do one step with many rows, each for itself; what became of each."""
    ids = action_rows.ids_sent(visit, limits.BULK)
    order = steps.order(visit, prefix=f"{visit.form.get('transition', '')}.")
    if order.transition not in BULK:
        raise Invalid({"transition": [say(CHOOSE)]})
    results = move_many(visit.session, visit.caller, ids, order, now=visit.now)
    page_now = my_work(visit)
    refused = {ident: result for ident, result in results.items() if isinstance(result, CfmError)}
    moved = len(results) - len(refused)
    text = say_many("%(n)s action was changed.", "%(n)s actions were changed.", moved) % {"n": moved}
    values = {**page_now.values, "results": _results(visit, refused)}
    return Shown("work/page.html", values, said=Said(text, is_bad=bool(refused)))


CHOOSE: Final = mark("Choose what to do with them.")


def _results(visit: Visit, refused: Mapping[int, CfmError]) -> list[dict[str, Any]]:
    """Of what was refused: which it is, and why."""
    return [
        {
            "id": ident,
            "sentence": problems.problem_of(why).sentence,
            "errors": list(problems.problem_of(why).errors.values()),
        }
        for ident, why in refused.items()
    ]
