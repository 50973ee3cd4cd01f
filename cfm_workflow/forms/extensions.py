"""More time in and out, and the ways to say when something is due."""

from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema

from cfm_workflow import limits
from cfm_workflow.forms.fields import Day, DueIn, Form, Moment, SpanField, Text

DUE_IN: Final = {
    "description": "So long from now: an ISO 8601 duration of days and smaller in calendar time, "
    'or in business time `{"business": "PT8H"}` or `{"business_days": 2}`, with a `calendar` or that of the team.'
}
DUE_ON: Final = {"description": "The end of the last working block of this day, in the calendar of the team."}
_SAME_CALENDAR: Final = {"description": "So long from now, as for giving work; in the calendar of the action."}


def one_way(values: dict[str, Any]) -> int:
    """How many ways there are in which it is said when something is due.

    Raises:
        ValidationError: more than one.
    """
    given = [name for name in ("due_at", "due_in", "due_on") if values.get(name) is not None]
    if len(given) > 1:
        raise ValidationError(f"stands alone: give {' or '.join(given)}", given[-1])
    return len(given)


class _MoreTime(Form):
    due_at = Moment()
    due_in = SpanField(metadata=_SAME_CALENDAR)
    due_on = Day(metadata=DUE_ON)

    @post_load
    def _in_its_calendar(self, values: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return values | {"due_in": DueIn(values["due_in"], None)} if "due_in" in values else values


class ExtensionIn(_MoreTime):
    """More time: until when, and why it is needed."""

    reason = Text(limits.REASON, required=True)

    @validates_schema
    def _one_due_date(self, values: dict[str, Any], **kwargs: Any) -> None:
        if not one_way(values):
            raise ValidationError("due_at, due_in or due_on is needed", "due_at")


class GrantIn(_MoreTime):
    """Yes; with another due date than the one that was asked for, and a reason, where there are such."""

    reason = Text(limits.REASON, metadata={"description": "Default: the reason of the request."})

    @validates_schema
    def _one_due_date(self, values: dict[str, Any], **kwargs: Any) -> None:
        one_way(values)


class RefuseIn(Form):
    """No, and why."""

    reason = Text(limits.REASON, required=True)


class ExtensionRequestOut(Schema):
    """What the assignee asks for who needs more time."""

    due_at = fields.AwareDateTime(required=True)
    reason = fields.String(required=True)
    asked_at = fields.AwareDateTime(required=True)
