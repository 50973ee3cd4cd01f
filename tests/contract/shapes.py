"""JSON Schemas as the tests hold answers against them: closed, so that a field nobody has documented is noticed."""

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker


def closed(shape: Any) -> Any:
    """The schema with every object that lists its fields allowing no others.

    The published contract leaves answers and events open, because later releases add fields to them.
    """
    if isinstance(shape, list):
        return [closed(inner) for inner in shape]
    if not isinstance(shape, dict):
        return shape
    within = {name: closed(inner) for name, inner in shape.items()}
    if isinstance(shape.get("properties"), dict) and "additionalProperties" not in shape:
        within["additionalProperties"] = False
    return within


def misfits(shape: dict[str, Any], value: Any) -> list[str]:
    """Where and how a value does not fit a schema."""
    checker = Draft202012Validator(shape, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message[:200]}" for error in checker.iter_errors(value)]
