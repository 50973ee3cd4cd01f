"""Labels, their counts, and labelling many items, in and out."""

from typing import Any, ClassVar, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from cfm_workflow import limits
from cfm_workflow.forms.feedback import LabellingOut
from cfm_workflow.forms.fields import Flag, Form, Ident, Moment, QueryFlag, Shape, Text, TimeZone
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.policy.intervals import INTERVALS
from cfm_workflow.policy.labels import tidy

_NAME: Final = {"description": "Without comma and semicolon; case and white space around it make no difference."}


class LabelName(Text):
    """The name of a label; loads as it is kept."""

    shape: ClassVar[Shape] = {"pattern": r"^[^,;\u0000]*[^\s,;\u0000\u001c-\u001f\u0085\ufeff][^,;\u0000]*$"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        try:
            return tidy(super()._deserialize(value, attr, data, **kwargs))
        except ValueError as problem:
            raise ValidationError(str(problem)) from None


class _LabelFields(Form):
    colour = fields.String(
        allow_none=True, validate=validate.Regexp(r"^#[0-9a-f]{6}$", error="must be a colour such as #206bc4")
    )
    description = Text(limits.LABEL_DESCRIPTION, allow_none=True)


class NewLabelIn(_LabelFields):
    name = LabelName(limits.LABEL, required=True, metadata=_NAME)


class LabelChange(_LabelFields):
    name = LabelName(limits.LABEL, metadata=_NAME)
    active = Flag(metadata={"description": "false: it is offered no more."})


class MergeIn(Form):
    into = Ident(required=True, metadata={"description": "The id of the label whose further name it will be."})


class LabelQuery(PageQuery):
    active = QueryFlag()
    q = Text(limits.LABEL, metadata={"description": "How the name begins."})


class LabelOut(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    colour = fields.String(required=True, allow_none=True)
    description = fields.String(required=True, allow_none=True)
    active = fields.Boolean(required=True)
    merged_into = fields.Integer(required=True, allow_none=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)


_FROM: Final = {"description": "The interval in which this is comes first. Default: 30 days before `to`."}


class CountsQuery(Form):
    since = Moment(data_key="from", metadata=_FROM)
    until = Moment(data_key="to", metadata={"description": "Exclusive. Default: now."})
    interval = fields.String(load_default="day", validate=validate.OneOf(list(INTERVALS)))
    time_zone = TimeZone(load_default="UTC")


class CountOut(Schema):
    from_ = fields.AwareDateTime(required=True, data_key="from")
    to = fields.AwareDateTime(required=True)
    count = fields.Integer(required=True)


class CountsOut(Schema):
    """How often a label was put on an item, of those that have it now."""

    label = fields.Nested(LabelOut, required=True)
    items = fields.List(fields.Nested(CountOut), required=True)


_AT_ONCE: Final = validate.Length(max=limits.LABELS_AT_ONCE)


class BulkLabelIn(Form):
    """Labels to put on items, and labels to take off them."""

    ids = fields.List(
        Ident(), required=True, validate=validate.Length(min=1, max=limits.BULK), metadata={"uniqueItems": True}
    )
    label = fields.List(LabelName(limits.LABEL), load_default=list, validate=_AT_ONCE)
    unlabel = fields.List(LabelName(limits.LABEL), load_default=list, validate=_AT_ONCE)

    @validates_schema
    def _something(self, values: dict[str, Any], **kwargs: Any) -> None:
        if not values.get("label") and not values.get("unlabel"):
            raise ValidationError("label or unlabel is needed", "label")
        if len(set(values["ids"])) != len(values["ids"]):
            raise ValidationError("must not name an item twice", "ids")


class BulkLabelResultOut(Schema):
    id = fields.Integer(required=True)
    status = fields.Integer(required=True)
    labels = fields.List(fields.Nested(LabellingOut), required=True, allow_none=True)
    problem = fields.Dict(required=True, allow_none=True)


class BulkLabelOut(Schema):
    items = fields.List(fields.Nested(BulkLabelResultOut), required=True)
