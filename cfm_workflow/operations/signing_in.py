"""How people prove who they are: by password. What they get for it is a session (`operations/sessions.py`)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import Invalid
from cfm_workflow.models import Account, Password
from cfm_workflow.operations import sessions
from cfm_workflow.queries import sessions as sessions_query
from cfm_workflow.security import passwords
from cfm_workflow.texts import mark

TOO_SHORT = mark("A password needs at least 10 characters.")
TOO_LONG = mark("A password has at most 200 characters.")
WRONG_PASSWORD = mark("This is not your password.")


def check(session: Session, email: str, password: str) -> int | None:
    """The id of the active person who has this address and password; None of anybody else, after the same time."""
    found = sessions_query.password_of(session, email.strip().lower())
    is_right = passwords.matches(found[1] if found else None, password[: passwords.LONGEST])
    return found[0] if found and is_right else None


def set_password(session: Session, account_id: int, password: str, *, now: datetime) -> None:
    """Give somebody a new password.

    Raises:
        Invalid: it is too short or too long.
    """
    if len(password) < passwords.SHORTEST:
        raise Invalid({"password": [TOO_SHORT]})
    if len(password) > passwords.LONGEST:
        raise Invalid({"password": [TOO_LONG]})
    session.merge(Password(account_id=account_id, hash=passwords.hashed(password), changed_at=now))
    session.flush()


def change_password(session: Session, caller: Caller, current: str, new: str, *, now: datetime) -> None:
    """Change one's own password, by the one that holds; all other sessions end.

    Raises:
        Invalid: the current one is wrong, or the new one is too short or too long.
    """
    assert caller.id is not None
    stored = session.get(Password, caller.id)
    if stored is not None and not passwords.matches(stored.hash, current):
        raise Invalid({"current": [WRONG_PASSWORD]})
    set_password(session, caller.id, new, now=now)
    sessions.end_all(session, caller.id, but=caller.session_id)


def refresh_hash(session: Session, account_id: int, password: str, *, now: datetime) -> None:
    """Hash a password that was right anew if its hash is weaker than today's."""
    stored = session.scalars(select(Password).where(Password.account_id == account_id)).one_or_none()
    if stored is not None and passwords.is_outdated(stored.hash):
        stored.hash = passwords.hashed(password)
        session.flush()


def is_active(session: Session, account_id: int) -> bool:
    """Whether somebody may still sign in, looked at under a lock that switching them off waits for."""
    query = select(Account.active).where(Account.id == account_id)
    return bool(session.execute(query.with_for_update(read=True, key_share=True)).scalar_one_or_none())
