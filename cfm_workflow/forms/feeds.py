"""Calendar feeds, out."""

from marshmallow import Schema, fields


class CalendarFeedOut(Schema):
    created_at = fields.AwareDateTime(required=True)
    last_used_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Within the hour; null: never."}
    )


class NewCalendarFeedOut(Schema):
    url = fields.String(required=True, metadata={"description": "Whoever knows it can read the calendar."})


class EventCalendarFeedOut(Schema):
    account_id = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
