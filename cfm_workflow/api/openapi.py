"""The contract as OpenAPI 3.1, made from the declared operations and forms; events stand under `webhooks`."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

import cfm_workflow
from cfm_workflow.api.event_samples import sample
from cfm_workflow.api.event_schemas import json_schema
from cfm_workflow.api.problems import CONTENT_TYPE
from cfm_workflow.api.routing import EVENT_STREAM, JSON, OPERATIONS, Ask, Operation, Reply, route
from cfm_workflow.policy.event_types import EVENT_TYPES
from cfm_workflow.security.sessions import COOKIE, HEADER, cookie_name


@route("GET", "/openapi.json", "getOpenapi", tag="service", right=None, answers={200: None})
def get_openapi(ask: Ask) -> Any:
    """This document."""
    return Reply(document())


PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
            "description": "Per field, dotted where nested, what would be right.",
        },
        "missing_right": {"type": "string"},
        "current_version": {"type": "integer"},
        "current_state": {"type": "string"},
        "allowed": {"type": "array", "items": {"type": "string"}},
        "blocked": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["code", "reason"],
                "properties": {"code": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}
_REFUSALS: Final[dict[int, str]] = {
    400: "The message cannot be read.",
    401: "No valid token.",
    403: "A right is missing; `missing_right` names it.",
    404: "Not there, or not for you to know.",
    409: "It does not fit what is stored now.",
    412: "`If-Match` is stale.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    422: "Fields are not right; `errors` says which and why.",
    429: "Too many failed sign-ins.",
    503: "The database cannot be reached, or every place for a stream is taken.",
}
_RULES: Final[dict[str, dict[str, Any]]] = {
    "AssigneeIn": {"oneOf": [{"required": ["user"]}, {"required": ["team"]}]},
    "ReminderIn": {"oneOf": [{"required": ["feedback"]}, {"required": ["action"]}]},
    "BulkIn": {"oneOf": [{"required": ["transition"]}, {"required": ["changes"]}]},
}
"""What holds between the fields of a message, as far as JSON Schema can say it."""

_TEXT: Final = {"type": "string"}
STREAM_EXAMPLE: Final = (
    'retry: 2000\nid: 811\n\nid: 812\nevent: action.accepted\ndata: {"type": "action.accepted", ...}\n\n'
)
HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-Id": {"description": "To speak about this answer.", "required": True, "schema": _TEXT},
    "ETag": {"description": "The action's version, for `If-Match`.", "required": True, "schema": _TEXT},
    "Location": {"description": "Where to look for it.", "required": True, "schema": _TEXT},
    "WWW-Authenticate": {"description": "A bearer token is needed.", "required": True, "schema": _TEXT},
    "Retry-After": {"description": "In so many seconds it makes sense to ask again.", "schema": {"type": "integer"}},
    "Idempotency-Replayed": {"description": "`true`: answered as the first time, and not done again.", "schema": _TEXT},
}
_HEADERS_OF: Final[dict[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}

_SESSION: Final = {
    "type": "apiKey",
    "in": "cookie",
    "name": cookie_name(COOKIE, is_secure=True),
    "description": "Of whoever is signed in at the pages, for their scripts; over plain http its name is "
    f"`{COOKIE}`. All but `GET` and `HEAD` need the header `{HEADER}` with the proof that a page holds (its `_csrf` "
    "field), and must come from a page of the same origin; without it: 403.",
}


def _shape(self: Any, field: fields.Field[Any], **kwargs: Any) -> dict[str, Any]:
    """What apispec cannot know of our own kinds of values: they say it themselves."""
    shape: dict[str, Any] = getattr(field, "shape", {})
    if field.allow_none and "oneOf" in shape:
        return shape | {"oneOf": [*shape["oneOf"], {"type": "null"}]}
    return dict(shape)


@cache
def document() -> bytes:
    """The whole document as JSON."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(
        title="cfm-workflow",
        version=cfm_workflow.__version__,
        openapi_version="3.1.0",
        info={
            "description": "Turns customer feedback into work that somebody accepts, does and finishes in time.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        servers=[{"url": "."}],
        security=[{"token": []}, {"session": []}],
        plugins=[plugin],
    )
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_shape)  # type: ignore[no-untyped-call]
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "description": "`cfm_...`"})
    spec.components.security_scheme("session", _SESSION)
    spec.components.schema("Problem", PROBLEM)
    for name, header in HEADERS.items():
        spec.components.header(name, header)
    for status in _REFUSALS:
        spec.components.response(_refusal_name(status), _refusal(status))
    for operation in OPERATIONS:
        path, parameters = _path(operation.path)
        spec.path(path, operations={operation.method.lower(): _operation(operation, parameters)})
    whole = spec.to_dict()
    for name, shape in whole["components"]["schemas"].items():
        _state_rules(name, shape)
    whole["webhooks"] = {name: _webhook(name) for name, kind in EVENT_TYPES.items() if not kind.audit}
    return orjson.dumps(whole)


def _name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__


def _state_rules(name: str, shape: dict[str, Any]) -> None:
    """Messages that come in are closed; answers may get more fields within v1, and whoever reads them must not mind."""
    shape |= _RULES.get(name, {})
    if name.endswith(("Out", "Page")) and shape.get("additionalProperties") is False:
        del shape["additionalProperties"]


def _path(rule: str) -> tuple[str, list[dict[str, Any]]]:
    """A Flask rule as an OpenAPI path with its parameters."""
    parts, parameters = [], []
    for part in rule.split("/"):
        if not part.startswith("<"):
            parts.append(part)
            continue
        kind, _, name = part.strip("<>").rpartition(":")
        shape = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1} if kind == "id" else {"type": "string"}
        parameters.append({"name": name, "in": "path", "required": True, "schema": shape})
        parts.append("{" + name + "}")
    return "/".join(parts), parameters


def _operation(operation: Operation, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [*parameters, *_query(operation), *_headers(operation)],
        "responses": _responses(operation),
    }
    if operation.right is None:
        described["security"] = []
    else:
        described["x-right"] = operation.right
    if operation.body is not None:
        content: dict[str, Any] = {"schema": operation.body}
        if operation.example is not None:
            content["example"] = operation.example
        described["requestBody"] = {"required": True, "content": {JSON: content}}
    elif operation.receive is not None:
        file = {"type": "string", "minLength": 1, "description": "The file itself."}
        examples = operation.example or {}
        described["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": file, "example": text} for kind, text in examples.items()},
        }
    return described


def _query(operation: Operation) -> list[Any]:
    return [{"in": "query", "schema": operation.query}] if operation.query is not None else []


def _headers(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if operation.matches:
        tag = {"type": "string", "pattern": r'^(\*|"[0-9]{1,18}")$', "examples": ['"3"']}
        found.append({"name": "If-Match", "in": "header", "schema": tag, "description": "Refuse (412) if it changed."})
    if operation.streams:
        place = {"type": "string", "pattern": "^[0-9]{1,15}$"}
        text = "The `id` that came last: go on behind it, whatever `after` says."
        found.append({"name": "Last-Event-ID", "in": "header", "schema": place, "description": text})
    if operation.method == "POST":
        key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~][ -~]*$"}
        text = "The same request again is answered as the first time."
        found.append({"name": "Idempotency-Key", "in": "header", "schema": key, "description": text})
    return found


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, schema in operation.answers.items():
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "headers": _headers_of(operation, status)}
        if operation.streams:
            responses[str(status)]["content"] = {EVENT_STREAM: {"schema": _TEXT, "example": STREAM_EXAMPLE}}
        elif operation.file is not None:
            responses[str(status)]["content"] = {operation.file: {"schema": _TEXT}}
        elif operation.previewed not in (None, schema):
            responses[str(status)]["content"] = {JSON: {"schema": {"oneOf": [schema, operation.previewed]}}}
        elif schema is not None:
            responses[str(status)]["content"] = {JSON: {"schema": schema}}
        elif status != 204:
            responses[str(status)]["content"] = {JSON: {"schema": {"type": "object"}}}
    for status in _refusals_of(operation):
        responses[str(status)] = {"$ref": f"#/components/responses/{_refusal_name(status)}"}
    return responses


def _headers_of(operation: Operation, status: int) -> dict[str, Any]:
    names = ["X-Request-Id"]
    names += ["ETag"] if operation.etag else []
    names += ["Location"] if status == 202 else []
    names += ["Idempotency-Replayed"] if operation.method == "POST" else []
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refusal_name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def _refusal(status: int) -> dict[str, Any]:
    names = ("X-Request-Id", *_HEADERS_OF.get(status, ()))
    return {
        "description": _REFUSALS[status],
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _refusals_of(operation: Operation) -> list[int]:
    """Which refusals an operation can answer with."""
    found = {422, 503} if operation.right is None else {401, 403, 422, 429, 503}
    if "<" in operation.path or operation.optional:
        found.add(404)
    if operation.writes:
        found.add(409)
    if operation.body is not None or operation.receive is not None:
        found |= {400, 413, 415}
    if operation.matches:
        found.add(412)
    return sorted(found)


def _webhook(name: str) -> Mapping[str, Any]:
    kind = EVENT_TYPES[name]
    shape = {key: value for key, value in json_schema(name, kind).items() if key != "$schema"}
    return {
        "post": {
            "operationId": name.replace(".", "_"),
            "tags": ["webhooks"],
            "summary": kind.meaning,
            "security": [],
            "requestBody": {"required": True, "content": {JSON: {"schema": shape, "example": sample(name, kind)}}},
            "responses": {"2XX": {"description": "Taken."}},
        }
    }
