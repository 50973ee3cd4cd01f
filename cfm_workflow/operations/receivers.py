"""Who is told of actions by their place: assignee, assigner, lead, supervisors. Never writes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.models import Account, SupervisedTeam, Team, TeamMember
from cfm_workflow.operations.actions.held import Held
from cfm_workflow.policy.ladders import Receiver

MOST_TOLD: Final = 50


class Receivers:
    """Who stands above some actions and beside them; only active users are among them."""

    def __init__(self, session: Session, actions: Iterable[Held]) -> None:
        actions = list(actions)
        assignees = {action.assignee_id for action in actions if action.assignee_id is not None}
        self._teams_of = _teams_of(session, assignees)
        teams = {team for ids in self._teams_of.values() for team in ids}
        teams |= {action.team_id for action in actions if action.team_id is not None}
        self._leads = _leads(session, teams)
        self._above = _above(session) if actions else []
        wanted = assignees | {action.assigner_id for action in actions}
        self._names = _names(session, wanted)

    def told(self, action: Held, to: Collection[Receiver]) -> list[dict[str, Any]]:
        """Who these are, each once, by the nearest relation: id, name, and as what."""
        found: dict[int, dict[str, Any]] = {}
        for receiver in Receiver:
            if receiver not in to:
                continue
            for ident, name, relation in self._as(receiver, action):
                found.setdefault(ident, {"id": ident, "name": name, "as": relation})
        return list(found.values())[:MOST_TOLD]

    def _as(self, receiver: Receiver, action: Held) -> list[tuple[int, str, str]]:
        if receiver is Receiver.ASSIGNER:
            return self._one(action.assigner_id, "assigner")
        if receiver is Receiver.ASSIGNEE and action.assignee_id in self._names:
            return self._one(action.assignee_id, "assignee")
        teams = self._teams(action)
        if receiver is Receiver.SUPERVISORS:
            return self._supervisors(teams)
        leads = [(*self._leads[team], "lead") for team in sorted(teams) if team in self._leads]
        return leads or self._supervisors(teams)  # the next step up, where nobody leads

    def _one(self, ident: int | None, relation: str) -> list[tuple[int, str, str]]:
        name = self._names.get(ident or 0)
        return [] if ident is None or name is None else [(ident, name, relation)]

    def _teams(self, action: Held) -> frozenset[int]:
        """The team an action was given to; without one those of its assignee, as for leads."""
        if action.team_id is not None:
            return frozenset({action.team_id})
        return self._teams_of.get(action.assignee_id or 0, frozenset())

    def _supervisors(self, teams: frozenset[int]) -> list[tuple[int, str, str]]:
        """Those of all teams and those of one of these; where there are none, administrators."""
        fitting = [(each.id, each.name) for each in self._above if each.oversees(teams)]
        admins = [(each.id, each.name) for each in self._above if each.role == "admin"]
        return [(ident, name, "supervisor") for ident, name in fitting or admins]


@dataclass(frozen=True, slots=True)
class _Above:
    id: int
    name: str
    role: str
    supervises: frozenset[int]

    def oversees(self, teams: frozenset[int]) -> bool:
        return self.role == "supervisor" and (not self.supervises or not self.supervises.isdisjoint(teams))


_ACTIVE: Final = (Account.active, Account.kind == "user")


def _teams_of(session: Session, people: Iterable[int]) -> Mapping[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    query = select(TeamMember.account_id, TeamMember.team_id).where(TeamMember.account_id.in_(list(people)))
    for account_id, team_id in session.execute(query):
        found.setdefault(account_id, set()).add(team_id)
    return {person: frozenset(teams) for person, teams in found.items()}


def _leads(session: Session, teams: Iterable[int]) -> Mapping[int, tuple[int, str]]:
    query = select(Team.id, Account.id, Account.name).join(Account, Account.id == Team.lead_id)
    rows = session.execute(query.where(Team.id.in_(list(teams)), *_ACTIVE))
    return {team_id: (account_id, name) for team_id, account_id, name in rows}


def _above(session: Session) -> list[_Above]:
    query = (
        select(Account.id, Account.name, Account.role, SupervisedTeam.team_id)
        .outerjoin(SupervisedTeam, SupervisedTeam.account_id == Account.id)
        .where(Account.role.in_(["supervisor", "admin"]), *_ACTIVE)
        .order_by(Account.id)
    )
    people: dict[int, tuple[str, str, set[int]]] = {}
    for ident, name, role, team_id in session.execute(query):
        people.setdefault(ident, (name, role or "", set()))[2].update({team_id} - {None})
    return [_Above(ident, name, role, frozenset(teams)) for ident, (name, role, teams) in people.items()]


def _names(session: Session, people: Iterable[int]) -> Mapping[int, str]:
    query = select(Account.id, Account.name).where(Account.id.in_(list(people)), *_ACTIVE)
    return {row.id: row.name for row in session.execute(query)}
