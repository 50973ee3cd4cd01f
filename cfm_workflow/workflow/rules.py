"""What must hold between the parts of a workflow, one small function per rule. Reads and stores nothing."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from cfm_workflow.workflow.machine import Routes, routes
from cfm_workflow.workflow.parts import BEFORE, PREVIOUS, Category, Effect, Relation, Transition
from cfm_workflow.workflow.reading import Draft

Problem = tuple[str, str]

_FACTS_OF_THEIR_OWN: Final = frozenset(
    {
        "action.assigned",
        "action.changed",
        "action.linked",
        "action.unlinked",
        "action.due_soon",
        "action.overdue",
        "action.reminded",
        "action.escalated",
        "action.acknowledged",
        "action.raised",
    }
)
"""Told on other occasions than transitions."""


def broken(draft: Draft, *, readable: bool) -> list[Problem]:
    """The rules that `draft` breaks. Ways are followed only when all was `readable` and fits."""
    problems = [problem for rule in _RULES for problem in rule(draft)]
    if problems or not readable:
        return problems
    return list(_ways(draft))


def _initial_is_open(draft: Draft) -> Iterator[Problem]:
    state = draft.states.get(draft.initial)
    if draft.initial and draft.initial not in draft.state_names:
        yield "initial", f"unknown state {draft.initial!r}"
    elif state is not None and state.category is not Category.OPEN:
        yield "initial", f"{draft.initial} must be of category open"


def _some_state_is_done(draft: Draft) -> Iterator[Problem]:
    all_read = len(draft.states) == len(draft.state_names)
    if draft.states and all_read and not any(state.category is Category.DONE for state in draft.states.values()):
        yield "states", "at least one must be of category done"


def _milestones_are_under_way(draft: Draft) -> Iterator[Problem]:
    for state in draft.states.values():
        if state.milestone and state.category not in (Category.ACTIVE, Category.WAITING):
            yield f"states.{state.name}.milestone", "belongs to a state of category active or waiting"


def _states_exist(draft: Draft) -> Iterator[Problem]:
    for place, transition in _transitions(draft):
        for left in transition.from_states:
            if left not in draft.state_names:
                yield f"{place}.from", f"unknown state {left!r}"
        if transition.to and transition.has_fixed_target and transition.to not in draft.state_names:
            yield f"{place}.to", f"unknown state {transition.to!r}"


def _dynamic_targets_have_a_past(draft: Draft) -> Iterator[Problem]:
    for place, transition in _transitions(draft):
        for left in transition.from_states:
            state = draft.states.get(left)
            if state and transition.to == PREVIOUS and state.category is not Category.WAITING:
                yield (
                    f"{place}.to",
                    f"previous is possible from states of category waiting only, {left} is {state.category}",
                )
            if state and transition.to == BEFORE and not state.finished:
                yield f"{place}.to", f"before is possible from finished states only, {left} is {state.category}"


def _undo_is_limited(draft: Draft) -> Iterator[Problem]:
    undone: dict[str, str] = {}
    for place, transition in _transitions(draft):
        if transition.to != BEFORE:
            if transition.within:
                yield f"{place}.within", "belongs to a transition to before"
            if Relation.DOER in transition.who:
                yield f"{place}.who", "doer belongs to a transition to before: nobody else is remembered"
            continue
        if transition.within is None:
            yield f"{place}.within", "is missing: a transition to before is possible for a time only"
        for left in transition.from_states:
            if left in undone:
                yield f"{place}.from", f"{left} is doubled: {undone[left]} goes back to before from there too"
            undone.setdefault(left, transition.name)


def _finished_opens_again(draft: Draft) -> Iterator[Problem]:
    for place, transition in _transitions(draft):
        target = draft.states.get(transition.to)
        finished = [left for left in transition.from_states if left in draft.states and draft.states[left].finished]
        if finished and target and target.category is not Category.OPEN:
            yield (
                f"{place}.to",
                f"from {finished[0]}, which is finished, only a state of category open or before can follow",
            )


def _fields_are_named_once(draft: Draft) -> Iterator[Problem]:
    for place, transition in _transitions(draft):
        for field in transition.optional:
            if field in transition.requires:
                yield f"{place}.optional", f"{field!r} is required already"


def _limits_limit_something(draft: Draft) -> Iterator[Problem]:
    for place, transition in _transitions(draft):
        for relation in transition.limits:
            if relation not in transition.who:
                yield f"{place}.limits.{relation}", "is not among who may do it"
        if transition.limits and "assignee" not in transition.fields:
            yield f"{place}.limits", "narrow who can be named as assignee, but assignee is no field of it"


def _release_goes_back_to_open(draft: Draft) -> Iterator[Problem]:
    for place, transition in _transitions(draft):
        target = draft.states.get(transition.to)
        if transition.effect is Effect.RELEASE and target and target.category is not Category.OPEN:
            yield f"{place}.effect", "release leads to a state of category open"
        if transition.effect is Effect.RELEASE and not transition.has_fixed_target:
            yield f"{place}.effect", "release leads to a state of category open"


def _events_are_facts(draft: Draft) -> Iterator[Problem]:
    for place, transition in _transitions(draft):
        if transition.event in _FACTS_OF_THEIR_OWN:
            yield f"{place}.event", f"{transition.event} already means something that is not a transition"
        elif transition.event == f"action.{transition.name}":
            yield f"{place}.event", "names what happened, in the past tense (accept: action.accepted)"


def _self_assigned_can_be_fired(draft: Draft) -> Iterator[Problem]:
    name = draft.self_assigned
    if name is None:
        return
    transition = draft.transitions.get(name)
    if transition is None:
        yield "self_assigned", f"unknown transition {name!r}"
        return
    if draft.initial and draft.initial not in transition.from_states:
        yield "self_assigned", f"{name} must be possible from {draft.initial}, the initial state"
    if transition.who and Relation.ASSIGNEE not in transition.who:
        yield "self_assigned", f"{name} must be possible for the assignee"
    if transition.requires or transition.effect or not transition.has_fixed_target:
        yield "self_assigned", f"{name} must require nothing and lead to one state"


def _ways(draft: Draft) -> Iterator[Problem]:
    """Every state can be reached, and from every state a finish."""
    steps = routes(draft.states, draft.transitions)
    reachable = _closure({draft.initial}, _next_states(steps))
    finished = {state.name for state in draft.states.values() if state.finished}
    finishing = _closure(finished, _previous_states(steps))
    for name in draft.states:
        if name not in reachable:
            yield f"states.{name}", f"cannot be reached from {draft.initial}"
        if name not in finishing:
            yield f"states.{name}", "leads to no finished state"


def _next_states(steps: Routes) -> Mapping[str, set[str]]:
    following: dict[str, set[str]] = {}
    for ways in steps.values():
        for left, targets in ways.items():
            following.setdefault(left, set()).update(targets)
    return following


def _previous_states(steps: Routes) -> Mapping[str, set[str]]:
    leading: dict[str, set[str]] = {}
    for left, targets in _next_states(steps).items():
        for target in targets:
            leading.setdefault(target, set()).add(left)
    return leading


def _closure(start: set[str], neighbours: Mapping[str, set[str]]) -> set[str]:
    seen, due = set(start), list(start)
    while due:
        new = neighbours.get(due.pop(), set()) - seen
        seen |= new
        due.extend(new)
    return seen


def _transitions(draft: Draft) -> Iterator[tuple[str, Transition]]:
    return ((f"transitions.{name}", transition) for name, transition in draft.transitions.items())


_RULES: Final[tuple[Callable[[Draft], Iterator[Problem]], ...]] = (
    _initial_is_open,
    _some_state_is_done,
    _milestones_are_under_way,
    _states_exist,
    _dynamic_targets_have_a_past,
    _undo_is_limited,
    _finished_opens_again,
    _fields_are_named_once,
    _limits_limit_something,
    _release_goes_back_to_open,
    _events_are_facts,
    _self_assigned_can_be_fired,
)
