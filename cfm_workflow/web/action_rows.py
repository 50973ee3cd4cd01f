"""Actions as rows of My work: the action, the item it was made on, and what its reader can do with it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cfm_workflow.errors import Invalid, Stale
from cfm_workflow.limits import ID
from cfm_workflow.operations.actions.move import move
from cfm_workflow.operations.actions.steps import Order
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import my_work
from cfm_workflow.queries import relations as relations_query
from cfm_workflow.texts import mark
from cfm_workflow.web import extensions, steps, told
from cfm_workflow.web.door import Said
from cfm_workflow.web.pages import Visit
from cfm_workflow.web.speech import say

DONE: Final = mark("“%(title)s” is now: %(state)s")
HARMLESS: Final = frozenset(
    {
        "action.due_soon",
        "action.overdue",
        "action.reminded",
        "action.escalated",
        "action.acknowledged",
        "action.extension_requested",
        "action.extension_refused",
        "action.extension_withdrawn",
        "action.commented",
        "action.watched",
        "action.unwatched",
        "action.linked",
        "action.unlinked",
    }
)
"""What may have happened meanwhile without making a step another one than its reader meant."""


def shown(visit: Visit, rows: Sequence[Any], relations: steps.Related | None = None) -> list[dict[str, Any]]:
    """Rows of actions with names, as the page shows them; `relations` of the reader where they are known already."""
    items = my_work.items(visit.session, {row.feedback_id for row in rows})
    relations = relations_query.of_actions(visit.session, visit.caller, rows) if relations is None else relations
    possible = extensions.of_rows(visit, rows, relations)
    return [_shown(visit, row, items[row.feedback_id], possible[row.id]) for row in rows]


def _shown(visit: Visit, row: Any, item: Mapping[str, Any], possible: list[steps.Step]) -> dict[str, Any]:
    seen = actions_query.view(row, row, now=visit.now)
    states = definition_of(visit.session, row.workflow_id).states
    return seen | {
        "state_label": states[row.state].label[visit.reader.language],
        "item": item,
        "steps": possible,
        "is_gone": row.finished_at is not None or not (row.assignee_id in (None, visit.caller.id) or _waits(possible)),
    }


def _waits(possible: Sequence[steps.Step]) -> bool:
    """Whether the reader's answer is waited for."""
    return any(step.name == extensions.ANSWER for step in possible)


def one(visit: Visit, action_id: int, *, do: str | None = None) -> dict[str, Any]:
    """One row, with the form of the step `do` open in it, and what was wrong with what was sent.

    Raises:
        NotFound: there is none, or the reader may not know of it.
    """
    row = actions_query.find(visit.session, visit.caller, action_id)
    [seen] = shown(visit, [row])
    return {
        "row": seen,
        "form": extensions.form_of(visit, row, seen["steps"], do),
        "news": meanwhile(visit, action_id, row.version),
    }


def meanwhile(visit: Visit, action_id: int, version: int) -> list[dict[str, Any]]:
    """What happened since the page was made from which a form was sent that is shown again."""
    if visit.problem is None:
        return []
    return told.since(visit, action_id, seen=version_sent(visit) or version, version=version)


def version_sent(visit: Visit) -> int | None:
    """The version of the action that the sent form had seen."""
    given = visit.form.get("version", "")
    return int(given) if given.isascii() and given.isdigit() and int(given) <= ID else None


def fire(visit: Visit, action_id: int) -> tuple[dict[str, Any], Said]:
    """Do the step that was sent; the action afterwards, and what is to be said of it, with the way back.

    Raises:
        NotFound, Stale, Invalid, RefusedTransition, Forbidden, Conflict: see `operations.actions`.
    """
    if visit.form.get("transition") in extensions.NAMES:
        return extensions.fire(visit, action_id)
    order = steps.order(visit)
    before = actions_query.find(visit.session, visit.caller, action_id).state
    done = _move(visit, action_id, order)
    row = actions_query.find(visit.session, visit.caller, action_id)
    state = definition_of(visit.session, row.workflow_id).states[row.state].label[visit.reader.language]
    back = None if order.transition == "undo" else steps.way_back(visit, row, before)
    text = say(DONE) % {"title": done["title"], "state": state}
    if back is None:
        return done, Said(text)
    return done, Said(text, f"/work/{action_id}", {"transition": back, "version": str(row.version)})


def _move(visit: Visit, action_id: int, order: Order) -> dict[str, Any]:
    """Move it, unless something else than the reader saw is moved by that."""
    seen = version_sent(visit)
    asked: dict[str, Any] = {"now": visit.now}
    try:
        return move(visit.session, visit.caller, action_id, order, if_match=seen, **asked)
    except Stale as stale:
        if is_another_by_now(visit, action_id, stale.current_version):
            raise
        return move(visit.session, visit.caller, action_id, order, if_match=stale.current_version, **asked)


def is_another_by_now(visit: Visit, action_id: int, version: int) -> bool:
    """Whether something has happened since the reader saw the action that makes their step another one."""
    seen = version_sent(visit)
    if seen is None or seen == version:
        return False
    return not told.types_of(told.latest(visit, action_id, min(abs(version - seen), FAR))) <= HARMLESS


FAR: Final = 100
"""Events; whoever saw it before so many is told in any case."""


def ids_sent(visit: Visit, most: int) -> list[int]:
    """The actions that were picked, each once.

    Raises:
        Invalid: none, too many, or something else than ids.
    """
    given = list(dict.fromkeys(visit.form.getlist("ids")))
    if not given or len(given) > most or not all(each.isascii() and each.isdigit() for each in given):
        raise Invalid({"ids": [say(PICK)]})
    return [min(int(each), ID) for each in given]


PICK: Final = mark("Pick some of the rows first.")
