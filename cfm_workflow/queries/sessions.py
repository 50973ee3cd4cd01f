"""Where somebody is signed in, and what they sign in with. Never writes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.models import Account, BrowserSession, Password


def of_account(session: Session, account_id: int, *, now: datetime) -> Sequence[Any]:
    """The sessions of a person that are valid now, the one seen last first."""
    return session.execute(
        select(
            BrowserSession.id,
            BrowserSession.created_at,
            BrowserSession.last_seen_at,
            BrowserSession.address,
            BrowserSession.agent,
        )
        .where(BrowserSession.account_id == account_id, BrowserSession.expires_at > now)
        .order_by(BrowserSession.last_seen_at.desc(), BrowserSession.id.desc())
    ).all()


def password_of(session: Session, email: str) -> tuple[int, str | None] | None:
    """The id of the active person with this address, and the hash of their password; None of anybody else."""
    row = session.execute(
        select(Account.id, Password.hash)
        .outerjoin(Password, Password.account_id == Account.id)
        .where(Account.email == email, Account.kind == "user", Account.active)
    ).one_or_none()
    return None if row is None else (row.id, row.hash)


def has_password(session: Session, account_id: int) -> bool:
    """Whether somebody can sign in by a password."""
    return session.get(Password, account_id) is not None


def nobody_is_here(session: Session) -> bool:
    """Whether this installation has no user yet."""
    return session.scalars(select(Account.id).where(Account.kind == "user").limit(1)).first() is None
