"""Endpoints and the log of what was sent to them, in and out."""

import re
from typing import Any, ClassVar, Final

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from cfm_workflow import limits
from cfm_workflow.forms.attempts import AttemptOut
from cfm_workflow.forms.events import HIGHEST_POSITION
from cfm_workflow.forms.fields import Flag, Form, Key, Ref, Shape, Text, Whole, storable
from cfm_workflow.forms.pages import CountedPageQuery
from cfm_workflow.forms.people import TeamNameOut
from cfm_workflow.security.signing import SHAPE, key_of

PAYLOADS: Final = ["full", "thin"]
STATES: Final = ["active", "paused", "disabled"]
DELIVERY_STATES: Final = ["pending", "delivered", "cancelled", "dead"]
FILTERED: Final = 100

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)  # RFC 9110, 5.6.2
_VALUE: Final = re.compile(rf"[!-~]([ \t!-~]{{0,{limits.HEADER_VALUE - 2}}}[!-~])?", re.ASCII)  # RFC 9110, 5.5
_PATTERN: Final = re.compile(r"\*|[a-z_]{1,40}\.(\*|[a-z_]{1,40})", re.ASCII)
_OURS: Final = frozenset(
    {
        *("host", "user-agent", "expect", "date", "accept-encoding"),
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),  # RFC 9110, 7.6.1
        *("proxy-connection", "proxy-authenticate", "proxy-authorization", "proxy-authentication-info"),
    }
)
_OURS_BY_BEGINNING: Final = ("webhook-", "content-")


class Url(fields.String):
    """The address of an endpoint; where it leads is looked at later."""

    shape: ClassVar[Shape] = {"format": "uri", "pattern": "^[hH][tT][tT][pP][sS]?://", "maxLength": limits.URL}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return storable(super()._deserialize(value, attr, data, **kwargs))


class EventPattern(fields.String):
    """An event type, all of a kind (`action.*`), or `*`."""

    shape: ClassVar[Shape] = {"pattern": f"^({_PATTERN.pattern})$"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        pattern = storable(super()._deserialize(value, attr, data, **kwargs))
        if not _PATTERN.fullmatch(pattern):
            raise ValidationError(f"{pattern[:100]} must be an event type, all of a kind such as action.*, or *")
        return pattern


class Secret(fields.String):
    """A secret of Standard Webhooks."""

    shape: ClassVar[Shape] = {"pattern": SHAPE}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        secret = super()._deserialize(value, attr, data, **kwargs)
        try:
            key_of(secret)
        except ValueError as problem:
            raise ValidationError(str(problem)) from None
        return secret


class OwnHeaders(fields.Field[Any]):
    """Headers that are sent along; none that HTTP or the signature need themselves."""

    shape: ClassVar[Shape] = {
        "type": "object",
        "maxProperties": limits.OWN_HEADERS,
        "propertyNames": {"pattern": f"^{_TOKEN.pattern}$"},
        "additionalProperties": {"type": "string", "pattern": f"^{_VALUE.pattern}$"},
        "description": "Not host, user-agent, content-*, webhook-*, nor headers of one hop (RFC 9110, 7.6.1).",
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, str]:
        if not isinstance(value, dict):
            raise ValidationError("must be an object of names and values")
        if len(value) > limits.OWN_HEADERS:
            raise ValidationError(f"must have at most {limits.OWN_HEADERS} headers")
        problems = {name: why for name, text in value.items() if (why := _wrong_header(name, text)) is not None}
        if len({name.lower() for name in value}) < len(value):
            raise ValidationError("must name each header once")
        if problems:
            raise ValidationError({storable(name)[:100]: [why] for name, why in problems.items()})
        return value


def _wrong_header(name: str, value: Any) -> str | None:
    if not _TOKEN.fullmatch(name):
        return "must have a name of letters, digits and hyphens"
    if name.lower() in _OURS or name.lower().startswith(_OURS_BY_BEGINNING):
        return "is a header that is not yours to set"
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        return f"must be 1 to {limits.HEADER_VALUE} printable ASCII characters, without a line break"
    return None


def _patterns(**kwargs: Any) -> fields.List[Any]:
    return fields.List(EventPattern(), validate=validate.Length(min=1, max=limits.EVENT_TYPE_PATTERNS), **kwargs)


def _filter(inner: fields.Field[Any], text: str, **kwargs: Any) -> fields.List[Any]:
    few = validate.Length(min=1, max=FILTERED)
    return fields.List(inner, allow_none=True, validate=few, metadata={"description": text}, **kwargs)


def _teams(**kwargs: Any) -> fields.List[Any]:
    return _filter(Ref(), "Only events about actions of these teams, by id or key.", **kwargs)


def _workflows(**kwargs: Any) -> fields.List[Any]:
    return _filter(Key(), "Only events about actions that follow these workflows.", **kwargs)


class WebhookIn(Form):
    url = Url(required=True)
    event_types = _patterns(required=True)
    description = Text(limits.TITLE, allow_none=True, load_default=None)
    teams = _teams(load_default=None)
    workflows = _workflows(load_default=None)
    headers = OwnHeaders(load_default=dict)
    payload = fields.String(load_default="full", validate=validate.OneOf(PAYLOADS))
    include_customer = Flag(load_default=False)
    include_imported = Flag(load_default=False)
    state = fields.String(load_default="active", validate=validate.OneOf(["active", "paused"]))
    secret = Secret(metadata={"description": "Made for you unless you bring your own."})


class WebhookChange(Form):
    url = Url()
    event_types = _patterns()
    description = Text(limits.TITLE, allow_none=True)
    teams = _teams()
    workflows = _workflows()
    headers = OwnHeaders()
    payload = fields.String(validate=validate.OneOf(PAYLOADS))
    include_customer = Flag()
    include_imported = Flag()
    state = fields.String(validate=validate.OneOf(["active", "paused"]))


class RotationIn(Form):
    secret = Secret(metadata={"description": "Made for you unless you bring your own."})


class EnableIn(Form):
    replay = fields.String(
        validate=validate.OneOf(["failed"]),
        metadata={"description": "Send all that has not arrived since the first failure."},
    )


class ReplayIn(Form):
    after = Whole(0, HIGHEST_POSITION, metadata={"description": "Events after this position; 0 is the beginning."})
    until = Whole(1, HIGHEST_POSITION, metadata={"description": "Up to this one; without it up to the newest."})
    dead = Flag(metadata={"description": "`true`: all deliveries that were given up, and nothing else."})

    @validates_schema
    def _one_of_two(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("dead"):
            if "after" in data or "until" in data:
                raise ValidationError("must stand alone", "dead")
        elif "after" not in data:
            raise ValidationError("is required, unless dead is true", "after")
        elif data.get("until", HIGHEST_POSITION) <= data["after"]:
            raise ValidationError("must be behind after", "until")


class DeliveryQuery(CountedPageQuery):
    state = fields.String(validate=validate.OneOf(DELIVERY_STATES))


class ReplayOut(Schema):
    of = fields.String(required=True, validate=validate.OneOf(["all", "missed", "dead"]))
    at = fields.Integer(required=True, metadata={"description": "How far it is: a position; of `dead` a delivery."})
    until = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null until the replay has found out up to where."}
    )


class WebhookOut(Schema):
    id = fields.Integer(required=True)
    url = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    event_types = fields.List(fields.String(), required=True)
    teams = fields.List(fields.Nested(TeamNameOut), required=True, allow_none=True)
    workflows = fields.List(fields.String(), required=True, allow_none=True)
    headers = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True, metadata={"description": "With masked values."}
    )
    payload = fields.String(required=True, validate=validate.OneOf(PAYLOADS))
    include_customer = fields.Boolean(required=True)
    include_imported = fields.Boolean(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    disabled_reason = fields.String(required=True, allow_none=True)
    failing_since = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "The first failure after the last success."}
    )
    failing_position = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The first event that failed since then."}
    )
    last_success_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "To the minute."})
    previous_secret_until = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Until then the secret before signs too."}
    )
    replay = fields.Nested(ReplayOut, required=True, allow_none=True)
    owner_id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)


class WebhookWithSecretOut(WebhookOut):
    secret = fields.String(required=True, metadata={"description": "Shown this once."})


class EventWebhookOut(Schema):
    """An endpoint as events show it: without the path of its URL, and without its health."""

    id = fields.Integer(required=True)
    url = fields.String(required=True, metadata={"description": "Scheme and host only."})
    description = fields.String(required=True, allow_none=True)
    event_types = fields.List(fields.String(), required=True)
    teams = fields.List(fields.Integer(), required=True, allow_none=True)
    workflows = fields.List(fields.String(), required=True, allow_none=True)
    payload = fields.String(required=True)
    include_customer = fields.Boolean(required=True)
    include_imported = fields.Boolean(required=True)
    state = fields.String(required=True)
    disabled_reason = fields.String(required=True, allow_none=True)
    owner_id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)


class DeliveryOut(Schema):
    id = fields.Integer(required=True)
    webhook_id = fields.Integer(required=True)
    event_id = fields.String(required=True)
    type = fields.String(required=True)
    position = fields.Integer(required=True)
    action_id = fields.Integer(required=True, allow_none=True)
    sequence = fields.Integer(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(DELIVERY_STATES))
    tries = fields.Integer(required=True)
    next_at = fields.AwareDateTime(required=True, allow_none=True)
    settled_at = fields.AwareDateTime(required=True, allow_none=True)
    answer = fields.String(required=True, allow_none=True, metadata={"description": "To the last attempt, in short."})
    created_at = fields.AwareDateTime(required=True)


class DeliveryWithAttemptsOut(DeliveryOut):
    attempts = fields.List(fields.Nested(AttemptOut), required=True)
