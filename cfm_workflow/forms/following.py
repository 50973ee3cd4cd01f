"""Watchers, comments and what people choose to hear of, in and out."""

from typing import Any, ClassVar, Final

from marshmallow import Schema, ValidationError, fields, validate

from cfm_workflow import limits
from cfm_workflow.forms.calendars import DAYS, TimeOfDay, WeekIn, WeekOut
from cfm_workflow.forms.fields import Flag, Form, Shape, Text
from cfm_workflow.forms.people import MemberOut, PersonOut
from cfm_workflow.policy.audiences import KINDS, RELATIONS, Level
from cfm_workflow.policy.digests import Every
from cfm_workflow.queries.following import DEFAULT, SOURCES

LEVELS = [level.value for level in Level]


class CommentIn(Form):
    comment = Text(limits.COMMENT, required=True)


class WatcherOut(Schema):
    user = fields.Nested(MemberOut, required=True)
    added_by = fields.Nested(PersonOut, required=True, allow_none=True)
    at = fields.AwareDateTime(required=True)


class Notices(fields.Field[Any]):
    """Levels by kind, null for what holds without a choice; loads as Level or None."""

    shape: ClassVar[Shape] = {
        "type": "object",
        "propertyNames": {"enum": list(KINDS)},
        "additionalProperties": {"type": ["string", "null"], "enum": [*LEVELS, None]},
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Level | None]:
        if not isinstance(value, dict):
            raise ValidationError("must be an object")
        wrong = {kind: [said] for kind, level in value.items() if (said := _wrong(kind, level)) is not None}
        if wrong:
            raise ValidationError(wrong)
        return {kind: None if level is None else Level(level) for kind, level in value.items()}


def _wrong(kind: Any, level: Any) -> str | None:
    if kind not in KINDS:
        return "is not a kind of notice"
    if level is not None and level not in LEVELS:
        return f"must be {', '.join(LEVELS)} or null"
    return None


class PreferencesIn(Form):
    notices = Notices(required=True)


_WORKING_HOURS: Final = {
    "description": "When the person works, in their time zone; mails that are not urgent wait for it. null: always."
}


class DigestIn(Form):
    """How often, for a week on which day, and at what time of the person's own day."""

    every = fields.String(validate=validate.OneOf([every.value for every in Every]))
    on = fields.String(validate=validate.OneOf(DAYS))
    at = TimeOfDay()


class DigestOut(Schema):
    every = fields.String(required=True)
    on = fields.String(required=True)
    at = fields.String(required=True)


_WEEKLY: Final = {
    "description": "Whether the weekly report comes by mail, to those who may see reports: to supervisors unless they "
    "choose otherwise, to administrators if they choose so."
}


class MyPreferencesIn(Form):
    digest = fields.Nested(DigestIn)
    weekly_report = Flag(metadata=_WEEKLY)
    notices = Notices()
    working_hours = fields.Nested(WeekIn, allow_none=True, metadata=_WORKING_HOURS)


class PreferenceOut(Schema):
    level = fields.String(
        required=True,
        validate=validate.OneOf(LEVELS),
        metadata={"description": "What holds; of what is built in the highest of `relations`."},
    )
    source = fields.String(required=True, validate=validate.OneOf(SOURCES))
    relations = fields.Dict(
        keys=fields.String(validate=validate.OneOf(RELATIONS)),
        values=fields.String(validate=validate.OneOf(LEVELS)),
        required=True,
        metadata={"description": "For each way to stand to it that can hear of it at all."},
    )


class PreferencesOut(Schema):
    notices = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(PreferenceOut),
        required=True,
        metadata={"description": f"By kind: an event type, or siblings. Without a choice `{DEFAULT}` holds."},
    )


class MyPreferencesOut(PreferencesOut):
    digest = fields.Nested(DigestOut, required=True)
    weekly_report = fields.Boolean(required=True, metadata=_WEEKLY)
    working_hours = WeekOut(required=True, allow_none=True, metadata=_WORKING_HOURS)
