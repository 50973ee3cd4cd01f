"""How people prove who they are: by password, or by a link that was mailed to them. What they get for it is a session
(`operations/sessions.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cfm_workflow import access, ledger
from cfm_workflow.access import Caller
from cfm_workflow.errors import Conflict, Invalid, NotFound
from cfm_workflow.ledger import Fact, outbox
from cfm_workflow.models import Account, Installation, Link, Password
from cfm_workflow.operations import people, sessions, throttling
from cfm_workflow.operations.sessions import ENTRANCES
from cfm_workflow.queries import people as people_query
from cfm_workflow.queries import sessions as sessions_query
from cfm_workflow.security import passwords
from cfm_workflow.security.keys import KeyRing
from cfm_workflow.security.links import RANDOM_BYTES, BadLink, LinkSigner, Purpose, SignedLink
from cfm_workflow.texts import mark

SETUP_VALID: Final = timedelta(days=7)
AGAIN_AFTER: Final = timedelta(minutes=1)
AN_HOUR: Final = 5
"""So many links for one purpose are mailed to one person within an hour, whoever asks for them."""

ASKED_FOR: Final = throttling.Limit("link_to_address", AN_HOUR, timedelta(hours=1))
NOBODY: Final = 0
"""No account has this id."""

TOO_SHORT: Final = mark("A password needs at least 10 characters.")
TOO_LONG: Final = mark("A password has at most 200 characters.")
WRONG_PASSWORD: Final = mark("This is not your password.")


# -- by password -------------------------------------------------------------------------------------------------------


def check(session: Session, email: str, password: str) -> int | None:
    """The id of the active person who has this address and password; None of anybody else, after the same time."""
    found = sessions_query.password_of(session, email.strip().lower())
    is_right = passwords.matches(found[1] if found else None, password[: passwords.LONGEST])
    return found[0] if found and is_right else None


def hashed(password: str) -> str:
    """The hash of a new password; it takes a while, so before a transaction begins.

    Raises:
        Invalid: it is too short or too long.
    """
    if len(password) < passwords.SHORTEST:
        raise Invalid({"password": [TOO_SHORT]})
    if len(password) > passwords.LONGEST:
        raise Invalid({"password": [TOO_LONG]})
    return passwords.hashed(password)


def is_own_password(session: Session, caller: Caller, password: str) -> bool:
    """Whether this is the caller's password; whoever has none need not know one."""
    stored = session.get(Password, caller.id)
    return stored is None or passwords.matches(stored.hash, password[: passwords.LONGEST])


def change_password(session: Session, caller: Caller, new_hash: str, *, now: datetime) -> None:
    """Give oneself a new password; all one's other sessions end."""
    access.require(caller, "self.manage", {"oneself"})
    assert caller.id is not None
    _set(session, caller.id, new_hash, now)
    sessions.end_all(session, caller.id, but=caller.session_id)
    _record_password(session, caller, caller.id, now)


def better_hash(password: str, stored: str | None) -> str | None:
    """A new hash for a password that was right, if the stored one is weaker than today's."""
    return passwords.hashed(password) if stored is not None and passwords.is_outdated(stored) else None


def is_active(session: Session, account_id: int) -> bool:
    """Whether somebody may still sign in, looked at under a lock that switching them off waits for."""
    query = select(Account.active).where(Account.id == account_id)
    return bool(session.execute(query.with_for_update(read=True, key_share=True)).scalar_one_or_none())


def keep_hash(session: Session, account_id: int, new_hash: str) -> None:
    """Store the same password under a better hash."""
    session.execute(update(Password).where(Password.account_id == account_id).values(hash=new_hash))


def _set(session: Session, account_id: int, new_hash: str, now: datetime) -> None:
    session.merge(Password(account_id=account_id, hash=new_hash, changed_at=now))
    session.flush()
    asked = (Link.account_id == account_id, Link.purpose.in_(ENTRANCES), Link.used_at.is_(None))
    session.execute(update(Link).where(*asked).values(used_at=now))


def _record_password(session: Session, caller: Caller, account_id: int, now: datetime) -> None:
    account = session.get_one(Account, account_id)
    account.version += 1
    session.flush()
    changes = {"password": {"from": None, "to": None}}
    about = {"changes": changes, "user": people_query.user_view(session, account)}
    ledger.record(session, [Fact("user.changed", account_id, about, caller)], now=now)


# -- by a link in a mail -----------------------------------------------------------------------------------------------


def ask_for_link(session: Session, email: str, purpose: Purpose, *, now: datetime) -> None:
    """Mail a link to whoever has this address; to anybody else nothing, and nobody learns which it was.

    The same is done in both cases, down to what is written: how long it takes does not tell it either.
    """
    address = email.strip().lower()
    throttling.counted(session, ASKED_FOR, f"{purpose}:{address}", now=now)  # a row is written for anybody
    found = sessions_query.password_of(session, address)
    account_id = NOBODY if found is None else found[0]
    earlier = outbox.lined_up_lately(session, account_id, purpose, since=now - timedelta(hours=1))
    too_soon = len(earlier) >= AN_HOUR or (earlier and now - earlier[0] < AGAIN_AFTER)
    outbox.line_up(session, NOBODY if too_soon else account_id, purpose, now=now)


def invite(session: Session, caller: Caller, fields: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """A new user, as `people.create_user`, who is mailed a link to begin with."""
    made = people.create_user(session, caller, fields, now=now)
    outbox.line_up(session, made["id"], Purpose.INVITATION, now=now)
    return made


def invite_again(session: Session, caller: Caller, user_id: int, *, now: datetime) -> None:
    """Mail another invitation to a user.

    Raises:
        Forbidden, NotFound, Conflict: they are switched off.
    """
    access.require(caller, "people.manage")
    account = session.get(Account, user_id)
    if account is None or account.kind != "user":
        raise NotFound("user", user_id)
    if not account.active:
        raise Conflict(f"{account.name} has been switched off.")
    outbox.line_up(session, user_id, Purpose.INVITATION, now=now)


@dataclass(frozen=True, slots=True)
class Guest:
    """Whom a link lets in."""

    account_id: int
    name: str
    email: str


def guest(session: Session, signed: SignedLink) -> Guest:
    """Whom a link would let in, which stays as it is.

    Raises:
        BadLink: it lets nobody in, or not any more.
    """
    if signed.purpose not in ENTRANCES:
        raise BadLink
    row = session.execute(
        select(Account.id, Account.name, Account.email)
        .join(Link, Link.account_id == Account.id)
        .where(Link.hash == signed.hash, Link.used_at.is_(None), Account.active, Account.kind == "user")
    ).one_or_none()
    if row is None:
        raise BadLink
    return Guest(row.id, row.name, row.email or "")


def enter(
    session: Session, signed: SignedLink, *, new_hash: str | None = None, name: str | None = None, now: datetime
) -> int:
    """Use a link up: the id of whom it lets in. One to reset and an invitation need the hash of a new password, which
    ends all other sessions; an invitation may bring the name.

    Raises:
        BadLink: it lets nobody in, or not any more.
    """
    unused = (Link.hash == signed.hash, Link.used_at.is_(None), Link.purpose == signed.purpose)
    used = session.execute(update(Link).where(*unused).values(used_at=now).returning(Link.account_id)).first()
    if used is None or signed.purpose not in ENTRANCES or not is_active(session, signed.account_id):
        raise BadLink
    if signed.purpose is Purpose.SIGN_IN:
        return signed.account_id
    assert new_hash is not None
    _set(session, signed.account_id, new_hash, now)
    sessions.end_all(session, signed.account_id)
    account = session.get_one(Account, signed.account_id)
    if name is not None:
        account.name = name
    person = Caller("user", account.id, account.name, role=account.role)
    _record_password(session, person, account.id, now)
    return signed.account_id


# -- the first one -----------------------------------------------------------------------------------------------------


def setup_token(ring: KeyRing, *, now: datetime) -> str:
    """What a link holds by which the first administrator makes themselves, as long as there is nobody."""
    expires_at = (now + SETUP_VALID).replace(microsecond=0)
    return LinkSigner(ring).sign(
        Purpose.SETUP, account_id=0, subject_id=None, random=bytes(RANDOM_BYTES), expires_at=expires_at
    )


def set_up(session: Session, fields: Mapping[str, Any], new_hash: str, *, now: datetime) -> int:
    """The first administrator; their id.

    Raises:
        BadLink: there is somebody already.
    """
    session.execute(select(Installation.id).with_for_update())  # two at once wait in line
    if not sessions_query.nobody_is_here(session):
        raise BadLink
    made = people.create_user(session, access.system("setup"), {**fields, "role": "admin"}, now=now)
    account_id: int = made["id"]
    _set(session, account_id, new_hash, now)
    return account_id
