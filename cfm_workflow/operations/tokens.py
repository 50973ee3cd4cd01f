"""Tokens and integrations: made (the secret is seen once), used, ended."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Forbidden, Invalid, NotFound
from cfm_workflow.ledger import Fact
from cfm_workflow.models import Account, Token
from cfm_workflow.queries import people as people_query
from cfm_workflow.security.tokens import digest, new_token

LAST_USE_EVERY: Final = timedelta(minutes=1)


def create(
    session: Session, caller: Caller, account_id: int, fields: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """A new token of an account, with its secret, which is never shown again.

    `fields`: name, scopes (None: all rights of the account), expires_at. Nobody gives away more than they have.

    Raises:
        NotFound, Forbidden, Conflict: the account is switched off; Invalid: it would end before it begins.
    """
    account = _account(session, account_id)
    require_owner(caller, account_id)
    if not account.active:
        raise Conflict(f"{account.name} has been switched off.")
    if (expires_at := fields.get("expires_at")) is not None and expires_at <= now:
        raise Invalid({"expires_at": ["must be in the future"]})
    scopes = fields.get("scopes")
    _check_scopes(caller, account, scopes)
    return _make(session, caller, account, fields["name"], scopes, expires_at, now)


def require_owner(caller: Caller, account_id: int) -> None:
    """Raise Forbidden unless these are the caller's own tokens, or the caller manages people."""
    if access.allows(caller, "people.manage"):
        return
    access.require(caller, "self.manage", {"oneself"} if caller.id == account_id else ())


def _check_scopes(caller: Caller, account: Account, scopes: Collection[str] | None) -> None:
    if account.scopes is not None and scopes is not None and not set(scopes) <= set(account.scopes):
        raise Invalid({"scopes": ["must be among those of the integration"]})
    if caller.scopes is None:
        return
    if scopes is None or not set(scopes) <= caller.scopes:
        raise Forbidden("people.manage", "A token cannot make one that may do more than itself.")


def _make(
    session: Session,
    caller: Caller,
    account: Account,
    name: str,
    scopes: list[str] | None,
    expires_at: datetime | None,
    now: datetime,
) -> dict[str, Any]:
    secret = new_token()
    token = Token(
        account_id=account.id,
        name=name,
        hash=digest(secret),
        hint=secret[-4:],
        scopes=scopes,
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
    )
    session.add(token)
    session.flush()
    seen = people_query.token_view(token)
    about = {"token": seen | {"account_id": account.id}}
    ledger.record(session, [Fact("token.created", token.id, about, caller)], now=now)
    return seen | {"token": secret}


def revoke(session: Session, caller: Caller, account_id: int, token_id: int, *, now: datetime) -> None:
    """End a token at once.

    Raises:
        NotFound, Forbidden.
    """
    token = session.get(Token, token_id, with_for_update=True)
    if token is None or token.account_id != account_id:
        raise NotFound("token", token_id)
    require_owner(caller, account_id)
    about = {"token": people_query.token_view(token) | {"account_id": account_id}}
    session.delete(token)
    session.flush()
    ledger.record(session, [Fact("token.deleted", token_id, about, caller)], now=now)


def used(session: Session, token_id: int, *, now: datetime) -> None:
    """Remember that a token was used, at most once a minute."""
    stale = or_(Token.last_used_at.is_(None), Token.last_used_at <= now - LAST_USE_EVERY)
    session.execute(update(Token).where(Token.id == token_id, stale).values(last_used_at=now))


def create_integration(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new integration with its first token, whose secret is never shown again.

    Raises:
        Forbidden: also when it would have more scopes than the caller.
    """
    access.require(caller, "people.manage")
    if caller.scopes is not None and not set(fields["scopes"]) <= caller.scopes:
        raise Forbidden("people.manage", "A token cannot make an integration that may do more than itself.")
    account = Account(
        kind="integration",
        name=fields["name"],
        email=None,
        role=None,
        language="en",
        time_zone="UTC",
        active=True,
        scopes=sorted(fields["scopes"]),
        owner_id=caller.id,
        version=1,
        created_at=now,
    )
    session.add(account)
    session.flush()
    seen = people_query.integration_view(account)
    ledger.record(session, [Fact("integration.created", account.id, {"integration": seen}, caller)], now=now)
    made = _make(session, caller, account, "first", None, None, now)
    return seen | {"token": made["token"]}


def remove_integration(session: Session, caller: Caller, account_id: int, *, now: datetime) -> None:
    """Switch an integration off and end its tokens; the history keeps its name.

    Raises:
        NotFound, Forbidden.
    """
    account = people_query.find_integration(session, account_id)
    access.require(caller, "people.manage")
    account.active = False
    account.version += 1
    session.execute(delete(Token).where(Token.account_id == account_id))
    session.flush()
    seen = people_query.integration_view(account)
    ledger.record(session, [Fact("integration.deleted", account_id, {"integration": seen}, caller)], now=now)


def _account(session: Session, account_id: int) -> Account:
    account = session.get(Account, account_id)
    if account is None:
        raise NotFound("account", account_id)
    return account
