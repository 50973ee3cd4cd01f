"""Root causes, in and out."""

from marshmallow import Schema, fields

from cfm_workflow.forms.fields import Flag, Form, Key, QueryFlag
from cfm_workflow.forms.outcomes import LabelIn
from cfm_workflow.forms.pages import PageQuery


class RootCauseIn(Form):
    key = Key(required=True, metadata={"description": "What actions hold; it never changes."})
    label = fields.Nested(LabelIn, required=True)
    active = Flag(load_default=True)


class RootCauseChange(Form):
    label = fields.Nested(LabelIn)
    active = Flag()


class RootCauseQuery(PageQuery):
    active = QueryFlag()


class RootCauseOut(Schema):
    id = fields.Integer(required=True)
    key = fields.String(required=True)
    label = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    active = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
