"""Who hears of what, and how soon: one table of event types over relations. Pure.

A *kind* is what a person can choose by: the type of the event, except that the news of siblings are one kind of their
own. What is not in the table follows the row of `OTHERS` if it is about an action, and is told nobody otherwise.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from cfm_workflow.policy.event_types import known


class Level(StrEnum):
    """How soon somebody hears of an event; the order of `RANK` says which is more."""

    AT_ONCE = "at_once"
    DIGEST = "digest"
    NEVER = "never"


RANK: Final = {Level.NEVER: 0, Level.DIGEST: 1, Level.AT_ONCE: 2}

RELATIONS: Final = (
    "assignee",
    "former_assignee",
    "assigner",
    "watcher",
    "lead",
    "pool_member",
    "sibling",
    "owner",
    "supervisor",
    "receiver",
    "mentioned",
)
"""How a person can stand to an event, nearest first. Of an item: assignees and assigners of its actions. A pool
member is one while nobody has the action, a sibling has another unfinished action of the same group, webhooks have
owners, supervisors are told what is escalated to them, a personal reminder is for its receivers, and notes mention
people."""

SIBLINGS: Final = "siblings"
_SIBLING: Final = RELATIONS.index("sibling")

N, D, A = Level.NEVER, Level.DIGEST, Level.AT_ONCE

AUDIENCES: Final[dict[str, tuple[Level, ...]]] = {
    # the most important first    assignee former assigner watcher lead pool sibling owner supervisor receiver mentioned
    "action.assigned":           (A,       N,     N,       D,      N,   A,   N,      N,    N,         N,       N),
    "action.reassigned":         (A,       A,     D,       D,      N,   N,   D,      N,    N,         N,       N),
    "action.reopened":           (A,       A,     D,       D,      N,   A,   D,      N,    N,         N,       N),
    "action.sent_back":          (A,       N,     D,       D,      N,   N,   D,      N,    N,         N,       N),
    "action.submitted":          (N,       N,     A,       D,      D,   N,   D,      N,    N,         N,       N),
    "action.declined":           (D,       N,     A,       D,      A,   N,   D,      N,    N,         N,       N),
    "action.cancelled":          (A,       N,     D,       D,      N,   N,   D,      N,    N,         N,       N),
    "action.escalated":          (A,       N,     A,       D,      A,   N,   N,      N,    A,         N,       N),
    "action.raised":             (A,       N,     N,       D,      A,   N,   N,      N,    A,         N,       N),
    "action.overdue":            (A,       N,     A,       D,      A,   N,   N,      N,    A,         N,       N),
    "action.due_soon":           (A,       N,     A,       N,      A,   N,   N,      N,    A,         N,       N),
    "action.reminded":           (A,       N,     A,       N,      A,   N,   N,      N,    A,         N,       N),
    "scheduler.stalled":         (N,       N,     N,       N,      N,   N,   N,      N,    A,         N,       N),
    "reminder.fired":            (N,       N,     N,       N,      N,   N,   N,      N,    N,         A,       N),
    "note.added":                (D,       N,     D,       D,      N,   N,   N,      N,    N,         N,       A),
    "note.changed":              (N,       N,     N,       N,      N,   N,   N,      N,    N,         N,       A),
    "message.failed":            (N,       N,     N,       N,      N,   N,   N,      N,    N,         A,       N),
    "message.received":          (A,       N,     D,       D,      N,   N,   N,      N,    N,         N,       N),
    "webhook.disabled":          (N,       N,     N,       N,      N,   N,   N,      A,    N,         N,       N),
    "webhook.failing":           (N,       N,     N,       N,      N,   N,   N,      A,    N,         N,       N),
    "feedback.silent":           (A,       N,     D,       N,      A,   N,   N,      N,    N,         N,       N),
    "feedback.undecided":        (N,       N,     A,       D,      A,   N,   N,      N,    N,         N,       N),
    "feedback.resolved":         (A,       N,     A,       A,      N,   N,   N,      N,    N,         N,       N),
    "action.extension_requested": (N,      N,     A,       D,      A,   N,   N,      N,    N,         N,       N),
    "action.extension_granted":  (A,       N,     D,       D,      D,   N,   N,      N,    N,         N,       N),
    "action.extension_refused":  (A,       N,     D,       D,      D,   N,   N,      N,    N,         N,       N),
    "action.completed":          (D,       N,     A,       D,      N,   N,   D,      N,    N,         N,       N),
    "action_group.failed":       (N,       N,     A,       N,      N,   N,   N,      N,    N,         N,       N),
    "action_group.completed":    (N,       N,     D,       N,      N,   N,   N,      N,    N,         N,       N),
    "action.commented":          (A,       N,     A,       D,      N,   N,   N,      N,    N,         N,       N),
    "action.acknowledged":       (D,       N,     D,       D,      D,   N,   N,      N,    N,         N,       N),
    "action.undone":             (D,       N,     A,       D,      N,   N,   D,      N,    N,         N,       N),
    "action.released":           (N,       N,     D,       D,      N,   A,   D,      N,    N,         N,       N),
    "feedback.checked":          (D,       N,     A,       D,      D,   N,   N,      N,    N,         N,       N),
    "feedback.reopened":         (D,       N,     D,       D,      N,   N,   N,      N,    N,         N,       N),
    "feedback.closed":           (D,       N,     D,       D,      N,   N,   N,      N,    N,         N,       N),
    "scheduler.resumed":         (N,       N,     N,       N,      N,   N,   N,      N,    D,         N,       N),
    "action.accepted":           (N,       N,     D,       D,      N,   N,   D,      N,    N,         N,       N),
    "action.started":            (N,       N,     D,       D,      N,   N,   D,      N,    N,         N,       N),
    "action.waiting":            (N,       N,     D,       D,      N,   N,   D,      N,    N,         N,       N),
    "action.resumed":            (D,       N,     D,       D,      N,   N,   D,      N,    N,         N,       N),
    "action.changed":            (D,       N,     D,       D,      N,   N,   N,      N,    N,         N,       N),
    "action.extension_withdrawn": (D,      N,     D,       D,      D,   N,   N,      N,    N,         N,       N),
    "action.linked":             (D,       N,     D,       D,      N,   N,   N,      N,    N,         N,       N),
    "action.unlinked":           (D,       N,     D,       D,      N,   N,   N,      N,    N,         N,       N),
    "action.passed_over":        (N,       N,     D,       N,      D,   N,   N,      N,    N,         N,       N),
    "action_group.reopened":     (N,       N,     D,       N,      N,   N,   N,      N,    N,         N,       N),
    "feedback.changed":          (D,       N,     N,       D,      N,   N,   N,      N,    N,         N,       N),
    "reminder.set":              (N,       N,     N,       N,      N,   N,   N,      N,    N,         D,       N),
    "reminder.changed":          (N,       N,     N,       N,      N,   N,   N,      N,    N,         D,       N),
    "reminder.cancelled":        (N,       N,     N,       N,      N,   N,   N,      N,    N,         D,       N),
    "action.watched":            (N,       N,     N,       A,      N,   N,   N,      N,    N,         N,       N),
    "feedback.watched":          (N,       N,     N,       A,      N,   N,   N,      N,    N,         N,       N),
    "action.unwatched":          (N,       N,     N,       D,      N,   N,   N,      N,    N,         N,       N),
    "feedback.unwatched":        (N,       N,     N,       D,      N,   N,   N,      N,    N,         N,       N),
}  # fmt: skip
"""An event that names its `watcher` is told to that one, not to the others who watch."""
OTHERS: Final = (D, N, D, D, N, N, D, N, N, N, N)
NOBODY: Final = (N,) * len(RELATIONS)
IMPORTANCE: Final = {event_type: n for n, event_type in enumerate(AUDIENCES)}
KINDS: Final = (*AUDIENCES, SIBLINGS)
"""Everything there is to choose."""

Choices = Mapping[str, Level]


def defaults(event_type: str) -> tuple[Level, ...]:
    """The row of an event type, a level per relation in the order of `RELATIONS`."""
    row = AUDIENCES.get(event_type)
    if row is not None:
        return row
    kind = known(event_type)
    return OTHERS if kind.subject == "action" and not kind.audit else NOBODY


def relations_told(event_type: str) -> frozenset[str]:
    """The relations that can hear of such an event at all."""
    return frozenset(
        relation for relation, level in zip(RELATIONS, defaults(event_type), strict=True) if level is not N
    )


def levels_of(kind: str) -> dict[str, Level]:
    """Per relation that can hear of a kind at all: how soon, unless somebody chose otherwise."""
    if kind == SIBLINGS:
        return {"sibling": max((row[_SIBLING] for row in AUDIENCES.values()), key=RANK.__getitem__)}
    row = zip(RELATIONS, defaults(kind), strict=True)
    return {relation: level for relation, level in row if level is not N and relation != "sibling"}


def kind_of(event_type: str, relation: str) -> str:
    """What a person chooses by."""
    return SIBLINGS if relation == "sibling" else event_type


def level_for(event_type: str, relations: Iterable[str], *, own: Choices, everybody: Choices) -> tuple[Level, str]:
    """How soon a person who stands in these relations to an event hears of it, and by which relation.

    `own` are the person's choices by kind, `everybody` what administrators decided for those who chose nothing. A
    relation that hears nothing by the table hears nothing whatever was chosen: the table says whom it concerns.
    """
    row = dict(zip(RELATIONS, defaults(event_type), strict=True))
    best, by = N, ""
    for relation in RELATIONS:
        if relation not in relations or row[relation] is N:
            continue
        kind = kind_of(event_type, relation)
        level = own.get(kind) or everybody.get(kind) or row[relation]
        if RANK[level] > RANK[best]:
            best, by = level, relation
    return best, by


def most_important(event_types: Iterable[str]) -> str:
    """Of several events the one that a mail is about."""
    return min(event_types, key=lambda event_type: IMPORTANCE.get(event_type, len(IMPORTANCE)))
