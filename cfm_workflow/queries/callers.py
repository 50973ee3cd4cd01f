"""Who is behind a token, a session or an account, with all that access depends on, in one statement. Never writes."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, ScalarSelect, bindparam, select
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.db import listed, plain
from cfm_workflow.models import Account, BrowserSession, SupervisedTeam, Team, TeamMember, Token


def _ids(column: Any, *where: Any) -> ScalarSelect[Any]:
    return select(listed(column)).where(*where).scalar_subquery()


_ACCOUNT = (
    Account.id,
    Account.kind,
    Account.name,
    Account.email,
    Account.role,
    Account.language,
    Account.active,
    Account.scopes.label("account_scopes"),
    _ids(TeamMember.team_id, TeamMember.account_id == Account.id).label("member_of"),
    _ids(Team.id, Team.lead_id == Account.id).label("leads"),
    _ids(SupervisedTeam.team_id, SupervisedTeam.account_id == Account.id).label("supervises"),
    _ids(Team.id, Team.restricted).label("restricted"),
)

_TOKENS = select(
    *_ACCOUNT, Token.id.label("token_id"), Token.scopes.label("token_scopes"), Token.expires_at, Token.last_used_at
).join_from(Token, Account, Account.id == Token.account_id)
_BY_TOKEN = _TOKENS.where(Token.hash == bindparam("hash"))
_BY_TOKEN_ID = _TOKENS.where(Token.id == bindparam("id"))
_SESSIONS = select(
    *_ACCOUNT,
    Account.time_zone,
    BrowserSession.id.label("session_id"),
    BrowserSession.last_seen_at,
    BrowserSession.expires_at,
    BrowserSession.created_at,
).join_from(BrowserSession, Account, Account.id == BrowserSession.account_id)
_BY_SESSION = _SESSIONS.where(BrowserSession.hash == bindparam("hash"))
_BY_SESSION_ID = _SESSIONS.where(BrowserSession.id == bindparam("id"))
_BY_ID = select(*_ACCOUNT).where(Account.id == bindparam("id"))
_ACCOUNTS = select(*_ACCOUNT).where(Account.id.in_(bindparam("ids", expanding=True)))


def by_token(session: Session, token_hash: str, *, now: datetime) -> tuple[Caller, datetime | None] | None:
    """The caller of a token that is valid now, and when it was last used; None for any other."""
    row = plain(session, _BY_TOKEN, {"hash": token_hash}).one_or_none()
    return (_holder(row), row.last_used_at) if row is not None and _is_valid(row, now) else None


def by_token_id(session: Session, token_id: int, *, now: datetime) -> Caller | None:
    """The caller of a token that was valid before, if it still is."""
    row = plain(session, _BY_TOKEN_ID, {"id": token_id}).one_or_none()
    return _holder(row) if row is not None and _is_valid(row, now) else None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person in a browser, and what pages need to know to speak to them."""

    caller: Caller
    time_zone: str
    created_at: datetime
    last_seen_at: datetime


def by_session(session: Session, session_hash: str, *, now: datetime) -> SignedIn | None:
    """Who is signed in by a session that is valid now; None for any other."""
    row = plain(session, _BY_SESSION, {"hash": session_hash}).one_or_none()
    if row is None or not _is_valid(row, now):
        return None
    return SignedIn(_of_session(row), row.time_zone, row.created_at, row.last_seen_at)


def by_session_id(session: Session, session_id: int, *, now: datetime) -> Caller | None:
    """Who was signed in by this session before, if they still are."""
    row = plain(session, _BY_SESSION_ID, {"id": session_id}).one_or_none()
    return _of_session(row) if row is not None and _is_valid(row, now) else None


def _of_session(row: Row[Any]) -> Caller:
    return replace(_caller(row, token_scopes=None, token_id=None), session_id=row.session_id)


def again(session: Session, caller: Caller, *, now: datetime) -> Caller | None:
    """The caller as things are now, by what they were let in with; None when that is over."""
    if caller.session_id is not None:
        return by_session_id(session, caller.session_id, now=now)
    return None if caller.token_id is None else by_token_id(session, caller.token_id, now=now)


def _is_valid(row: Row[Any], now: datetime) -> bool:
    return row.active and (row.expires_at is None or row.expires_at > now)


def _holder(row: Row[Any]) -> Caller:
    return _caller(row, token_scopes=row.token_scopes, token_id=row.token_id)


def by_id(session: Session, account_id: int) -> Caller | None:
    """The caller an account would be, unscoped; None when it is switched off or unknown."""
    row = session.execute(_BY_ID, {"id": account_id}).one_or_none()
    return _caller(row, token_scopes=None, token_id=None) if row is not None and row.active else None


def by_ids(session: Session, account_ids: Collection[int]) -> list[Caller]:
    """The callers that some accounts would be, unscoped, without those that are switched off or unknown."""
    rows = session.execute(_ACCOUNTS, {"ids": list(account_ids)})
    return [_caller(row, token_scopes=None, token_id=None) for row in rows if row.active]


def _caller(row: Row[Any], *, token_scopes: list[str] | None, token_id: int | None) -> Caller:
    member_of, leads = _parse(row.member_of), _parse(row.leads)
    supervises = (_parse(row.supervises) or None) if row.role == "supervisor" else frozenset[int]()
    return Caller(
        type=row.kind,
        id=row.id,
        name=row.name,
        role=row.role,
        email=row.email,
        language=row.language,
        scopes=_narrowest(row.account_scopes, token_scopes),
        member_of=member_of,
        leads=leads,
        supervises=supervises,
        hidden_teams=_hidden(row.role, _parse(row.restricted), member_of | leads, supervises),
        token_id=token_id,
    )


def _hidden(
    role: str | None, restricted: frozenset[int], own: frozenset[int], supervises: frozenset[int] | None
) -> frozenset[int]:
    if role == "admin" or supervises is None:
        return frozenset()
    return restricted - own - supervises


def _narrowest(account: list[str] | None, token: list[str] | None) -> frozenset[str] | None:
    if account is None:
        return None if token is None else frozenset(token)
    return frozenset(account) if token is None else frozenset(account) & frozenset(token)


def _parse(ids: str | None) -> frozenset[int]:
    return frozenset(map(int, ids.split(","))) if ids else frozenset()
