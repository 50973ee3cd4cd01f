"""The door for pages: `@page` declares one, and everything around it happens here, once for all of them.

Sign-in, the form's proof and key, the session of the database, errors in words, full page or fragment. A page's own
function reads the visit, calls one query or operation, and says what to show or where to go.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import orjson
from flask import Blueprint, Flask, Response, current_app, g, render_template, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from cfm_workflow import access, clock
from cfm_workflow.access import Caller
from cfm_workflow.errors import (
    CfmError,
    Conflict,
    Invalid,
    RefusedTransition,
    Stale,
    TooLarge,
    Unauthenticated,
)
from cfm_workflow.operations import idempotency
from cfm_workflow.operations.idempotency import Answer
from cfm_workflow.queries.callers import SignedIn
from cfm_workflow.security.sessions import COOKIE, VISITOR
from cfm_workflow.service import Service
from cfm_workflow.web import door, problems
from cfm_workflow.web.door import Said
from cfm_workflow.web.headers import dress
from cfm_workflow.web.problems import NO_PROBLEM, NotOurs, Problem
from cfm_workflow.web.speech import Reader

FORM_KEY: Final = "_key"
KEYS: Final = "page:"
"""Before the keys of forms, to tell them from those of the API."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request to a page: who, when, with what, and the session of its transaction.

    `problem`: why the form that was sent is shown again, with what was `typed` in it. `prepared`: what the page's
    `prepare` found before the transaction began.
    """

    session: Session
    caller: Caller
    now: datetime
    service: Service
    reader: Reader
    query: Mapping[str, str] = field(default_factory=dict)
    form: MultiDict[str, str] = field(default_factory=MultiDict)
    is_fragment: bool = False
    problem: Problem | None = None
    prepared: Any = None

    @property
    def typed(self) -> MultiDict[str, str]:
        """What was typed into a form that is shown again; empty on a page that is opened."""
        return self.form if self.problem is not None else MultiDict()


@dataclass(frozen=True, slots=True)
class Shown:
    """A page: a template and its values; `fragment` is the template of the part that htmx asked for instead.

    Values are plain (no rows that read more), for it is rendered after the session has ended.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    fragment: str | None = None
    status: int = 200
    said: Said | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class See:
    """Go on to another page (303), and say something there. `session`: what the browser's cookie is to hold from now
    on, "" for nothing any more; `cookies`: others, by name."""

    path: str
    said: Said | None = None
    session: str | None = None
    cookies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """Bytes instead of a page: JSON for the script, or something to download under `name`."""

    body: bytes | Iterable[bytes]
    media_type: str
    name: str | None = None
    status: int = 200


Done = Shown | See | File


@dataclass(frozen=True, slots=True)
class Page:
    """A declared page. `right` is a key of `access.RIGHTS`, or None for what needs no sign-in.

    `again`: shows the form once more when what was sent is not right. `prepare`: what takes long or asks outside,
    before the transaction begins. `once`: False for a form whose sending again does no harm. `most`: how many bytes may
    come in, if more than usual.
    """

    method: str
    path: str
    name: str
    right: str | None
    handler: Callable[..., Any]
    again: Callable[..., Any] | None = None
    prepare: Callable[..., Any] | None = None
    once: bool = True
    most: int | None = None


PAGES: Final[list[Page]] = []


def page(
    method: str,
    path: str,
    name: str,
    *,
    right: str | None,
    again: Callable[..., Any] | None = None,
    prepare: Callable[..., Any] | None = None,
    once: bool = True,
    most: int | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a page; see `Page`."""

    def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
        PAGES.append(Page(method, path, name, right, handler, again, prepare, once, most))
        return handler

    return declare


def is_declared(path: str) -> bool:
    """Whether there is a page to open at this path."""
    return any(page.path == path and page.method == "GET" for page in PAGES)


def register(app: Flask) -> None:
    """Add all declared pages to the application."""
    blueprint = Blueprint("pages", __name__)
    for declared in PAGES:
        blueprint.add_url_rule(
            declared.path,
            endpoint=declared.name,
            view_func=_view(declared),
            methods=[declared.method],
            provide_automatic_options=False,
        )
    blueprint.register_error_handler(Exception, _failed)
    app.register_blueprint(blueprint)


def service_here() -> Service:
    """The service of this application."""
    service: Service = current_app.extensions["cfm_service"]
    return service


def nowhere(error: HTTPException) -> Response | None:
    """What there is instead of a page that does not exist, for a browser; None for whoever does not read HTML."""
    best = request.accept_mimetypes.best_match(["application/json", "text/html"])
    if request.path.startswith("/api/") or best != "text/html":
        return None
    service = service_here()
    with service.database.reading() as session:
        g.signed_in = door.signed_in(service, session, now=clock.now())
    g.reader = door.reader_of(service, g.signed_in)
    return answer(service, problems.page_of(error))


def _view(declared: Page) -> Callable[..., Response]:
    def view(**path: Any) -> Response:
        service, now = service_here(), clock.now()
        return answer(service, _done(declared, service, now, path))

    return view


def _failed(error: Exception) -> Response:
    """What went wrong, in words; of whoever is not signed in, the way to do that."""
    done = _to_sign_in() if isinstance(error, Unauthenticated) else problems.page_of(error)
    return answer(service_here(), done)


def _done(declared: Page, service: Service, now: datetime, path: Mapping[str, Any]) -> Done:
    with service.database.reading() as session:
        found = door.signed_in(service, session, now=now)
        g.reader, g.signed_in = door.reader_of(service, found), found
        if declared.right is not None and found is None:
            raise Unauthenticated("Somebody has to sign in.")
        visit = _visit(service, session, found, now)
        if declared.right is not None:
            access.require(visit.caller, declared.right)
        if declared.method == "GET":
            return _ran(declared.handler(visit, **path))
        if declared.most is not None:
            request.max_content_length = declared.most
        if not door.is_ours(service):
            raise NotOurs
        visit = replace(visit, form=_form())
        try:
            if declared.prepare is not None:
                visit = replace(visit, prepared=declared.prepare(visit, **path))
        except CfmError as error:
            return _again(declared, visit, error, path)
    try:
        return _write(declared, visit, path)
    except (Invalid, Conflict, Stale, RefusedTransition) as error:
        with service.database.reading() as session:
            return _again(declared, replace(visit, session=session), error, path)


def _visit(service: Service, session: Session, found: SignedIn | None, now: datetime) -> Visit:
    caller = access.system("nobody") if found is None else found.caller
    g.caller = caller
    query = {name: _plain(value) for name, value in request.args.items()}
    return Visit(session, caller, now, service, g.reader, query=query, is_fragment=is_fragment())


def is_fragment() -> bool:
    """Whether htmx asks for a part of a page."""
    headers = request.headers
    if headers.get("HX-Request") != "true" or headers.get("HX-History-Restore-Request") == "true":
        return False
    return headers.get("HX-Request-Type") != "full"


def _form() -> MultiDict[str, str]:
    try:
        return MultiDict((name, _plain(value)) for name, value in request.form.items(multi=True))
    except RequestEntityTooLarge:
        raise TooLarge("That was too much.") from None


def _plain(value: str) -> str:
    """What was typed, without what nobody types: no database takes NUL, and most would say so with an error."""
    return value.replace("\r\n", "\n").replace("\0", "")


def _write(declared: Page, visit: Visit, path: Mapping[str, Any]) -> Done:
    key = _key_of(visit) if declared.once else None

    def work(session: Session) -> Done:
        account_id = visit.caller.id
        if key is not None and account_id is not None:
            ring = visit.service.ring
            earlier = idempotency.claim(session, account_id, key, key.removeprefix(KEYS), ring, now=visit.now)
            if earlier is not None:
                return _as_before(earlier)
            done = _ran(declared.handler(replace(visit, session=session), **path))
            went = done.path if isinstance(done, See) else ""
            idempotency.keep(session, account_id, key, Answer(303, {"Location": went}, b""), ring, secret=False)
            return done
        return _ran(declared.handler(replace(visit, session=session), **path))

    return visit.service.database.transaction(work)


def _key_of(visit: Visit) -> str | None:
    """What is the same when a form is sent once more, filled in the same way: a double click, the back button."""
    given = visit.form.get(FORM_KEY)
    if not given:
        return None
    filled = sorted((name, value) for name, value in visit.form.items(multi=True) if name != "_csrf")
    return KEYS + hashlib.sha256(orjson.dumps([request.path, filled])).hexdigest()


def _as_before(earlier: Answer) -> See:
    """It was done already: show how things are now."""
    return See(earlier.headers.get("Location") or door.local(came_from()) or "/")


def came_from() -> str | None:
    """The page of ours on which this request began, as far as the browser says."""
    referrer = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    base = request.host_url.rstrip("/")
    if not referrer.startswith(base):
        return None
    return referrer.removeprefix(base).removeprefix(door.prefix(service_here())) or "/"


def _ran(done: Any) -> Done:
    assert isinstance(done, Done)
    return done


def _again(declared: Page, visit: Visit, error: CfmError, path: Mapping[str, Any]) -> Done:
    """The form once more, with what was typed and what is wrong with it."""
    if declared.again is None or isinstance(error, Unauthenticated):
        raise error
    problem = problems.problem_of(error)
    shown = _ran(declared.again(replace(visit, problem=problem), **path))
    if not isinstance(shown, Shown):
        return shown
    values = {**shown.values, "problem": problem, "typed": visit.form}
    return replace(shown, status=problem.status, values=values, headers=problems.retry_after(error))


def _to_sign_in() -> See:
    """To sign in, and back: to the page itself, or to the one that holds the form."""
    is_opened = request.method == "GET" and not is_fragment()
    back = request.full_path.rstrip("?") if is_opened else came_from()
    wanted = door.local(back)
    return See(f"/sign-in?{problems.encoded(next=wanted)}" if wanted and wanted != "/" else "/sign-in")


def answer(service: Service, done: Done) -> Response:
    """What a page's function said, as an HTTP answer."""
    if isinstance(done, File):
        return _file(done)
    response = _redirect(service, done) if isinstance(done, See) else _page(done)
    return dress(door.finish(service, response))


def _redirect(service: Service, see: See) -> Response:
    address = door.prefix(service) + see.path
    response = Response(status=303, headers={"Location": address})
    if is_fragment():  # fetch would follow a 303 by itself and put a whole page into a part of one
        response = Response(status=200, headers={"HX-Redirect": address})
    response.headers.pop("Content-Type", None)
    if see.said is not None:
        door.keep_said(service, response, see.said)
    if see.session is not None:
        door.set_cookie(service, response, COOKIE, see.session, seconds=door.YEAR)
        door.set_cookie(service, response, VISITOR, "")
    for name, value in see.cookies.items():
        door.set_cookie(service, response, name, value, seconds=door.YEAR)
    return response


def _page(shown: Shown) -> Response:
    g.form_key = secrets.token_urlsafe(12)
    is_part = shown.fragment is not None and is_fragment()
    said = shown.said if is_part else shown.said or door.take_said(service_here())
    template = shown.fragment if is_part and shown.fragment else shown.template
    values = {"problem": NO_PROBLEM, "typed": {}, **shown.values}
    response = Response(render_template(template, **values, said=said), shown.status, mimetype="text/html")
    response.headers.update(shown.headers)
    if is_part and said is not None:
        told = {"text": said.text, "undo": said.undo, "fields": said.fields, "is_bad": said.is_bad}
        response.headers["HX-Trigger"] = _ascii({"desk:said": told})
    return response


def _file(file: File) -> Response:
    response = Response(file.body, file.status, content_type=file.media_type)
    if file.name is not None:
        response.headers.set("Content-Disposition", "attachment", filename=file.name)
    return dress(response)


def _ascii(value: Any) -> str:
    """JSON for a header, which holds nothing but ASCII."""
    return json.dumps(value, ensure_ascii=True)
