"""Claims about openapi.json itself: well formed, complete, and every example in it is accepted."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from cfm_workflow.api.openapi import document
from cfm_workflow.policy.event_types import EVENT_TYPES
from cfm_workflow.security.sessions import COOKIE, HEADER, cookie_name
from tests.contract.shapes import misfits
from tests.world import Person, World

DOCUMENT: dict[str, Any] = orjson.loads(document())
SAFE = {"get", "head"}
IMPORT_KINDS = ["text/csv", "application/x-ndjson"]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def schemas(shape: Any) -> Iterator[dict[str, Any]]:
    """Every schema in the document, wherever it stands."""
    if isinstance(shape, list):
        for inner in shape:
            yield from schemas(inner)
    elif isinstance(shape, dict):
        for name, inner in shape.items():
            if name == "schema":
                yield inner
            elif name not in ("example", "examples"):
                yield from schemas(inner)


OPERATIONS = [pytest.param(*found, id=found[2]["operationId"]) for found in operations()]
JSON_EXAMPLES = [
    pytest.param(method, path, body["example"], id=operation["operationId"])
    for method, path, operation in operations()
    if (body := operation.get("requestBody", {}).get("content", {}).get("application/json")) is not None
]


def test_anybody_can_read_it_and_it_is_openapi_3_1(small_world: World) -> None:
    answer = small_world.app.test_client().get("/api/v1/openapi.json")

    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.json == DOCUMENT
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert set(DOCUMENT) == {"openapi", "info", "servers", "security", "paths", "components", "webhooks"}
    assert DOCUMENT["servers"] == [{"url": "."}]  # wherever it is served, a path prefix before it included


def test_every_schema_in_it_is_valid_json_schema() -> None:
    for shape in [*schemas(DOCUMENT), *DOCUMENT["components"]["schemas"].values()]:
        Draft202012Validator.check_schema(shape)


def test_every_reference_leads_somewhere_inside_the_document() -> None:
    for ref in references(DOCUMENT):
        assert ref.startswith("#/")
        place: Any = DOCUMENT
        for step in ref.removeprefix("#/").split("/"):
            place = place[step]


def references(shape: Any) -> Iterator[str]:
    if isinstance(shape, list):
        for inner in shape:
            yield from references(inner)
    elif isinstance(shape, dict):
        for name, inner in shape.items():
            if name == "$ref":
                yield inner
            else:
                yield from references(inner)


def test_no_two_operations_have_the_same_name() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    names += [hook["post"]["operationId"] for hook in DOCUMENT["webhooks"].values()]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_an_operation_has_a_tag_a_summary_and_where_it_has_a_body_an_example(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    assert operation["tags"]
    assert operation["summary"]
    for media in operation.get("requestBody", {}).get("content", {}).values():
        assert "example" in media
    assert method not in SAFE or "requestBody" not in operation
    named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
    assert named == {part.strip("{}") for part in path.split("/") if part.startswith("{")}


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_what_comes_in_is_closed_and_what_goes_out_is_open(method: str, path: str, operation: dict[str, Any]) -> None:
    for media in operation.get("requestBody", {}).get("content", {}).values():
        if (ref := media["schema"].get("$ref")) is not None:
            assert DOCUMENT["components"]["schemas"][ref.rsplit("/", 1)[1]]["additionalProperties"] is False
    for status, answer in operation["responses"].items():
        ref = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref")
        if ref is not None:
            shape = DOCUMENT["components"]["schemas"][ref.rsplit("/", 1)[1]]
            assert shape.get("additionalProperties") is not False, status


def test_there_is_a_webhook_for_every_event_type_but_those_for_administrators() -> None:
    told = {name for name, kind in EVENT_TYPES.items() if not kind.audit}

    assert set(DOCUMENT["webhooks"]) == told
    for hook in DOCUMENT["webhooks"].values():
        [media] = hook["post"]["requestBody"]["content"].values()
        assert misfits(media["schema"], media["example"]) == []
        assert hook["post"]["security"] == []  # the receiver knows us by a signature, not by a token


@pytest.fixture
def stage(small_world: World) -> World:
    """A world in which the people, teams and actions that the examples speak of exist."""
    small_world.feedback("Nothing to do here.")
    min_id = small_world.person("Min", "agent").id
    period = {"from": "2100-01-01T00:00:00Z", "to": "2100-01-02T00:00:00Z"}
    small_world.ada.post(f"/users/{min_id}/absences", period)
    small_world.ada.post("/teams", {"key": "it", "name": "IT", "members": ["bob@example.com"]})
    small_world.ada.post("/customers", {"name": "Park Jisoo"})
    for _ in range(3):
        small_world.give("Ada", by="Ada", item=small_world.feedback(customer={"name": "Lee"}), title="Call back")
    small_world.ada.post("/labels", {"name": "vip"})
    small_world.ada.post("/labels", {"name": "old"})
    small_world.ada.post("/root-causes", {"key": "tariff", "label": {"en": "Tariff", "ko": "요금"}, "active": False})
    small_world.ada.post("/integrations", {"name": "Shop", "scopes": ["feedback:write"]})
    small_world.ada.post("/webhooks", {"url": "https://hooks.example.com/", "event_types": ["*"]})
    small_world.ada.post("/feedback/1/notes", {"body": "Call back"})
    small_world.ada.post("/reminders", {"feedback": 1, "remind_at": "2099-12-01T17:00:00Z", "text": "Call back"})
    small_world.ada.post("/feedback/1/messages", {"to": ["ceo@example.com"], "body": "Look."})
    return small_world


@pytest.mark.parametrize(("method", "path", "example"), JSON_EXAMPLES)
def test_the_example_of_a_body_is_accepted(stage: World, method: str, path: str, example: dict[str, Any]) -> None:
    if "transition" in example and "ids" not in example:
        path = path.replace("{action_id}", str(stage.action("Ada", by="Olga")["id"]))
    if example.get("email") == "ada@example.com":
        stage.ada.expect(200, "PATCH", f"/users/{stage.ada.id}", {"email": "first@example.com"})
        stage.ada.email = "first@example.com"
    if example.get("key") == "care":
        stage.ada.expect(200, "PATCH", f"/teams/{stage.care['id']}", {"key": "first"})
    who = stage.ada
    if "/extension" in path:
        path, who = needing_time(stage, path)
    target = path
    for name, ident in ids_of(stage).items():
        target = target.replace("{" + name + "}", str(ident))
    if "ids" in example:
        example = {**example, "ids": [1, 2]}

    answer = who.ask(method.upper(), target, example)

    assert 200 <= answer.status_code < 300, answer.text
    if answer.status_code == 207:
        assert {result["status"] for result in answer.json["items"]} == {200}


def needing_time(stage: World, path: str) -> tuple[str, Person]:
    """The path for an action of Alice who asks for more time, and who goes on with that."""
    action = stage.action(due_at="2026-12-01T16:00:00Z")
    here = path.replace("{action_id}", str(action["id"]))
    if here.endswith("/extension"):
        return here, stage.alice
    stage.alice.post(f"/actions/{action['id']}/extension", {"due_at": "2026-12-04T16:00:00Z", "reason": "Ill."})
    return here, stage.ada


def ids_of(stage: World) -> dict[str, int]:
    [integration] = stage.ada.get("/integrations")["items"]
    _, other = stage.ada.get("/labels")["items"]
    [cause] = stage.ada.get("/root-causes")["items"]
    [absence] = stage.ada.get(f"/users/{stage.people['Min'].id}/absences")["items"]
    return {
        "action_id": 1,
        "feedback_id": 1,
        "customer_id": 1,
        "user_id": stage.people["Min"].id,
        "absence_id": absence["id"],
        "team_id": stage.care["id"],
        "outcome_id": 1,
        "cause_id": cause["id"],
        "label_id": other["id"],
        "calendar_id": 1,
        "policy_id": 1,
        "webhook_id": 1,
        "reminder_id": 1,
        "message_id": 1,
        "share_id": 1,
        "template_id": 1,
        "note_id": 1,
        "integration_id": integration["id"],
    }


@pytest.mark.parametrize("kind", IMPORT_KINDS)
def test_the_example_of_a_file_is_accepted(stage: World, kind: str) -> None:
    content = DOCUMENT["paths"]["/imports"]["post"]["requestBody"]["content"]
    assert set(content) == set(IMPORT_KINDS)

    answer = stage.ada.ask(
        "POST", "/imports", query_string={"source": kind}, data=content[kind]["example"], content_type=kind
    )

    assert answer.status_code == 202, answer.text


def test_a_token_or_a_session_of_the_pages_opens_the_api() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert DOCUMENT["security"] == [{name: []} for name in schemes] == [{"token": []}, {"session": []}]
    assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", cookie_name(COOKIE, is_secure=True))
    assert HEADER in schemes["session"]["description"]
