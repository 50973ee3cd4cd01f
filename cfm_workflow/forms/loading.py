"""A message through a schema: what it says, or everything that is wrong with it in one error."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError

from cfm_workflow.errors import Invalid


def load(schema: Schema, message: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the message says.

    Raises:
        Invalid: per field, dotted where it is nested, what would be right.
    """
    try:
        loaded: Mapping[str, Any] = schema.load(message)
    except ValidationError as error:
        raise Invalid(_flat(error.messages)) from None
    return loaded


def _flat(messages: Any, place: str = "") -> dict[str, list[str]]:
    """marshmallow's nested messages by dotted field."""
    if isinstance(messages, list):
        return {place or "body": [str(message) for message in messages]}
    flat: dict[str, list[str]] = {}
    for name, inner in messages.items():
        step = "" if name == "_schema" else str(name)
        flat |= _flat(inner, f"{place}.{step}".strip("."))
    return flat
