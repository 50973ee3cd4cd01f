"""The way in and out: by password, and what a browser may choose before anybody is known: language and appearance."""

import threading
from datetime import timedelta
from typing import Final

from flask import current_app, request

from cfm_workflow.errors import Invalid
from cfm_workflow.operations import sessions, signing_in
from cfm_workflow.security.failures import Failures
from cfm_workflow.texts import LANGUAGES, mark
from cfm_workflow.web import door
from cfm_workflow.web.pages import See, Shown, Visit, came_from, page

AT_ONCE: Final = threading.Semaphore(4)
"""A hash takes 64 MiB; more of them than this wait for each other."""
OF_ACCOUNT: Final = (10, timedelta(minutes=15))
OF_ADDRESS: Final = (50, timedelta(minutes=15))
"""So many wrong passwords within so long; then the next one has to wait. A sign-in link by mail never has to."""
WRONG: Final = mark("The e-mail address or the password is not right.")


@page("GET", "/sign-in", "sign_in", right=None)
def sign_in(visit: Visit) -> Shown | See:
    """The form of signing in."""
    wanted = door.local(visit.query.get("next"))
    if visit.caller.id is not None and visit.problem is None:
        return See(wanted or "/")
    return Shown("sign_in.html", {"next": wanted, "here": request.full_path.rstrip("?")})


def _checked(visit: Visit) -> int:
    email, password = visit.form.get("email", "").strip().lower(), visit.form.get("password", "")
    guesses: tuple[Failures, Failures] = current_app.extensions["cfm_guesses"]
    keys = (email[:254], request.remote_addr or "")
    for failures, key in zip(guesses, keys, strict=True):
        failures.check(key, visit.now)
    with AT_ONCE:
        account_id = signing_in.check(visit.session, email, password)
    if account_id is None:
        for failures, key in zip(guesses, keys, strict=True):
            failures.count(key, visit.now)
        raise Invalid({"password": [WRONG]})
    return account_id


@page("POST", "/sign-in", "sign_in_now", right=None, again=sign_in, prepare=_checked)
def sign_in_now(visit: Visit) -> See:
    """Sign in by password."""
    if not signing_in.is_active(visit.session, visit.prepared):
        raise Invalid({"password": [WRONG]})
    signing_in.refresh_hash(visit.session, visit.prepared, visit.form["password"], now=visit.now)
    return begin(visit, visit.prepared)


def begin(visit: Visit, account_id: int) -> See:
    """A session for whoever has just proved who they are, and on to where they wanted to go."""
    if visit.caller.session_id is not None:
        sessions.end(visit.session, visit.caller, visit.caller.session_id)
    agent = request.headers.get("User-Agent", "")
    ident = sessions.begin(visit.session, account_id, address=request.remote_addr or "", agent=agent, now=visit.now)
    return See(door.local(visit.form.get("next")) or "/", session=ident)


@page("POST", "/sign-out", "sign_out", right=None)
def sign_out(visit: Visit) -> See:
    """End this session."""
    if visit.caller.session_id is not None:
        sessions.end(visit.session, visit.caller, visit.caller.session_id)
    return See("/sign-in", session="")


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
