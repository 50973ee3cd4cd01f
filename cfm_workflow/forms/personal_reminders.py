"""Personal reminders, in and out."""

import re
from typing import Any, ClassVar, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from cfm_workflow import limits
from cfm_workflow.forms.fields import Flag, Form, Ident, Moment, QueryChoices, QueryIdent, QueryRef, Ref, Shape, Text
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.forms.people import PersonOut
from cfm_workflow.policy.repetition import MOST_DAYS
from cfm_workflow.queries.personal_reminders import SORTS, STATES

IF_ANSWERED: Final = ("keep", "drop")
_DAYS: Final = re.compile(r"P[1-9][0-9]{0,2}D", re.ASCII)
_AT: Final = {"description": "In the past only with `now`: it is told with the next tick then."}
_ANSWERED: Final = {"description": "`drop`: it is cancelled when a word of the customer is recorded."}


class Days(fields.String):
    """An ISO 8601 duration of whole days."""

    shape: ClassVar[Shape] = {"pattern": f"^{_DAYS.pattern}$", "examples": ["P1D", "P7D"]}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not _DAYS.fullmatch(text):
            raise ValidationError(f"must be a duration of 1 to {MOST_DAYS} days, such as P1D or P7D")
        return text


def _every(**kwargs: Any) -> Days:
    said = {"description": "It comes again so many days later, at the same time in the zone of whoever set it."}
    return Days(allow_none=True, metadata=said, **kwargs)


class ReminderIn(Form):
    """Exactly one of `feedback` and `action` says what it is about."""

    feedback = Ident(metadata={"description": "The id of a feedback item."})
    action = Ident(metadata={"description": "The id of an action."})
    remind_at = Moment(required=True, metadata=_AT)
    text = Text(limits.REMINDER, required=True)
    for_ = fields.List(
        Ref(),
        data_key="for",
        validate=validate.Length(min=1, max=limits.REMINDER_RECEIVERS),
        metadata={"description": "People by id or e-mail address; without it the caller."},
    )
    every = _every(load_default=None)
    if_answered = fields.String(load_default="keep", validate=validate.OneOf(IF_ANSWERED), metadata=_ANSWERED)
    now = Flag(load_default=False)

    @validates_schema(skip_on_field_errors=False)
    def _about_one_thing(self, values: dict[str, Any], **kwargs: Any) -> None:
        if ("feedback" in values) == ("action" in values):
            raise ValidationError({"feedback": ["exactly one of feedback and action must be given"]})


class ReminderChange(Form):
    remind_at = Moment(metadata={"description": f"Snoozes it, or plans it again. {_AT['description']}"})
    text = Text(limits.REMINDER)
    every = _every()
    if_answered = fields.String(validate=validate.OneOf(IF_ANSWERED), metadata=_ANSWERED)
    now = Flag(load_default=False)


class ReminderQuery(PageQuery):
    for_ = QueryRef(data_key="for", metadata={"description": "Whom it is for; supervisors see those of everybody."})
    state = QueryChoices(STATES)
    feedback = QueryIdent(metadata={"description": "Of this item and of the actions made on it."})
    action = QueryIdent()
    sort = fields.String(validate=validate.OneOf(list(SORTS)), load_default=next(iter(SORTS)))


class ReminderOut(Schema):
    id = fields.Integer(required=True)
    feedback = fields.Integer(required=True, metadata={"description": "Of an action the item on which it was made."})
    action = fields.Integer(required=True, allow_none=True)
    remind_at = fields.AwareDateTime(required=True, metadata={"description": "When it is told next, or was told last."})
    text = fields.String(required=True)
    for_ = fields.List(fields.String(), required=True, data_key="for")
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    every = fields.String(required=True, allow_none=True)
    if_answered = fields.String(required=True, validate=validate.OneOf(IF_ANSWERED))
    occurrence = fields.Integer(required=True, metadata={"description": "How often it was told."})
    created_by = fields.Nested(PersonOut, required=True)
    created_at = fields.AwareDateTime(required=True)
    version = fields.Integer(required=True)
