"""How a caller is related to actions, feedback items and customers, answered once for many. Never writes."""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from sqlalchemy import or_, select, union_all
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller, by_role
from cfm_workflow.models import Action, ActionFeedback, ActionWatcher, Feedback, FeedbackWatcher, TeamMember


class Related(Protocol):
    """What of an action a relation can depend on."""

    id: int
    assignee_id: int | None
    assigner_id: int
    team_id: int | None
    pool: bool
    undo_by: int | None


def of_actions(session: Session, caller: Caller, actions: Collection[Related]) -> dict[int, frozenset[str]]:
    """Per action id: which of the words in the workflows' `who` apply to the caller.

    An action that was given to a person without naming a team belongs, for leads and for supervisors of named teams,
    to the teams of its assignee.
    """
    if caller.type == "system":
        return {action.id: frozenset({"system"}) for action in actions}
    teams = _teams(session, caller, actions)
    return {action.id: _of_action(caller, action, teams.get(action.id, frozenset())) for action in actions}


def watches(session: Session, account_id: int | None, *, action_id: int, feedback_id: int) -> bool:
    """Whether somebody watches an action, or the item on which it was made."""
    on_action = select(ActionWatcher.account_id).where(
        ActionWatcher.action_id == action_id, ActionWatcher.account_id == account_id
    )
    on_item = select(FeedbackWatcher.account_id).where(
        FeedbackWatcher.feedback_id == feedback_id, FeedbackWatcher.account_id == account_id
    )
    return session.scalars(union_all(on_action, on_item).limit(1)).first() is not None


def _of_action(caller: Caller, action: Related, teams: frozenset[int]) -> frozenset[str]:
    found = set()
    if caller.is_administrator:
        found.add("administrator")
    if action.assignee_id is not None and action.assignee_id == caller.id:
        found.add("assignee")
    if action.assigner_id == caller.id:
        found.add("assigner")
    if action.undo_by is not None and action.undo_by == caller.id:
        found.add("doer")
    if action.pool and action.team_id in caller.member_of:
        found.add("pool_member")
    if not caller.leads.isdisjoint(teams):
        found.add("lead")
    if caller.is_supervisor and (caller.supervises is None or not caller.supervises.isdisjoint(teams)):
        found.add("supervisor")
    return frozenset(found)


def _teams(session: Session, caller: Caller, actions: Collection[Related]) -> dict[int, frozenset[int]]:
    """The teams an action belongs to, as far as they matter to this caller."""
    watched = caller.leads | (caller.supervises or frozenset())
    if not watched:
        return {}
    teamless = {a.assignee_id for a in actions if a.team_id is None and a.assignee_id is not None}
    of_person = shared_teams(session, teamless, watched) if teamless else {}
    return {
        a.id: frozenset({a.team_id}) if a.team_id is not None else of_person.get(a.assignee_id or 0, frozenset())
        for a in actions
    }


def shared_teams(session: Session, people: Iterable[int], teams: Iterable[int]) -> dict[int, frozenset[int]]:
    """Per person: those of `teams` that they are a member of."""
    found: dict[int, set[int]] = {}
    members = select(TeamMember.account_id, TeamMember.team_id).where(
        TeamMember.account_id.in_(list(people)), TeamMember.team_id.in_(list(teams))
    )
    for account_id, team_id in session.execute(members):
        found.setdefault(account_id, set()).add(team_id)
    return {person: frozenset(their) for person, their in found.items()}


def handled_items(session: Session, caller: Caller, feedback_ids: Collection[int]) -> frozenset[int]:
    """Those of the items on which the caller, or a team of theirs, has an action."""
    if caller.id is None or not feedback_ids:
        return frozenset()
    theirs = or_(Action.assignee_id == caller.id, Action.team_id.in_(list(caller.member_of)))
    handled = (
        select(ActionFeedback.feedback_id)
        .join(Action, Action.id == ActionFeedback.action_id)
        .where(ActionFeedback.feedback_id.in_(list(feedback_ids)), theirs)
        .distinct()
    )
    return frozenset(session.scalars(handled))


def handled_customers(session: Session, caller: Caller, customer_ids: Collection[int]) -> frozenset[int]:
    """Those of the customers who have an item that the caller handles."""
    if caller.id is None or not customer_ids:
        return frozenset()
    theirs = or_(Action.assignee_id == caller.id, Action.team_id.in_(list(caller.member_of)))
    handled = (
        select(Feedback.customer_id)
        .join(ActionFeedback, ActionFeedback.feedback_id == Feedback.id)
        .join(Action, Action.id == ActionFeedback.action_id)
        .where(Feedback.customer_id.in_(list(customer_ids)), theirs)
        .distinct()
    )
    return frozenset(found for found in session.scalars(handled) if found is not None)


def to_item(session: Session, caller: Caller, item: Mapping[str, int | None]) -> frozenset[str]:
    """Relations to a feedback item: `recorder` (who stored it), `handler` (has an action on it), `supervisor`."""
    found = set(by_role(caller))
    if item["recorded_by"] is not None and item["recorded_by"] == caller.id:
        found.add("recorder")
    if handled_items(session, caller, [item["id"] or 0]):
        found.add("handler")
    return frozenset(found)


def to_customer(session: Session, caller: Caller, customer_id: int) -> frozenset[str]:
    """Relations to a customer: `handler` (has an action on an item of theirs), `supervisor`."""
    handles = handled_customers(session, caller, [customer_id])
    return by_role(caller) | ({"handler"} if handles else frozenset())
