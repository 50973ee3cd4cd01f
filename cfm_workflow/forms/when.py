"""Words of time, in and out."""

from marshmallow import Schema, fields

from cfm_workflow import limits
from cfm_workflow.forms.fields import Form, Text

IN_WORDS = "In the caller's time zone and working hours: `tomorrow 17:00`, `in 2 hours`, `Fri 15:30`, `내일 오후 5시`."


class WhenQuery(Form):
    text = Text(limits.WORDS_OF_TIME, required=True, metadata={"description": IN_WORDS})


class WhenOut(Schema):
    at = fields.AwareDateTime(required=True)
