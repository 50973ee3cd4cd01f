"""Feedback items and customers, in and out."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from cfm_workflow import limits
from cfm_workflow.forms.fields import (
    Attributes,
    Email,
    Form,
    Ident,
    LanguageTag,
    Moment,
    QueryChoices,
    QueryFlag,
    QueryIdent,
    QueryIdents,
    QueryNames,
    QueryWhole,
    Text,
    Whole,
)
from cfm_workflow.forms.notes import NoteOut
from cfm_workflow.forms.pages import CountedPageQuery, PageQuery
from cfm_workflow.forms.personal_reminders import ReminderOut
from cfm_workflow.models.feedback import ItemStatus
from cfm_workflow.operations.feedback import DEFAULT_SOURCE
from cfm_workflow.policy.metrics import SCALES, misfit
from cfm_workflow.queries.checks import ANSWERS
from cfm_workflow.queries.timeline import ORDERS

STATUSES = tuple(status.value for status in ItemStatus)
METRICS = tuple(SCALES)
LABELS = 10
"""How many of them one parameter can name."""


class FeedbackCustomerIn(Form):
    """Who sent it: a known customer by `id`, or what is known of them."""

    id = Ident()
    name = Text(limits.NAME, allow_none=True)
    email = Email(allow_none=True)
    phone = Text(limits.PHONE, allow_none=True)
    language = LanguageTag(allow_none=True)
    external_id = Text(limits.EXTERNAL_ID, allow_none=True)

    @validates_schema
    def _one_way(self, values: dict[str, Any], **kwargs: Any) -> None:
        if "id" in values and len(values) > 1:
            raise ValidationError("stands alone", "id")


class _FeedbackFields(Form):
    channel = Text(limits.CHANNEL, allow_none=True)
    touchpoint = Text(limits.TOUCHPOINT, allow_none=True)
    language = LanguageTag(allow_none=True)
    metric = fields.String(allow_none=True, validate=validate.OneOf(METRICS))
    score = Whole(0, 10, allow_none=True)
    attributes = Attributes()
    customer = fields.Nested(FeedbackCustomerIn, allow_none=True)


class FeedbackIn(_FeedbackFields):
    source = Text(limits.SOURCE, load_default=DEFAULT_SOURCE)
    external_id = Text(limits.EXTERNAL_ID, allow_none=True)
    text = Text(limits.TEXT, required=True)
    received_at = Moment()

    @validates_schema
    def _scale(self, values: dict[str, Any], **kwargs: Any) -> None:
        if (wrong := misfit(values.get("metric"), values.get("score"))) is not None:
            raise ValidationError(wrong, "score")


class FeedbackChange(_FeedbackFields):
    text = Text(limits.TEXT)


class CloseIn(Form):
    reason = Text(
        limits.REASON,
        allow_none=True,
        load_default=None,
        metadata={"description": "Needed unless the customer has had a word since it was resolved."},
    )


class FeedbackQuery(CountedPageQuery):
    q = Text(limits.QUERY, metadata={"description": "Words, and parts of Korean words of two syllables and more."})
    channel = Text(limits.CHANNEL)
    metric = fields.String(validate=validate.OneOf(METRICS))
    score_min = QueryWhole(0, 10)
    score_max = QueryWhole(0, 10)
    status = QueryChoices(STATUSES, metadata={"description": f"Some of {', '.join(STATUSES)}."})
    needs_decision = QueryFlag()
    silent = QueryFlag(metadata={"description": "Whether its customer has had no word for long (CFM_SILENT_DAYS)."})
    source = Text(limits.SOURCE)
    external_id = Text(limits.EXTERNAL_ID)
    label = QueryNames(limits.LABEL, LABELS, metadata={"description": "Has one of these labels, parted by commas."})
    label_all = QueryNames(limits.LABEL, LABELS, metadata={"description": "Has all of them."})
    label_none = QueryNames(limits.LABEL, LABELS, metadata={"description": "Has none of them."})
    customer = QueryIdent()
    received_from = Moment()
    received_to = Moment(metadata={"description": "Exclusive."})
    belongs_to = QueryIdents(metadata={"description": "Teams by id, parted by commas, which have work on it."})
    scored = QueryFlag(metadata={"description": "Whether it has a score."})
    channel_given = QueryFlag(metadata={"description": "Whether it has a channel."})
    sort = fields.String(validate=validate.OneOf(["-received_at", "received_at", "-created_at", "created_at"]))


class TimelineQuery(PageQuery):
    """A page of a timeline."""

    order = fields.String(
        load_default=ORDERS[0],
        validate=validate.OneOf(ORDERS),
        metadata={"description": "`asc`: newest last."},
    )


class ItemCustomerOut(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True, metadata={"description": "Masked unless you serve them."})
    phone = fields.String(required=True, allow_none=True, metadata={"description": "Masked unless you serve them."})
    language = fields.String(required=True, allow_none=True)


class LabellerOut(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)


class LabellingOut(Schema):
    """A label on an item: who put it there, and when."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    colour = fields.String(required=True, allow_none=True)
    labelled_by = fields.Nested(LabellerOut, required=True, allow_none=True)
    labelled_at = fields.AwareDateTime(required=True)


class FeedbackOut(Schema):
    id = fields.Integer(required=True)
    source = fields.String(required=True)
    external_id = fields.String(required=True, allow_none=True)
    channel = fields.String(required=True, allow_none=True)
    touchpoint = fields.String(required=True, allow_none=True)
    text = fields.String(required=True)
    language = fields.String(required=True, allow_none=True)
    metric = fields.String(required=True, allow_none=True)
    score = fields.Integer(required=True, allow_none=True)
    attributes = fields.Dict(required=True)
    customer = fields.Nested(ItemCustomerOut, required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    needs_decision = fields.Boolean(required=True)
    labels = fields.List(fields.Nested(LabellingOut), required=True)
    imported = fields.Boolean(required=True)
    received_at = fields.AwareDateTime(required=True)
    created_at = fields.AwareDateTime(required=True)
    resolved_at = fields.AwareDateTime(required=True, allow_none=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    confirmation = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([*ANSWERS, None]),
        metadata={"description": "Whether the customer says that it is solved; `assumed`: asked, and nobody answered."},
    )
    told_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "The last word to the customer."}
    )
    heard_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Their last word after the item itself."}
    )
    silent_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When it was noticed that the customer has had no word for long; null: they have."},
    )
    follows = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The item that the customer came back to, long after."}
    )
    version = fields.Integer(required=True)


class TimelineEntryOut(Schema):
    """One thing that happened: the event's type and what it says."""

    type = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    actor = fields.Dict(required=True)
    event_id = fields.String(required=True)
    subject = fields.Dict(required=True)
    action = fields.Dict(allow_none=True)
    comment = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    changes = fields.Dict()
    label = fields.Dict(metadata={"description": "Which label was put on it, or taken off."})
    watcher = fields.Dict(metadata={"description": "Who watches from now on, or no more."})
    reminder = fields.Nested(ReminderOut, metadata={"description": "As it is now, if it is there for you."})
    note = fields.Nested(NoteOut, metadata={"description": "As it is now; its changes are no entries."})


class CustomerIn(Form):
    name = Text(limits.NAME, allow_none=True)
    email = Email(allow_none=True)
    phone = Text(limits.PHONE, allow_none=True)
    language = LanguageTag(allow_none=True)
    source = Text(limits.SOURCE, allow_none=True)
    external_id = Text(limits.EXTERNAL_ID, allow_none=True)

    @validates_schema
    def _somebody(self, values: dict[str, Any], **kwargs: Any) -> None:
        if not any(values.get(name) for name in ("name", "email", "phone", "external_id")):
            raise ValidationError("one of name, email, phone, external_id is needed", "name")
        if values.get("external_id") and not values.get("source"):
            raise ValidationError("is needed with external_id", "source")


class CustomerChange(Form):
    name = Text(limits.NAME, allow_none=True)
    email = Email(allow_none=True)
    phone = Text(limits.PHONE, allow_none=True)
    language = LanguageTag(allow_none=True)


class CustomerQuery(PageQuery):
    source = Text(limits.SOURCE)
    external_id = Text(limits.EXTERNAL_ID)
    do_not_contact = QueryFlag()
    email = Text(limits.EMAIL, metadata={"description": "Finds nothing for those who may not see addresses."})


class ExclusionIn(Form):
    reason = Text(limits.REASON, required=True)


class ExclusionOut(Schema):
    """Nobody writes to this customer any more."""

    reason = fields.String(required=True)
    since = fields.AwareDateTime(required=True)


class CustomerOut(ItemCustomerOut):
    source = fields.String(required=True, allow_none=True)
    external_id = fields.String(required=True, allow_none=True)
    unsubscribed_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "No mail that they did not ask for since then."}
    )
    do_not_contact = fields.Nested(ExclusionOut, required=True, allow_none=True)
    erased_at = fields.AwareDateTime(required=True, allow_none=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
