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
from cfm_workflow.api.event_schemas import json_schema
from cfm_workflow.api.problems import CONTENT_TYPE
from cfm_workflow.api.routing import JSON, OPERATIONS, Ask, Operation, Reply, route
from cfm_workflow.forms import fields as own
from cfm_workflow.forms.actions import CompletionField
from cfm_workflow.policy.event_types import EVENT_TYPES


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
    503: "The database cannot be reached.",
}
_REF: Final = {"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "minLength": 1, "maxLength": 254}]}
_SPECIAL: Final[dict[type[fields.Field[Any]], dict[str, Any]]] = {
    own.Ref: _REF,
    own.Key: {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,39}$"},
    own.Duration: {"type": "string", "examples": ["P2D", "PT8H"]},
    own.Email: {"type": "string", "format": "email", "maxLength": 254},
    CompletionField: {
        "oneOf": [
            {"type": "string", "enum": ["all", "any"]},
            {
                "type": "object",
                "required": ["at_least"],
                "additionalProperties": False,
                "properties": {"at_least": {"type": "integer", "minimum": 1, "maximum": 1000}},
            },
        ]
    },
}


def _special(self: Any, field: fields.Field[Any], **kwargs: Any) -> dict[str, Any]:
    """What apispec cannot know of our own kinds of values."""
    shape = _SPECIAL.get(type(field), {})
    if shape and field.allow_none and "oneOf" in shape:
        return {"oneOf": [*shape["oneOf"], {"type": "null"}]}
    if shape and field.allow_none and isinstance(shape.get("type"), str):
        return shape | {"type": [shape["type"], "null"]}
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
        security=[{"token": []}],
        plugins=[plugin],
    )
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_special)  # type: ignore[no-untyped-call]
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "description": "`cfm_...`"})
    spec.components.schema("Problem", PROBLEM)
    for operation in OPERATIONS:
        path, parameters = _path(operation.path)
        spec.path(path, operations={operation.method.lower(): _operation(operation, parameters)})
    whole = spec.to_dict()
    whole["webhooks"] = {name: _webhook(name) for name, kind in EVENT_TYPES.items() if not kind.audit}
    return orjson.dumps(whole)


def _name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__


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
        kinds = ("text/csv", "application/x-ndjson")
        described["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds},
        }
    return described


def _query(operation: Operation) -> list[Any]:
    return [{"in": "query", "schema": operation.query}] if operation.query is not None else []


def _headers(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if operation.matches:
        tag = {"type": "string", "examples": ['"3"']}
        found.append({"name": "If-Match", "in": "header", "schema": tag, "description": "Refuse (412) if it changed."})
    if operation.method == "POST":
        key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~][ -~]*$"}
        text = "The same request again is answered as the first time."
        found.append({"name": "Idempotency-Key", "in": "header", "schema": key, "description": text})
    return found


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, schema in operation.answers.items():
        responses[str(status)] = {"description": HTTPStatus(status).phrase}
        if schema is not None:
            responses[str(status)]["content"] = {JSON: {"schema": schema}}
        elif status != 204:
            responses[str(status)]["content"] = {JSON: {"schema": {"type": "object"}}}
    for status in _refusals_of(operation):
        responses[str(status)] = {
            "description": _REFUSALS[status],
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return responses


def _refusals_of(operation: Operation) -> list[int]:
    """Which refusals an operation can answer with."""
    found = {422, 503} if operation.right is None else {401, 403, 422, 429, 503}
    if "<" in operation.path:
        found.add(404)
    if operation.writes:
        found |= {400, 409, 413}
    if operation.body is not None or operation.receive is not None:
        found.add(415)
    if operation.matches:
        found.add(412)
    return sorted(found)


def _webhook(name: str) -> Mapping[str, Any]:
    kind = EVENT_TYPES[name]
    return {
        "post": {
            "operationId": name.replace(".", "_"),
            "tags": ["webhooks"],
            "summary": kind.meaning,
            "security": [],
            "requestBody": {"required": True, "content": {JSON: {"schema": json_schema(name, kind)}}},
            "responses": {"2XX": {"description": "Taken."}},
        }
    }
