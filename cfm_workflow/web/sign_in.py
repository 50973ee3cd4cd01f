"""The way in and out: by password, by a link in a mail, as the first one; and what a browser may choose before anybody
is known: language and appearance.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar

from flask import current_app, request

from cfm_workflow.errors import Invalid
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.people import SetupIn
from cfm_workflow.operations import sessions, signing_in, throttling
from cfm_workflow.operations.throttling import Limit
from cfm_workflow.queries import sessions as sessions_query
from cfm_workflow.security.failures import Failures
from cfm_workflow.security.links import BadLink, LinkSigner, Purpose, SignedLink
from cfm_workflow.texts import LANGUAGES, mark
from cfm_workflow.web import door
from cfm_workflow.web.door import Said
from cfm_workflow.web.pages import Done, See, Shown, Visit, came_from, page
from cfm_workflow.web.speech import say

_Found = TypeVar("_Found")

AT_ONCE: Final = threading.Semaphore(4)
"""A hash takes 64 MiB; more of them than this wait for each other."""
OF_ACCOUNT: Final = Limit("password_of_account", 10, timedelta(minutes=15))
OF_ADDRESS: Final = Limit("password_from_address", 50, timedelta(minutes=15))
"""So many wrong passwords within so long; then the next one has to wait. A sign-in link by mail never has to."""
ASKING: Final = Limit("link_from_address", 20, timedelta(minutes=15))
"""So many links can be asked for from one address."""
WRONG: Final = mark("The e-mail address or the password is not right.")
SENT: Final = mark("If there is an account with this address, a mail with a link is on its way.")
CHANGED: Final = mark("Your new password holds from now on. Other browsers were signed out.")
WELCOME: Final = mark("Welcome! You are the first administrator.")


# -- by password -------------------------------------------------------------------------------------------------------


@page("GET", "/sign-in", "sign_in", right=None)
def sign_in(visit: Visit) -> Done:
    """The form of signing in."""
    wanted = door.local(visit.query.get("next") or visit.form.get("next"))
    if visit.caller.id is not None and visit.problem is None:
        return See(wanted or "/")
    return Shown("door/sign_in.html", {"next": wanted, "here": "/sign-in"})


def _checked(visit: Visit) -> tuple[int, str | None]:
    """The account, and a better hash of its password if the stored one is weak."""
    email, password = visit.form.get("email", "").strip().lower(), visit.form.get("password", "")
    account_id = guessed(visit, email, lambda: signing_in.check(visit.session, email, password))
    if account_id is None:
        raise Invalid({"password": [WRONG]})
    found = sessions_query.password_of(visit.session, email)
    return account_id, signing_in.better_hash(password, found[1] if found else None)


def guessed(visit: Visit, email: str, look: Callable[[], _Found]) -> _Found:
    """What comes of looking at a password of somebody, who is known by `email`; nothing true: it was a wrong one.

    Raises:
        TooMany: there were too many wrong ones of this account, or from this address.
    """
    tried = ((OF_ACCOUNT, email[:254]), (OF_ADDRESS, request.remote_addr or ""))
    for limit, who in tried:  # before it takes its time: many at once are many
        _count(visit, limit, who)
    with AT_ONCE:
        found = look()
    if found:
        for limit, who in tried:
            visit.service.database.transaction(lambda session: throttling.forgive(session, limit, who))  # noqa: B023
    return found


def _count(visit: Visit, limit: Limit, who: str) -> None:
    """In a transaction of its own: it is counted whatever comes of it, by all processes together."""
    counted = visit.service.database.transaction(lambda session: throttling.counted(session, limit, who, now=visit.now))
    counted.check(visit.now)


@page("POST", "/sign-in", "sign_in_now", right=None, again=sign_in, prepare=_checked)
def sign_in_now(visit: Visit) -> See:
    """Sign in by password."""
    account_id, better = visit.prepared
    if not signing_in.is_active(visit.session, account_id):
        raise Invalid({"password": [WRONG]})
    if better is not None:
        signing_in.keep_hash(visit.session, account_id, better)
    return _begin(visit, account_id, door.local(visit.form.get("next")) or "/")


def _begin(visit: Visit, account_id: int, path: str, said: Said | None = None) -> See:
    """A session for whoever has just proved who they are; one that this browser had before ends."""
    if visit.caller.session_id is not None:
        sessions.leave(visit.session, visit.caller.session_id)
    address, agent = request.remote_addr or "", request.headers.get("User-Agent", "")
    ident = sessions.begin(visit.session, account_id, address=address, agent=agent, now=visit.now)
    return See(path, said, session=ident)


@page("POST", "/sign-out", "sign_out", right=None)
def sign_out(visit: Visit) -> See:
    """End this session."""
    if visit.caller.session_id is not None:
        sessions.leave(visit.session, visit.caller.session_id)
    return See("/sign-in", session="")


# -- by a link in a mail -----------------------------------------------------------------------------------------------


def _asked(visit: Visit) -> None:
    _count(visit, ASKING, request.remote_addr or "")


@page("GET", "/sign-in/link", "ask_for_link", right=None)
def ask_for_link(visit: Visit) -> Shown:
    """The form that asks for a link to sign in."""
    return Shown("door/ask.html", {"here": "/sign-in/link", "is_reset": False})


@page("POST", "/sign-in/link", "mail_link", right=None, again=ask_for_link, prepare=_asked)
def mail_link(visit: Visit) -> See:
    """Mail it."""
    return _mailed(visit, Purpose.SIGN_IN)


@page("GET", "/sign-in/reset", "ask_for_reset", right=None)
def ask_for_reset(visit: Visit) -> Shown:
    """The form that asks for a new password."""
    return Shown("door/ask.html", {"here": "/sign-in/reset", "is_reset": True})


@page("POST", "/sign-in/reset", "mail_reset", right=None, again=ask_for_reset, prepare=_asked)
def mail_reset(visit: Visit) -> See:
    """Mail a link to choose it."""
    return _mailed(visit, Purpose.RESET)


def _mailed(visit: Visit, purpose: Purpose) -> See:
    signing_in.ask_for_link(visit.session, visit.form.get("email", "")[:254], purpose, now=visit.now)
    return See("/sign-in", Said(say(SENT)))


@page("GET", "/enter/<token>", "entrance", right=None)
def entrance(visit: Visit, token: str) -> Shown:
    """Whom a link lets in, and what it asks of them. Mail scanners open every link, so nothing happens yet."""
    signed = _signed(visit, token)
    if signed.purpose is Purpose.SETUP:
        return _setup(visit)
    guest = signing_in.guest(visit.session, signed)
    values = {"guest": guest, "purpose": signed.purpose.value, "here": request.path}
    return Shown("door/enter.html", values)


def _setup(visit: Visit) -> Shown:
    if not sessions_query.nobody_is_here(visit.session):
        raise BadLink
    return Shown("door/setup.html", {"here": request.path})


def _hashed(visit: Visit, token: str) -> str | None:
    """The hash of the password that was chosen; a link to sign in asks for none."""
    signed = _signed(visit, token)
    if signed.purpose is Purpose.SIGN_IN:
        return None
    if signed.purpose is not Purpose.SETUP:
        signing_in.guest(visit.session, signed)  # nothing is hashed for a link that lets nobody in
    with AT_ONCE:
        return signing_in.hashed(visit.form.get("password", ""))


@page("POST", "/enter/<token>", "enter", right=None, again=entrance, prepare=_hashed)
def enter(visit: Visit, token: str) -> See:
    """In."""
    signed = _signed(visit, token)
    if signed.purpose is Purpose.SETUP:
        account_id = signing_in.set_up(visit.session, _first(visit), visit.prepared, now=visit.now)
        return _begin(visit, account_id, "/", Said(say(WELCOME)))
    name = _name(visit.form) if signed.purpose is Purpose.INVITATION else None
    account_id = signing_in.enter(visit.session, signed, new_hash=visit.prepared, name=name, now=visit.now)
    said = Said(say(CHANGED)) if signed.purpose is Purpose.RESET else None
    return _begin(visit, account_id, "/", said)


def _first(visit: Visit) -> Mapping[str, Any]:
    settings = visit.service.settings
    given = {name: visit.form.get(name, "").strip() for name in ("name", "email")}
    return {
        **load(SetupIn(), given),
        "language": visit.reader.language,
        "time_zone": settings.time_zone.key,
    }


def _name(form: Mapping[str, str]) -> str:
    loaded = load(SetupIn(only=("name",)), {"name": form.get("name", "").strip()})
    return str(loaded["name"])


def _signed(visit: Visit, token: str) -> SignedLink:
    """What the token says. Only those whose tokens are none are slowed down."""
    try:
        return LinkSigner(visit.service.ring).verify(token, now=visit.now)
    except BadLink:
        failures: Failures = current_app.extensions["cfm_failures"]
        address = request.remote_addr or ""
        failures.check(address, visit.now)
        failures.count(address, visit.now)
        raise


# -- of a browser ------------------------------------------------------------------------------------------------------


@page("POST", "/language", "choose_language", right=None)
def choose_language(visit: Visit) -> See:
    """The language of this browser, before anybody is known."""
    chosen = visit.form.get("language", "")
    cookies = {door.LANGUAGE: chosen} if chosen in LANGUAGES else {}
    return See(door.local(visit.form.get("next")) or "/", cookies=cookies)


@page("POST", "/theme", "choose_theme", right=None)
def choose_theme(visit: Visit) -> See:
    """Light, dark, or as the device has it."""
    chosen = visit.form.get("theme", "")
    cookies = {door.THEME: chosen} if chosen in door.THEMES else {}
    return See(door.local(came_from()) or "/", cookies=cookies)
