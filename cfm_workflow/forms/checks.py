"""Planned checks, out."""

from marshmallow import Schema, fields, validate

from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.policy.closing import SCORES
from cfm_workflow.queries.checks import ANSWERS, STATES


class CheckQuery(PageQuery):
    """A page of checks."""


class CheckOut(Schema):
    id = fields.Integer(required=True)
    feedback = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    ask_at = fields.AwareDateTime(required=True, metadata={"description": "When the customer is asked."})
    asked_at = fields.AwareDateTime(required=True, allow_none=True)
    expires_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Until then it can be answered, and answered anew."}
    )
    answer = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([*ANSWERS, None]),
        metadata={"description": "`assumed`: the time is over and nobody has answered."},
    )
    answered_at = fields.AwareDateTime(required=True, allow_none=True)
    score = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": f"How content they are, from {SCORES[0]}, not at all, to {SCORES[1]}, very."},
    )
    word = fields.String(required=True, allow_none=True)
    action = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The action that a no opened again."}
    )
    created_at = fields.AwareDateTime(required=True)
