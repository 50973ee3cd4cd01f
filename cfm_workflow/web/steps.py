"""What a reader can do with actions: the steps as buttons, the fields a step asks for, and what was filled in as an
order. Which steps there are, the workflow says; nothing is decided here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cfm_workflow.forms.actions import TransitionIn
from cfm_workflow.forms.loading import load
from cfm_workflow.operations.actions.steps import Order
from cfm_workflow.operations.definitions import definition_of
from cfm_workflow.queries import outcomes as outcomes_query
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries import relations as relations_query
from cfm_workflow.queries import root_causes as causes_query
from cfm_workflow.texts import mark
from cfm_workflow.web.moments import read_moment, tomorrow, written
from cfm_workflow.web.pages import Visit
from cfm_workflow.web.speech import say
from cfm_workflow.workflow import Code, Definition, Refusal, Transition, choices, path

PEOPLE_OFFERED: Final = 300
OFFERED: Final = 200
TYPED: Final = ("comment", "reason", "outcome", "root_cause", "resolution")

_KEYS: Final[Mapping[str, str]] = {
    "accept": "KeyA",
    "start": "KeyS",
    "complete": "KeyD",
    "wait": "KeyW",
    "resume": "KeyR",
    "release": "Shift+KeyR",
    "decline": "Shift+KeyD",
    "reassign": "KeyM",
    "cancel": "Shift+KeyC",
    "reopen": "KeyO",
    "undo": "KeyU",
    "submit": "KeyF",
    "approve": "KeyP",
}
"""The keys of transitions as workflows usually call them; others are reached by pointer, Tab and the page itself."""

_ICONS: Final[Mapping[str, str]] = {
    "accept": "user-check",
    "start": "player-play",
    "complete": "check",
    "wait": "player-pause",
    "resume": "player-play",
    "release": "corner-down-right",
    "decline": "hand-stop",
    "reassign": "arrows-exchange",
    "cancel": "ban",
    "reopen": "rotate-2",
    "undo": "arrow-back-up",
}


Related = Mapping[int, frozenset[str]]
"""Per action how the reader is related to it, as `queries.relations.of_actions` says."""


@dataclass(frozen=True, slots=True)
class Step:
    """A transition that the reader can fire now. `asks`: it needs a form. `through`: others are walked on the way."""

    name: str
    label: str
    icon: str
    key: str
    asks: bool
    through: bool

    @property
    def cap(self) -> str:
        """The key as it is written on keyboards."""
        return self.key.replace("Shift+", "⇧").replace("Key", "")


@dataclass(frozen=True, slots=True)
class Blocked:
    """A transition that the reader cannot fire now, and why, in words."""

    label: str
    reason: str


def of_rows(visit: Visit, rows: Sequence[Any], relations: Related) -> dict[int, list[Step]]:
    """Per action (rows of the table) what the reader can do with it now, in the order of its workflow."""
    known: dict[Any, list[Step]] = {}
    found = {}
    for row in rows:
        kind = (row.workflow_id, row.state, row.came_from, row.pool, row.assignee_id, row.undo_to, relations[row.id])
        if row.undo_to is not None or kind not in known:
            known[kind] = _steps(visit, definition_of(visit.session, row.workflow_id), row, relations[row.id])
        found[row.id] = known[kind]
    return found


def _steps(visit: Visit, definition: Definition, row: Any, relations: frozenset[str]) -> list[Step]:
    asked: dict[str, Any] = {"by": visit.caller.id, "relations": relations, "now": visit.now}
    allowed, refused = choices(definition, row, **asked)
    far = [name for name, why in refused.items() if why.code is Code.WRONG_STATE]
    reached = [name for name in far if len(path(definition, row, name, **asked)) > 1]
    both = [name for name in definition.transitions if name in allowed or name in reached]
    return [_step(definition.transitions[name], visit.reader.language, through=name in reached) for name in both]


def _step(transition: Transition, language: str, *, through: bool) -> Step:
    name = transition.name
    return Step(
        name=name,
        label=transition.label[language],
        icon=_ICONS.get(name, "arrow-right"),
        key=_KEYS.get(name, ""),
        asks=bool(transition.requires),
        through=through,
    )


# -- why not -----------------------------------------------------------------------------------------------------------

_WHO: Final[Mapping[str, str]] = {
    "assignee": mark("the assignee"),
    "pool_member": mark("members of the team"),
    "assigner": mark("whoever gave it"),
    "lead": mark("the lead of the team"),
    "supervisor": mark("supervisors"),
    "doer": mark("whoever finished it"),
    "system": mark("the service itself"),
    "administrator": mark("administrators"),
}
_ONLY: Final = mark("Only for: %(who)s")
_FROM: Final = mark("Possible from: %(states)s")
_TAKEN: Final = mark("Somebody else of the team has it already.")
_LATE: Final = mark("It was possible for a short time only.")


def blocked(visit: Visit, row: Any, steps: Sequence[Step], relations: Related) -> list[Blocked]:
    """The transitions that are not among `steps`, and why not."""
    definition = definition_of(visit.session, row.workflow_id)
    _, refused = choices(definition, row, by=visit.caller.id, relations=relations[row.id], now=visit.now)
    possible = {step.name for step in steps}
    return [
        Blocked(definition.transitions[name].label[visit.reader.language], _why(visit, definition, name, refusal))
        for name, refusal in refused.items()
        if name not in possible
    ]


def _why(visit: Visit, definition: Definition, name: str, refusal: Refusal) -> str:
    language = visit.reader.language
    if refusal.code is Code.TAKEN:
        return say(_TAKEN)
    if refusal.code is Code.TOO_LATE:
        return say(_LATE)
    transition = definition.transitions[name]
    if refusal.code is Code.NOT_PERMITTED:
        who = [say(_WHO[relation]) for relation in _WHO if relation in transition.who and relation != "system"]
        return say(_ONLY) % {"who": ", ".join(who) or say(_WHO["system"])}
    states = ", ".join(definition.states[left].label[language] for left in transition.from_states)
    return say(_FROM) % {"states": states}


# -- the form of a step ------------------------------------------------------------------------------------------------


def form_of(visit: Visit, row: Any, steps: Sequence[Step], name: str | None) -> dict[str, Any] | None:
    """The form that a step asks for, with what was typed into it; None when there is no such step for the reader."""
    step = next((each for each in steps if each.name == name), None)
    if step is None:
        return None
    transition = definition_of(visit.session, row.workflow_id).transitions[step.name]
    typed = visit.typed
    return {
        "step": step,
        "fields": transition.fields,
        "required": transition.requires,
        "typed": typed,
        "people": _people(visit) if "assignee" in transition.fields else [],
        "outcomes": outcomes(visit) if "outcome" in transition.fields else [],
        "causes": causes(visit) if "root_cause" in transition.fields else [],
        "until": typed.get("until") or written(tomorrow(visit.now, visit.reader, hour=9), visit.reader),
    }


def _people(visit: Visit) -> list[tuple[str, str]]:
    found = people_query.users(visit.session, {"active": True, "limit": PEOPLE_OFFERED})
    return [(person["email"], person["name"]) for person in found.items if person["id"] != visit.caller.id]


def outcomes(visit: Visit) -> list[tuple[str, str]]:
    """How work can end: key and label."""
    found = outcomes_query.page(visit.session, {"active": True, "limit": OFFERED})
    return _named(visit, found.items)


def causes(visit: Visit) -> list[tuple[str, str]]:
    """What can have been the cause: key and label."""
    found = causes_query.page(visit.session, {"active": True, "limit": OFFERED})
    return _named(visit, found.items)


def _named(visit: Visit, things: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(thing["key"], thing["label"].get(visit.reader.language) or thing["key"]) for thing in things]


def order(visit: Visit, *, prefix: str = "") -> Order:
    """What was filled in, as an order that walks missing steps on its way. `prefix` stands before the names of fields.

    Raises:
        Invalid: per field.
    """
    form = {name.removeprefix(prefix): text for name, text in visit.form.items() if name.startswith(prefix)}
    given: dict[str, Any] = {name: form[name] for name in TYPED if form.get(name, "").strip()}
    if assignee := form.get("assignee", "").strip():
        given["assignee"] = assignee
    if form.get("until_answer"):
        given["until_answer"] = True
    elif until := form.get("until", "").strip():
        given["until"] = read_moment(until, visit.reader)
    body = load(TransitionIn(), given | {"transition": visit.form.get("transition", "")})
    fields = {name: body[name] for name in given if name != "comment"}
    return Order(body["transition"], fields, body.get("comment"), through=True)


# -- the way back ------------------------------------------------------------------------------------------------------


def way_back(visit: Visit, row: Any, former_state: str) -> str | None:
    """The transition that takes the reader's last step back, if the workflow knows one that needs no words."""
    definition = definition_of(visit.session, row.workflow_id)
    relations = relations_query.of_actions(visit.session, visit.caller, [row])[row.id]
    allowed, _ = choices(definition, row, by=visit.caller.id, relations=relations, now=visit.now)
    ways = (definition.transitions[name] for name in allowed if not definition.transitions[name].requires)
    return next((way.name for way in ways if _leads_back(way, row, former_state)), None)


def _leads_back(way: Transition, row: Any, former_state: str) -> bool:
    if way.within is not None:
        return True
    if way.has_fixed_target:
        return way.to == former_state
    return bool(row.came_from == former_state)
