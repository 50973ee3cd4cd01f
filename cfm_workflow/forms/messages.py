"""Messages, in and out: written here, or recorded as made elsewhere."""

from typing import Any, ClassVar, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from cfm_workflow import limits
from cfm_workflow.forms.fields import Email, Flag, Form, Ident, Moment, QueryFlag, Shape, Text, Whole
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.forms.people import PersonOut
from cfm_workflow.queries.messages import KINDS, STATES
from cfm_workflow.texts import LANGUAGES

DIRECTIONS: Final = ("in", "out")
TO_CUSTOMER: Final = ("reply", "thank_you", "solved", "unasked")
_WRITTEN: Final = ("template", "kind", "last_message", "anyway", "language", "include_contact", "days")
_RECORDED: Final = ("channel", "direction", "made_at")
_ONLY_SHARES: Final = ("language", "include_contact", "days")
_ONLY_CUSTOMERS: Final = ("kind", "last_message", "anyway")


def _each_once(ids: list[int]) -> None:
    if len(set(ids)) < len(ids):
        raise ValidationError("must hold each id once")


class Receivers(fields.Field[Any]):
    """`customer`, or e-mail addresses; those that are none are named one by one."""

    shape: ClassVar[Shape] = {
        "oneOf": [
            {"type": "string", "enum": ["customer"]},
            {
                "type": "array",
                "items": {"type": "string", "format": "email", "maxLength": limits.EMAIL},
                "minItems": 1,
                "maxItems": limits.MESSAGE_RECEIVERS,
            },
        ]
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if value == "customer":
            return value
        if not isinstance(value, list) or not 1 <= len(value) <= limits.MESSAGE_RECEIVERS:
            raise ValidationError(f'must be "customer" or 1 to {limits.MESSAGE_RECEIVERS} e-mail addresses')
        found, wrong = [], {}
        for n, each in enumerate(value):
            try:
                found.append(Email().deserialize(each))
            except ValidationError:
                shown = each[:100] if isinstance(each, str) else "this"
                wrong[str(n)] = [f"{shown} is not an e-mail address"]
        if wrong:
            raise ValidationError(wrong)
        return found


class MessageIn(Form):
    """A mail, if it says `to`; else a word that was exchanged elsewhere."""

    to = Receivers()
    template = Ident(metadata={"description": "Fills what `subject` and `body` leave out."})
    kind = fields.String(
        validate=validate.OneOf(TO_CUSTOMER),
        metadata={"description": "What a mail to the customer is; without it that of the template, else `reply`."},
    )
    subject = Text(limits.SUBJECT)
    body = Text(limits.MESSAGE)
    last_message = Ident(
        allow_none=True,
        metadata={"description": "The newest message that the writer has seen (null: none). 409 if another went out."},
    )
    anyway = Flag(metadata={"description": "Send it although another went out."})
    language = fields.String(
        validate=validate.OneOf(LANGUAGES),
        metadata={"description": "Of the page that is shared, and of what is added."},
    )
    include_contact = Flag(metadata={"description": "Whether the shared page shows how to reach the customer."})
    days = Whole(
        1, limits.SHARE_DAYS, metadata={"description": "How long the shared page can be read; 14 if not given."}
    )
    channel = Text(limits.CHANNEL)
    direction = fields.String(validate=validate.OneOf(DIRECTIONS))
    made_at = Moment()

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_kind(self, values: dict[str, Any], original: dict[str, Any], **kwargs: Any) -> None:
        wrong: dict[str, list[str]] = {}
        if "to" in original:
            foreign = [*_RECORDED, *(_ONLY_SHARES if original["to"] == "customer" else _ONLY_CUSTOMERS)]
        else:
            foreign = list(_WRITTEN)
            wrong = {
                name: ["is required unless there is a `to`"]
                for name in ("channel", "direction", "body")
                if name not in original
            }
        wrong |= {name: ["does not belong to this kind of message"] for name in foreign if name in values}
        if wrong:
            raise ValidationError(wrong)


class MessageQuery(PageQuery):
    direction = fields.String(validate=validate.OneOf(DIRECTIONS))
    state = fields.String(validate=validate.OneOf(STATES))


class MessageOut(Schema):
    id = fields.Integer(required=True)
    feedback = fields.Integer(required=True)
    customer = fields.Integer(required=True, allow_none=True, metadata={"description": "Null: to somebody else."})
    direction = fields.String(required=True, validate=validate.OneOf(DIRECTIONS))
    channel = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    to = fields.String(required=True, allow_none=True)
    subject = fields.String(required=True, allow_none=True)
    body = fields.String(required=True)
    template = fields.Integer(required=True, allow_none=True)
    share = fields.Integer(required=True, allow_none=True)
    made_at = fields.AwareDateTime(required=True)
    leaves_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Until then it can be taken back."}
    )
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    answer = fields.String(required=True, allow_none=True, metadata={"description": "What became of it, in short."})
    created_by = fields.Nested(PersonOut, required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class MessagesOut(Schema):
    """What one request made: a mail per address."""

    items = fields.List(fields.Nested(MessageOut), required=True)


class BulkMessageIn(Form):
    """One word to the customers of many items."""

    feedback = fields.List(
        Ident(), required=True, validate=[validate.Length(min=1, max=limits.MESSAGE_BULK), _each_once]
    )
    template = Ident()
    kind = fields.String(
        validate=validate.OneOf(TO_CUSTOMER), metadata={"description": "That of the template, else `unasked`."}
    )
    subject = Text(limits.SUBJECT)
    body = Text(limits.MESSAGE)


class BulkQuery(Form):
    preview = QueryFlag(load_default=False)


class LeftOutOut(Schema):
    code = fields.String(required=True)
    reason = fields.String(required=True)


class BulkRowOut(Schema):
    feedback = fields.Integer(required=True)
    message = fields.Integer(required=True, allow_none=True, metadata={"description": "Null also in a preview."})
    left_out = fields.Nested(LeftOutOut, required=True, allow_none=True)


class BulkMessageOut(Schema):
    """To how many it goes, and how many are left out and why."""

    sent = fields.Integer(required=True)
    left_out = fields.Integer(required=True)
    reasons = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    items = fields.List(fields.Nested(BulkRowOut), required=True)


class ShareOut(Schema):
    id = fields.Integer(required=True)
    feedback = fields.Integer(required=True)
    address = fields.String(required=True)
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    include_contact = fields.Boolean(required=True)
    expires_at = fields.AwareDateTime(required=True)
    revoked_at = fields.AwareDateTime(required=True, allow_none=True)
    openings = fields.Integer(required=True)
    last_openings = fields.List(
        fields.AwareDateTime(),
        required=True,
        metadata={"description": "The last twenty; mail scanners open links, too."},
    )
    created_by = fields.Nested(PersonOut, required=True)
    created_at = fields.AwareDateTime(required=True)
