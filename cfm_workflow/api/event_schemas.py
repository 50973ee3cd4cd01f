"""The JSON Schema and a sample of every event type, made from the same output schemas as the API's own answers."""

from functools import cache
from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema
from sqlalchemy import select
from sqlalchemy.orm import Session

from cfm_workflow.forms.actions import ActionOut, GroupOut
from cfm_workflow.forms.feedback import FeedbackOut
from cfm_workflow.models import WorkflowVersion
from cfm_workflow.policy.event_types import EVENT_TYPES, EventType, known

_TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}
_WHOLE: Final = {"type": "integer"}
_OBJECT: Final = {"type": "object"}
_AT: Final = {"type": "string", "format": "date-time"}
_PERSON_OR_NULL: Final = {
    "type": ["object", "null"],
    "required": ["id", "name"],
    "properties": {"id": _WHOLE, "name": _TEXT_OR_NULL},
}
_CHANGES: Final = {
    "type": "object",
    "additionalProperties": {"type": "object", "required": ["from", "to"]},
    "description": "Per field the old and the new value.",
}

DATA_OF_SUBJECT: Final[dict[str, dict[str, Any]]] = {
    "action": {
        "from": _TEXT_OR_NULL,
        "to": _TEXT_OR_NULL,
        "transition": _TEXT_OR_NULL,
        "comment": _TEXT_OR_NULL,
        "reason": _TEXT_OR_NULL,
        "former_assignee": _PERSON_OR_NULL,
        "feedback_id": _WHOLE,
        "changes": _CHANGES,
    },
    "action_group": {"from": _TEXT, "to": _TEXT},
    "feedback": {"from": _TEXT, "to": _TEXT, "reason": _TEXT, "changes": _CHANGES},
}
"""What the data of an event about such a subject can say beside the envelope and the things it shows."""


def _plain(schema: type[Schema]) -> dict[str, Any]:
    """A marshmallow schema as a JSON Schema without references."""
    spec = APISpec("", "", "3.1.0", plugins=[MarshmallowPlugin(schema_name_resolver=lambda _: "")])
    plugin: Any = spec.plugins[0]
    shape: dict[str, Any] = plugin.converter.schema2jsonschema(schema())
    return shape


@cache
def _shown() -> dict[str, dict[str, Any]]:
    """An action, an item and a group as events show them."""
    action = _plain(ActionOut)
    action["properties"]["description_truncated"] = {"type": "boolean"}
    item = _plain(FeedbackOut)
    for name in ("attributes", "imported", "closed_at"):
        del item["properties"][name]
        item["required"].remove(name)
    item["properties"] |= {"text_truncated": {"type": "boolean"}, "customer": _PERSON_OR_NULL}
    return {"action": action, "feedback": item, "group": _plain(GroupOut)}


_SHOWS: Final = {"action": ("action", "feedback"), "action_group": ("group", "feedback"), "feedback": ("feedback",)}


def json_schema(name: str, kind: EventType) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a whole event of this type."""
    envelope = {
        "event_id": {"type": "string", "pattern": "^evt_[0-9a-f]{32}$"},
        "position": {"type": "integer", "minimum": 1, "maximum": 2**53},
        "sequence": {"type": "integer", "minimum": 1} if kind.subject == "action" else {"type": "null"},
        "schema_version": {"const": kind.schema_version},
        "subject": {
            "type": "object",
            "required": ["type", "id"],
            "properties": {"type": {"const": kind.subject}, "id": _WHOLE},
        },
        "actor": {
            "type": "object",
            "required": ["type", "name"],
            "properties": {"type": {"enum": ["user", "integration", "system"]}, "id": _WHOLE, "name": _TEXT},
        },
        "imported": {"type": "boolean"},
    }
    shows = {part: _shown()[part] for part in _SHOWS.get(kind.subject, ())} or {kind.subject: _OBJECT}
    required = [*envelope, *(shows if kind.subject in _SHOWS else ())]
    if kind.subject == "action":
        required += ["from", "to"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "description": kind.meaning,
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": name},
            "timestamp": _AT,
            "data": {
                "type": "object",
                "required": required,
                "properties": envelope | DATA_OF_SUBJECT.get(kind.subject, {"changes": _CHANGES}) | shows,
            },
        },
    }


def all_types(session: Session) -> dict[str, EventType]:
    """The table, and what the stored workflow definitions add to it."""
    added = {
        transition["event"]
        for content in session.scalars(select(WorkflowVersion.content))
        for transition in content["transitions"]
    }
    return EVENT_TYPES | {name: known(name) for name in sorted(added - EVENT_TYPES.keys())}


def event_types(session: Session) -> list[dict[str, Any]]:
    """Every event type as `GET /event-types` shows it."""
    return [
        {
            "type": name,
            "meaning": kind.meaning,
            "subject": kind.subject,
            "audit": kind.audit,
            "schema_version": kind.schema_version,
            "json_schema": json_schema(name, kind),
            "sample": sample(name, kind),
        }
        for name, kind in all_types(session).items()
    ]


_NOON: Final = "2026-11-21T12:00:00Z"
_ADA: Final = {"id": 3, "name": "Ada", "email": "ada@example.com"}
_ITEM: Final[dict[str, Any]] = {
    "id": 17,
    "source": "web-form",
    "external_id": "A-1001",
    "channel": "web",
    "touchpoint": "https://example.com/miles",
    "text": "My miles are missing since Monday.",
    "language": "en",
    "metric": "nps",
    "score": 2,
    "customer": {"id": 5, "name": "Kim Minji"},
    "status": "open",
    "needs_decision": False,
    "received_at": _NOON,
    "created_at": _NOON,
    "version": 2,
}
_ACTION: Final[dict[str, Any]] = {
    "id": 4,
    "feedback_id": 17,
    "feedback_ids": [17],
    "group_id": 2,
    "workflow": "standard",
    "state": "accepted",
    "category": "active",
    "title": "Restore the missing miles",
    "description": None,
    "kind": "internal",
    "priority": "high",
    "goal": None,
    "benefit": None,
    "assignee": _ADA,
    "assigned_by": {"id": 1, "name": "Olga", "email": "olga@example.com"},
    "team": None,
    "pool": False,
    "due_at": "2026-12-01T16:00:00Z",
    "first_due_at": "2026-12-01T16:00:00Z",
    "overdue": False,
    "waiting_until": None,
    "waiting_for_answer": False,
    "outcome": None,
    "root_cause": None,
    "resolution": None,
    "external_ref": None,
    "attributes": {},
    "reopened_count": 0,
    "version": 2,
    "created_at": _NOON,
    "state_since": _NOON,
    "accepted_at": _NOON,
    "started_at": None,
    "finished_at": None,
}
_GROUP: Final[dict[str, Any]] = {
    "id": 2,
    "feedback_id": 17,
    "completion": "all",
    "state": "completed",
    "state_since": _NOON,
    "total": 1,
    "done": 1,
    "unfinished": 0,
    "created_at": _NOON,
}


def sample(name: str, kind: EventType) -> dict[str, Any]:
    """An event of this type as it could be."""
    data: dict[str, Any] = {
        "event_id": "evt_" + "0123456789abcdef" * 2,
        "position": 812,
        "sequence": 2 if kind.subject == "action" else None,
        "schema_version": kind.schema_version,
        "subject": {"type": kind.subject, "id": _SUBJECT_IDS.get(kind.subject, 1)},
        "actor": {"type": "user", "id": 3, "name": "Ada"},
        "imported": False,
    }
    if kind.subject == "action":
        data |= {"from": "assigned", "to": "accepted", "transition": None, "comment": None, "reason": None}
        data |= {"action": _ACTION, "feedback": _ITEM}
    elif kind.subject == "action_group":
        data |= {"from": "open", "to": "completed", "group": _GROUP, "feedback": _ITEM}
    elif kind.subject == "feedback":
        data |= {"feedback": _ITEM}
    else:
        data |= {kind.subject: {"id": 1}}
    return {"type": name, "timestamp": _NOON, "data": data}


_SUBJECT_IDS: Final = {"action": 4, "action_group": 2, "feedback": 17}
