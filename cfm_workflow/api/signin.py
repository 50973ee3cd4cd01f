"""Who is asking: the bearer token of a request (RFC 6750), checked before anything else."""

import threading
from collections import deque
from datetime import datetime, timedelta
from typing import Final

from flask import current_app, g, request
from sqlalchemy.orm import Session

from cfm_workflow.access import Caller
from cfm_workflow.errors import TooMany, Unauthenticated
from cfm_workflow.operations import tokens
from cfm_workflow.queries import callers
from cfm_workflow.security.tokens import digest, well_formed
from cfm_workflow.service import Service

FAILURES: Final = 60
WITHIN: Final = timedelta(minutes=1)


class Failures:
    """How often tokens failed lately, per address, in this process; guessing is slowed down, nothing else is."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def check(self, address: str, now: datetime) -> None:
        """Raise TooMany for an address that failed FAILURES times WITHIN a minute."""
        with self._lock:
            times = self._seen.get(address)
            if times and len(times) >= FAILURES and now - times[0] < WITHIN:
                wait = int((times[0] + WITHIN - now).total_seconds()) + 1
                raise TooMany("Too many failed sign-ins from this address.", retry_after=wait)

    def count(self, address: str, now: datetime) -> None:
        with self._lock:
            if len(self._seen) > 10_000:
                self._seen.clear()  # a flood of addresses must not become a flood of memory
            self._seen.setdefault(address, deque(maxlen=FAILURES)).append(now)


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
