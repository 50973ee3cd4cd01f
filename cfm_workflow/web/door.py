"""Who is at the door of the pages: their session, their language, and whether a form comes from a page of ours.

Cookies and headers are read and written here only; what they mean, `security/sessions.py` and the operations know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from flask import Response, g, request

from cfm_workflow.operations import sessions
from cfm_workflow.queries import callers
from cfm_workflow.queries.callers import SignedIn
from cfm_workflow.security.keys import KeyRing, WrongKey
from cfm_workflow.security.sessions import (
    COOKIE,
    HEADER,
    VISITOR,
    cookie_name,
    digest,
    is_proof,
    new_id,
    proof,
    well_formed,
)
from cfm_workflow.service import Service
from cfm_workflow.texts import LANGUAGES, spoken, zone_named
from cfm_workflow.web.speech import Reader

LANGUAGE: Final = "cfm_language"
THEME: Final = "cfm_theme"
THEMES: Final = ("auto", "light", "dark")
SAID: Final = "cfm_said"
YEAR: Final = 365 * 24 * 60 * 60
SAID_LONGEST: Final = 600
"""Characters; a cookie has little room."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the reader, already in their language; `undo` is where pressing Undo posts `fields`."""

    text: str
    undo: str | None = None
    fields: Mapping[str, str] | None = None
    is_bad: bool = False


def prefix(service: Service) -> str:
    """What stands in front of every path of ours, where a proxy put us below its root."""
    return request.script_root or urlsplit(service.settings.base_url).path.rstrip("/")


def is_secure(service: Service) -> bool:
    """Whether browsers reach us by https."""
    return request.is_secure or service.settings.base_url.startswith("https:")


def read_cookie(service: Service, name: str) -> str:
    return request.cookies.get(cookie_name(name, is_secure=is_secure(service)), "")


def set_cookie(service: Service, response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    """A cookie for this host alone, which no script reads; without a value it is taken back."""
    secure = is_secure(service)
    response.set_cookie(
        cookie_name(name, is_secure=secure),
        value,
        max_age=seconds if value else 0,
        path="/",
        secure=secure,
        httponly=True,
        samesite="Lax",
    )


# -- who ---------------------------------------------------------------------------------------------------------------


def signed_in(service: Service, session: Any, *, now: datetime) -> SignedIn | None:
    """Who is signed in in this browser, looked up in `session`, which reads only."""
    ident = read_cookie(service, COOKIE)
    if not well_formed(ident):
        return None
    found = callers.by_session(session, digest(ident), now=now)
    if found is not None and now - found.last_seen_at >= sessions.SEEN_EVERY:
        _seen(service, found, now)
    return found


def _seen(service: Service, found: SignedIn, now: datetime) -> None:
    ident, address = found.caller.session_id, request.remote_addr or ""
    assert ident is not None
    service.database.transaction(
        lambda session: sessions.seen(session, ident, address=address, created_at=found.created_at, now=now)
    )


def reader_of(service: Service, found: SignedIn | None) -> Reader:
    """Whom the page speaks to: as they chose, as this browser was told to, or as the browser asks."""
    if found is not None:
        return Reader(spoken(found.caller.language), zone_named(found.time_zone))
    chosen = read_cookie(service, LANGUAGE)
    asked = request.accept_languages.best_match(LANGUAGES)
    language = chosen if chosen in LANGUAGES else asked or service.settings.language.value
    return Reader(language, service.settings.time_zone)


def theme(service: Service) -> str:
    """How this browser is to look: one of THEMES."""
    chosen = read_cookie(service, THEME)
    return chosen if chosen in THEMES else THEMES[0]


# -- forms -------------------------------------------------------------------------------------------------------------


def csrf(service: Service) -> str:
    """What the forms of this page carry; whoever is not signed in gets a cookie for it (see `finish`)."""
    ident = read_cookie(service, COOKIE) or read_cookie(service, VISITOR) or g.get("visitor") or ""
    if not well_formed(ident):
        ident = g.visitor = new_id()
    return proof(service.ring, ident)


def is_ours(service: Service) -> bool:
    """Whether a form comes from a page of ours in this browser: by what the browser says, and by what it carries."""
    if not is_same_origin():
        return False
    ident = read_cookie(service, COOKIE) or read_cookie(service, VISITOR)
    given = request.headers.get(HEADER) or request.form.get("_csrf", "")
    return well_formed(ident) and is_proof(service.ring, ident, given)


def is_same_origin() -> bool:
    """What the browser says of where a request comes from (Fetch Metadata, else Origin); True when it says nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def local(address: str | None) -> str | None:
    """A path of ours to go on to, None for anything that leads, or might lead, elsewhere."""
    if not address or len(address) > 2000 or not address.startswith("/") or address[1:2] in ("/", "\\"):
        return None
    if any(ord(letter) < 0x21 or letter == "\\" for letter in address):
        return None
    parts = urlsplit(address)
    return None if parts.scheme or parts.netloc else address


# -- what is said on the next page -------------------------------------------------------------------------------------


def keep_said(service: Service, response: Response, said: Said) -> None:
    """Say it on the page that the browser opens next."""
    body = {"text": said.text[:SAID_LONGEST], "undo": said.undo, "fields": said.fields, "is_bad": said.is_bad}
    sealed = service.ring.encrypt(orjson.dumps(body), bound_to=SAID)
    set_cookie(service, response, SAID, sealed, seconds=60)


def take_said(service: Service) -> Said | None:
    """What the page before left to be said, once."""
    sealed = read_cookie(service, SAID)
    if not sealed:
        return None
    g.has_said = True
    return _opened(service.ring, sealed)


def _opened(ring: KeyRing, sealed: str) -> Said | None:
    try:
        return Said(**orjson.loads(ring.decrypt(sealed, bound_to=SAID)))
    except (WrongKey, ValueError, TypeError):
        return None


def finish(service: Service, response: Response) -> Response:
    """The cookies that came up while a page was made."""
    if (visitor := g.get("visitor")) is not None:
        set_cookie(service, response, VISITOR, visitor)
    if g.get("has_said"):
        set_cookie(service, response, SAID, "")
    return response
