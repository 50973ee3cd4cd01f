"""Ways over several transitions, as "through" walks them, and the way to a category. Moves nothing."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from cfm_workflow.workflow.definition import Definition
from cfm_workflow.workflow.firing import is_claim
from cfm_workflow.workflow.parts import Category, Relation, Transition
from cfm_workflow.workflow.refusals import choices, closed, is_member_only, is_permitted, target_of
from cfm_workflow.workflow.subject import Subject


def path(
    definition: Definition, subject: Subject, name: str, *, by: int | None, relations: frozenset[str], now: datetime
) -> list[str]:
    """The fewest transitions that end with `name`; of equally short ones the first in the definition's order.

    Those in between require nothing, lead to one unfinished state, and are permitted; who takes a pool's action on the
    way is its assignee from there on. Empty when there is no way: then `why_not` for `name` says why.
    """
    if closed(definition, subject, name, by=by, relations=relations, now=now) is None:
        return [name]
    last = definition.transitions.get(name)
    start = definition.states.get(subject.state)
    if last is None or start is None or start.finished or not last.has_fixed_target or last.effect:
        return []
    due: deque[tuple[str, frozenset[str], list[str]]] = deque([(subject.state, relations, [])])
    seen = {(subject.state, relations)}
    while due:
        state, held, steps = due.popleft()
        if steps and state in last.from_states and _is_open_to(last, subject, by, held):
            return [*steps, name]
        for step in _steps(definition, state):
            then = held | {Relation.ASSIGNEE} if is_claim(step, subject, by, held) else held
            if _is_open_to(step, subject, by, held) and (step.to, then) not in seen:
                seen.add((step.to, then))
                due.append((step.to, then, [*steps, step.name]))
    return []


def leading_to(
    definition: Definition,
    subject: Subject,
    category: Category,
    *,
    by: int | None,
    relations: frozenset[str],
    now: datetime,
) -> str | None:
    """The first transition that is open to these relations now and leads to a state of `category`.

    For callers that know what they want but no names: a group's policy drops the rest, the clock ends the waiting.
    """
    for name, transition in definition.transitions.items():
        if closed(definition, subject, name, by=by, relations=relations, now=now) is None:
            target = target_of(transition, subject)
            if target is not None and definition.states[target].category is category:
                return name
    return None


def giving_on(
    definition: Definition, subject: Subject, *, by: int | None, relations: frozenset[str], now: datetime
) -> Transition | None:
    """The first transition that is open to these relations now and gives unfinished work to somebody else.

    None as well where the assignee has nothing to do at the moment: what was handed in is not given on.
    """
    has_it, _ = choices(definition, subject, by=subject.assignee_id, relations=_ASSIGNEE, now=now)
    if all("assignee" in definition.transitions[name].requires for name in has_it):
        return None
    for name, transition in definition.transitions.items():
        if "assignee" not in transition.requires or not _GIVEN.issuperset(transition.requires):
            continue
        if closed(definition, subject, name, by=by, relations=relations, now=now) is None:
            return transition
    return None


_ASSIGNEE: Final = frozenset({Relation.ASSIGNEE.value})
_GIVEN: Final = frozenset({"assignee", "reason"})


def _steps(definition: Definition, state: str) -> Iterator[Transition]:
    for transition in definition.transitions.values():
        simple = transition.has_fixed_target and not transition.requires and not transition.effect
        if simple and state in transition.from_states and not definition.states[transition.to].finished:
            yield transition


def _is_open_to(transition: Transition, subject: Subject, by: int | None, held: frozenset[str]) -> bool:
    """Permitted, and not merely to a member of the pool when somebody has it."""
    if not is_permitted(transition, subject, by, held):
        return False
    return subject.assignee_id is None or not is_member_only(transition, held)
