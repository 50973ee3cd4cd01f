"""Sessions in browsers: begun by whoever has proved who they are, kept alive, ended.

How somebody proves it is `operations/signing_in.py`.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import NotFound
from cfm_workflow.models import BrowserSession, Link
from cfm_workflow.security.links import Purpose
from cfm_workflow.security.sessions import digest, new_id

ENTRANCES: Final = frozenset({Purpose.SIGN_IN, Purpose.RESET, Purpose.INVITATION})
"""The links that let somebody in."""
IDLE: Final = timedelta(days=14)
"""After so long without a request a session is over."""
LONGEST: Final = timedelta(days=90)
SEEN_EVERY: Final = timedelta(minutes=5)
"""More often it is not written down that a session was used."""


def begin(session: Session, account_id: int, *, address: str, agent: str, now: datetime) -> str:
    """A new session of somebody who has proved who they are; what their cookie is to hold."""
    ident = new_id()
    session.execute(
        insert(BrowserSession).values(
            account_id=account_id,
            hash=digest(ident),
            created_at=now,
            last_seen_at=now,
            expires_at=now + IDLE,
            address=address[:64],
            agent=agent[:200],
        )
    )
    return ident


def seen(session: Session, session_id: int, *, address: str, created_at: datetime, now: datetime) -> None:
    """It is being used: it lives on, though not for ever."""
    session.execute(
        update(BrowserSession)
        .where(BrowserSession.id == session_id)
        .values(last_seen_at=now, address=address[:64], expires_at=min(now + IDLE, created_at + LONGEST))
    )


def end(session: Session, caller: Caller, session_id: int) -> None:
    """End one of the caller's sessions.

    Raises:
        NotFound: they have none like it.
    """
    own = (BrowserSession.account_id == caller.id, BrowserSession.id == session_id)
    if session.scalars(delete(BrowserSession).where(*own).returning(BrowserSession.id)).first() is None:
        raise NotFound("session", session_id)


def leave(session: Session, session_id: int) -> None:
    """End a session, whoever's it is, from the browser that holds it."""
    session.execute(delete(BrowserSession).where(BrowserSession.id == session_id))


def end_all(session: Session, account_id: int, *, but: int | None = None) -> None:
    """End all sessions of somebody, or all but one."""
    theirs = delete(BrowserSession).where(BrowserSession.account_id == account_id)
    session.execute(theirs if but is None else theirs.where(BrowserSession.id != but))


def forget_links(session: Session, account_id: int) -> None:
    """The links that were mailed to somebody let nobody in any more: they are gone, or their address is another."""
    session.execute(delete(Link).where(Link.account_id == account_id, Link.purpose.in_(ENTRANCES)))


def forget_old(session: Session, *, now: datetime) -> int:
    """Delete sessions that are over; how many."""
    over = delete(BrowserSession).where(BrowserSession.expires_at <= now)
    return len(session.scalars(over.returning(BrowserSession.id)).all())
