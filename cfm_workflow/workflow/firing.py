"""The door to a new state: `begin` for new work, `fire` for all that follows. Nobody else assigns `.state`.

It moves the subject and keeps its times; it tells nobody, stores nothing and does not read the clock.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from cfm_workflow.workflow.definition import Definition
from cfm_workflow.workflow.errors import refused
from cfm_workflow.workflow.parts import BEFORE, Category, Milestone, Relation, State, Transition
from cfm_workflow.workflow.refusals import target_of, why_not
from cfm_workflow.workflow.subject import Subject


@dataclass(frozen=True, slots=True)
class Fired:
    """A step that was made. `claims`: a member of the pool took the work, so it is the caller's now."""

    transition: Transition
    from_state: str
    to_state: str
    claims: bool = False


def begin(definition: Definition, subject: Subject, *, now: datetime) -> None:
    """Give new work its initial state, and the facts of one that has no past.

    Raises: `ValueError` when it has a state already.
    """
    if getattr(subject, "state", None):
        raise ValueError("only new work can begin")
    subject.state = definition.initial
    subject.category = definition.states[definition.initial].category.value
    subject.state_since = now
    subject.accepted_at = subject.started_at = subject.finished_at = None
    subject.came_from = None
    _forget_undo(subject)


def fire(
    definition: Definition,
    subject: Subject,
    name: str,
    *,
    by: int | None,
    relations: frozenset[str],
    given: Collection[str],
    now: datetime,
) -> Fired:
    """Move `subject` by the transition `name`; arguments as of `why_not`.

    Raises: `UnknownTransition`, `NotPermitted`, `WrongState`, `RequiredMissing`; the subject is untouched then.
    """
    refusal = why_not(definition, subject, name, by=by, relations=relations, given=given, now=now)
    if refusal is not None:
        raise refused(refusal)
    transition, left = definition.transitions[name], definition.states[subject.state]
    claims = is_claim(transition, subject, by, relations)
    if not definition.machine.events[name].trigger(subject, to=target_of(transition, subject)):
        raise RuntimeError(f"the machine of {definition.key} disagrees with its definition about {name}")
    entered = definition.states[subject.state]
    _keep_facts(definition, subject, transition, left=left, entered=entered, by=by, now=now)
    return Fired(transition, left.name, entered.name, claims)


def is_claim(transition: Transition, subject: Subject, by: int | None, relations: frozenset[str]) -> bool:
    """Does this transition make the caller the assignee of a pool's action that nobody has yet?"""
    if by is None or not subject.pool or subject.assignee_id is not None:
        return False
    return Relation.POOL_MEMBER in transition.who and not relations.isdisjoint(_CLAIMING)


_CLAIMING = frozenset({Relation.POOL_MEMBER, Relation.ADMINISTRATOR})


def _keep_facts(
    definition: Definition,
    subject: Subject,
    transition: Transition,
    *,
    left: State,
    entered: State,
    by: int | None,
    now: datetime,
) -> None:
    subject.category = entered.category.value
    subject.state_since = now
    if entered.finished:
        subject.finished_at = now
        _remember_undo(definition, subject, left=left, entered=entered, by=by, now=now)
        return
    if left.finished:
        subject.finished_at = None
        _forget_undo(subject)
    _remember_origin(subject, transition, left=left, entered=entered)
    _stamp(subject, entered, now)


def _remember_origin(subject: Subject, transition: Transition, *, left: State, entered: State) -> None:
    """Kept from waiting to waiting, and over a finish that is undone: an undone `complete` can still be resumed."""
    if entered.category is not Category.WAITING:
        subject.came_from = None
    elif transition.to != BEFORE and left.category is not Category.WAITING:
        subject.came_from = left.name


def _stamp(subject: Subject, entered: State, now: datetime) -> None:
    if entered.category is Category.OPEN:
        subject.accepted_at = subject.started_at = None
    elif entered.milestone is Milestone.ACCEPTED and subject.accepted_at is None:
        subject.accepted_at = now
    elif entered.milestone is Milestone.STARTED and subject.started_at is None:
        subject.started_at = now


def _remember_undo(
    definition: Definition, subject: Subject, *, left: State, entered: State, by: int | None, now: datetime
) -> None:
    undo = definition.undo_of(entered.name)
    if undo is None or undo.within is None:
        return
    subject.undo_to = left.name
    subject.undo_by = by
    subject.undo_until = now + undo.within


def _forget_undo(subject: Subject) -> None:
    subject.undo_to = subject.undo_by = subject.undo_until = None
