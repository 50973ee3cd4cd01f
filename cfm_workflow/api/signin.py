"""Who is asking: the bearer token of a request (RFC 6750), or the session of somebody at the pages, who proves with
unsafe requests that a page of ours made them. Checked before anything else.
"""

from datetime import datetime

from flask import current_app, g, request
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import Forbidden, Unauthenticated
from cfm_workflow.operations import tokens
from cfm_workflow.queries import callers
from cfm_workflow.security.failures import Failures
from cfm_workflow.security.sessions import COOKIE, HEADER, cookie_name, is_proof
from cfm_workflow.security.sessions import digest as digest_of_session
from cfm_workflow.security.sessions import well_formed as is_session
from cfm_workflow.security.tokens import digest, well_formed
from cfm_workflow.service import Service


def signed_in(service: Service, session: Session, *, now: datetime) -> Caller:
    """The caller behind the request's token or browser session, looked up in `session`, which reads only.

    Raises:
        Unauthenticated: there is neither, or none that is valid now.
        Forbidden: it is a session, and the proof that an unsafe request needs is missing.
        TooMany: nor had too many before it from this address.
    """
    address = request.remote_addr or ""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not token:
        return _by_session(service, session, now)
    found = None
    if scheme.lower() == "bearer" and well_formed(token.strip()):
        found = callers.by_token(session, digest(token.strip()), now=now)
    if found is None:
        # Only those who fail are slowed down: behind one address there may be a whole office.
        failures: Failures = current_app.extensions["cfm_failures"]
        failures.check(address, now)
        failures.count(address, now)
        raise Unauthenticated("This token is not valid.")
    caller, last_used_at = found
    token_id = caller.token_id
    if token_id is not None and (last_used_at is None or now - last_used_at >= tokens.LAST_USE_EVERY):
        service.database.transaction(lambda writing: tokens.used(writing, token_id, now=now))
    g.caller = caller
    return caller


def _by_session(service: Service, session: Session, now: datetime) -> Caller:
    is_secure = request.is_secure or service.settings.base_url.startswith("https:")
    ident = request.cookies.get(cookie_name(COOKIE, is_secure=is_secure), "")
    found = callers.by_session(session, digest_of_session(ident), now=now) if is_session(ident) else None
    if found is None:
        raise Unauthenticated("A bearer token is needed: Authorization: Bearer cfm_...")
    if request.method not in ("GET", "HEAD"):
        is_ours = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
        if not is_ours or not is_proof(service.ring, ident, request.headers.get(HEADER, "")):
            raise Forbidden("csrf", f"With a browser session this needs the header {HEADER}, as the pages hold it.")
    g.caller = found.caller
    return found.caller
