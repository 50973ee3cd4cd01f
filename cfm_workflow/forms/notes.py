"""Notes, in and out."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from cfm_workflow import limits
from cfm_workflow.forms.fields import Form, Moment, Text
from cfm_workflow.forms.pages import PageQuery
from cfm_workflow.forms.personal_reminders import ReminderOut
from cfm_workflow.forms.when import IN_WORDS
from cfm_workflow.queries.notes import SORTS

_BODY = {"description": "Markdown. `@name` and `@[Name](user:3)` or `(team:2)` mention people and teams."}


class NoteIn(Form):
    body = Text(limits.NOTE, required=True, metadata=_BODY)
    remind_at = Moment(metadata={"description": "Reminds the caller of the item then, with the first line."})
    remind_in_words = Text(limits.WORDS_OF_TIME, metadata={"description": f"Instead of `remind_at`. {IN_WORDS}"})

    @validates_schema(skip_on_field_errors=False)
    def _one_time(self, values: dict[str, Any], **kwargs: Any) -> None:
        if "remind_at" in values and "remind_in_words" in values:
            raise ValidationError({"remind_in_words": ["only one of remind_at and remind_in_words can be given"]})


class NoteChange(Form):
    body = Text(limits.NOTE, required=True, metadata=_BODY)


class NoteQuery(PageQuery):
    sort = fields.String(validate=validate.OneOf(list(SORTS)), load_default=next(iter(SORTS)))


class MentionableQuery(Form):
    q = Text(limits.QUERY, load_default="", metadata={"description": "How a word of the name begins."})


class WriterOut(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)


class MentionOut(WriterOut):
    type = fields.String(required=True, validate=validate.OneOf(["user", "team"]))


class MentionableOut(MentionOut):
    teams = fields.List(fields.String(), required=True, metadata={"description": "The teams of a person."})


class MentionablesOut(Schema):
    items = fields.List(fields.Nested(MentionableOut), required=True)


class NoteOut(Schema):
    id = fields.Integer(required=True)
    feedback = fields.Integer(required=True)
    body = fields.String(required=True, allow_none=True, metadata={"description": "null: deleted."})
    html = fields.String(required=True, allow_none=True, metadata={"description": "The body, safe to show."})
    author = fields.Nested(WriterOut, required=True)
    mentions = fields.List(fields.Nested(MentionOut), required=True)
    created_at = fields.AwareDateTime(required=True)
    changed_at = fields.AwareDateTime(required=True, allow_none=True)
    deleted_at = fields.AwareDateTime(required=True, allow_none=True)
    deleted_by = fields.Nested(WriterOut, required=True, allow_none=True)
    version = fields.Integer(required=True)


class WrittenNoteOut(NoteOut):
    unresolved = fields.List(
        fields.String(), required=True, metadata={"description": "Names that nobody or several people go by."}
    )
    not_told = fields.List(
        fields.String(), required=True, metadata={"description": "Mentioned, but they may not see the item."}
    )
    reminder = fields.Nested(ReminderOut, required=True, allow_none=True)


class NoteVersionOut(Schema):
    version = fields.Integer(required=True)
    body = fields.String(required=True, allow_none=True, metadata={"description": "null: the note was deleted."})
    html = fields.String(required=True, allow_none=True)
    written_by = fields.Nested(WriterOut, required=True)
    written_at = fields.AwareDateTime(required=True)
