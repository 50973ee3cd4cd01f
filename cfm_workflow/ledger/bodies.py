"""The body of an event: frozen as JSON text, cut to what consumers are promised; old and new values. Pure."""

from typing import Any, Final

import orjson

from cfm_workflow import limits


def freeze(body: dict[str, Any]) -> str:
    """The JSON text of an event, at most `limits.EVENT_BYTES` long.

    Long values are cut one after the other until it fits, in the order of `CUTS`; what was cut says so with a
    `<name>_truncated` beside it. The table ends where even a body of nothing but control characters fits, each of
    which takes six bytes.
    """
    frozen = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    for place, longest in CUTS:
        if len(frozen) <= limits.EVENT_BYTES:
            break
        if _cut(body["data"], place, longest):
            frozen = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return frozen.decode()


CUTS: Final[tuple[tuple[tuple[str, ...], int], ...]] = (
    (("changes",), 300),
    (("action", "attributes"), 0),
    (("action", "description"), 200),
    (("action", "resolution"), 200),
    (("action", "goal"), 200),
    (("action", "benefit"), 200),
    (("feedback", "text"), 200),
    (("feedback", "touchpoint"), 200),
    (("comment",), 500),
    (("reason",), 500),
    (("extension_request", "reason"), 300),
    (("action", "extension_request", "reason"), 300),
    (("changes",), 0),
    (("team", "members"), 0),
    (("user", "teams"), 0),
    (("user", "supervises"), 0),
    (("policy", "ladders"), 0),
    (("policy", "teams"), 0),
    (("absence", "note"), 500),
    (("calendar", "holidays"), 0),
    (("calendar", "working_days"), 0),
    (("reminder", "text"), 500),
    (("check", "word"), 500),
    (("message", "body"), 500),
    (("template", "body"), 1000),
    (("template", "subject"), 100),
    (("note", "text"), 500),
    (("mentioned",), 10),
    (("told",), 10),
    (("reminder", "for"), 10),
    (("label", "description"), 200),
    (("import", "found", "columns"), 0),
    (("import", "error"), 500),
    (("comment",), 100),
    (("reason",), 100),
    (("extension_request", "reason"), 100),
    (("action", "extension_request", "reason"), 50),
    (("feedback", "text"), 100),
    (("feedback", "touchpoint"), 50),
    (("feedback", "external_id"), 50),
    (("feedback", "customer", "name"), 50),
    (("action", "description"), 100),
    (("action", "resolution"), 50),
    (("action", "root_cause"), 50),
    (("action", "goal"), 50),
    (("action", "benefit"), 50),
    (("action", "external_ref"), 50),
    (("action", "title"), 100),
    (("action", "team", "name"), 50),
    (("action", "assignee", "name"), 50),
    (("action", "assigned_by", "name"), 50),
    (("former_assignee", "name"), 50),
    (("watcher", "name"), 50),
    (("label", "description"), 50),
    (("action", "on_behalf_of", "name"), 50),
    (("on_behalf_of", "name"), 50),
    (("reminder", "text"), 100),
    (("check", "word"), 100),
    (("message", "body"), 100),
    (("message", "subject"), 50),
    (("message", "to"), 50),
    (("reminder", "created_by", "name"), 50),
    (("note", "text"), 100),
    (("note", "author", "name"), 50),
    (("mentioned",), 1),
    (("told",), 1),
    (("actor", "name"), 50),
)


def _cut(data: dict[str, Any], place: tuple[str, ...], longest: int) -> bool:
    """Shorten one value in copies of the dicts on the way to it; False when there is nothing to shorten."""
    *way, last = place
    holder = data
    for step in way:
        if not isinstance(holder.get(step), dict):
            return False
        holder[step] = dict(holder[step])
        holder = holder[step]
    value = holder.get(last)
    shorter = _shorter(value, longest)
    if shorter == value:
        return False
    holder[last], holder[f"{last}_truncated"] = shorter, True
    return True


def _shorter(value: Any, longest: int) -> Any:
    if isinstance(value, str | list):
        return value[:longest]
    if isinstance(value, dict):
        return {key: _shorter(inner, longest) for key, inner in value.items()} if longest else {}
    return value


THIN: Final = ("event_id", "position", "sequence", "schema_version", "subject", "imported", "from", "to")


def thin(body: str) -> bytes:
    """The body of an event for those who want to know that, and fetch what: type, time, ids, where from and to."""
    event = orjson.loads(body)
    data = event["data"]
    action, feedback = data.get("action") or {}, data.get("feedback") or {}
    ids = {
        "action_id": action.get("id"),
        "feedback_id": action.get("feedback_id") or feedback.get("id"),
        "group_id": action.get("group_id") or (data.get("group") or {}).get("id"),
    }
    kept = {name: data[name] for name in THIN if name in data}
    return orjson.dumps({"type": event["type"], "timestamp": event["timestamp"], "data": kept | ids})


def with_contact(body: str, contact: str) -> bytes:
    """The body with the customer's address and phone, frozen beside it, where the customer stands."""
    event = orjson.loads(body)
    customer = (event["data"].get("feedback") or {}).get("customer")
    if customer is not None:
        customer |= orjson.loads(contact)
    return orjson.dumps(event)


def changes(old: Any, new: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Per field of `new` that differs from the row `old`: `{"from": ..., "to": ...}`, long texts cut."""
    found = {}
    for name, value in new.items():
        before = getattr(old, name)
        if before != value:
            found[name] = {"from": _brief(before), "to": _brief(value)}
    return found


def _brief(value: Any) -> Any:
    return value[: limits.EVENT_TEXT] if isinstance(value, str) else value
