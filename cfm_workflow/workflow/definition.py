"""A checked workflow: what its file says, the machine made of it, and the normal form in which it is stored.

It holds no version and no row: those belong to the database.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from transitions import Machine

from cfm_workflow.workflow import durations
from cfm_workflow.workflow.machine import Routes, build, routes
from cfm_workflow.workflow.parts import LANGUAGES, Relation, State, Transition


@dataclass(frozen=True, slots=True)
class Definition:
    """One workflow. Make it with `load_file`, `load_text` or `from_content`, which check it."""

    key: str
    name: Mapping[str, str]
    initial: str
    self_assigned: str | None
    states: Mapping[str, State]
    transitions: Mapping[str, Transition]
    routes: Routes = field(init=False, repr=False, compare=False)
    machine: Machine = field(init=False, repr=False, compare=False)
    finishing: frozenset[str] = field(init=False, repr=False, compare=False)
    """The transitions that can enter or leave a finished state."""
    sha256: str = field(init=False, repr=False, compare=False)
    """Of `content()` as JSON with sorted keys, in hexadecimal."""

    def __post_init__(self) -> None:
        steps = routes(self.states, self.transitions)
        object.__setattr__(self, "routes", steps)
        object.__setattr__(self, "machine", build(self.states, self.initial, steps))
        object.__setattr__(self, "finishing", frozenset(name for name in steps if self._touches_finished(name)))
        text = orjson.dumps(self.content(), option=orjson.OPT_SORT_KEYS)
        object.__setattr__(self, "sha256", hashlib.sha256(text).hexdigest())

    def __hash__(self) -> int:
        return hash(self.sha256)

    def _touches_finished(self, name: str) -> bool:
        ends = {end for left, targets in self.routes[name].items() for end in (left, *targets)}
        return any(self.states[end].finished for end in ends)

    def undo_of(self, state: str) -> Transition | None:
        """The transition that takes back how `state` was reached, if the workflow has one."""
        return next((each for each in self.transitions.values() if each.within and state in each.from_states), None)

    def content(self) -> dict[str, Any]:
        """The normal form, fit for JSON. States and transitions are lists: their order counts."""
        return {
            "key": self.key,
            "name": _in_all_languages(self.name),
            "initial": self.initial,
            "self_assigned": self.self_assigned,
            "states": [_state_content(state) for state in self.states.values()],
            "transitions": [_transition_content(transition) for transition in self.transitions.values()],
        }


def _state_content(state: State) -> dict[str, Any]:
    return {
        "name": state.name,
        "category": state.category.value,
        "label": _in_all_languages(state.label),
        "milestone": state.milestone.value if state.milestone else None,
    }


def _transition_content(transition: Transition) -> dict[str, Any]:
    return {
        "name": transition.name,
        "from": list(transition.from_states),
        "to": transition.to,
        "who": [relation.value for relation in Relation if relation in transition.who],
        "requires": list(transition.requires),
        "optional": list(transition.optional),
        "event": transition.event,
        "label": _in_all_languages(transition.label),
        "limits": {relation.value: limit.value for relation, limit in transition.limits.items()},
        "within": durations.write(transition.within) if transition.within else None,
        "effect": transition.effect.value if transition.effect else None,
    }


def _in_all_languages(label: Mapping[str, str]) -> dict[str, str]:
    return {language: label[language] for language in LANGUAGES}
