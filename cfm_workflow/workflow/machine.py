"""From states and transitions to the one shared machine of a definition, and the routes it is made of.

The machine never holds a row: rows are handed to its triggers and forgotten (`add_model` would reset and keep them).
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping

from transitions import EventData, Machine

from cfm_workflow.workflow.parts import BEFORE, PREVIOUS, Category, State, Transition

logging.getLogger("transitions").setLevel(logging.WARNING)  # at INFO it writes a line for every callback

Routes = Mapping[str, Mapping[str, frozenset[str]]]
"""Transition -> state it leaves -> states it can lead to; several when that depends on the action's past."""


def routes(states: Mapping[str, State], transitions: Mapping[str, Transition]) -> Routes:
    """Every step that can ever be made, in the order of the definition."""
    entrances: dict[str, set[str]] = defaultdict(set)
    for transition in transitions.values():
        if transition.has_fixed_target:
            entrances[transition.to].update(transition.from_states)
    targets: Mapping[str, Callable[[str], frozenset[str]]] = {
        PREVIOUS: lambda left: _before_waiting(left, states, entrances),
        BEFORE: lambda left: frozenset(entrances[left]),
    }
    return {
        name: {
            left: targets[transition.to](left) if transition.to in targets else frozenset({transition.to})
            for left in transition.from_states
        }
        for name, transition in transitions.items()
    }


def _before_waiting(waiting: str, states: Mapping[str, State], entrances: Mapping[str, set[str]]) -> frozenset[str]:
    """The states from which one can have come to `waiting`, over other waiting states too."""
    seen, due, found = {waiting}, [waiting], set()
    while due:
        for left in entrances.get(due.pop(), ()):
            if states[left].category is not Category.WAITING:
                found.add(left)
            elif left not in seen:
                seen.add(left)
                due.append(left)
    return frozenset(found)


def build(states: Mapping[str, State], initial: str, steps: Routes) -> Machine:
    """The machine of these routes; triggers take `to=`, which decides where a route has several ends."""
    return Machine(
        model=None,
        states=list(states),
        initial=initial,
        transitions=[
            {"trigger": name, "source": left, "dest": target, "conditions": _asked_for(target, targets)}
            for name, ways in steps.items()
            for left, targets in ways.items()
            for target in sorted(targets)
        ],
        auto_transitions=False,
        send_event=True,
        queued=False,
    )


def _asked_for(target: str, targets: frozenset[str]) -> list[Callable[[EventData], bool]]:
    """The conditions of one end of a route: none when it has no other."""
    return [lambda event: bool(event.kwargs["to"] == target)] if len(targets) > 1 else []
