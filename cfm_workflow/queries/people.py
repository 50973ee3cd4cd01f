"""Users, teams and integrations as everybody sees them. Never writes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.db import plain
from cfm_workflow.errors import NotFound
from cfm_workflow.models import Account, Calendar, SupervisedTeam, Team, TeamMember, Token
from cfm_workflow.queries.pages import Page, Sort, fetch_page


@dataclass(frozen=True, slots=True)
class NamedUser:
    """As much of a user as giving them work needs."""

    id: int
    name: str
    email: str
    active: bool


_NAMED_USERS: Final = select(Account.id, Account.name, Account.email, Account.active).where(
    Account.kind == "user",
    or_(Account.id.in_(bindparam("ids", expanding=True)), Account.email.in_(bindparam("emails", expanding=True))),
)


def user_by_ref(session: Session, ref: int | str) -> NamedUser | None:
    """A user by id or e-mail address (in any case)."""
    return users_by_ref(session, [ref]).get(ref)


def users_by_ref(session: Session, refs: Iterable[int | str]) -> dict[int | str, NamedUser]:
    """Those of the users that exist, by how they were named."""
    wanted = {ref: ref.strip().lower() if isinstance(ref, str) else ref for ref in refs}
    ids = [ref for ref in wanted.values() if isinstance(ref, int)]
    emails = [ref for ref in wanted.values() if isinstance(ref, str)]
    people = [NamedUser(*row) for row in plain(session, _NAMED_USERS, {"ids": ids, "emails": emails})]
    found: dict[int | str, NamedUser] = {person.id: person for person in people}
    found |= {person.email: person for person in people}
    return {ref: found[key] for ref, key in wanted.items() if key in found}


def team_by_ref(session: Session, ref: int | str) -> Team | None:
    """A team by id or key."""
    return teams_by_ref(session, [ref]).get(ref)


def teams_by_ref(session: Session, refs: Iterable[int | str]) -> dict[int | str, Team]:
    """Those of the teams that exist, by how they were named."""
    wanted = list(refs)
    if not wanted:
        return {}
    ids = [ref for ref in wanted if isinstance(ref, int)]
    keys = [ref for ref in wanted if isinstance(ref, str)]
    rows = session.scalars(select(Team).where(or_(Team.id.in_(ids), Team.key.in_(keys)))).all()
    found: dict[int | str, Team] = {team.id: team for team in rows}
    found |= {team.key: team for team in rows}
    return {ref: found[ref] for ref in wanted if ref in found}


def find_user(session: Session, user_id: int) -> Account:
    """Raises NotFound unless there is such a user, switched off or not."""
    account = session.get(Account, user_id)
    if account is None or account.kind != "user":
        raise NotFound("user", user_id)
    return account


def find_team(session: Session, team_id: int) -> Team:
    """Raises NotFound unless there is such a team."""
    team = session.get(Team, team_id)
    if team is None:
        raise NotFound("team", team_id)
    return team


def find_integration(session: Session, account_id: int) -> Account:
    """Raises NotFound unless there is such an integration."""
    account = session.get(Account, account_id)
    if account is None or account.kind != "integration":
        raise NotFound("integration", account_id)
    return account


def member_ids(session: Session, team_id: int) -> list[int]:
    """Who is in a team, by id."""
    members = select(TeamMember.account_id).where(TeamMember.team_id == team_id).order_by(TeamMember.account_id)
    return list(session.scalars(members))


def active_members(session: Session, team_ids: Iterable[int]) -> dict[int, list[Account]]:
    """Per team: who in it can be given work, by id."""
    query = select(TeamMember.team_id, Account).join(Account, Account.id == TeamMember.account_id)
    query = query.where(TeamMember.team_id.in_(list(team_ids)), Account.active)
    found: dict[int, list[Account]] = {}
    for team_id, account in session.execute(query.order_by(Account.id)):
        found.setdefault(team_id, []).append(account)
    return found


def user_view(session: Session, account: Account) -> dict[str, Any]:
    """A user in the words of the API."""
    return _user(account, _teams_of(session, [account.id]), _supervised_by(session, [account.id]))


def _user(account: Account, teams: Mapping[int, list[Any]], supervised: Mapping[int, list[Any]]) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "role": account.role,
        "language": account.language,
        "time_zone": account.time_zone,
        "active": account.active,
        "teams": teams.get(account.id, []),
        "supervises": supervised.get(account.id, []),
        "version": account.version,
        "created_at": account.created_at,
    }


def _teams_of(session: Session, ids: list[int]) -> dict[int, list[Any]]:
    membership = select(TeamMember.account_id, Team.id, Team.key, Team.name).join(Team, Team.id == TeamMember.team_id)
    return _by_account(session, membership.where(TeamMember.account_id.in_(ids)))


def _supervised_by(session: Session, ids: list[int]) -> dict[int, list[Any]]:
    teams = select(SupervisedTeam.account_id, Team.id, Team.key, Team.name)
    return _by_account(
        session, teams.join(Team, Team.id == SupervisedTeam.team_id).where(SupervisedTeam.account_id.in_(ids))
    )


def _by_account(session: Session, query: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in session.execute(query.order_by(Team.id)):
        found.setdefault(row.account_id, []).append({"id": row.id, "key": row.key, "name": row.name})
    return found


BY_ID = {"id": Sort((Account.id,))}


def users(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of users; filters `q` (part of name or address), `role`, `active`, `team`."""
    query = select(Account).where(Account.kind == "user")
    if wanted.get("q"):
        part = f"%{_escaped(wanted['q'].lower())}%"
        query = query.where(
            or_(func.lower(Account.name).like(part, escape="\\"), Account.email.like(part, escape="\\"))
        )
    if wanted.get("role"):
        query = query.where(Account.role == wanted["role"])
    if wanted.get("active") is not None:
        query = query.where(Account.active if wanted["active"] else ~Account.active)
    if wanted.get("team") is not None:
        members = select(TeamMember.account_id).where(TeamMember.team_id == wanted["team"])
        query = query.where(Account.id.in_(members))
    found = fetch_page(session, query, wanted, BY_ID, present=lambda row: row[0])
    ids = [account.id for account in found.items]
    teams, supervised = _teams_of(session, ids), _supervised_by(session, ids)
    return Page([_user(account, teams, supervised) for account in found.items], found.next_cursor)


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def team_view(session: Session, team: Team) -> dict[str, Any]:
    """A team in the words of the API, with its members."""
    return _teams(session, [team])[0]


def teams(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of teams."""
    found = fetch_page(session, select(Team), wanted, {"id": Sort((Team.id,))}, present=lambda row: row[0])
    return Page(_teams(session, found.items), found.next_cursor)


def _teams(session: Session, teams: list[Team]) -> list[dict[str, Any]]:
    ids = [team.id for team in teams]
    leads = {team.lead_id for team in teams if team.lead_id is not None}
    people = select(Account.id, Account.name, Account.email, Account.active)
    lead_rows = {row.id: row for row in session.execute(people.where(Account.id.in_(leads)))} if leads else {}
    calendars = _calendars(session, {team.calendar_id for team in teams if team.calendar_id is not None})
    joined = people.add_columns(TeamMember.team_id).join(TeamMember, TeamMember.account_id == Account.id)
    members: dict[int, list[Any]] = {}
    for row in session.execute(joined.where(TeamMember.team_id.in_(ids)).order_by(Account.id)):
        members.setdefault(row.team_id, []).append(_person(row) | {"active": row.active})
    return [
        {
            "id": team.id,
            "key": team.key,
            "name": team.name,
            "mode": team.mode,
            "restricted": team.restricted,
            "calendar": calendars.get(team.calendar_id),
            "lead": _person(lead_rows[team.lead_id]) if team.lead_id is not None else None,
            "members": members.get(team.id, []),
            "version": team.version,
            "created_at": team.created_at,
        }
        for team in teams
    ]


def _calendars(session: Session, ids: Collection[int]) -> dict[int | None, dict[str, Any]]:
    query = select(Calendar.id, Calendar.name).where(Calendar.id.in_(ids))
    return {row.id: {"id": row.id, "name": row.name} for row in session.execute(query)} if ids else {}


def _person(row: Any) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "email": row.email}


def integration_view(account: Account) -> dict[str, Any]:
    """An integration in the words of the API."""
    return {
        "id": account.id,
        "name": account.name,
        "owner_id": account.owner_id,
        "scopes": account.scopes,
        "active": account.active,
        "created_at": account.created_at,
    }


def integrations(session: Session, wanted: Mapping[str, Any]) -> Page:
    """A page of integrations."""
    query = select(Account).where(Account.kind == "integration")
    return fetch_page(session, query, wanted, BY_ID, present=lambda row: integration_view(row[0]))


def token_view(token: Token) -> dict[str, Any]:
    """A token without its secret, which nobody has any more."""
    return {
        "id": token.id,
        "name": token.name,
        "hint": token.hint,
        "scopes": token.scopes,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


def tokens(session: Session, account_id: int, wanted: Mapping[str, Any]) -> Page:
    """A page of the tokens of an account."""
    query = select(Token).where(Token.account_id == account_id)
    return fetch_page(session, query, wanted, {"id": Sort((Token.id,))}, present=lambda row: token_view(row[0]))


def me_view(session: Session, caller: Caller) -> dict[str, Any]:
    """Who is asking, in the words of the API."""
    account = session.get_one(Account, caller.id)
    named = select(Team.id, Team.key, Team.name).order_by(Team.id)
    rows = session.execute(named.where(Team.id.in_(sorted(caller.member_of | caller.leads)))).all()
    return {
        "type": account.kind,
        "id": account.id,
        "name": account.name,
        "email": account.email,
        "role": account.role,
        "language": account.language,
        "time_zone": account.time_zone,
        "scopes": None if caller.scopes is None else sorted(caller.scopes),
        "teams": [dict(row._mapping) for row in rows if row.id in caller.member_of],
        "leads": [dict(row._mapping) for row in rows if row.id in caller.leads],
    }
