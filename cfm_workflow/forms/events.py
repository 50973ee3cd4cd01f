"""Events, out; what the feed can be asked for; and the small answers of the service about itself."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields

from cfm_workflow import limits
from cfm_workflow.forms.fields import Form, QueryChoices, QueryIdent, QueryWhole
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.queries.events import FEED_SIZE

HIGHEST_POSITION = 2**53


def as_position(text: str) -> int | None:
    """The position that a text names, None when it names none."""
    if re.fullmatch("[0-9]{1,16}", text, re.ASCII) and int(text) < HIGHEST_POSITION:
        return int(text)
    return None


class _After(fields.String):
    """A position, or `latest`."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if value == "latest":
            return value
        if isinstance(value, str) and (position := as_position(value)) is not None:
            return position
        raise ValidationError("must be a position, or latest")


def _after(default: int | str) -> _After:
    return _After(
        load_default=default,
        metadata={
            "description": "A `last_position`; 0 is the beginning, `latest` is from now.",
            "pattern": "^(latest|[0-9]{1,15})$",
        },
    )


class StreamQuery(Form):
    """Which events a stream is to tell; without `after` those that come from now on."""

    after = _after("latest")
    types = QueryChoices(metadata={"description": "Event types, parted by commas; `action.*` for all of a kind."})
    action = QueryIdent()
    feedback = QueryIdent()


class FeedQuery(StreamQuery):
    """The same of a page of the feed, which begins at the beginning."""

    after = _after(0)
    limit = QueryWhole(1, limits.EVENTS_PAGE, load_default=FEED_SIZE)


class HistoryQuery(PageQuery):
    """A page of an action's history."""


class EventOut(Schema):
    """One event: the same object in the feed, in a history and in a webhook."""

    type = fields.String(required=True)
    timestamp = fields.AwareDateTime(required=True)
    data = fields.Dict(required=True, metadata={"description": "See `webhooks` and `GET /event-types`."})


class FeedOut(Schema):
    items = fields.List(fields.Nested(EventOut), required=True)
    last_position = fields.Integer(required=True)
    has_more = fields.Boolean(required=True)


class EventTypeOut(Schema):
    type = fields.String(required=True)
    meaning = fields.String(required=True)
    subject = fields.String(required=True)
    audit = fields.Boolean(required=True)
    schema_version = fields.Integer(required=True)
    json_schema = fields.Dict(required=True)
    sample = fields.Dict(required=True)


class EventTypesOut(Schema):
    items = fields.List(fields.Nested(EventTypeOut), required=True)
    thin_json_schema = fields.Dict(
        required=True, metadata={"description": "Of every body that a webhook with `payload: thin` gets."}
    )


LimitsOut = Schema.from_dict({name: fields.Integer(required=True) for name in limits.TABLE}, name="LimitsOut")
