"""Absences, in and out."""

from typing import Final

from marshmallow import Schema, fields, validate

from cfm_workflow import limits
from cfm_workflow.forms.fields import Form, Moment, Ref, Text
from cfm_workflow.forms.people import PersonOut

STATES: Final = ("planned", "begun", "ended")
_DEPUTY: Final = {"description": "Who stands in, by id or e-mail address; null: the lead."}


class AbsenceIn(Form):
    starts_at = Moment(required=True, data_key="from")
    ends_at = Moment(required=True, data_key="to")
    deputy = Ref(allow_none=True, load_default=None, metadata=_DEPUTY)
    note = Text(limits.COMMENT, allow_none=True, load_default=None, metadata={"description": "For everybody to read."})


class AbsenceChange(Form):
    starts_at = Moment(data_key="from")
    ends_at = Moment(data_key="to")
    deputy = Ref(allow_none=True, metadata=_DEPUTY)
    note = Text(limits.COMMENT, allow_none=True)


class AbsenceOut(Schema):
    id = fields.Integer(required=True)
    starts_at = fields.AwareDateTime(required=True, data_key="from")
    ends_at = fields.AwareDateTime(required=True, data_key="to")
    deputy = fields.Nested(PersonOut, required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
