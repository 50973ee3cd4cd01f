"""Templates of messages, in and out."""

from typing import Final

from marshmallow import Schema, fields, validate

from cfm_workflow import limits
from cfm_workflow.forms.fields import Flag, Form, Ident, QueryFlag, Ref, Text
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.policy.templates import KINDS, VARIABLES
from cfm_workflow.texts import LANGUAGES

_FILLED: Final = {"description": f"May hold {{{{ name }}}} of the variables {', '.join(VARIABLES)}."}


class TemplateIn(Form):
    name = Text(limits.NAME, required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    team = Ref(allow_none=True, load_default=None, metadata={"description": "Whose template it is, by key or id."})
    subject = Text(limits.SUBJECT, required=True, metadata=_FILLED)
    body = Text(limits.MESSAGE, required=True, metadata=_FILLED)
    active = Flag(load_default=True)


class TemplateChange(Form):
    name = Text(limits.NAME)
    kind = fields.String(validate=validate.OneOf(KINDS))
    language = fields.String(validate=validate.OneOf(LANGUAGES))
    team = Ref(allow_none=True)
    subject = Text(limits.SUBJECT, metadata=_FILLED)
    body = Text(limits.MESSAGE, metadata=_FILLED)
    active = Flag()


class TemplateQuery(PageQuery):
    kind = fields.String(validate=validate.OneOf(KINDS))
    language = fields.String(validate=validate.OneOf(LANGUAGES))
    active = QueryFlag()


class PreviewIn(Form):
    """A template that is being written, on a real item."""

    feedback = Ident(required=True)
    kind = fields.String(load_default="reply", validate=validate.OneOf(KINDS))
    language = fields.String(load_default="en", validate=validate.OneOf(LANGUAGES))
    subject = Text(limits.SUBJECT, required=True)
    body = Text(limits.MESSAGE, required=True)


class StoredPreviewIn(Form):
    feedback = Ident(required=True)


class PreviewOut(Schema):
    subject = fields.String(required=True)
    body = fields.String(required=True)
    language = fields.String(required=True)


class TemplateTeamOut(Schema):
    id = fields.Integer(required=True)
    key = fields.String(required=True)
    name = fields.String(required=True)


class TemplateOut(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    team = fields.Nested(TemplateTeamOut, required=True, allow_none=True)
    subject = fields.String(required=True)
    body = fields.String(required=True)
    active = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
