"""The one way to a new state, for every caller: lock, check, fire, write, roll up, record.

One action or a thousand, it is the same code. Nothing here commits, and nothing is sent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import (
    CfmError,
    NotFound,
    Stale,
)
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Action
from cfm_workflow.operations.actions import roll_up
from cfm_workflow.operations.actions.held import Held, Work, lock_actions, lock_groups, take_up
from cfm_workflow.operations.actions.steps import Mover, Order
from cfm_workflow.operations.definitions import can_finish, definition_of
from cfm_workflow.operations.stand_ins import let_go_on, let_watch
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import relations as relations_query


@dataclass(frozen=True, slots=True)
class Moved:
    """An action after its transition, as the API shows it."""

    action_id: int
    action: dict[str, Any]


Result = Moved | CfmError


def move(
    session: Session,
    caller: Caller,
    action_id: int,
    order: Order,
    *,
    now: datetime,
    if_match: int | None = None,
    because: Sequence[Fact] = (),
) -> dict[str, Any]:
    """Move one action and return it as the API shows it. `because`: what led to it, recorded with it.

    Raises:
        NotFound, Stale, Forbidden, RefusedTransition, Invalid: see `move_many`; nothing was changed then.
    """
    expected = {} if if_match is None else {action_id: if_match}
    result = move_many(session, caller, [action_id], order, now=now, if_match=expected, because=because)[action_id]
    if isinstance(result, CfmError):
        raise result
    return result.action


def move_many(
    session: Session,
    caller: Caller,
    action_ids: Collection[int],
    order: Order,
    *,
    now: datetime,
    if_match: Mapping[int, int] | None = None,
    because: Sequence[Fact] = (),
) -> dict[int, Result]:
    """Move actions, each for itself: what is refused is left as it was and does not hold up the others.

    `because` is what led to it, recorded with it if anything moves.

    Returns per id the moved action, or the reason why not (NotFound, Stale, Forbidden, RefusedTransition, Invalid).
    """
    access.require(caller, "action.move")
    groups, held = _lock(session, action_ids, order.transition)
    seen = visible(session, caller, held)
    works = {work.action.id: work for work in take_up(session, held)}
    asked = [works[action_id] for action_id in action_ids if action_id in works and action_id in seen]
    relations = relations_query.of_actions(session, caller, [work.action for work in asked])
    mover = Mover(session, caller, order, now, asked)
    results: dict[int, Result] = {action_id: NotFound("action", action_id) for action_id in action_ids}
    moved: list[Work] = []
    for work in asked:
        ident = work.action.id
        try:
            mover.check(work)
            _check_version(work.action, (if_match or {}).get(ident))
            mover.walk(work, relations[ident])
        except CfmError as refusal:
            results[ident] = refusal
        else:
            moved.append(work)
    facts = roll_up.finish(session, groups, moved, list(works.values()), now=now)
    let_watch(session, [(work.action.id, work.stood_in_for) for work in moved if work.stood_in_for], now=now)
    let_go_on(session, [(work.action.id, work.given_back_to) for work in moved if work.given_back_to])
    ledger.record(session, [*because, *facts] if moved else facts, now=now)
    return results | {work.action.id: Moved(work.action.id, work.shown or work.view(now)) for work in moved}


def _lock(session: Session, action_ids: Collection[int], transition: str) -> tuple[Sequence[Any], list[Held]]:
    """Groups before actions; groups only when a finished state may be entered or left.

    A definition that this process has not met yet may surprise it: then the groups come late, and should two callers
    block each other over that, the whole operation runs again.
    """
    if not can_finish(session, transition):
        held = lock_actions(session, action_ids)
        if not any(transition in definition_of(session, action.workflow_id).finishing for action in held):
            return (), held
    groups = lock_groups(session, action_ids)
    early = [group.id for group in groups if group.completion != "all" and group.state == "open"]
    return groups, lock_actions(session, action_ids, rest_of=early)


def visible(session: Session, caller: Caller, held: Sequence[Held]) -> frozenset[int]:
    """The ids of those that the caller may know of."""
    ids = frozenset(action.id for action in held)
    if not caller.hidden_teams or not ids:
        return ids
    return frozenset(session.scalars(select(Action.id).where(Action.id.in_(ids), actions_query.may_see(caller))))


def _check_version(action: Held, expected: int | None) -> None:
    if expected is not None and expected != action.version:
        raise Stale(action.version)
