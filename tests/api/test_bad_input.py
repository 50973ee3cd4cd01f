"""What nobody should send: always a clear problem, the right status, nothing half-written, never a stack trace."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from cfm_workflow import create_app, limits
from cfm_workflow.api.routing import OPERATIONS, Operation
from cfm_workflow.service import Service, open_service
from tests.conftest import new_database, service_settings
from tests.world import World, populate

WITH_BODY = [operation for operation in OPERATIONS if operation.body is not None]
WITH_ID = [operation for operation in OPERATIONS if "<id:" in operation.path]
BASE = "/api/v1"


def by_name(operation: Operation) -> str:
    return operation.name


@pytest.fixture(scope="module")
def world(_templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all of it: what is refused leaves nothing behind."""
    folder = tmp_path_factory.mktemp("bad-input")
    service = open_service(service_settings(new_database("sqlite", _templates, folder, tmp_path_factory), folder))
    yield populate(service)
    service.close()


def path_to(world: World, operation: Operation) -> str:
    """A path where everything exists; only what it names is made."""
    path = operation.path
    for name, make in THINGS.items():
        if f"<id:{name}>" in path:
            path = path.replace(f"<id:{name}>", str(make(world)))
    return path.replace("<path:name>", "billing")


THINGS: dict[str, Callable[[World], Any]] = {
    "feedback_id":    lambda world: world.action()["feedback_id"],
    "action_id":      lambda world: world.action()["id"],
    "customer_id":    lambda world: world.olga.post("/customers", {"name": "Minji"})["id"],
    "user_id":        lambda world: world.ada.id,
    "team_id":        lambda world: world.care["id"],
    "integration_id": lambda world: one(world, "/integrations", {"name": "CRM", "scopes": ["events:read"]}),
    "token_id":       lambda world: world.ada.post("/me/tokens")["id"],
    "outcome_id":     lambda world: 1,
    "cause_id":       lambda world: one(world, "/root-causes", CAUSE),
    "label_id":       lambda world: one(world, "/labels", {"name": "billing"}),
    "webhook_id":     lambda world: one(world, "/webhooks", WEBHOOK),
    "calendar_id":    lambda world: 1,
    "policy_id":      lambda world: 1,
    "absence_id":     lambda world: one(world, f"/users/{world.ada.id}/absences", ABSENCE),
    "reminder_id":    lambda world: world.ada.post("/reminders", SOON | {"action": world.action()["id"]})["id"],
    "message_id":     lambda world: shared(world)["id"],
    "share_id":       lambda world: shared(world)["share"],
    "template_id":    lambda world: 1,
    "note_id":        lambda world: on_an_item(world, "notes", {"body": "Call back"})["id"],
}  # fmt: skip
CAUSE = {"key": "billing", "label": {"en": "Billing", "ko": "청구"}, "active": False}
WEBHOOK = {"url": "https://hooks.example.com/", "event_types": ["import.finished"]}
ABSENCE = {"from": "2100-01-01T00:00:00Z", "to": "2100-01-02T00:00:00Z"}
SOON = {"remind_at": "2099-12-01T17:00:00Z", "text": "Call back"}


def one(world: World, path: str, body: dict[str, Any]) -> Any:
    """The id of the one there is, made once."""
    listed = world.ada.get(path)["items"]
    return (listed or [world.ada.post(path, body)])[0]["id"]


def on_an_item(world: World, what: str, body: dict[str, Any]) -> Any:
    return world.ada.post(f"/feedback/{world.action()['feedback_id']}/{what}", body)


def shared(world: World) -> Any:
    return on_an_item(world, "messages", {"to": ["ceo@example.com"], "body": "Look."})["items"][0]


def send(world: World, method: str, path: str, data: bytes, content_type: str = "application/json", **more: Any) -> Any:
    return world.ada.ask(method, path, data=data, content_type=content_type, **more)


def is_problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, f"{response.status_code}: {response.text[:500]}"
    assert response.content_type == "application/problem+json"
    problem: dict[str, Any] = response.json
    assert {"type", "title", "status", "detail", "request_id"} <= set(problem)
    assert problem["status"] == status and problem["request_id"] == response.headers["X-Request-Id"]
    assert "Traceback" not in response.text
    return problem


UNREADABLE = {
    "nothing": b"",
    "half an object": b'{"a": 1',
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "two values": b"{} {}",
    "a lone surrogate": b'{"text": "\\ud800"}',
    "a NaN": b'{"score": NaN}',
    "10,000 deep": b"[" * 10_000 + b"]" * 10_000,
    "objects 10,000 deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
}


@pytest.mark.parametrize("operation", WITH_BODY, ids=by_name)
def test_a_body_that_cannot_be_used_is_refused_by_every_operation(world: World, operation: Operation) -> None:
    path, method = path_to(world, operation), operation.method
    for data in UNREADABLE.values():
        is_problem(send(world, method, path, data), 400)
    for data in (b"[]", b"1", b"null", b'"text"', b"true"):
        assert list(is_problem(send(world, method, path, data), 422)["errors"]) == ["body"]
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data; boundary=x"):
        is_problem(send(world, method, path, b"{}", content_type), 415)
    problem = is_problem(send(world, method, path, b'{"no_such_field": 1}'), 422)
    assert "no_such_field" in problem["errors"]
    is_problem(send(world, method, path, b'{"a": "' + b"x" * limits.BODY_BYTES + b'"}'), 413)


IMPOSSIBLE = ("0", "9223372036854775808", "9" * 40, "9" * 400, "-1", "1.5", "x", "%00", "1%00", "\u0661")


@pytest.mark.parametrize("operation", WITH_ID, ids=by_name)
def test_an_id_that_cannot_be_one_is_not_there(world: World, operation: Operation) -> None:
    more = {"json": operation.example} if operation.body is not None else {}
    for ident in (*IMPOSSIBLE, "9223372036854775807"):
        path = re.sub("<id:[a-z_]+>", ident, operation.path)
        is_problem(world.ada.ask(operation.method, path, **more), 404)


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_name)
def test_unknown_and_doubled_parameters_are_refused(world: World, operation: Operation) -> None:
    if operation.receive is not None:
        return  # its parameters are tested with the imports
    path = path_to(world, operation).replace("<key>", "standard").replace("<id:group_id>", "1")
    if "<" in path:
        pytest.skip("an import is needed for it")
    more = {"json": operation.example} if operation.body is not None else {}
    needed = "text=tomorrow&" if operation.name == "readWordsOfTime" else ""
    for query, name in (("no_such_parameter=1", "no_such_parameter"), ("limit=1&limit=2", "limit")):
        problem = is_problem(world.ada.ask(operation.method, f"{path}?{needed}{query}", **more), 422)
        assert list(problem["errors"]) == [name]


# a field, a value, whether it is fine
VALUES: list[tuple[str, Any]] = [
    ("text", "a\0b"), ("text", ""), ("text", " \n"), ("text", "x" * 20_001), ("text", 7), ("text", None),
    ("text", ["x"]), ("text", {"x": 1}), ("text", True),
    ("source", "a\0"), ("source", "x" * 101), ("external_id", "x" * 201), ("channel", "\0"), ("language", "english!"),
    ("touchpoint", "x" * 2_001),
    ("received_at", "2026-11-20T10:00:00"), ("received_at", "2026-11-20"), ("received_at", "yesterday"),
    ("received_at", "2026-02-30T10:00:00Z"), ("received_at", "0001-01-01T00:00:00Z"),
    ("received_at", "9999-12-31T23:59:59-23:59"), ("received_at", "10000-01-01T00:00:00Z"),
    ("received_at", "2026-11-20T25:00:00Z"), ("received_at", "2026-11-20T10:00:00+99:00"), ("received_at", 1700000000),
    ("received_at", "2026-11-20T10:00:00 Europe/Berlin"), ("received_at", "1969-12-31T23:59:59Z"),
    ("score", True), ("score", 1e100), ("score", 2**64), ("score", "5"), ("score", -1),
    ("attributes", []), ("attributes", "x"), ("attributes", {str(n): n for n in range(51)}),
    ("attributes", {"a": "x" * 8_001}), ("attributes", {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}),
    ("attributes", {"a": "\0"}), ("attributes", {"\0": 1}),
    ("customer", 7), ("customer", {"id": 0}), ("customer", {"id": 2**63}), ("customer", {"id": True}),
    ("customer", {"id": 1, "name": "x"}), ("customer", {"email": "x"}), ("customer", {"name": "\0"}),
    ("customer", {"phone": "1" * 51}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"), VALUES, ids=lambda value: str(value)[:30].encode("ascii", "replace").decode()
)
def test_a_value_that_could_not_be_stored_or_meant_is_refused(world: World, field: str, value: Any) -> None:
    before = world.olga.get("/feedback", count="true")["total"]
    body = {"text": "Hello", "metric": "nps", "score": 5} | {field: value}
    problem = is_problem(send(world, "POST", "/feedback", json.dumps(body).encode()), 422)
    assert {name.split(".")[0] for name in problem["errors"]} == {field}
    assert world.olga.get("/feedback", count="true")["total"] == before


def test_what_only_looks_like_bad_input_is_stored_as_it_is(world: World) -> None:
    texts = [
        "\\u0000",
        "'; DROP TABLE feedback; --",
        "<script>alert(1)</script>",
        "\u202egnp.exe",
        "x" * 20_000,
        "👩‍👩‍👧",
    ]
    for text in texts:
        item = world.olga.post("/feedback", {"text": text, "attributes": {"a": text[:100]}})
        assert (item["text"], item["attributes"]) == (text, {"a": text[:100]})


QUERIES = [
    "q=%00", "q=", "q=%20", "customer=0", "customer=9223372036854775808", "customer=x", "customer=" + "9" * 5000,
    "score_min=11", "score_min=-1", "score_min=1.0", "status=odd", "status=", "status=new,", "needs_decision=yes",
    "count=1", "received_from=2026-11-20", "received_to=now", "channel=%00", "source=" + "x" * 101, "sort=id",
    "external_id=%00", "metric=stars",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:30])
def test_a_parameter_of_a_wrong_kind_is_refused(world: World, query: str) -> None:
    problem = is_problem(world.ada.ask("GET", f"/feedback?{query}"), 422)
    assert list(problem["errors"]) == [query.split("=")[0]]


ODD = [
    "/events?after=-1", "/events?after=x", "/events?after=" + "9" * 30, "/events?after=" + "0" * 20 + "9" * 30,
    "/events?after=" + "0" * 5000, "/events?limit=1001", "/events?types=%00", "/events?action=0",
    "/actions?assignee=" + "0" * 19 + "19999999999999999999", "/actions?assignee=%00", "/actions?team=" + "9" * 5000,
    "/actions?assignee=" + "0" * 19 + "1" + "9" * 5000, "/actions?state=%00", "/actions?feedback=" + "0" * 25 + "1",
    "/actions?due_before=2026-11-20T10:00:00", "/actions?workflow=%00", "/users?q=%00", "/users?team=x",
    "/customers?email=%00", "/reminders?for=%00", "/reminders?state=odd", "/reminders?feedback=0", "/reminders?sort=id",
]  # fmt: skip


@pytest.mark.parametrize("path", ODD, ids=lambda path: path[:50])
def test_odd_numbers_and_words_in_queries_are_refused(world: World, path: str) -> None:
    is_problem(world.ada.ask("GET", path), 422)


def test_a_workflow_of_an_impossible_name_is_not_there(service: Service) -> None:
    world = populate(service)
    for key in ("%00", "%ff", "x" * 5000, "%ED%A0%80"):
        is_problem(world.ada.ask("GET", f"/workflows/{key}"), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/feedback/1", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("DELETE", "/feedback", {"GET", "HEAD", "POST"}),
        ("OPTIONS", "/me", {"GET", "HEAD", "PATCH"}),
        ("TRACE", "/actions/1/transitions", {"GET", "HEAD", "POST"}),
        ("BREW", "/limits", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_says_which_are_right(world: World, method: str, path: str, allowed: set[str]) -> None:
    response = world.ada.ask(method, path)
    is_problem(response, 405)
    assert set(response.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v2/feedback", "/nothing", "/api/v1/feedback/", "/api/v1", "/api/v1/%00", "/%ff"]
)
def test_an_unknown_path_is_a_problem_too(world: World, path: str) -> None:
    is_problem(world.app.test_client().get(path), 404)


def test_the_senders_request_id_comes_back_if_it_is_a_sane_one(world: World) -> None:
    for given, echoed in (("trace-1.2_3", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("<b>", False)):
        response = world.ada.ask("GET", "/me", headers={"X-Request-Id": given})
        assert (response.headers["X-Request-Id"] == given) is echoed
        assert response.headers["X-Request-Id"]


def test_an_error_that_nobody_foresaw_is_a_problem_without_its_traceback(world: World) -> None:
    app = create_app(world.service)

    def fail() -> str:
        raise ZeroDivisionError("a secret of the house")

    app.add_url_rule("/fail", "fail", fail)
    response = app.test_client().get("/fail")
    is_problem(response, 500)
    assert "secret" not in response.text and "ZeroDivision" not in response.text


def test_json_is_read_whatever_its_charset_parameter_or_suffix(world: World) -> None:
    for content_type in ("application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"):
        assert send(world, "PATCH", "/me", orjson.dumps({"name": "Ada"}), content_type).status_code == 200


def test_a_doubled_key_in_an_object_is_read_as_json_does(world: World) -> None:
    assert send(world, "POST", "/feedback", b'{"text": "a", "text": "b"}').json["text"] == "b"
