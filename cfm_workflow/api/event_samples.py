"""A sample of every event type, as it could be. Nothing here is read from the database."""

from typing import Any, Final

from cfm_workflow.policy.event_types import REMINDERS, EventType

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
    "on_behalf_of": None,
    "assigned_by": {"id": 1, "name": "Olga", "email": "olga@example.com"},
    "team": None,
    "pool": False,
    "due_at": "2026-12-01T16:00:00Z",
    "first_due_at": "2026-12-01T16:00:00Z",
    "extension_request": None,
    "accept_by": "2026-11-24T09:00:00Z",
    "start_by": None,
    "accept_met": None,
    "start_met": None,
    "finish_met": None,
    "quiet_until": None,
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
_KEPT: Final[dict[str, dict[str, Any]]] = {
    "import": {
        "id": 1,
        "state": "finished",
        "file_name": "airline.csv",
        "size": 2048,
        "bytes_read": 2048,
        "records": 20,
        "stored": 18,
        "duplicates": 1,
        "refused": 1,
        "rate": 4000.0,
        "live": False,
        "found": {"format": "csv", "encoding": "utf-8", "columns": ["text", "score"]},
        "error": None,
        "created_at": _NOON,
        "started_at": _NOON,
        "finished_at": _NOON,
    },
    "customer": {"id": 5, "name": "Kim Minji"},
    "user": {
        **_ADA,
        "role": "agent",
        "language": "en",
        "time_zone": "Asia/Seoul",
        "active": True,
        "teams": [{"id": 1, "key": "care", "name": "Customer care"}],
        "supervises": [],
        "version": 1,
        "created_at": _NOON,
    },
    "team": {
        "id": 1,
        "key": "care",
        "name": "Customer care",
        "mode": "everyone",
        "restricted": False,
        "calendar": None,
        "lead": _ADA,
        "members": [{**_ADA, "active": True}],
        "version": 1,
        "created_at": _NOON,
    },
    "token": {
        "id": 9,
        "name": "laptop",
        "hint": "x7Qa",
        "scopes": None,
        "created_at": _NOON,
        "expires_at": None,
        "last_used_at": None,
        "account_id": 3,
    },
    "calendar_feed": {"account_id": 3, "created_at": _NOON},
    "integration": {
        "id": 8,
        "name": "CRM",
        "owner_id": 1,
        "scopes": ["feedback:write", "events:read"],
        "active": True,
        "created_at": _NOON,
    },
    "outcome": {
        "id": 6,
        "key": "refunded",
        "label": {"en": "Refunded", "ko": "환불됨"},
        "requires_reason": False,
        "benefits_customer": True,
        "active": True,
        "version": 1,
        "created_at": _NOON,
    },
    "label": {
        "id": 12,
        "name": "billing",
        "colour": "#206bc4",
        "description": "Anything about invoices.",
        "active": True,
        "merged_into": None,
        "version": 1,
        "created_at": _NOON,
    },
    "root_cause": {
        "id": 3,
        "key": "billing_error",
        "label": {"en": "Billing error", "ko": "청구 오류"},
        "active": True,
        "version": 1,
        "created_at": _NOON,
    },
    "note": {"id": 6, "feedback": 17, "text": "@Ada knows her.", "author": {"id": 3, "name": "Ada"}, "version": 1},
    "reminder": {
        "id": 9,
        "feedback": 17,
        "action": None,
        "remind_at": _NOON,
        "text": "Call back",
        "for": ["ada@example.com"],
        "state": "planned",
        "every": None,
        "if_answered": "keep",
        "occurrence": 0,
        "created_by": _ADA,
        "created_at": "2026-11-20T09:00:00Z",
        "version": 1,
    },
    "message": {
        "id": 11,
        "feedback": 17,
        "customer": 5,
        "direction": "out",
        "channel": "email",
        "kind": "reply",
        "state": "queued",
        "subject": "Your miles",
        "made_at": _NOON,
        "to": None,
        "body": "Dear Kim Minji, your miles are back.",
    },
    "share": {"id": 3, "feedback": 17, "address": "ceo@example.com"},
    "template": {
        "id": 7,
        "name": "Miles are back",
        "kind": "reply",
        "language": "en",
        "team": None,
        "subject": "Your miles",
        "body": "{{ customer.greeting }}, your miles are back.",
        "active": True,
        "version": 1,
        "created_at": _NOON,
    },
    "calendar": {
        "id": 2,
        "name": "Seoul",
        "time_zone": "Asia/Seoul",
        "country": "KR",
        "region": None,
        "week": {"mon": [["09:00", "12:00"], ["13:00", "18:00"]]},
        "holidays": [{"date": "2026-12-24", "name": "Company day"}],
        "working_days": ["2026-11-28"],
        "default": False,
        "version": 1,
        "created_at": _NOON,
    },
    "policy": {
        "id": 2,
        "key": "gold",
        "name": "Gold",
        "active": True,
        "position": 10,
        "kinds": None,
        "priorities": ["high", "urgent"],
        "teams": None,
        "calendar": None,
        "targets": {"accept": {"business": "PT2H"}, "start": None, "finish": {"business_days": 2}},
        "ladders": {"accept": [], "start": [], "finish": [{"share": 75, "to": ["assignee"], "urgent": False}]},
        "version": 1,
        "created_at": _NOON,
    },
    "webhook": {
        "id": 7,
        "url": "https://hooks.example.com",
        "description": "CRM",
        "event_types": ["action.*"],
        "teams": None,
        "workflows": None,
        "payload": "full",
        "include_customer": False,
        "include_imported": False,
        "state": "active",
        "disabled_reason": None,
        "owner_id": 1,
        "version": 1,
        "created_at": _NOON,
    },
    "scheduler": {"last_tick_at": _NOON},
    "workflow": {"key": "standard", "version": 1, "sha256": "0123456789abcdef" * 4},
    "preferences": {"notices": {"action.accepted": "never", "siblings": "never"}},
}


_REMINDER: Final = {
    "target": "finish",
    "due_at": "2026-12-01T16:00:00Z",
    "rung": 0,
    "occurrence": 0,
    "planned_for": "2026-11-28T09:00:00Z",
    "late": False,
    "urgent": False,
}


_REQUEST: Final = {
    "due_at": "2026-12-04T09:00:00Z",
    "reason": "The part arrives on Thursday.",
    "asked_at": _NOON,
}


_CHECK: Final = {
    "id": 3,
    "feedback": 17,
    "state": "answered",
    "ask_at": "2026-11-20T12:00:00Z",
    "asked_at": "2026-11-20T12:00:00Z",
    "expires_at": "2026-12-04T12:00:00Z",
    "answer": "denied",
    "answered_at": _NOON,
    "score": 2,
    "word": "They are still missing.",
    "action": None,
    "created_at": "2026-11-06T12:00:00Z",
}


_ABSENCE: Final = {
    "id": 1,
    "from": _NOON,
    "to": "2026-12-07T09:00:00Z",
    "deputy": {"id": 4, "name": "Bob", "email": "bob@example.com"},
    "note": "On holiday.",
    "state": "begun",
    "version": 2,
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
        data |= {kind.subject: _KEPT[kind.subject]}
    if kind.subject == "reminder":
        data |= {"feedback": _ITEM, "told": [{"id": 3, "name": "Ada", "as": "receiver"}]}
    if kind.subject in ("message", "share"):
        data |= {"feedback": _ITEM}
    if name in _STATES_OF_MESSAGES:
        data["message"] = data["message"] | _STATES_OF_MESSAGES[name]
    if name == "message.failed":
        data |= {"reason": "550 No such user here", "told": [{"id": 3, "name": "Ada", "as": "receiver"}]}
    if kind.subject == "note":
        data |= {"feedback": _ITEM, "mentioned": [{"id": 3, "name": "Ada"}]}
    if name == "reminder.fired":
        data |= {"reminder": _KEPT["reminder"] | {"state": "fired", "occurrence": 1, "version": 2}}
        data |= {"planned_for": _NOON, "late": False}
    if name == "feedback.closed":
        data |= {"from": "resolved", "to": "closed", "customer_told": True, "feedback": _ITEM | {"status": "closed"}}
    if name == "feedback.checked":
        data |= {"actor": {"type": "system", "name": "customer's answer"}, "check": _CHECK}
    if name == "feedback.silent":
        data |= {"actor": {"type": "system", "name": "clock"}, "last_word_at": None}
        data |= {"told": [{"id": 3, "name": "Ada", "as": "assignee"}]}
    if name.endswith("watched"):
        data |= {"watcher": {"id": 3, "name": "Ada"}}
    if name in ("feedback.labelled", "feedback.unlabelled"):
        data |= {"label": {"id": 12, "name": "billing"}}
    if name == "label.merged":
        data |= {"into": {"id": 11, "name": "invoices"}}
    if name in ("user.away", "user.back"):
        data |= {"absence": _ABSENCE}
    if name == "action.raised":
        data |= {"reason": "The customer threatens to leave.", "told": [{"id": 3, "name": "Ada", "as": "lead"}]}
    if name.startswith("action.extension_"):
        data |= {"to": "assigned", "extension_request": _REQUEST, "reason": _REQUEST["reason"]}
    if name == "action.extension_requested":
        data["action"] = _ACTION | {"extension_request": _REQUEST}
    if name == "action.extension_granted":
        data |= {"changes": {"due_at": {"from": _ACTION["due_at"], "to": _REQUEST["due_at"]}}}
        data["action"] = _ACTION | {"due_at": _REQUEST["due_at"]}
    if name in REMINDERS:
        data |= {"to": "assigned", "reminder": _REMINDER, "told": [{"id": 3, "name": "Ada", "as": "assignee"}]}
    return {"type": name, "timestamp": _NOON, "data": data}


_STATES_OF_MESSAGES: Final[dict[str, dict[str, Any]]] = {
    "message.cancelled": {"state": "cancelled"},
    "message.sent": {"state": "sent"},
    "message.failed": {"state": "failed"},
    "message.received": {
        "direction": "in",
        "channel": "phone",
        "kind": "contact",
        "state": "recorded",
        "subject": None,
    },
}
_SUBJECT_IDS: Final = {
    "action": 4,
    "action_group": 2,
    "feedback": 17,
    "reminder": 9,
    "message": 11,
    "share": 3,
    "note": 6,
}
