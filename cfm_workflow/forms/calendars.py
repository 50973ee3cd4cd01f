"""Business calendars, in and out. What a document means and whether it makes sense, `policy.calendars` says."""

from typing import Any, ClassVar

from marshmallow import Schema, fields, validate

from cfm_workflow import limits
from cfm_workflow.forms.fields import Day, Flag, Form, QueryFlag, Shape, Text, TimeZone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_TIME = f"{_TIME_OF_DAY}|^24:00$"


class TimeOfDay(fields.String):
    """A wall time such as 08:00."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Regexp(_TIME_OF_DAY, error="must be a time such as 08:00"), **kwargs)


class Block(fields.List[Any]):
    """From when to when people work: two wall times; an end at or before the beginning is on the next day."""

    shape: ClassVar[Shape] = {"minItems": 2, "maxItems": 2}

    def __init__(self, **kwargs: Any) -> None:
        time = fields.String(validate=validate.Regexp(_TIME, error="must be a time such as 09:00"))
        super().__init__(time, validate=validate.Length(equal=2), **kwargs)


class HolidayIn(Form):
    date = Day(required=True)
    name = Text(limits.NAME, allow_none=True, load_default=None)


class Holiday(fields.Field[Any]):
    """A day off: a date, or a date with a name; loads as the latter."""

    shape: ClassVar[Shape] = {
        "oneOf": [
            {"type": "string", "format": "date", **Day.shape},
            {
                "type": "object",
                "required": ["date"],
                "additionalProperties": False,
                "properties": {
                    "date": {"type": "string", "format": "date", **Day.shape},
                    "name": {"type": ["string", "null"], "minLength": 1, "maxLength": limits.NAME, **Text.shape},
                },
            },
        ]
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        return HolidayIn().load({"date": value} if isinstance(value, str) else value)  # type: ignore[no-any-return]


class WeekIn(Form):
    """Blocks of work per day of the week; a day that is not named is free."""

    mon = fields.List(Block(), validate=validate.Length(max=limits.BLOCKS_PER_DAY))
    tue = fields.List(Block(), validate=validate.Length(max=limits.BLOCKS_PER_DAY))
    wed = fields.List(Block(), validate=validate.Length(max=limits.BLOCKS_PER_DAY))
    thu = fields.List(Block(), validate=validate.Length(max=limits.BLOCKS_PER_DAY))
    fri = fields.List(Block(), validate=validate.Length(max=limits.BLOCKS_PER_DAY))
    sat = fields.List(Block(), validate=validate.Length(max=limits.BLOCKS_PER_DAY))
    sun = fields.List(Block(), validate=validate.Length(max=limits.BLOCKS_PER_DAY))


def _days(field: fields.Field[Any], **kwargs: Any) -> fields.List[Any]:
    return fields.List(field, validate=validate.Length(max=limits.DAYS_OF_A_CALENDAR), **kwargs)


_COUNTRY = {"description": "ISO 3166-1, two letters: its public holidays are free."}
_REGION = {"description": "A part of the country with holidays of its own (ISO 3166-2 without the country)."}


def _country(**kwargs: Any) -> fields.String:
    return fields.String(allow_none=True, validate=validate.Length(equal=2), metadata=_COUNTRY, **kwargs)


def _region(**kwargs: Any) -> Text:
    return Text(limits.REGION, allow_none=True, metadata=_REGION, **kwargs)


class CalendarIn(Form):
    name = Text(limits.NAME, required=True)
    time_zone = TimeZone(required=True)
    country = _country(load_default=None)
    region = _region(load_default=None)
    week = fields.Nested(WeekIn, required=True)
    holidays = _days(Holiday(), load_default=list)
    working_days = _days(Day(), load_default=list, metadata={"description": "Work is done on these all the same."})
    default = Flag(load_default=False)


class CalendarChange(Form):
    name = Text(limits.NAME)
    time_zone = TimeZone()
    country = _country()
    region = _region()
    week = fields.Nested(WeekIn)
    holidays = _days(Holiday())
    working_days = _days(Day())
    default = Flag()


class PreviewQuery(Form):
    preview = QueryFlag(
        load_default=False, metadata={"description": "Change nothing, and say which due dates the change would move."}
    )


class CalendarRefOut(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    time_zone = fields.String(required=True)


class HolidayOut(Schema):
    date = fields.String(required=True, metadata={"format": "date"})
    name = fields.String(required=True, allow_none=True)


class WeekOut(fields.Dict):
    """Blocks of work per day of the week."""

    def __init__(self, **kwargs: Any) -> None:
        days = fields.String(validate=validate.OneOf(DAYS))
        super().__init__(keys=days, values=fields.List(fields.List(fields.String())), **kwargs)


class CalendarOut(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    time_zone = fields.String(required=True)
    country = fields.String(required=True, allow_none=True)
    region = fields.String(required=True, allow_none=True)
    week = WeekOut(required=True)
    holidays = fields.List(fields.Nested(HolidayOut), required=True)
    working_days = fields.List(fields.String(metadata={"format": "date"}), required=True)
    default = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)


class MoveOut(Schema):
    id = fields.Integer(required=True)
    title = fields.String(required=True)
    from_ = fields.AwareDateTime(required=True, data_key="from")
    to = fields.AwareDateTime(required=True)


class CalendarPreviewOut(Schema):
    moves = fields.Integer(required=True, metadata={"description": "How many due dates of open actions move."})
    moves_are_capped = fields.Boolean(
        required=True,
        metadata={"description": f"More than {limits.COUNT} open actions go by it: those due first were looked at."},
    )
    examples = fields.List(fields.Nested(MoveOut), required=True)
    calendar = fields.Nested(CalendarOut, required=True)
