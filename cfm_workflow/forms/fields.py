"""The kinds of values the API knows, each refusing what could not be stored or meant.

`shape` is the same rule in the words of JSON Schema, as `openapi.json` tells it; what it cannot say, `metadata` does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Final
from zoneinfo import available_timezones

import orjson
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from cfm_workflow import limits
from cfm_workflow.policy.due import parse_duration
from cfm_workflow.policy.spans import MOST_DAYS, Span, read_span

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_UNSEEN: Final = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ue000-\uf8ff\ufeff\ufff0-\uffff"
)
_ATOM: Final = rf"""[^\s@"<>(),:;\\\[\]{_UNSEEN}]"""
_EMAIL: Final = re.compile(rf"{_ATOM}{{1,64}}@{_ATOM}{{1,250}}\.{_ATOM}{{1,63}}")
_SEEN: Final = re.compile(r"[^\s\ufeff]")
_WITHOUT_NUL: Final = r"^[^\u0000]*$"
_WITH_SOMETHING: Final = r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085\ufeff][^\u0000]*$"
_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}", re.ASCII)
_CURSOR: Final = re.compile(r"[A-Za-z0-9_-]{1,500}", re.ASCII)
_DIGITS: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})?", re.ASCII
)


Shape = dict[str, Any]


class Form(Schema):
    """A message that comes in: a field it does not name is refused."""

    class Meta:
        unknown = RAISE


def storable(text: str) -> str:
    """The text, unless a database could not hold it: NUL, or half of a surrogate pair."""
    if "\0" in text:
        raise ValidationError("must not hold a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValidationError("must not hold a lone surrogate") from None
    return text


class Text(fields.String):
    """Text of at most `longest` characters, and of something more than white space."""

    shape: ClassVar[Shape] = {"pattern": _WITH_SOMETHING}

    def __init__(self, longest: int, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(min=1, max=longest), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = storable(super()._deserialize(value, attr, data, **kwargs))
        if not _SEEN.search(text):
            raise ValidationError("must not be empty")
        return text


def whole(value: Any) -> int:
    """The whole number of a JSON value; `3.0` is one, as in JSON Schema (2020-12, 4.2.3)."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValidationError("must be a whole number")
    return value


class Ident(fields.Integer):
    """The id of something, in a JSON body."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=1, max=limits.ID), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        return whole(value)


class Whole(fields.Integer):
    """A whole number from `low` to `high`, in a JSON body."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=low, max=high), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        return whole(value)


class QueryWhole(fields.Integer):
    """A whole number in a query string, in plain digits."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(min=low, max=high), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            raise ValidationError("must be a whole number")
        return int(value)


class QueryIdent(QueryWhole):
    """The id of something in a query string."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(1, limits.ID, **kwargs)


class QueryFlag(fields.Boolean):
    """`true` or `false` in a query string."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("must be true or false")
        return bool(value == "true")


class Flag(fields.Boolean):
    """true or false in a JSON body, and nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false")
        return value


_WORDS: Final = "^[a-z0-9_.*,-]{1,2000}$"


class QueryChoices(fields.String):
    """One or more of some words, parted by commas, in a query string; loads as a list."""

    def __init__(self, words: tuple[str, ...] | None = None, **kwargs: Any) -> None:
        self.words = words
        word = f"({'|'.join(words or ())})"
        self.shape: Shape = {"pattern": _WORDS if words is None else f"^{word}(,{word})*$"}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(self.shape["pattern"], text, re.ASCII):
            raise ValidationError(f"must be some of {', '.join(self.words or ('the words',))}, parted by commas")
        return text.split(",")


class QueryNames(fields.String):
    """One or more names, parted by commas, in a query string; loads as a list."""

    def __init__(self, longest: int, most: int, **kwargs: Any) -> None:
        self.longest, self.most = longest, most
        self.shape: Shape = {"minLength": 1, "maxLength": (longest + 1) * most, "pattern": _WITH_SOMETHING}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        names = [each.strip() for each in storable(super()._deserialize(value, attr, data, **kwargs)).split(",")]
        if not all(1 <= len(each) <= self.longest for each in names) or len(names) > self.most:
            raise ValidationError(f"must be 1 to {self.most} names of at most {self.longest} characters, by commas")
        return names


class Moment(fields.AwareDateTime):
    """An instant: RFC 3339 with an offset, between 1970 and 2200."""

    shape: ClassVar[Shape] = {"pattern": r"^(19[7-9][0-9]|2[01][0-9]{2})-"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError("must be an RFC 3339 date-time such as 2026-12-01T16:00:00Z")
        if found[2] is None:
            raise ValidationError("must have an offset, such as Z or +09:00")
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError:
            raise ValidationError("must be a date and time that exist") from None
        if not EARLIEST.year <= moment.year < LATEST.year:
            raise ValidationError("must be between 1970 and 2200")
        return moment.astimezone(UTC)


class Duration(fields.String):
    """An ISO 8601 duration of days and smaller; loads as a timedelta."""

    shape: ClassVar[Shape] = {
        "pattern": r"^P(?=[0-9T])([0-9]{1,5}D)?(T(?=[0-9])([0-9]{1,6}H)?([0-9]{1,7}M)?([0-9]{1,9}S)?)?$",
        "examples": ["P2D", "PT8H"],
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return parse_duration(text)
        except ValueError as problem:
            raise ValidationError(str(problem)) from None


@dataclass(frozen=True, slots=True)
class DueIn:
    """A span from now; its business time is that of a calendar, None: the one that suits."""

    span: Span
    calendar_id: int | None


_BUSINESS: Final[dict[str, dict[str, Any]]] = {
    "business": {"type": "string", **Duration.shape},
    "business_days": {"type": "integer", "minimum": 1, "maximum": MOST_DAYS},
}


class SpanField(fields.Field[Any]):
    """A duration, or so much business time, or so many business days; loads as a `Span`.

    With `calendar` the business time may be that of a calendar that is named beside it; loads as `DueIn` then.
    """

    def __init__(self, *, calendar: bool = False, may_be_nothing: bool = False, **kwargs: Any) -> None:
        self.calendar, self.may_be_nothing = calendar, may_be_nothing
        beside = {"calendar": {"type": "integer", "minimum": 1, "maximum": limits.ID}} if calendar else {}
        self.shape: Shape = {
            "oneOf": [
                {"type": "string", **Duration.shape},
                *(
                    {"type": "object", "required": [unit], "additionalProperties": False,
                     "properties": {unit: shape, **beside}}
                    for unit, shape in _BUSINESS.items()
                ),
            ]
        }  # fmt: skip
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        written, ident = value, None
        if self.calendar and isinstance(value, Mapping) and "calendar" in value:
            ident = Ident().deserialize(value["calendar"])
            written = {name: inner for name, inner in value.items() if name != "calendar"}
        if isinstance(written, Mapping) and isinstance(written.get("business_days"), float):
            written = {**written, "business_days": whole(written["business_days"])}
        try:
            span = read_span(written, may_be_nothing=self.may_be_nothing)
        except ValueError as problem:
            raise ValidationError(str(problem)) from None
        return DueIn(span, ident) if self.calendar else span


class Day(fields.Date):
    """A day, `2026-12-24`, between 1970 and 2200; loads as the text it is stored as."""

    shape: ClassVar[Shape] = {"pattern": r"^(19[7-9][0-9]|2[01][0-9]{2})-[0-9]{2}-[0-9]{2}$"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValidationError("must be a day such as 2026-12-24")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValidationError("must be a day that exists") from None
        if not EARLIEST.year <= day.year < LATEST.year:
            raise ValidationError("must be between 1970 and 2200")
        return value


class Email(fields.String):
    """An e-mail address; loads in lower case, in which addresses are stored and compared."""

    shape: ClassVar[Shape] = {"format": "email"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=limits.EMAIL), **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        address = storable(super()._deserialize(value, attr, data, **kwargs)).strip().lower()
        if not _EMAIL.fullmatch(address):
            raise ValidationError("must be an e-mail address")
        return address


class Cursor(fields.String):
    """The `next_cursor` of a page."""

    shape: ClassVar[Shape] = {"pattern": f"^{_CURSOR.pattern}$"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not _CURSOR.fullmatch(text):
            raise ValidationError("must be the next_cursor of a page of this list")
        return text


class Key(fields.String):
    """A name for programs: a letter, then letters, digits, `-` and `_`, all lower case."""

    shape: ClassVar[Shape] = {"pattern": f"^{_KEY.pattern}$"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        key = super()._deserialize(value, attr, data, **kwargs)
        if not _KEY.fullmatch(key):
            raise ValidationError("must be a lower-case letter, then up to 39 of a-z, 0-9, - and _")
        return key


class Ref(fields.Field[Any]):
    """Somebody or something by id or by name: a user by e-mail address, a team by key."""

    shape: ClassVar[Shape] = {
        "oneOf": [
            {"type": "integer", "minimum": 1, "maximum": limits.ID},
            {"type": "string", "minLength": 1, "maxLength": limits.EMAIL, "pattern": _WITHOUT_NUL},
        ]
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int | str:
        if isinstance(value, str) and 1 <= len(value) <= limits.EMAIL:
            return storable(value)
        if isinstance(value, str) or not 1 <= whole(value) <= limits.ID:
            raise ValidationError("must be an id or a name")
        return whole(value)


class QueryRef(fields.String):
    """The same in a query string: digits are an id."""

    shape: ClassVar[Shape] = {"minLength": 1, "maxLength": limits.EMAIL, "pattern": _WITHOUT_NUL}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = storable(super()._deserialize(value, attr, data, **kwargs))
        if _DIGITS.fullmatch(text) and 1 <= int(text) <= limits.ID:
            return int(text)
        if not 1 <= len(text) <= limits.EMAIL:
            raise ValidationError("must be an id or a name")
        return text


class QueryIdents(fields.String):
    """Ids in a query string, parted by commas; loads as a list."""

    shape: ClassVar[Shape] = {"pattern": "^[1-9][0-9]{0,15}(,[1-9][0-9]{0,15}){0,99}$"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(self.shape["pattern"], text, re.ASCII) or any(int(n) > limits.ID for n in text.split(",")):
            raise ValidationError("must be ids, parted by commas")
        return [int(number) for number in text.split(",")]


class LanguageTag(fields.String):
    """A language tag such as `en` or `ko-KR` (BCP 47)."""

    shape: ClassVar[Shape] = {"pattern": f"^{_LANGUAGE_TAG.pattern}$", "maxLength": limits.LANGUAGE_TAG}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        tag = super()._deserialize(value, attr, data, **kwargs)
        if len(tag) > limits.LANGUAGE_TAG or not _LANGUAGE_TAG.fullmatch(tag):
            raise ValidationError("must be a language tag such as en or ko-KR")
        return tag


class TimeZone(fields.String):
    """The IANA name of a time zone."""

    shape: ClassVar[Shape] = {"format": "time-zone", "examples": ["Asia/Seoul", "UTC"]}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if name not in available_timezones():
            raise ValidationError("must be an IANA time zone such as Asia/Seoul")
        return name


class Attributes(fields.Dict):
    """Free names and values of the sender: within the limits of `limits.py`."""

    shape: ClassVar[Shape] = {
        "maxProperties": limits.ATTRIBUTE_KEYS,
        "description": f"At most {limits.ATTRIBUTE_BYTES} bytes of JSON, nested at most {limits.ATTRIBUTE_DEPTH} deep,"
        " without NUL characters.",
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError("must be an object")
        if len(value) > limits.ATTRIBUTE_KEYS:
            raise ValidationError(f"must have at most {limits.ATTRIBUTE_KEYS} keys")
        _check_inside(value, limits.ATTRIBUTE_DEPTH)
        frozen = orjson.dumps(value)
        if len(frozen) > limits.ATTRIBUTE_BYTES:
            raise ValidationError(f"must be at most {limits.ATTRIBUTE_BYTES} bytes of JSON")
        return value


def _check_inside(value: Any, left: int) -> None:
    if isinstance(value, str):
        storable(value)
    for key in value if isinstance(value, Mapping) else ():
        storable(key)
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    if inner and left == 0:
        raise ValidationError(f"must be nested at most {limits.ATTRIBUTE_DEPTH} deep")
    for each in inner:
        _check_inside(each, left - 1)
