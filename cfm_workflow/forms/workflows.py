"""Workflow definitions, out."""

from marshmallow import Schema, fields


class WorkflowStateOut(Schema):
    name = fields.String(required=True)
    category = fields.String(required=True)
    label = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    milestone = fields.String(required=True, allow_none=True)


class WorkflowTransitionOut(Schema):
    name = fields.String(required=True)
    from_ = fields.List(fields.String(), required=True, data_key="from")
    to = fields.String(required=True, metadata={"description": "A state, `previous` or `before`."})
    who = fields.List(fields.String(), required=True)
    requires = fields.List(fields.String(), required=True)
    optional = fields.List(fields.String(), required=True)
    event = fields.String(required=True)
    label = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    limits = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    within = fields.String(required=True, allow_none=True)
    effect = fields.String(required=True, allow_none=True)


class WorkflowOut(Schema):
    key = fields.String(required=True)
    version = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    name = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    initial = fields.String(required=True)
    self_assigned = fields.String(required=True, allow_none=True)
    states = fields.List(fields.Nested(WorkflowStateOut), required=True)
    transitions = fields.List(fields.Nested(WorkflowTransitionOut), required=True)


class WorkflowWithDiagramOut(WorkflowOut):
    mermaid = fields.String(required=True)
