"""One line of JSON becomes one flat record. Pure."""

import json
import re
from typing import Any, Final

import orjson

DEPTH: Final = 32
SURROGATE: Final = re.compile("[\ud800-\udfff]")


class BadLine(Exception):
    """The line is no record; `field` is to blame where it is known."""

    def __init__(self, field: str | None, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(reason)


def read_json(line: str) -> dict[str, Any]:
    """The object in a line, with the members of nested objects as dotted columns.

    Raises:
        BadLine: not JSON, not an object, nested too deep, a NUL or half a character in it, or a column twice.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _no_json(line, error) from None
    if not isinstance(value, dict):
        raise BadLine(None, "The line is JSON but not an object.")
    if line.count("{") + line.count("[") > DEPTH:
        _check_depth(value)
    if "\\u0000" in line:
        _check_texts(value, re.compile("\0"), "holds a NUL character, which cannot be stored")
    if line.count("{") == 1:
        return value
    flat: dict[str, Any] = {}
    _flatten(value, "", flat)
    return flat


def _no_json(line: str, error: orjson.JSONDecodeError) -> BadLine:
    if "\\ud" in line.lower():
        try:
            _check_texts(json.loads(line), SURROGATE, "holds half of a surrogate pair, which is no character")
        except BadLine as bad:
            return bad
        except (ValueError, RecursionError):
            pass  # it is no JSON for another reason
    return BadLine(None, f"The line is not JSON: {error.msg} at character {error.pos + 1}.")


def _check_depth(value: dict[str, Any]) -> None:
    level: list[tuple[str, Any]] = list(value.items())
    for _ in range(DEPTH):
        level = [(top, inner) for top, outer in level for inner in _inside(outer)]
    if level:
        raise BadLine(level[0][0], f"The value is nested deeper than {DEPTH} levels.")


def _check_texts(value: Any, wrong: re.Pattern[str], what: str) -> None:
    """Refuse the first text, or name of a member, in which `wrong` occurs."""
    if not isinstance(value, dict):
        return
    for name, member in value.items():
        if wrong.search(name):
            raise BadLine(wrong.sub("\ufffd", name), f"The name {what}.")
        if any(wrong.search(text) for text in _texts(member)):
            raise BadLine(name, f"The value {what}.")


def _texts(value: Any) -> list[str]:
    found: list[str] = []
    open_ = [value]
    while open_:
        value = open_.pop()
        if isinstance(value, str):
            found.append(value)
        if isinstance(value, dict):
            found.extend(value)
        open_.extend(_inside(value))
    return found


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _flatten(value: dict[str, Any], prefix: str, flat: dict[str, Any]) -> None:
    for name, member in value.items():
        column = prefix + name
        if isinstance(member, dict):
            _flatten(member, f"{column}.", flat)
        elif column in flat:
            raise BadLine(column, "The column is there twice, once as a dotted name and once nested.")
        else:
            flat[column] = member
