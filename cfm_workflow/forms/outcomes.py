"""Outcomes, in and out."""

from marshmallow import Schema, fields

from cfm_workflow import limits
from cfm_workflow.forms.fields import Flag, Form, Key, QueryFlag, Text
from cfm_workflow.forms.pages import PageQuery


class LabelIn(Form):
    """The text people read, in every language."""

    en = Text(limits.NAME, required=True)
    ko = Text(limits.NAME, required=True)


_BENEFIT = {"description": "Whether the customer may be told that it is solved."}


class OutcomeIn(Form):
    key = Key(required=True)
    label = fields.Nested(LabelIn, required=True)
    requires_reason = Flag(load_default=False)
    benefits_customer = Flag(load_default=False, metadata=_BENEFIT)
    active = Flag(load_default=True)


class OutcomeChange(Form):
    key = Key()
    label = fields.Nested(LabelIn)
    requires_reason = Flag()
    benefits_customer = Flag(metadata=_BENEFIT)
    active = Flag()


class OutcomeQuery(PageQuery):
    active = QueryFlag()


class OutcomeOut(Schema):
    id = fields.Integer(required=True)
    key = fields.String(required=True)
    label = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    requires_reason = fields.Boolean(required=True)
    benefits_customer = fields.Boolean(required=True, metadata=_BENEFIT)
    active = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
