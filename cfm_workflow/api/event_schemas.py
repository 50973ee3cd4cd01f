"""The JSON Schema of every event type, made from the same output schemas as the API's own answers."""

from copy import deepcopy
from functools import cache
from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema
from sqlalchemy.orm import Session

from cfm_workflow.api.event_samples import sample
from cfm_workflow.forms.absences import AbsenceOut
from cfm_workflow.forms.actions import ActionOut, GroupOut
from cfm_workflow.forms.calendars import CalendarOut
from cfm_workflow.forms.checks import CheckOut
from cfm_workflow.forms.feedback import FeedbackOut
from cfm_workflow.forms.feeds import EventCalendarFeedOut
from cfm_workflow.forms.imports import ImportOut
from cfm_workflow.forms.labels import LabelOut
from cfm_workflow.forms.messages import MessageOut
from cfm_workflow.forms.outcomes import OutcomeOut
from cfm_workflow.forms.people import IntegrationOut, TeamOut, TokenOut, UserOut
from cfm_workflow.forms.personal_reminders import ReminderOut
from cfm_workflow.forms.policies import PolicyOut
from cfm_workflow.forms.root_causes import RootCauseOut
from cfm_workflow.forms.templates import TemplateOut
from cfm_workflow.forms.webhooks import EventWebhookOut
from cfm_workflow.ledger import CUTS
from cfm_workflow.policy.audiences import Level
from cfm_workflow.policy.event_types import EVENT_TYPES, EventType, known
from cfm_workflow.policy.ladders import Target
from cfm_workflow.queries import workflows

_TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}
_WHOLE: Final = {"type": "integer"}
_AT: Final = {"type": "string", "format": "date-time"}
_PERSON_OR_NULL: Final = {
    "type": ["object", "null"],
    "required": ["id", "name"],
    "properties": {"id": _WHOLE, "name": _TEXT_OR_NULL},
}
_CUSTOMER_OR_NULL: Final[dict[str, Any]] = {
    **_PERSON_OR_NULL,
    "properties": {
        "id": _WHOLE,
        "name": _TEXT_OR_NULL,
        "email": {**_TEXT_OR_NULL, "description": "Only for a webhook with `include_customer`."},
        "phone": {**_TEXT_OR_NULL, "description": "Only for a webhook with `include_customer`."},
    },
}
_PERSON: Final = {"type": "object", "required": ["id", "name"], "properties": {"id": _WHOLE, "name": _TEXT}}
_REMINDER: Final = {
    "type": "object",
    "description": "Which rung of which target's ladder it is.",
    "required": ["target", "due_at", "rung", "occurrence", "planned_for", "late", "urgent"],
    "properties": {
        "target": {"enum": [target.value for target in Target]},
        "due_at": _AT,
        "rung": {**_WHOLE, "description": "From 0; repetitions of the last one go on counting."},
        "occurrence": {**_WHOLE, "description": "Grows when the target moves: its ladder begins anew."},
        "planned_for": _AT,
        "late": {"type": "boolean", "description": "Told more than five minutes after it was planned for."},
        "urgent": {"type": "boolean"},
    },
}


def _told(*relations: str) -> dict[str, Any]:
    """Who is told by a reminder, and as what."""
    relation: dict[str, Any] = {"enum": list(relations)}
    person = _object(id=_WHOLE, name=_TEXT, **{"as": relation})
    return {"type": "array", "items": person | {"description": "Who is told by it, and as what."}}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


_LABEL: Final = {**_PERSON, "description": "Which label."}
_CALENDAR: Final = {**_PERSON, "description": "Which calendar has changed."}
_REQUEST: Final = _object(due_at=_AT, reason=_TEXT, asked_at=_AT) | {
    "description": "More time that the assignee asks for, or asked for until this event."
}
_CHANGES: Final = {
    "type": "object",
    "additionalProperties": {"type": "object", "required": ["from", "to"]},
    "description": "Per field the old and the new value.",
}

_NOT_IN_EVENTS: Final = (
    "labels",
    "attributes",
    "imported",
    "closed_at",
    "resolved_at",
    "confirmation",
    "told_at",
    "heard_at",
    "silent_at",
    "follows",
)
"""Of a feedback item."""

DATA_OF_SUBJECT: Final[dict[str, dict[str, Any]]] = {
    "action": {
        "from": _TEXT_OR_NULL,
        "to": _TEXT_OR_NULL,
        "transition": _TEXT_OR_NULL,
        "comment": _TEXT_OR_NULL,
        "reason": _TEXT_OR_NULL,
        "former_assignee": _PERSON_OR_NULL,
        "on_behalf_of": {**_PERSON, "description": "Who is away: it was given to whoever stands in."},
        "feedback_id": _WHOLE,
        "watcher": _PERSON,
        "reminder": _REMINDER,
        "told": _told("assignee", "assigner", "lead", "supervisor"),
        "calendar": _CALENDAR,
        "extension_request": _REQUEST,
        "changes": _CHANGES,
    },
    "reminder": {
        "told": _told("receiver"),
        "planned_for": _AT,
        "late": {"type": "boolean", "description": "Told more than five minutes after it was planned for."},
        "reason": _TEXT,
        "changes": _CHANGES,
    },
    "message": {
        "told": _told("receiver"),
        "reason": {**_TEXT_OR_NULL, "description": "Why it cannot be delivered."},
    },
    "note": {"mentioned": {"type": "array", "items": _PERSON}},
    "action_group": {"from": _TEXT, "to": _TEXT},
    "scheduler": {"told": _told("supervisor")},
    "webhook": {"failing_since": _AT, "changes": _CHANGES},
    "feedback": {
        "from": _TEXT,
        "to": _TEXT,
        "reason": _TEXT,
        "watcher": _PERSON,
        "label": _LABEL,
        "changes": _CHANGES,
        "customer_told": {
            "type": "boolean",
            "description": "Whether the customer has had a word since its end.",
        },
        "last_word_at": {**_AT, "type": ["string", "null"], "description": "To the customer; null: there was none."},
        "told": _told("assignee", "assigner", "lead"),
    },
    "label": {"changes": _CHANGES, "into": _LABEL},
}
"""What the data of an event about such a subject can say beside the envelope and the things it shows."""


def _plain(schema: type[Schema]) -> dict[str, Any]:
    """A marshmallow schema as a JSON Schema without references, open to the fields that later releases will add."""
    spec = APISpec("", "", "3.1.0", plugins=[MarshmallowPlugin(schema_name_resolver=lambda _: "")])
    plugin: Any = spec.plugins[0]
    opened: dict[str, Any] = _opened(plugin.converter.schema2jsonschema(schema()))
    return opened


def _opened(shape: Any) -> Any:
    if isinstance(shape, list):
        return [_opened(inner) for inner in shape]
    if not isinstance(shape, dict):
        return shape
    closed = ("additionalProperties", False)
    return {name: _opened(inner) for name, inner in shape.items() if (name, inner) != closed}


@cache
def _data_of_user() -> dict[str, dict[str, Any]]:
    return {"changes": _CHANGES, "absence": _plain(AbsenceOut)}


@cache
def _shown() -> dict[str, dict[str, Any]]:
    """The things that events show, as they stand there."""
    item = _plain(FeedbackOut)
    for name in _NOT_IN_EVENTS:
        del item["properties"][name]
        item["required"].remove(name)
    item["properties"]["customer"] = _CUSTOMER_OR_NULL
    token = _plain(TokenOut)
    token["properties"]["account_id"] = _WHOLE
    customer = _object(id=_WHOLE, name=_TEXT_OR_NULL)
    customer["properties"] |= dict.fromkeys(("email", "phone", "language", "external_id"), _TEXT_OR_NULL)
    message = _plain(MessageOut)
    for name in ("template", "share", "leaves_at", "sent_at", "answer", "created_by", "created_at"):
        del message["properties"][name]
        message["required"].remove(name)
    return {
        "action": _plain(ActionOut),
        "feedback": item,
        "group": _plain(GroupOut),
        "import": _plain(ImportOut),
        "customer": customer,
        "message": message,
        "share": _object(id=_WHOLE, feedback=_WHOLE, address=_TEXT),
        "template": _plain(TemplateOut),
        "user": _plain(UserOut),
        "team": _plain(TeamOut),
        "token": token,
        "integration": _plain(IntegrationOut),
        "outcome": _plain(OutcomeOut),
        "label": _plain(LabelOut),
        "root_cause": _plain(RootCauseOut),
        "calendar": _plain(CalendarOut),
        "calendar_feed": _plain(EventCalendarFeedOut),
        "policy": _plain(PolicyOut),
        "reminder": _plain(ReminderOut),
        "check": _plain(CheckOut),
        "note": _object(id=_WHOLE, feedback=_WHOLE, text=_TEXT, author=_PERSON, version=_WHOLE),
        "webhook": _plain(EventWebhookOut),
        "scheduler": _object(last_tick_at={"type": ["string", "null"], "format": "date-time"}),
        "workflow": _object(key=_TEXT, version=_WHOLE, sha256=_TEXT),
        "preferences": _object(notices={"type": "object", "additionalProperties": {"enum": list(Level)}}),
    }


_SHOWS: Final = {
    "action": ("action", "feedback"),
    "action_group": ("group", "feedback"),
    "reminder": ("reminder", "feedback"),
    "message": ("message", "feedback"),
    "share": ("share", "feedback"),
    "note": ("note", "feedback"),
}
_MAY_SHOW: Final = {"reminder": ("action",), "feedback": ("check",)}


def _with_cuts(data: dict[str, Any]) -> dict[str, Any]:
    """The schema with the flags that say what had to be cut (`ledger.CUTS`)."""
    whole: dict[str, Any] = deepcopy(data)
    for place, _ in CUTS:
        holder = whole
        for step in place[:-1]:
            holder = holder.get("properties", {}).get(step, {})
        if place[-1] in holder.get("properties", {}):
            holder["properties"][f"{place[-1]}_truncated"] = {"type": "boolean"}
    return whole


def _envelope(kind: EventType) -> dict[str, Any]:
    """What every event says beside what it is about."""
    return {
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


def json_schema(name: str, kind: EventType) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a whole event of this type."""
    envelope = _envelope(kind)
    shows = {part: _shown()[part] for part in _SHOWS.get(kind.subject, (kind.subject,))}
    required = [*envelope, *shows]
    shows |= {part: _shown()[part] for part in _MAY_SHOW.get(kind.subject, ())}
    if kind.subject == "action":
        required += ["from", "to"]
    more = _data_of_user() if kind.subject == "user" else DATA_OF_SUBJECT.get(kind.subject, {"changes": _CHANGES})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "description": kind.meaning,
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": name},
            "timestamp": _AT,
            "data": _with_cuts(
                {
                    "type": "object",
                    "required": required,
                    "properties": envelope | more | shows,
                }
            ),
        },
    }


def thin_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of every thin body, whatever its type."""
    envelope = _envelope(EventType("action", ""))
    whole_or_null = {"type": ["integer", "null"]}
    ids = dict.fromkeys(("action_id", "feedback_id", "group_id"), whole_or_null)
    named = {"type": "object", "required": ["type", "id"], "properties": {"type": _TEXT, "id": _WHOLE}}
    more = {"sequence": whole_or_null, "schema_version": _WHOLE, "subject": named}
    said = {name: shape for name, shape in envelope.items() if name != "actor"} | more | ids
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": _TEXT,
            "timestamp": _AT,
            "data": _object(**said) | {"properties": said | {"from": _TEXT_OR_NULL, "to": _TEXT_OR_NULL}},
        },
    }


def all_types(session: Session) -> dict[str, EventType]:
    """The table, and what the stored workflow definitions add to it."""
    added = workflows.event_types(session) - EVENT_TYPES.keys()
    return EVENT_TYPES | {name: known(name) for name in sorted(added)}


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
