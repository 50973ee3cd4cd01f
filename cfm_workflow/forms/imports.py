"""Imports, in and out."""

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, post_load, pre_load, validate

from cfm_workflow import limits
from cfm_workflow.forms.fields import Form, QueryFlag, Text, TimeZone, storable
from cfm_workflow.intake.fields import FIELDS


class _ImportBase(Form):
    """How a file is read. Beside these: `map.FIELD=COLUMN`, `map.attributes.NAME=COLUMN`, `constant.FIELD=VALUE`."""

    class Meta:
        unknown = INCLUDE

    source = Text(limits.SOURCE, load_default="import", metadata={"description": "Part of each row's identity."})
    file_name = Text(255, load_default="upload")
    date_format = Text(100, metadata={"description": "As in strptime, when received_at is not ISO 8601."})
    time_zone = TimeZone(metadata={"description": "Of times without an offset."})
    encoding = Text(40, metadata={"description": "Found out unless given."})
    delimiter = fields.String(validate=validate.Length(equal=1), metadata={"description": "Found out unless given."})
    live = QueryFlag(load_default=False, metadata={"description": "As if it came in now, not as history."})

    @pre_load
    def _known(self, values: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        known = {field.data_key or name for name, field in self.fields.items()}
        for name, value in values.items():
            if name not in known and not name.startswith(("map.", "constant.")):
                raise ValidationError({name: ["is not a parameter of this operation"]})
            try:
                storable(value)
            except ValidationError as wrong:
                raise ValidationError({name: wrong.messages}) from None
        return values

    @post_load
    def _sorted_out(self, values: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        options: dict[str, Any] = {"fields": {}, "constants": {}}
        for attribute, value in values.items():
            name = attribute.replace("/", ".") if attribute.startswith("map/") else attribute
            if name.startswith("map."):
                options["fields"][name.removeprefix("map.")] = value
            elif name.startswith("constant."):
                options["constants"][name.removeprefix("constant.")] = value
            else:
                options[name] = value
        return options


def _column_of(field: str) -> fields.String:
    """The parameter `map.FIELD`. marshmallow would take the dots of an attribute for nesting, so it has none."""
    attribute = f"map/{field.replace('.', '/')}"
    said = {"description": "The column it comes from."}
    return fields.String(data_key=f"map.{field}", attribute=attribute, metadata=said)


ImportQuery = _ImportBase.from_dict(
    {f"map_{name.replace('.', '_')}": _column_of(name) for name in FIELDS}, name="ImportQuery"
)


class FoundOut(Schema):
    format = fields.String()
    encoding = fields.String()
    encoding_how = fields.String()
    dialect = fields.String()
    columns = fields.List(fields.String(), allow_none=True)


class ImportOut(Schema):
    id = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["queued", "running", "finished", "failed"]))
    file_name = fields.String(required=True)
    size = fields.Integer(required=True)
    bytes_read = fields.Integer(required=True)
    records = fields.Integer(required=True)
    stored = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    rate = fields.Float(required=True, allow_none=True, metadata={"description": "Records a second, when over."})
    live = fields.Boolean(required=True)
    found = fields.Nested(FoundOut, required=True)
    error = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    started_at = fields.AwareDateTime(required=True, allow_none=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)


class ImportProblemOut(Schema):
    line = fields.Integer(required=True)
    field = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True)
