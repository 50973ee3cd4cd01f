"""What a workflow is made of: the words its file may use, its states and its transitions.

Facts only: nothing here reads files, checks rules or moves work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from cfm_workflow import limits

LANGUAGES: Final = ("en", "ko")
"""The languages in which every label must be given; the first is the language of refusals."""


class Category(StrEnum):
    """What a state means to the rest of the service, which never asks for a state's name."""

    OPEN = "open"
    ACTIVE = "active"
    WAITING = "waiting"
    DONE = "done"
    DROPPED = "dropped"


FINISHED: Final = frozenset({Category.DONE, Category.DROPPED})


class Milestone(StrEnum):
    """A time that is kept when a state is entered: `accepted_at`, `started_at`."""

    ACCEPTED = "accepted"
    STARTED = "started"


class Relation(StrEnum):
    """How somebody can be related to an action; the words of `who`."""

    ASSIGNEE = "assignee"
    POOL_MEMBER = "pool_member"
    ASSIGNER = "assigner"
    LEAD = "lead"
    SUPERVISOR = "supervisor"
    DOER = "doer"
    SYSTEM = "system"
    ADMINISTRATOR = "administrator"


class Effect(StrEnum):
    """What a transition does beside changing the state, where its fields do not say it already."""

    RELEASE = "release"  # an action of a pool is nobody's again


class Limit(StrEnum):
    """How a relation's right to name an assignee is narrowed."""

    SAME_TEAM = "same_team"


PREVIOUS: Final = "previous"
"""As a target: the state from which the action went to waiting."""

BEFORE: Final = "before"
"""As a target: the state which the action had before it was finished."""


class FieldType(StrEnum):
    TEXT = "text"
    KEY = "key"
    USER = "user"
    INSTANT = "instant"


@dataclass(frozen=True, slots=True)
class Field:
    """Something a transition can be given: its type, its greatest length in characters, what may stand in for it."""

    type: FieldType
    limit: int | None = None
    instead: str | None = None


FIELDS: Final[Mapping[str, Field]] = {
    "reason":     Field(FieldType.TEXT, limits.REASON),
    "outcome":    Field(FieldType.KEY, limits.KEY),
    "assignee":   Field(FieldType.USER),
    "until":      Field(FieldType.INSTANT, instead="until_answer"),
    "root_cause": Field(FieldType.TEXT, limits.ROOT_CAUSE),
    "resolution": Field(FieldType.TEXT, limits.RESOLUTION),
}  # fmt: skip
"""The fields a workflow may ask for. A comment is welcome everywhere and never declared."""


@dataclass(frozen=True, slots=True)
class State:
    name: str
    category: Category
    label: Mapping[str, str]
    milestone: Milestone | None = None

    @property
    def finished(self) -> bool:
        return self.category in FINISHED


@dataclass(frozen=True, slots=True)
class Transition:
    """One way out of some states; `to` is a state's name, `PREVIOUS` or `BEFORE`."""

    name: str
    from_states: tuple[str, ...]
    to: str
    who: frozenset[Relation]
    requires: tuple[str, ...]
    optional: tuple[str, ...]
    event: str
    label: Mapping[str, str]
    limits: Mapping[Relation, Limit]
    within: timedelta | None = None
    effect: Effect | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """All it may be given, `comment` and stand-ins apart."""
        return self.requires + self.optional

    @property
    def has_fixed_target(self) -> bool:
        return self.to not in (PREVIOUS, BEFORE)

    def limit_for(self, relations: frozenset[str]) -> Limit | None:
        """The limit somebody with these relations is under: none as soon as one of them grants it without."""
        if Relation.ADMINISTRATOR in relations:
            return None
        granting = self.who & relations
        limits_there = {self.limits.get(relation) for relation in granting}
        return None if None in limits_there else next(iter(sorted(filter(None, limits_there))), None)
