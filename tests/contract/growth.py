"""What of the old contract a new one breaks, and the files that hold the contract of the last release.

`openapi.json` and `events.json` beside this file are written down anew at a release, and only then:

    python -m tests.contract.growth
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from cfm_workflow.api import openapi
from cfm_workflow.api.event_schemas import json_schema
from cfm_workflow.policy.event_types import EVENT_TYPES

HERE = Path(__file__).parent
SCHEMAS = "#/components/schemas/"
TIGHTENING = ("minimum", "minLength", "minItems", "minProperties")
LOOSENING = ("maximum", "maxLength", "maxItems", "maxProperties")


def contract() -> dict[str, Any]:
    whole: dict[str, Any] = orjson.loads(openapi.document())
    del whole["webhooks"], whole["info"]["version"]  # events have a file of their own
    return whole


def events() -> dict[str, Any]:
    return {name: json_schema(name, kind) for name, kind in EVENT_TYPES.items()}


def renew() -> None:
    """Write down the contract as it is now."""
    for name, whole in (("openapi.json", contract()), ("events.json", events())):
        lines = [_line(part, whole[part]) for part in sorted(whole)]
        (HERE / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _line(part: str, shape: Any) -> str:
    return f'"{part}": {orjson.dumps(shape, option=orjson.OPT_SORT_KEYS).decode()}'


def broken(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Everything that a caller of the old contract could trip over in the new one."""
    found: list[str] = []
    for path, item in old["paths"].items():
        for method, was in item.items():
            place = f"{method.upper()} {path}"
            now = new["paths"].get(path, {}).get(method)
            if now is None:
                found.append(f"{place} is gone")
            else:
                found += _operation(place, was, now, old, new)
    return found


def _operation(place: str, was: Any, now: Any, old: Any, new: Any) -> Iterator[str]:
    if was["operationId"] != now["operationId"]:
        yield f"{place} has another name"
    params = {(one["in"], one["name"]): one for one in now["parameters"]}
    known = {(one["in"], one["name"]): one for one in was["parameters"]}
    for key, one in known.items():
        if key not in params:
            yield f"{place}: parameter {key[1]} is gone"
        else:
            yield from asked(f"{place} ?{key[1]}", one["schema"], params[key]["schema"], old, new)
    for key, one in params.items():
        if one.get("required") and not known.get(key, {}).get("required"):
            yield f"{place}: parameter {key[1]} is required now"
    for kind, media in was.get("requestBody", {}).get("content", {}).items():
        if kind not in now.get("requestBody", {}).get("content", {}):
            yield f"{place}: does not take {kind} any more"
        else:
            yield from asked(place, media["schema"], now["requestBody"]["content"][kind]["schema"], old, new)
    if "requestBody" in now and "requestBody" not in was:
        yield f"{place}: needs a body now"
    for status, answer in was["responses"].items():
        if status.startswith("2"):
            yield from _answer(f"{place} {status}", answer, now["responses"].get(status), old, new)


def _answer(place: str, was: Any, now: Any, old: Any, new: Any) -> Iterator[str]:
    if now is None:
        yield f"{place} is gone"
        return
    for kind, media in was.get("content", {}).items():
        yield from told(place, media["schema"], now.get("content", {}).get(kind, {}).get("schema", {}), old, new)
    for name in was.get("headers", {}):
        if name not in now.get("headers", {}):
            yield f"{place}: header {name} is gone"


def _whole(shape: Any, document: Any) -> Any:
    while "$ref" in shape:
        shape = document["components"]["schemas"][shape["$ref"].removeprefix(SCHEMAS)]
    return shape


def _types(shape: Any) -> set[str]:
    kinds = shape.get("type", [])
    return {kinds} if isinstance(kinds, str) else set(kinds)


def _choices(shape: Any) -> list[Any]:
    return [*shape.get("oneOf", []), *shape.get("anyOf", [])]


def asked(place: str, was: Any, now: Any, old: Any, new: Any) -> Iterator[str]:
    """What comes in may become wider, never narrower."""
    was, now = _whole(was, old), _whole(now, new)
    if _types(now) and not _types(was) <= _types(now):
        yield f"{place}: takes no {', '.join(sorted(_types(was) - _types(now)))} any more"
    if "enum" in now and not set(was.get("enum", [object])) <= set(now["enum"]):
        yield f"{place}: takes fewer values"
    if now.get("pattern") not in (None, was.get("pattern")):
        yield f"{place}: has another pattern"
    for names, narrower in ((TIGHTENING, max), (LOOSENING, min)):
        for name in names:
            if name in now and (name not in was or narrower(now[name], was[name]) != was[name]):
                yield f"{place}: {name} is narrower"
    for name in sorted(set(now.get("required", [])) - set(was.get("required", []))):
        yield f"{place}.{name} is required now"
    yield from _inside(place, was, now, old, new, asked)


def told(place: str, was: Any, now: Any, old: Any, new: Any) -> Iterator[str]:
    """What goes out may say more, never less."""
    was, now = _whole(was, old), _whole(now, new)
    if _types(was) and (not _types(now) or not _types(now) <= _types(was)):
        yield f"{place}: is of another type now"
    if was.get("format") != now.get("format"):
        yield f"{place}: has another format"
    if was.get("const") != now.get("const"):
        yield f"{place}: is another constant"
    if "enum" in was and not set(was["enum"]) <= set(now.get("enum", was["enum"])):
        yield f"{place}: lost a value"
    for name in sorted(set(was.get("required", [])) - set(now.get("required", []))):
        yield f"{place}.{name} is not always there any more"
    yield from _inside(place, was, now, old, new, told)


def _inside(place: str, was: Any, now: Any, old: Any, new: Any, compare: Any) -> Iterator[str]:
    for name, shape in was.get("properties", {}).items():
        if name not in now.get("properties", {}):
            yield f"{place}.{name} is gone"
        else:
            yield from compare(f"{place}.{name}", shape, now["properties"][name], old, new)
    if "items" in was and "items" in now:
        yield from compare(f"{place}[]", was["items"], now["items"], old, new)
    for n, (before, after) in enumerate(zip(_choices(was), _choices(now), strict=False)):
        yield from compare(f"{place}({n})", before, after, old, new)
    if len(_choices(now)) < len(_choices(was)):
        yield f"{place}: has fewer choices"


def released(name: str) -> Any:
    """One of the two files."""
    return orjson.loads((HERE / name).read_bytes())


if __name__ == "__main__":
    renew()
