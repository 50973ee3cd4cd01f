"""Work of a restricted team is not there for anybody outside of it: not to read, count, find, link or follow."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cfm_workflow.api.routing import OPERATIONS, Operation
from cfm_workflow.service import open_service
from tests.conftest import new_database, service_settings
from tests.test_access import filled, message_of
from tests.world import Person, World, populate


@dataclass(slots=True)
class Vault:
    """Work of a restricted team, and somebody outside of it with work of their own."""

    world: World
    vera: Person
    item: dict[str, Any]
    action: dict[str, Any]
    public: dict[str, Any]

    @property
    def secrets(self) -> dict[str, Any]:
        return {
            "feedback_id": self.item["id"],
            "action_id": self.action["id"],
            "group_id": self.action["group_id"],
            "user_id": self.vera.id,
            "name": "outage",
        }


@pytest.fixture(scope="module")
def vault(_templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    folder = tmp_path_factory.mktemp("vault")
    service = open_service(service_settings(new_database("sqlite", _templates, folder, tmp_path_factory), folder))
    world = populate(service)
    vera, will = world.person("Vera", "agent"), world.person("Will", "agent")
    world.person("Sid", "supervisor", supervises=["care"])
    legal = {"key": "legal", "name": "Legal", "restricted": True, "lead": vera.email, "members": [will.email]}
    world.ada.post("/teams", legal)
    item = vera.post("/feedback", {"text": "A sealed complaint.", "customer": {"name": "Sealed Kim"}})
    body = {"title": "Answer the letter", "assignees": [{"team": "legal", "mode": "pool"}]}
    action = vera.post(f"/feedback/{item['id']}/actions", body)["actions"][0]
    yield Vault(world, vera, item, action, world.action("Mallory"))
    service.close()


ABOUT_ONE = [
    operation
    for operation in OPERATIONS
    if any(f"<id:{name}>" in operation.path for name in ("feedback_id", "action_id", "group_id"))
]


@pytest.mark.parametrize("operation", ABOUT_ONE, ids=lambda operation: operation.name)
@pytest.mark.parametrize("name", ["mallory", "sid"])  # a supervisor of another team is outside as well
def test_work_of_a_restricted_team_is_not_there_for_those_outside(
    vault: Vault, operation: Operation, name: str
) -> None:
    message = message_of(operation, vault.secrets)
    person = vault.world.people[name.capitalize()]
    response = person.ask(operation.method, filled(operation.path, vault.secrets), message.get("json"))
    assert response.status_code == 404


@pytest.mark.parametrize("name", ["vera", "will", "sam", "ada"])
def test_its_lead_members_supervisors_and_administrators_read_it(vault: Vault, name: str) -> None:
    person = vault.world.people[name.capitalize()]
    person.get(f"/feedback/{vault.item['id']}")
    person.get(f"/actions/{vault.action['id']}")
    assert person.get("/feedback", q="sealed", count="true")["total"] == 1
    assert len(person.get(f"/action-groups/{vault.action['group_id']}")["actions"]) == 1


@pytest.mark.parametrize("name", ["mallory", "sid", "olga"])
def test_lists_searches_and_counts_leave_it_out(vault: Vault, name: str) -> None:
    person = vault.world.people[name.capitalize()]
    assert vault.item["id"] not in _ids(person.get("/feedback"))
    assert vault.action["id"] not in _ids(person.get("/actions"))
    assert person.get("/feedback", q="sealed", count="true") == {
        "items": [],
        "next_cursor": None,
        "total": 0,
        "total_is_capped": False,
    }
    assert person.get("/actions", count="true", feedback=vault.item["id"])["total"] == 0
    assert person.get("/actions", group=vault.action["group_id"])["items"] == []


def _ids(page: dict[str, Any]) -> list[int]:
    return [each["id"] for each in page["items"]]


def test_nobody_outside_can_link_their_own_work_to_it(vault: Vault) -> None:
    path = f"/actions/{vault.public['id']}/feedback/{vault.item['id']}"
    vault.world.mallory.expect(404, "PUT", path)


def test_a_bulk_request_does_not_tell_that_it_exists(vault: Vault) -> None:
    body = {"ids": [vault.action["id"], 10**9], "transition": "cancel", "reason": "Not ours."}
    answer = vault.world.sid.expect(207, "POST", "/actions/bulk", body)
    assert [result["status"] for result in answer["items"]] == [404, 404]


def test_the_feed_of_an_integration_leaves_it_out(vault: Vault) -> None:
    made = vault.world.ada.post("/integrations", {"name": "tail", "scopes": ["events:read", "actions:read"]})
    client = vault.world.app.test_client()
    headers = {"Authorization": f"Bearer {made['token']}"}
    feed = client.get("/api/v1/events?limit=1000", headers=headers).json
    assert feed["items"] and "sealed" not in str(feed).lower()
    assert client.get(f"/api/v1/actions/{vault.action['id']}", headers=headers).status_code == 404
    seen = [
        event for event in feed["items"] if event["data"]["subject"] == {"type": "action", "id": vault.action["id"]}
    ]
    assert not seen


def test_whoever_has_work_on_the_item_sees_it(vault: Vault) -> None:
    helper = vault.world.person("Hana", "agent")
    helper.expect(404, "GET", f"/feedback/{vault.item['id']}")
    body = {"title": "Translate it", "assignees": [{"user": helper.email}]}
    vault.vera.post(f"/feedback/{vault.item['id']}/actions", body)
    helper.get(f"/feedback/{vault.item['id']}")
    helper.get(f"/actions/{vault.action['id']}")


def test_other_work_on_a_sealed_item_is_sealed_too(vault: Vault) -> None:
    helper = vault.world.person("Hugo", "agent")
    body = {"title": "Translate it", "assignees": [{"user": helper.email}]}
    other = vault.vera.post(f"/feedback/{vault.item['id']}/actions", body)["actions"][0]
    helper.get(f"/actions/{other['id']}/events")
    vault.world.mallory.expect(404, "GET", f"/actions/{other['id']}/events")


def test_whoever_recorded_the_item_reads_it_but_not_the_work_of_the_team(vault: Vault) -> None:
    item = vault.world.olga.post("/feedback", {"text": "I want my lawyer."})
    body = {"title": "Answer", "assignees": [{"team": "legal", "mode": "pool"}]}
    made = vault.vera.post(f"/feedback/{item['id']}/actions", body)
    vault.world.olga.get(f"/feedback/{item['id']}")
    vault.world.olga.expect(404, "GET", f"/actions/{made['actions'][0]['id']}")
    vault.world.olga.expect(404, "GET", f"/action-groups/{made['group']['id']}")
    types = [entry["type"] for entry in vault.world.olga.get(f"/feedback/{item['id']}/timeline")["items"]]
    assert types == ["feedback.received"]
