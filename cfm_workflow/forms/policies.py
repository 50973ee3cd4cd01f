"""Policies, in and out: what is promised, and who is reminded when."""

from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from cfm_workflow import limits
from cfm_workflow.forms.actions import KINDS, PRIORITY_WORDS
from cfm_workflow.forms.fields import Flag, Form, Ident, Key, SpanField, Text, Whole
from cfm_workflow.policy.ladders import RUNGS, Receiver
from cfm_workflow.policy.spans import write_span

RECEIVERS: Final = [receiver.value for receiver in Receiver]
MOST_SHARE: Final = 1_000


class RungIn(Form):
    """One reminder: exactly one of `share`, `before` and `after` says when."""

    share = Whole(1, MOST_SHARE, metadata={"description": "Percent of the time from the start to the target."})
    before = SpanField(metadata={"description": "So long before the target, in calendar or business time."})
    after = SpanField(may_be_nothing=True, metadata={"description": "So long after it; `PT0S` is the target itself."})
    every = SpanField(metadata={"description": "Of the last rung: it comes again and again."})
    to = fields.List(
        fields.String(validate=validate.OneOf(RECEIVERS)),
        required=True,
        validate=validate.Length(max=len(RECEIVERS)),
        metadata={"description": "Who is told. Of what a pool has and nobody took, the lead is the assignee."},
    )
    urgent = Flag(load_default=False, metadata={"description": "Does not wait for working hours."})

    @post_load
    def _as_stored(self, values: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        spans = {name: write_span(values[name]) for name in ("before", "after", "every") if name in values}
        return values | spans


def _span(**kwargs: Any) -> SpanField:
    return SpanField(allow_none=True, **kwargs)


class TargetsIn(Form):
    """By when, from being given; null: not watched. Without `finish` the due date is the one that people name."""

    accept = _span()
    start = _span()
    finish = _span()

    @post_load
    def _as_stored(self, values: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {name: None if span is None else write_span(span) for name, span in values.items()}


def _ladder() -> fields.List[Any]:
    return fields.List(fields.Nested(RungIn), validate=validate.Length(max=RUNGS))


class LaddersIn(Form):
    """Reminders about each target, each later than the one before it."""

    accept = _ladder()
    start = _ladder()
    finish = _ladder()


def _some(words: Any) -> fields.List[Any]:
    return fields.List(
        fields.String(validate=validate.OneOf(words)), allow_none=True, validate=validate.Length(min=1, max=len(words))
    )


_POSITION: Final = {"description": "Of several that suit, the one with the lowest counts."}
_TEAMS: Final = {"description": "Work that is given to one of these teams, by id; null: whoever it is given to."}
_CALENDAR: Final = {"description": "The calendar its business time is that of; null: that of the team."}
HIGHEST: Final = 999_999


class PolicyIn(Form):
    key = Key(required=True)
    name = Text(limits.NAME, required=True)
    active = Flag(load_default=True)
    position = Whole(0, HIGHEST, load_default=100, metadata=_POSITION)
    kinds = _some(KINDS)
    priorities = _some(PRIORITY_WORDS)
    teams = fields.List(Ident(), allow_none=True, validate=validate.Length(min=1, max=100), metadata=_TEAMS)
    calendar = Ident(allow_none=True, load_default=None, metadata=_CALENDAR)
    targets = fields.Nested(TargetsIn, load_default=dict)
    ladders = fields.Nested(LaddersIn, load_default=dict)

    @post_load
    def _whole(self, values: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {"kinds": None, "priorities": None, "teams": None} | values


class PolicyChange(Form):
    key = Key()
    name = Text(limits.NAME)
    active = Flag()
    position = Whole(0, HIGHEST, metadata=_POSITION)
    kinds = _some(KINDS)
    priorities = _some(PRIORITY_WORDS)
    teams = fields.List(Ident(), allow_none=True, validate=validate.Length(min=1, max=100), metadata=_TEAMS)
    calendar = Ident(allow_none=True, metadata=_CALENDAR)
    targets = fields.Nested(TargetsIn)
    ladders = fields.Nested(LaddersIn)


class PolicyOut(Schema):
    id = fields.Integer(required=True)
    key = fields.String(required=True)
    name = fields.String(required=True)
    active = fields.Boolean(required=True)
    position = fields.Integer(required=True)
    kinds = fields.List(fields.String(), required=True, allow_none=True)
    priorities = fields.List(fields.String(), required=True, allow_none=True)
    teams = fields.List(fields.Integer(), required=True, allow_none=True)
    calendar = fields.Integer(required=True, allow_none=True)
    targets = fields.Dict(keys=fields.String(), required=True)
    ladders = fields.Dict(keys=fields.String(), values=fields.List(fields.Dict()), required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
