"""An action in the hands of an operation: locked, changed in memory, written back once with its events."""

import functools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.db import is_sqlite, plain
from cfm_workflow.ledger import HEAD, Fact, know_head
from cfm_workflow.models import Account, Action, ActionGroup, Customer, Feedback
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import feedback as feedback_query
from cfm_workflow.queries.feedback import BriefRow


@dataclass(slots=True)
class Held:
    """The row of an action, as plain values that an operation may change (`state` only through the workflow)."""

    id: int
    feedback_id: int
    group_id: int
    workflow_id: int
    state: str
    category: str
    title: str
    description: str | None
    kind: str
    priority: int
    goal: str | None
    benefit: str | None
    assignee_id: int | None
    on_behalf_of_id: int | None
    assigner_id: int
    team_id: int | None
    pool: bool
    due_at: datetime | None
    first_due_at: datetime | None
    due_rule: dict[str, Any] | None
    calendar_id: int | None
    extension_request: dict[str, Any] | None
    policy_version_id: int | None
    promised_at: datetime | None
    accept_by: datetime | None
    start_by: datetime | None
    accept_met: bool | None
    start_met: bool | None
    finish_met: bool | None
    occurrence: int
    planned: int
    quiet_until: datetime | None
    waiting_until: datetime | None
    waiting_for_answer: bool
    came_from: str | None
    outcome_id: int | None
    root_cause: str | None
    resolution: str | None
    external_ref: str | None
    attributes: dict[str, Any]
    reopened_count: int
    undo_to: str | None
    undo_by: int | None
    undo_until: datetime | None
    sequence: int
    version: int
    created_at: datetime
    state_since: datetime
    accepted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    stored: Sequence[Any] = ()
    """What the database holds of it, in this order; nothing of an action that is only being made."""
    context: Sequence[Any] | None = None
    """What `take_up` asks for, where it has been read with the row itself."""


@dataclass(slots=True)
class Names:
    """What an action shows of the rows it points at (`queries.actions.NAMES`)."""

    assignee_name: str | None
    assignee_email: str | None
    on_behalf_of_name: str | None
    on_behalf_of_email: str | None
    assigner_name: str
    assigner_email: str | None
    team_key: str | None
    team_name: str | None
    outcome_key: str | None
    workflow_key: str
    feedback_ids: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """Somebody as an action shows them."""

    id: int | None
    name: str | None
    email: str | None


@dataclass(slots=True)
class Work:
    """One action under way through an operation, with the item it was made on and the events it has caused."""

    action: Held
    names: Names
    item: dict[str, Any]
    was_finished: bool = False
    moved: frozenset[str] = frozenset()  # the targets whose ladders begin anew
    waits: bool = False  # since this operation
    waited: bool = False  # until this operation
    ended_at: datetime | None = None  # of what is open again because its end was undone: when that had been
    stood_in_for: int | None = None  # since this operation: who is to watch it, being away
    given_back_to: int | None = None  # who has it again, and need not watch it any more
    facts: list[Fact] = field(default_factory=list)
    shown: dict[str, Any] | None = None  # as it was after the last event

    def view(self, now: datetime) -> dict[str, Any]:
        """The action as the API shows it."""
        return actions_query.view(self.action, self.names, now=now)

    def happened(self, event_type: str, caller: Caller, now: datetime, about: dict[str, Any]) -> None:
        """Count and keep one event about this action, with the action as it is at this moment."""
        action = self.action
        action.sequence += 1
        action.version += 1
        self.shown = self.view(now)
        self.facts.append(
            Fact(
                type=event_type,
                subject_id=action.id,
                about=about | {"action": actions_query.brief(self.shown), "feedback": self.item},
                actor=caller,
                action_id=action.id,
                feedback_id=action.feedback_id,
                sequence=action.sequence,
            )
        )

    def in_whose_place(self) -> dict[str, Any]:
        """For an event that gives the action to somebody: who is away, if it is in their place."""
        if self.action.on_behalf_of_id is None:
            return {}
        return {"on_behalf_of": {"id": self.action.on_behalf_of_id, "name": self.names.on_behalf_of_name}}

    @property
    def crossed_the_finish(self) -> bool:
        """Whether it has entered or left the finished states."""
        return self.was_finished != (self.action.finished_at is not None)


STORED: Final = tuple(name for name in Held.__slots__ if name not in ("stored", "context"))
_values: Final = attrgetter(*STORED)
_TABLE: Final = Action.__table__.c
_COLUMNS: Final = [_TABLE[name] for name in STORED]
_THESE: Final = Action.id.in_(bindparam("ids", expanding=True))


@dataclass(frozen=True, slots=True)
class _OfActions:
    """A statement about some actions, and the same for one: what is asked nearly always, and cheaper without a list."""

    some: Any
    one: Any

    @classmethod
    def make(cls, statement: Any) -> "_OfActions":
        return cls(statement.where(_THESE), statement.where(Action.id == bindparam("id")))

    def rows(self, session: Session, action_ids: Collection[int]) -> Sequence[Any]:
        if len(action_ids) == 1:
            return plain(session, self.one, {"id": next(iter(action_ids))}).all()
        return plain(session, self.some, {"ids": list(action_ids)}).all()


_CONTEXT_COLUMNS: Final = (
    *actions_query.NAMES,
    *(Feedback.__table__.c[name].label(f"item_{name}") for name in feedback_query.BRIEF),
    Customer.name.label("item_customer_name"),
)
_NAMES: Final = slice(0, len(actions_query.NAMES))
_ITEM: Final = slice(_NAMES.stop, _NAMES.stop + len(BriefRow._fields))


def _with_context(*columns: Any) -> Any:
    return (
        actions_query.with_names((*columns, *_CONTEXT_COLUMNS))
        .join(Feedback, Feedback.id == Action.feedback_id)
        .outerjoin(Customer, Customer.id == Feedback.customer_id)
    )


_LOCKED: Final = _OfActions.make(select(*_COLUMNS).order_by(Action.id).with_for_update(key_share=True))
_LOCKED_WITH_REST: Final = (
    select(*_COLUMNS)
    .where(
        or_(
            _THESE,
            and_(Action.group_id.in_(bindparam("groups", expanding=True)), Action.finished_at.is_(None)),
        )
    )
    .order_by(Action.id)
    .with_for_update(key_share=True)
)
_READ_WITH_CONTEXT: Final = _OfActions.make(_with_context(*_COLUMNS).order_by(Action.id))
"""On SQLite, where nobody else writes. On PostgreSQL what stands beside a row whose lock was waited for would be as it
was before."""
_GROUPS: Final = (
    select(ActionGroup.__table__)
    .where(ActionGroup.id.in_(select(Action.group_id).where(_THESE)))
    .order_by(ActionGroup.id)
    .with_for_update(key_share=True)
)
_CONTEXT: Final = _OfActions.make(_with_context(Action.id))
_CONTEXT_WITH_HEAD: Final = _OfActions.make(_with_context(Action.id).add_columns(*HEAD))


def lock_groups(session: Session, action_ids: Collection[int]) -> Sequence[Any]:
    """Lock the groups of these actions; always before the actions."""
    return session.execute(_GROUPS, {"ids": list(action_ids)}).all()


def lock_actions(session: Session, action_ids: Collection[int], *, rest_of: Iterable[int] = ()) -> list[Held]:
    """Lock these actions, and the unfinished rest of the groups `rest_of`, in the order of their ids."""
    groups = list(rest_of)
    if groups:
        rows = plain(session, _LOCKED_WITH_REST, {"ids": list(action_ids), "groups": groups})
        return [hold(row) for row in rows]
    if is_sqlite(session):
        return [hold(row) for row in _READ_WITH_CONTEXT.rows(session, action_ids)]
    return [hold(row) for row in _LOCKED.rows(session, action_ids)]


def hold(row: Sequence[Any]) -> Held:
    """A locked row in the hands of an operation; what stands in it after the columns of the action is its context."""
    stored = row[: len(STORED)]
    action = Held(*stored)
    action.stored, action.context = stored, row[len(STORED) :] or None
    return action


def take_up(session: Session, held: Sequence[Held]) -> list[Work]:
    """Add to locked actions the names and items that their events will show."""
    rows = {action.id: action.context for action in held if action.context is not None}
    rows |= _contexts(session, [action.id for action in held if action.id not in rows])
    items: dict[int, dict[str, Any]] = {}
    works = []
    for action in held:
        row = rows[action.id]
        item = items.get(action.feedback_id)
        if item is None:
            item = items[action.feedback_id] = feedback_query.brief(BriefRow._make(row[_ITEM]))
        works.append(Work(action, Names(*row[_NAMES]), item, was_finished=action.finished_at is not None))
    return works


def _contexts(session: Session, action_ids: Collection[int]) -> dict[int, Sequence[Any]]:
    if not action_ids:
        return {}
    if is_sqlite(session):
        return {row[0]: row[1:] for row in _CONTEXT.rows(session, action_ids)}
    found = _CONTEXT_WITH_HEAD.rows(session, action_ids)
    know_head(session, found[0])
    return {row[0]: row[1:] for row in found}


@functools.lru_cache(maxsize=256)
def _update(columns: tuple[str, ...]) -> Any:
    return (
        update(Action.__table__)  # type: ignore[arg-type]
        .where(_TABLE.id == bindparam("at_id"))
        .values({name: bindparam(f"new_{name}") for name in columns})
    )


def write(session: Session, works: Iterable[Work]) -> None:
    """Write back what has changed of any of these actions, all rows in one statement, and nothing else: SQLite writes
    each index anew that holds a column of an UPDATE, changed or not.
    """
    changed: list[Held] = []
    columns: set[str] = set()
    for work in works:
        action, values = work.action, _values(work.action)
        mine = [
            name for name, new, old in zip(STORED, values, action.stored, strict=True) if new is not old and new != old
        ]
        if mine:
            columns.update(mine)
            changed.append(action)
        action.stored = values
    if not changed:
        return
    names = tuple(name for name in STORED if name in columns)
    rows = [{"at_id": action.id, **{f"new_{name}": getattr(action, name) for name in names}} for action in changed]
    plain(session, _update(names), rows if len(rows) > 1 else rows[0])


def rename_assignee(work: Work, account: Account | Any | None) -> None:
    """Give the action to `account` (a row with id, name, email), or to nobody; in nobody's place."""
    work.action.assignee_id = None if account is None else account.id
    work.names.assignee_name = None if account is None else account.name
    work.names.assignee_email = None if account is None else account.email
    work.given_back_to = work.action.on_behalf_of_id if work.action.on_behalf_of_id == work.action.assignee_id else None
    work.stood_in_for = work.action.on_behalf_of_id = None
    work.names.on_behalf_of_name = work.names.on_behalf_of_email = None


def hand_over(work: Work, person: Any, stand_in: Any | None) -> None:
    """Give the action to `person`, or to `stand_in` in their place (rows with id, name, email)."""
    rename_assignee(work, person if stand_in is None else stand_in)
    if stand_in is not None:
        work.stood_in_for = work.action.on_behalf_of_id = person.id
        work.names.on_behalf_of_name, work.names.on_behalf_of_email = person.name, person.email
