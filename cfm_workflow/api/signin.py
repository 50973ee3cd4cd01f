"""Who is asking: the bearer token of a request (RFC 6750), checked before anything else."""

from datetime import datetime

from flask import current_app, g, request
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import Unauthenticated
from cfm_workflow.operations import tokens
from cfm_workflow.queries import callers
from cfm_workflow.security.failures import Failures
from cfm_workflow.security.tokens import digest, well_formed
from cfm_workflow.service import Service


def signed_in(service: Service, session: Session, *, now: datetime) -> Caller:
    """The caller behind the request's token, looked up in `session`, which reads only.

    Raises:
        Unauthenticated: there is no token, or none that is valid now.
        TooMany: nor had too many before it from this address.
    """
    address = request.remote_addr or ""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not token:
        raise Unauthenticated("A bearer token is needed: Authorization: Bearer cfm_...")
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
