"""How a route is declared and what happens around it: sign-in, reading the message, the transaction, the answer.

A route says its method, path, right, and the forms of its messages; `openapi.json`, the test of access and the server
all read the same declaration.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import IO, Any, Final

import orjson
from flask import Flask, Response, request
from marshmallow import Schema
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import Rule

from cfm_workflow import access, clock, limits
from cfm_workflow.access import Caller
from cfm_workflow.api.signin import signed_in
from cfm_workflow.errors import CfmError, Invalid, Malformed, TooLarge, Unsupported
from cfm_workflow.forms.loading import load
from cfm_workflow.forms.paths import IdConverter
from cfm_workflow.operations import idempotency
from cfm_workflow.operations.idempotency import Answer
from cfm_workflow.queries import (
    absences,
    actions,
    calendars,
    customers,
    feedback,
    labels,
    outcomes,
    people,
    policies,
    root_causes,
)
from cfm_workflow.queries import groups as groups_query
from cfm_workflow.queries import imports as imports_query
from cfm_workflow.queries import messages as messages_query
from cfm_workflow.queries import personal_reminders as reminders_query
from cfm_workflow.queries import shares as shares_query
from cfm_workflow.queries import templates as templates_query
from cfm_workflow.queries import webhooks as webhooks_query
from cfm_workflow.service import Service

BASE: Final = "/api/v1"
JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
PIECE: Final = 1 << 16
"""Bytes of a file sent at once."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as an operation needs it: who, when, with what; and the session of its transaction."""

    session: Session
    caller: Caller
    now: datetime
    service: Service
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not simply the route's status with a JSON body."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that goes on for long. Its pieces are made and sent after the session of the request has ended; one
    that has a `close` is closed at the end, also when it never began."""

    pieces: Iterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Download:
    """A file to be kept under a name. It is sent in pieces after the session of the request has ended, and closed."""

    file: IO[bytes]
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A declared route. `right` is a key of `access.RIGHTS`, or None for what needs no sign-in.

    `etag`: the answer is an action with its version. `matches`: honours If-Match. `secret`: the answer holds one.
    `optional`: what it is about may not be there, though the path names nothing.
    `file`: the media type of an answer that is a file.
    `streams`: the answer is a `Stream` of server-sent events, which honours Last-Event-ID.
    `receive`: reads a body that is no JSON before the transaction begins, and returns what it is and a hash of it.
    `look_up`: asks outside about a body before the transaction begins, and refuses it as wrong.
    `preview`: with `preview=true` this answers instead, as `previewed` says: what it would do, and nothing is changed.
    `example`: a body that this operation accepts; where it reads files, one of each media type.
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    right: str | None
    handler: Callable[..., Any]
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    answers: Mapping[int, type[Schema] | None] = field(default_factory=dict)
    etag: bool = False
    matches: bool = False
    secret: bool = False
    optional: bool = False
    file: str | None = None
    streams: bool = False
    receive: Callable[[Service, Mapping[str, Any]], tuple[Mapping[str, Any], bytes]] | None = None
    look_up: Callable[[Service, Mapping[str, Any]], None] | None = None
    preview: Callable[..., Any] | None = None
    previewed: type[Schema] | None = None
    example: Any = None

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD")

    @property
    def status(self) -> int:
        """The status of the usual good answer."""
        return next(iter(self.answers), 200)


OPERATIONS: Final[list[Operation]] = []


def route(
    method: str,
    path: str,
    name: str,
    *,
    tag: str,
    right: str | None,
    answers: Mapping[int, type[Schema] | None],
    **more: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an operation; its docstring's first line is its summary."""

    def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
        summary = (handler.__doc__ or name).strip().splitlines()[0]
        OPERATIONS.append(
            Operation(
                method=method,
                path=path,
                name=name,
                tag=tag,
                summary=summary,
                right=right,
                handler=handler,
                answers=answers,
                **more,
            )
        )
        return handler

    return declare


class LazyRule(Rule):
    """Compiles what builds its address when one is first built, as for hardly any: it takes most of a start."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_builder = super()._compile_builder
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(compile_builder(append_unknown))
            return compiled[0](rule, **values)

        return build


def register(app: Flask, service: Service) -> None:
    """Add all declared operations to the application."""
    app.url_rule_class = LazyRule
    app.url_map.converters["id"] = IdConverter
    for operation in OPERATIONS:
        app.add_url_rule(
            BASE + operation.path,
            endpoint=f"api.{operation.name}",
            view_func=_view(operation, service),
            methods=[operation.method],
            provide_automatic_options=False,
        )


@cache
def _form(schema: type[Schema] | None) -> Schema | None:
    """The one instance that reads all messages of this form: it holds nothing of them."""
    return None if schema is None else schema()


def _view(operation: Operation, service: Service) -> Callable[..., Response]:
    query, body = _form(operation.query), _form(operation.body)

    def view(**path: Any) -> Response:
        now = clock.now()
        with service.database.reading() as session:
            caller = access.system("nobody") if operation.right is None else signed_in(service, session, now=now)
            if not operation.writes:
                return _read(operation, service, session, caller, now, path, query)
        return _write(operation, service, caller, now, path, query, body)

    return view


def _read(
    operation: Operation,
    service: Service,
    session: Session,
    caller: Caller,
    now: datetime,
    path: Mapping[str, Any],
    query: Schema | None,
) -> Response:
    wanted, refusal = _attempt(lambda: load_query(query))
    _exists(session, caller, path, refusal)
    if operation.right is not None:
        access.require(caller, operation.right)
    done = operation.handler(Ask(session, caller, now, service, query=wanted or {}), **path)
    if isinstance(done, Stream):
        return Response(done.pieces, headers={"Cache-Control": "no-store", **done.headers}, content_type=EVENT_STREAM)
    if isinstance(done, Download):
        return _download(done)
    return _response(_answer(operation, done))


def _download(done: Download) -> Response:
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{done.name}"'}
    return Response(_pieces(done.file), headers=headers, content_type=done.media_type)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _write(
    operation: Operation,
    service: Service,
    caller: Caller,
    now: datetime,
    path: Mapping[str, Any],
    query: Schema | None,
    body: Schema | None,
) -> Response:
    key, refusal = _attempt(lambda: _idempotency_key(operation))
    loaded, wanted, if_match = None, None, None
    if refusal is None:
        loaded, refusal = _attempt(lambda: load_body(body))
    if refusal is None:
        wanted, refusal = _attempt(lambda: load_query(query))
    if refusal is None:
        if_match, refusal = _attempt(lambda: _if_match(operation))
    if refusal is None:
        _, refusal = _attempt(lambda: _look_up(operation, service, caller, loaded or {}))
    if refusal is not None:
        with service.database.reading() as session:
            _exists(session, caller, path, refusal)
    assert caller.id is not None
    account_id = caller.id
    if operation.receive is not None and operation.right is not None:
        loaded, raw = _receive(operation, operation.right, service, caller, path, wanted or {})
    else:
        raw = request.get_data()
    if operation.preview is not None and (wanted or {}).get("preview"):
        with service.database.reading() as session:
            ask = Ask(session, caller, now, service, query=wanted or {}, body=loaded or {})
            return _response(_answer(operation, operation.preview(ask, **path)))
    fingerprint = idempotency.fingerprint(request.method, request.full_path, raw) if key else ""

    def work(session: Session) -> Answer:
        if key:
            earlier = idempotency.claim(session, account_id, key, fingerprint, service.ring, now=now)
            if earlier is not None:
                return Answer(earlier.status, {**earlier.headers, "Idempotency-Replayed": "true"}, earlier.body)
        ask = Ask(session, caller, now, service, query=wanted or {}, body=loaded or {}, if_match=if_match)
        answer = _answer(operation, operation.handler(ask, **path))
        if key:
            idempotency.keep(session, account_id, key, answer, service.ring, secret=operation.secret)
        return answer

    return _response(service.database.transaction(work))


def _receive(
    operation: Operation,
    right: str,
    service: Service,
    caller: Caller,
    path: Mapping[str, Any],
    query: Mapping[str, Any],
) -> tuple[Mapping[str, Any], bytes]:
    assert operation.receive is not None
    with service.database.reading() as session:
        _find(session, caller, path)
    access.require(caller, right)  # before a large body is read for nothing
    return operation.receive(service, query)


def _look_up(operation: Operation, service: Service, caller: Caller, body: Mapping[str, Any]) -> None:
    """Nothing is asked outside for those who may not do what they ask for."""
    if operation.look_up is not None and operation.right is not None and access.allows(caller, operation.right):
        operation.look_up(service, body)


def _attempt(load: Callable[[], Any]) -> tuple[Any, CfmError | None]:
    """Load a part of the message; a refusal waits until it is known that what the path names exists."""
    try:
        return load(), None
    except CfmError as refusal:
        return None, refusal


def _exists(session: Session, caller: Caller, path: Mapping[str, Any], refusal: CfmError | None) -> None:
    """Before a message is refused as wrong: a path that leads nowhere is the first thing to say."""
    if refusal is not None:
        _find(session, caller, path)
        raise refusal


def _find(session: Session, caller: Caller, path: Mapping[str, Any]) -> None:
    for name, ident in path.items():
        find = _FINDERS.get(name)
        if find is not None:
            find(session, caller, ident)


_FINDERS: Final[Mapping[str, Callable[[Session, Caller, Any], Any]]] = {
    "feedback_id":    feedback.find,
    "action_id":      actions.find,
    "group_id":       lambda session, caller, ident: groups_query.find(session, caller, ident, now=clock.now()),
    "absence_id":     lambda session, caller, ident: absences.find(session, ident),
    "user_id":        lambda session, caller, ident: people.find_user(session, ident),
    "team_id":        lambda session, caller, ident: people.find_team(session, ident),
    "integration_id": lambda session, caller, ident: people.find_integration(session, ident),
    "customer_id":    lambda session, caller, ident: customers.find(session, ident),
    "calendar_id":    lambda session, caller, ident: calendars.find(session, ident),
    "policy_id":      lambda session, caller, ident: policies.find(session, ident),
    "reminder_id":    reminders_query.find,
    "message_id":     messages_query.find,
    "share_id":       shares_query.find,
    "template_id":    lambda session, caller, ident: templates_query.find(session, ident),
    "outcome_id":     lambda session, caller, ident: outcomes.find(session, ident),
    "cause_id":       lambda session, caller, ident: root_causes.find(session, ident),
    "label_id":       lambda session, caller, ident: labels.find(session, ident),
    "webhook_id":     webhooks_query.find,
    "delivery_id":    webhooks_query.find_delivery,
    "import_id":      lambda session, caller, ident: imports_query.find(session, ident),
}  # fmt: skip


def load_query(schema: Schema | None) -> Mapping[str, Any]:
    """The query string, each parameter once.

    Raises:
        Invalid: a parameter is unknown, doubled or wrong.
    """
    given = request.args
    doubled = [name for name in given if len(given.getlist(name)) > 1]
    if doubled:
        raise Invalid({name: ["must be given once"] for name in doubled})
    if schema is None:
        if given:
            raise Invalid({name: ["is not a parameter of this operation"] for name in given})
        return {}
    return load(schema, given.to_dict())


def load_body(schema: Schema | None) -> Mapping[str, Any]:
    """The JSON body.

    Raises:
        Unsupported, TooLarge, Malformed, Invalid.
    """
    if schema is None:
        return {}
    if request.mimetype != JSON and not request.mimetype.endswith("+json"):
        raise Unsupported("The body must be JSON, with Content-Type: application/json.")
    try:
        raw = request.get_data()
    except RequestEntityTooLarge:
        raise TooLarge(f"The body must be at most {limits.BODY_BYTES} bytes.") from None
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error}.") from None
    if not isinstance(message, dict):
        raise Invalid({"body": ["must be an object"]})
    return load(schema, message)


_KEY: Final = re.compile(rf"[!-~][ -~]{{0,{limits.IDEMPOTENCY_KEY - 1}}}")
_TAG: Final = re.compile(r'"(\d{1,18})"', re.ASCII)


def _idempotency_key(operation: Operation) -> str | None:
    if operation.method != "POST":
        return None
    key: str | None = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid({"Idempotency-Key": [f"must be 1 to {limits.IDEMPOTENCY_KEY} printable characters"]})
    return key


def _if_match(operation: Operation) -> int | None:
    """The version that `If-Match` names (RFC 9110, 13.1.1); None without it, or for `*`."""
    given = request.headers.get("If-Match")
    if not operation.matches or given is None or given.strip() == "*":
        return None
    found = _TAG.fullmatch(given.strip())
    return int(found[1]) if found else -1  # an entity tag we never gave out matches nothing


def _answer(operation: Operation, done: Any) -> Answer:
    reply = done if isinstance(done, Reply) else Reply(done, operation.status)
    headers = dict(reply.headers)
    if reply.body is None:
        return Answer(reply.status, headers, b"")
    if operation.etag:
        headers["ETag"] = f'"{reply.body["version"]}"'
    body = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body, option=orjson.OPT_UTC_Z)
    return Answer(reply.status, headers, body)


def _response(answer: Answer) -> Response:
    headers = {"Cache-Control": "no-store", **answer.headers}
    if not answer.body:
        response = Response(status=answer.status, headers=headers)
        response.headers.pop("Content-Type", None)
        return response
    return Response(answer.body, answer.status, headers, content_type=JSON)
