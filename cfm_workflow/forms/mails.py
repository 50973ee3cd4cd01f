"""The log of mails, out, and what it can be asked for."""

from marshmallow import Schema, fields, validate

from cfm_workflow.forms.attempts import AttemptOut
from cfm_workflow.forms.fields import QueryRef
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.forms.people import PersonOut
from cfm_workflow.queries.mails import STATES


class MailQuery(PageQuery):
    person = QueryRef(metadata={"description": "To whom: an id or an e-mail address."})
    state = fields.String(validate=validate.OneOf(STATES))


class MailOut(Schema):
    """A mail to a person, as far as it is sent; never what it says."""

    id = fields.Integer(required=True)
    person = fields.Nested(PersonOut, required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    tries = fields.Integer(required=True)
    next_at = fields.AwareDateTime(required=True, allow_none=True)
    settled_at = fields.AwareDateTime(required=True, allow_none=True)
    answer = fields.String(required=True, allow_none=True, metadata={"description": "To the last attempt, in short."})
    created_at = fields.AwareDateTime(required=True)
    attempts = fields.List(fields.Nested(AttemptOut), required=True)
