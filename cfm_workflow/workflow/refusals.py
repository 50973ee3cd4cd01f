"""Why a transition is not possible now, for this person: `why_not`, and the same for all of them. Changes nothing."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from cfm_workflow.workflow.definition import Definition
from cfm_workflow.workflow.errors import Code, Refusal
from cfm_workflow.workflow.parts import BEFORE, FIELDS, LANGUAGES, PREVIOUS, Relation, Transition
from cfm_workflow.workflow.subject import Subject

_WORDS: Final[Mapping[Relation, str]] = {
    Relation.ASSIGNEE:      "the assignee",
    Relation.POOL_MEMBER:   "a member of the team it was given to",
    Relation.ASSIGNER:      "the assigner",
    Relation.LEAD:          "the lead of its team",
    Relation.SUPERVISOR:    "a supervisor",
    Relation.DOER:          "who finished it",
    Relation.SYSTEM:        "the service itself",
    Relation.ADMINISTRATOR: "an administrator",
}  # fmt: skip

_ONLY_AS_MEMBER: Final = frozenset({Relation.POOL_MEMBER})


def why_not(
    definition: Definition,
    subject: Subject,
    name: str,
    *,
    by: int | None,
    relations: frozenset[str],
    given: Collection[str],
    now: datetime,
) -> Refusal | None:
    """Why `fire` with the same arguments would refuse; None exactly when it would not.

    Arguments: `by` the account, None for the service itself; `relations` how it is related to `subject` (`doer` is
    found out here); `given` the names of the fields that come with it. Checked in the order of the HTTP contract.
    """
    return (
        closed(definition, subject, name, by=by, relations=relations, now=now)
        or _fields_missing(definition.transitions[name], given)
    )  # fmt: skip


def choices(
    definition: Definition, subject: Subject, *, by: int | None, relations: frozenset[str], now: datetime
) -> tuple[list[str], dict[str, Refusal]]:
    """The transitions possible now, fields to be given apart, and why the others are not; in the definition's order."""
    answers = {
        name: closed(definition, subject, name, by=by, relations=relations, now=now) for name in definition.transitions
    }
    allowed = [name for name, refusal in answers.items() if refusal is None]
    return allowed, {name: refusal for name, refusal in answers.items() if refusal is not None}


def closed(
    definition: Definition, subject: Subject, name: str, *, by: int | None, relations: frozenset[str], now: datetime
) -> Refusal | None:
    """Like `why_not`, whatever fields are given."""
    transition = definition.transitions.get(name)
    if transition is None:
        return Refusal(Code.UNKNOWN_TRANSITION, f"The workflow {definition.key} has no transition of this name.")
    return (
        _not_permitted(transition, subject, by, relations)
        or _wrong_state(definition, subject, transition)
        or _too_late(transition, subject, now)
    )


def target_of(transition: Transition, subject: Subject) -> str | None:
    """The state this transition leads to; None when it depends on a past that the subject does not have."""
    if transition.to == PREVIOUS:
        return subject.came_from
    if transition.to == BEFORE:
        return subject.undo_to
    return transition.to


def is_permitted(transition: Transition, subject: Subject, by: int | None, relations: frozenset[str]) -> bool:
    """Is one of `who` among the relations? Who finished it is known from the subject, never taken from the caller."""
    granting = transition.who.intersection(relations) - {Relation.DOER}
    if granting or Relation.ADMINISTRATOR in relations:
        return True
    return Relation.DOER in transition.who and by is not None and by == subject.undo_by


def _not_permitted(
    transition: Transition, subject: Subject, by: int | None, relations: frozenset[str]
) -> Refusal | None:
    if not is_permitted(transition, subject, by, relations):
        return Refusal(Code.NOT_PERMITTED, _only(transition), _in_order(transition))
    if subject.assignee_id is not None and is_member_only(transition, relations):
        return Refusal(Code.TAKEN, "Somebody else of the team has it already.")
    return None


def is_member_only(transition: Transition, relations: frozenset[str]) -> bool:
    """Is it merely as one of the pool that somebody with these relations may do it?"""
    return Relation.ADMINISTRATOR not in relations and transition.who & relations == _ONLY_AS_MEMBER


def _wrong_state(definition: Definition, subject: Subject, transition: Transition) -> Refusal | None:
    targets = definition.routes[transition.name].get(subject.state)
    if targets is None:
        return Refusal(Code.WRONG_STATE, _from_where(definition, subject, transition))
    if transition.to == PREVIOUS and subject.came_from not in targets:
        return Refusal(Code.WRONG_STATE, "It is not known which state it came from.")
    return None


def _too_late(transition: Transition, subject: Subject, now: datetime) -> Refusal | None:
    if transition.to != BEFORE:
        return None
    if subject.undo_to is None or subject.undo_until is None or now > subject.undo_until:
        return Refusal(Code.TOO_LATE, f"{_quoted(transition)} is possible for a short time only, and that is over.")
    return None


def _fields_missing(transition: Transition, given: Collection[str]) -> Refusal | None:
    missing = tuple(name for name in transition.requires if name not in given and FIELDS[name].instead not in given)
    if not missing:
        return None
    return Refusal(Code.MISSING_FIELD, f"{_quoted(transition)} requires {_listed(missing, 'and')}.", missing)


def _in_order(transition: Transition) -> tuple[Relation, ...]:
    return tuple(relation for relation in Relation if relation in transition.who)


def _only(transition: Transition) -> str:
    may = [_WORDS[relation] for relation in _in_order(transition)]
    return f"{_quoted(transition)} can be done by {_listed(may, 'or')} only."


def _from_where(definition: Definition, subject: Subject, transition: Transition) -> str:
    state = definition.states.get(subject.state)
    stands = state.label[LANGUAGES[0]] if state else subject.state
    possible = [definition.states[left].label[LANGUAGES[0]] for left in transition.from_states]
    return f"{_quoted(transition)} is possible from {_listed(possible, 'or')}; it is {stands} now."


def _quoted(transition: Transition) -> str:
    return f'"{transition.label[LANGUAGES[0]]}"'


def _listed(words: Collection[str], last: str) -> str:
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end
