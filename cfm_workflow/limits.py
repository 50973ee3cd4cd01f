"""How much is allowed of everything: one table, used by the forms and served by `GET /limits`."""

from typing import Final

TEXT: Final = 20_000
TITLE: Final = 200
DESCRIPTION: Final = 20_000
NAME: Final = 200
KEY: Final = 40
EMAIL: Final = 254
COMMENT: Final = 2_000
REASON: Final = 2_000
RESOLUTION: Final = 2_000
ROOT_CAUSE: Final = 200
GOAL: Final = 2_000
EXTERNAL_ID: Final = 200
SOURCE: Final = 100
CHANNEL: Final = 50
TOUCHPOINT: Final = 2_000
LANGUAGE_TAG: Final = 35
PHONE: Final = 50
ATTRIBUTE_KEYS: Final = 50
ATTRIBUTE_BYTES: Final = 8_000
ATTRIBUTE_DEPTH: Final = 5
FAN_OUT: Final = 1_000
BULK: Final = 1_000
TEAM_MEMBERS: Final = 1_000
ITEMS_PER_ACTION: Final = 1_000
PAGE: Final = 200
EVENTS_PAGE: Final = 1_000
COUNT: Final = 10_000
EXPORT: Final = 100_000
EXPORT_PAGE: Final = 1_000
BODY_BYTES: Final = 1024 * 1024
IMPORT_BYTES: Final = 2 * 1024**3
IMPORT_LINE_BYTES: Final = 1024 * 1024
EVENT_BYTES: Final = 16 * 1024
EVENT_TEXT: Final = 1_000
EVENT_FEEDBACK_IDS: Final = 100
QUERY: Final = 200
ID: Final = 2**63 - 1
IDEMPOTENCY_KEY: Final = 255
URL: Final = 2_000
WEBHOOKS: Final = 200
EVENT_TYPE_PATTERNS: Final = 100
OWN_HEADERS: Final = 5
HEADER_VALUE: Final = 1_000
ANSWER_BYTES: Final = 16 * 1024
ANSWER_SUMMARY: Final = 300
WATCHERS: Final = 200
REGION: Final = 10
ABSENCES: Final = 100
"""Of one person, that are to come."""
CALENDARS: Final = 200
POLICIES: Final = 200
BLOCKS_PER_DAY: Final = 12
DAYS_OF_A_CALENDAR: Final = 1_000
SIBLINGS_TOLD: Final = 50
NOTE: Final = 20_000
MENTIONS: Final = 50
"""In one note."""
REMINDER: Final = 2_000
WORDS_OF_TIME: Final = 100
REMINDER_RECEIVERS: Final = 50
SUBJECT: Final = 200
MESSAGE: Final = 20_000
MESSAGE_RECEIVERS: Final = 50
MESSAGE_BULK: Final = 1_000
TEMPLATES: Final = 1_000
SHARE_DAYS: Final = 90
LABEL: Final = 100
FOLDED_LABEL: Final = 3 * LABEL
"""Folding makes up to three characters of one (Unicode, CaseFolding.txt)."""
LABEL_DESCRIPTION: Final = 2_000
LABELS_PER_ITEM: Final = 50
LABELS_AT_ONCE: Final = 10
"""Put on, or taken off, many items in one request."""
INTERVALS: Final = 100
"""Of one answer that counts over time."""

TABLE: Final[dict[str, int]] = {
    "text": TEXT,
    "title": TITLE,
    "description": DESCRIPTION,
    "name": NAME,
    "comment": COMMENT,
    "reason": REASON,
    "resolution": RESOLUTION,
    "goal": GOAL,
    "external_id": EXTERNAL_ID,
    "attribute_keys": ATTRIBUTE_KEYS,
    "attribute_bytes": ATTRIBUTE_BYTES,
    "attribute_depth": ATTRIBUTE_DEPTH,
    "fan_out": FAN_OUT,
    "bulk": BULK,
    "team_members": TEAM_MEMBERS,
    "items_per_action": ITEMS_PER_ACTION,
    "page": PAGE,
    "events_page": EVENTS_PAGE,
    "count": COUNT,
    "export": EXPORT,
    "body_bytes": BODY_BYTES,
    "import_bytes": IMPORT_BYTES,
    "import_line_bytes": IMPORT_LINE_BYTES,
    "event_bytes": EVENT_BYTES,
    "url": URL,
    "webhooks": WEBHOOKS,
    "event_type_patterns": EVENT_TYPE_PATTERNS,
    "own_headers": OWN_HEADERS,
    "header_value": HEADER_VALUE,
    "answer_bytes": ANSWER_BYTES,
    "watchers": WATCHERS,
    "absences": ABSENCES,
    "calendars": CALENDARS,
    "policies": POLICIES,
    "blocks_per_day": BLOCKS_PER_DAY,
    "days_of_a_calendar": DAYS_OF_A_CALENDAR,
    "note": NOTE,
    "mentions": MENTIONS,
    "reminder": REMINDER,
    "words_of_time": WORDS_OF_TIME,
    "reminder_receivers": REMINDER_RECEIVERS,
    "subject": SUBJECT,
    "message": MESSAGE,
    "message_receivers": MESSAGE_RECEIVERS,
    "message_bulk": MESSAGE_BULK,
    "templates": TEMPLATES,
    "share_days": SHARE_DAYS,
    "label": LABEL,
    "labels_per_item": LABELS_PER_ITEM,
    "labels_at_once": LABELS_AT_ONCE,
    "intervals": INTERVALS,
}
