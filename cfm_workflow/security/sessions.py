"""The secret of a browser session, and proof that a form came from one of our pages (CSRF). Pure, but for randomness.

A session id is 256 random bits; its cookie is all there is of it, stored is a hash. The proof in a form is
random "." HMAC(random, what the cookie holds), so that no two pages carry the same one (BREACH).
"""

import hashlib
import hmac
import re
import secrets
from typing import Final

from cfm_workflow.security.keys import KeyRing, WrongKey

COOKIE: Final = "cfm_session"
VISITOR: Final = "cfm_visitor"
"""The cookie of somebody who is not signed in: what ties the form of signing in to their browser."""
HEADER: Final = "X-CSRF-Token"
"""The header that carries the proof where no form does."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_PROOF: Final = re.compile(r"([A-Za-z0-9._-]{1,40})~([A-Za-z0-9_-]{16})~([0-9a-f]{64})", re.ASCII)
_DERIVED_FOR: Final = "forms of pages"


def cookie_name(name: str, *, is_secure: bool) -> str:
    """Under https only this very host can have set a cookie called so (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if is_secure else name


def new_id() -> str:
    """A fresh secret for a session or a visitor."""
    return secrets.token_urlsafe(32)


def well_formed(ident: str) -> bool:
    """Whether it can be one of ours, before any read of the database."""
    return _ID.fullmatch(ident) is not None


def digest(ident: str) -> str:
    """What is stored: SHA-256 in hex."""
    return hashlib.sha256(ident.encode()).hexdigest()


def proof(ring: KeyRing, ident: str) -> str:
    """What a form carries to show that it was made for the browser that holds `ident`."""
    random, key_id = secrets.token_urlsafe(12), ring.ids[0]
    return f"{key_id}~{random}~{_signature(ring, key_id, random, ident)}"


def is_proof(ring: KeyRing, ident: str, given: str) -> bool:
    """Whether `given` is a proof for the browser that holds `ident`."""
    found = _PROOF.fullmatch(given)
    if found is None:
        return False
    try:
        expected = _signature(ring, found[1], found[2], ident)
    except WrongKey:
        return False
    return hmac.compare_digest(expected, found[3])


def _signature(ring: KeyRing, key_id: str, random: str, ident: str) -> str:
    return hmac.digest(ring.derive(key_id, _DERIVED_FOR), f"{random} {ident}".encode(), "sha256").hex()
