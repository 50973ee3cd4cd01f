"""More time on pages: asking, answering and taking back, as steps beside those that the workflow knows.

Their names hold a hyphen, which no transition's does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cfm_workflow import access
from cfm_workflow.forms.extensions import ExtensionIn, GrantIn, RefuseIn
from cfm_workflow.forms.loading import load
from cfm_workflow.operations.actions import extensions
from cfm_workflow.queries.actions import asked_for
from cfm_workflow.texts import mark
from cfm_workflow.web import steps
from cfm_workflow.web.door import Said
from cfm_workflow.web.moments import read_moment, written
from cfm_workflow.web.pages import Visit
from cfm_workflow.web.speech import say
from cfm_workflow.web.steps import Related, Step

ASK: Final = "ask-time"
ANSWER: Final = "answer-time"
WITHDRAW: Final = "withdraw-time"
NAMES: Final = (ASK, ANSWER, WITHDRAW)
KEY: Final = "KeyT"
_LABELS: Final = {
    ASK: mark("Ask for more time"),
    ANSWER: mark("Answer"),
    WITHDRAW: mark("Take back the request"),
}
_ICONS: Final = {ASK: "calendar-due", ANSWER: "calendar-due", WITHDRAW: "arrow-back-up"}

ASKED: Final = mark("You asked for more time.")
GRANTED: Final = mark("More time was given.")
REFUSED: Final = mark("No more time was given.")
WITHDRAWN: Final = mark("You took the request back.")


def of_rows(visit: Visit, rows: Sequence[Any], relations: Related) -> dict[int, list[Step]]:
    """Per action (rows of the table) what the reader can do with it now: the answer that is waited for, the steps of
    its workflow, and what there is to be said about its time."""
    possible = steps.of_rows(visit, rows, relations)
    found = {}
    for row in rows:
        mine = [_step(name) for name in _names(visit, row, relations[row.id])]
        first = [step for step in mine if step.name == ANSWER]
        found[row.id] = [*first, *possible[row.id], *(step for step in mine if step.name != ANSWER)]
    return found


def _names(visit: Visit, row: Any, relations: frozenset[str]) -> list[str]:
    may_answer = access.allows(visit.caller, "action.change", relations)
    if row.extension_request is not None and may_answer:
        return [ANSWER]
    if row.assignee_id != visit.caller.id or row.finished_at is not None or row.due_at is None or may_answer:
        return []
    return [ASK] if row.extension_request is None else [ASK, WITHDRAW]


def _step(name: str) -> Step:
    key = "" if name == WITHDRAW else KEY
    return Step(name, say(_LABELS[name]), _ICONS[name], key, asks=name != WITHDRAW, through=False)


def form_of(visit: Visit, row: Any, possible: Sequence[Step], name: str | None) -> dict[str, Any] | None:
    """The form that a step asks for, whether it is the workflow's or about time; None where there is no such step."""
    if name not in (ASK, ANSWER):
        return steps.form_of(visit, row, possible, name)
    step = next((each for each in possible if each.name == name), None)
    if step is None:
        return None
    request = asked_for(row.extension_request)
    until = max(row.due_at, visit.now) + timedelta(days=1) if request is None else request["due_at"]
    typed = visit.typed
    return {
        "step": step,
        "fields": ("due_at", "reason"),
        "required": ("due_at", "reason") if name == ASK else ("due_at",),
        "typed": typed if name == ANSWER or request is None else {"reason": request["reason"], **typed},
        "due_at": typed.get("due_at") or written(until, visit.reader),
        "answers": request if name == ANSWER else None,
        "is_about_time": True,
    }


def fire(visit: Visit, action_id: int) -> tuple[dict[str, Any], Said]:
    """Do what was sent about time; the action afterwards, and what is to be said of it.

    Raises:
        NotFound, Forbidden, Invalid, Conflict: see `operations.actions.extensions`.
    """
    name = visit.form.get("transition")
    if name == ANSWER:
        return _answer(visit, action_id)
    if name == WITHDRAW:
        done = extensions.withdraw(visit.session, visit.caller, action_id, now=visit.now)
        return done, Said(say(WITHDRAWN))
    fields = load(ExtensionIn(), _typed(visit, "due_at", "reason"))
    done = extensions.ask(visit.session, visit.caller, action_id, fields, now=visit.now)
    return done, Said(say(ASKED), f"/work/{action_id}", {"transition": WITHDRAW})


def _answer(visit: Visit, action_id: int) -> tuple[dict[str, Any], Said]:
    session, caller, now, seen = visit.session, visit.caller, visit.now, _request_seen(visit)
    if visit.form.get("answer") == "refuse":
        reason = load(RefuseIn(), _typed(visit, "reason"))["reason"]
        return extensions.refuse(session, caller, action_id, reason, now=now, asked_at=seen), Said(say(REFUSED))
    is_another = visit.form.get("due_at") != visit.form.get("due_asked")
    fields = load(GrantIn(), _typed(visit, *(["due_at"] if is_another else []), "reason"))
    return extensions.grant(session, caller, action_id, fields, now=now, asked_at=seen), Said(say(GRANTED))


def _typed(visit: Visit, *names: str) -> Mapping[str, str]:
    """What was filled in, as the API takes it."""
    given = {name: text for name in names if (text := visit.form.get(name, "").strip())}
    return given | {"due_at": read_moment(given["due_at"], visit.reader)} if "due_at" in given else given


def _request_seen(visit: Visit) -> datetime | None:
    """Which request it was that is answered."""
    try:
        return datetime.fromisoformat(visit.form.get("asked_at", ""))
    except ValueError:
        return None
