"""People and teams: found by how requests name them, created, changed, switched off."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Invalid, NotFound
from cfm_workflow.ledger import Fact, record
from cfm_workflow.models import Account, Action, Calendar, CalendarFeed, SupervisedTeam, Team, TeamMember, Token
from cfm_workflow.operations import personal_reminders, sessions, stand_ins
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries.people import NamedUser

Ref = int | str
"""How a request names somebody: a user by id or e-mail address, a team by id or key."""


def named_user(session: Session, ref: Ref, *, field: str) -> NamedUser:
    """The active user a request names.

    Raises:
        Invalid: nobody is called that, or they have been switched off; names `field`.
    """
    return named_users(session, {field: ref})[field]


def named_users(session: Session, refs: Mapping[str, Ref]) -> dict[str, NamedUser]:
    """The active users a request names, per field; one statement whatever their number.

    Raises:
        Invalid: names every field that is wrong.
    """
    known = people_query.users_by_ref(session, refs.values())
    problems = {}
    for field, ref in refs.items():
        account = known.get(ref)
        if account is None:
            problems[field] = ["must be the id or e-mail address of a user"]
        elif not account.active:
            problems[field] = [f"{account.name} has been switched off"]
    if problems:
        raise Invalid(problems)
    return {field: known[ref] for field, ref in refs.items()}


def named_team(session: Session, ref: Ref, *, field: str) -> Team:
    """The team a request names.

    Raises:
        Invalid: no team is called that; names `field`.
    """
    return named_teams(session, {field: ref})[field]


def named_teams(session: Session, refs: Mapping[str, Ref]) -> dict[str, Team]:
    """The teams a request names, per field; one statement whatever their number.

    Raises:
        Invalid: names every field that is wrong.
    """
    known = people_query.teams_by_ref(session, refs.values())
    problems = {field: ["must be the id or key of a team"] for field, ref in refs.items() if ref not in known}
    if problems:
        raise Invalid(problems)
    return {field: known[ref] for field, ref in refs.items()}


def create_user(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new user; `fields` as the form loads them (email, name, role, language, time_zone, teams, supervises).

    Raises:
        Forbidden, Conflict: the address is taken already.
    """
    access.require(caller, "people.manage")
    if people_query.user_by_ref(session, fields["email"]) is not None:
        raise Conflict(f"There is a user with the address {fields['email']} already.")
    account = Account(
        kind="user",
        active=True,
        scopes=None,
        owner_id=None,
        version=1,
        created_at=now,
        **{name: fields[name] for name in ("email", "name", "role", "language", "time_zone")},
    )
    session.add(account)
    session.flush()
    for ref in fields.get("teams", ()):
        session.add(TeamMember(team_id=named_team(session, ref, field="teams").id, account_id=account.id))
    _supervise(session, account, fields.get("supervises", ()))
    session.flush()
    seen = people_query.user_view(session, account)
    record(session, [Fact("user.created", account.id, {"user": seen}, caller)], now=now)
    return seen


def _set(account: Account, fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give an account these fields; what changed, old and new."""
    changed = ledger.changes(account, dict(fields))
    for name in changed:
        setattr(account, name, fields[name])
    if "time_zone" in changed:
        account.digest_next = None  # it comes by another clock
    if not changed.keys().isdisjoint(("time_zone", "role", "active")):
        account.report_next = None
    return changed


def change_user(
    session: Session, caller: Caller, user_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change a user; switching off (`active` false) ends their tokens at once and leaves their work to be given on.

    Raises:
        NotFound, Forbidden, Conflict: the last administrator must stay one; an address must be free.
    """
    _lock_administrators(session, fields)
    account = _user(session, user_id)
    access.require(caller, "people.manage")
    if (email := fields.get("email")) and email != account.email and people_query.user_by_ref(session, email):
        raise Conflict(f"There is a user with the address {email} already.")
    _keep_an_administrator(session, account, fields)
    if "supervises" in fields:
        session.execute(delete(SupervisedTeam).where(SupervisedTeam.account_id == account.id))
        _supervise(session, account, fields["supervises"])
    plain = {name: value for name, value in fields.items() if name != "supervises"}
    changed = _set(account, plain)
    if "email" in changed:
        sessions.forget_links(session, account.id)
    if changed or "supervises" in fields:
        account.version += 1
    if not account.active:
        _end_tokens(session, account)
        stand_ins.forget_person(session, account.id, now=now)
    session.flush()
    seen = people_query.user_view(session, account)
    if changed or "supervises" in fields:
        record(session, [Fact("user.changed", account.id, {"changes": changed, "user": seen}, caller)], now=now)
    if not account.active:
        personal_reminders.leave_out(session, caller, account.id, now=now)
    return seen


def remove_user(session: Session, caller: Caller, user_id: int, *, now: datetime) -> None:
    """Switch a user off for good; the history keeps their name.

    Raises:
        NotFound, Forbidden, Conflict: as `change_user`.
    """
    _lock_administrators(session, {"active": False})
    account = _user(session, user_id)
    access.require(caller, "people.manage")
    _keep_an_administrator(session, account, {"active": False})
    account.active = False
    account.version += 1
    _end_tokens(session, account)
    stand_ins.forget_person(session, account.id, now=now)
    session.flush()
    seen = people_query.user_view(session, account)
    record(session, [Fact("user.deleted", account.id, {"user": seen}, caller)], now=now)
    personal_reminders.leave_out(session, caller, account.id, now=now)


def _end_tokens(session: Session, account: Account) -> None:
    """For good, with their sessions and the address of their calendar: whoever is switched on again gets new ones."""
    session.execute(delete(Token).where(Token.account_id == account.id))
    session.execute(delete(CalendarFeed).where(CalendarFeed.account_id == account.id))
    sessions.end_all(session, account.id)
    sessions.forget_links(session, account.id)


def change_me(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> None:
    """What people may change about themselves: name, language, time zone.

    Raises:
        Forbidden: an integration has nothing of this kind, or the token is too narrow.
    """
    access.require(caller, "self.manage", {"oneself"})
    account = _user(session, caller.id or 0)
    changed = _set(account, fields)
    if changed:
        account.version += 1
        seen = people_query.user_view(session, account)
        record(session, [Fact("user.changed", account.id, {"changes": changed, "user": seen}, caller)], now=now)


def create_team(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new team with its lead and members.

    Raises:
        Forbidden, Conflict: the key is taken; Invalid: a person is unknown or switched off.
    """
    access.require(caller, "people.manage")
    if people_query.team_by_ref(session, fields["key"]) is not None:
        raise Conflict(f"There is a team with the key {fields['key']} already.")
    team = Team(
        lead_id=_lead(session, fields.get("lead")),
        calendar_id=_calendar(session, fields.get("calendar")),
        last_given_to=None,
        version=1,
        created_at=now,
        **{name: fields[name] for name in ("key", "name", "mode", "restricted")},
    )
    session.add(team)
    session.flush()
    _set_members(session, team, fields.get("members", ()))
    seen = people_query.team_view(session, team)
    record(session, [Fact("team.created", team.id, {"team": seen}, caller)], now=now)
    return seen


def change_team(
    session: Session, caller: Caller, team_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change a team; `members` replaces the whole list.

    Raises:
        NotFound, Forbidden, Conflict, Invalid: as `create_team`.
    """
    team = _team(session, team_id)
    access.require(caller, "people.manage")
    if (key := fields.get("key")) and key != team.key and people_query.team_by_ref(session, key):
        raise Conflict(f"There is a team with the key {key} already.")
    plain = {name: value for name, value in fields.items() if name not in ("lead", "members", "calendar")}
    if "lead" in fields:
        plain["lead_id"] = _lead(session, fields["lead"])
    if "calendar" in fields:
        plain["calendar_id"] = _calendar(session, fields["calendar"])
    changed = ledger.changes(team, plain)
    for name in changed:
        setattr(team, name, plain[name])
    if "members" in fields:
        before = people_query.member_ids(session, team.id)
        _set_members(session, team, fields["members"])
        after = people_query.member_ids(session, team.id)
        if before != after:
            changed["members"] = {"from": before, "to": after}
    if changed:
        team.version += 1
    session.flush()
    seen = people_query.team_view(session, team)
    if changed:
        record(session, [Fact("team.changed", team.id, {"changes": changed, "team": seen}, caller)], now=now)
    return seen


def delete_team(session: Session, caller: Caller, team_id: int, *, now: datetime) -> None:
    """Delete a team that never had work.

    Raises:
        NotFound, Forbidden, Conflict: there are actions that were given to it.
    """
    team = _team(session, team_id)
    access.require(caller, "people.manage")
    if session.scalars(select(Action.id).where(Action.team_id == team_id).limit(1)).first() is not None:
        raise Conflict("This team has actions and stays; take its members out instead.")
    seen = people_query.team_view(session, team)
    session.delete(team)
    session.flush()
    record(session, [Fact("team.deleted", team_id, {"team": seen}, caller)], now=now)


def _user(session: Session, user_id: int) -> Account:
    account = session.get(Account, user_id, with_for_update={"key_share": True})
    if account is None or account.kind != "user":
        raise NotFound("user", user_id)
    return account


def _team(session: Session, team_id: int) -> Team:
    team = session.get(Team, team_id, with_for_update={"key_share": True})
    if team is None:
        raise NotFound("team", team_id)
    return team


def _lead(session: Session, ref: Ref | None) -> int | None:
    return None if ref is None else named_user(session, ref, field="lead").id


def _calendar(session: Session, ident: int | None) -> int | None:
    if ident is not None and session.get(Calendar, ident, with_for_update={"read": True, "key_share": True}) is None:
        raise Invalid({"calendar": ["must be the id of a calendar"]})
    return ident


def _set_members(session: Session, team: Team, refs: Collection[Ref]) -> None:
    named = named_users(session, {f"members.{n}": ref for n, ref in enumerate(refs)})
    people = {account.id for account in named.values()}
    session.execute(delete(TeamMember).where(TeamMember.team_id == team.id))
    if people:
        rows = [{"team_id": team.id, "account_id": person} for person in sorted(people)]
        session.execute(insert(TeamMember.__table__), rows)  # type: ignore[arg-type]


def _supervise(session: Session, account: Account, refs: Collection[Ref]) -> None:
    for team_id in {named_team(session, ref, field="supervises").id for ref in refs}:
        session.add(SupervisedTeam(account_id=account.id, team_id=team_id))


_ADMINISTRATORS = select(Account.id).where(Account.role == "admin", Account.active).order_by(Account.id)


def _stays_administrator(fields: Mapping[str, Any]) -> bool:
    return bool(fields.get("active", True)) and fields.get("role", "admin") == "admin"


def _lock_administrators(session: Session, fields: Mapping[str, Any]) -> None:
    """Before the account itself, and in the order of their ids: two who switch each other off wait in line."""
    if not _stays_administrator(fields):
        session.execute(_ADMINISTRATORS.with_for_update(key_share=True))


def _keep_an_administrator(session: Session, account: Account, fields: Mapping[str, Any]) -> None:
    if account.role != "admin" or not account.active or _stays_administrator(fields):
        return
    if not session.scalars(_ADMINISTRATORS.where(Account.id != account.id)).all():
        raise Conflict("The last administrator cannot be switched off or demoted.")
