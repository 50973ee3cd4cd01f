"""What is masked of customers, and how a person's rights end."""

from typing import Any

import pytest

from tests.world import World

CUSTOMER = {"name": "Minji", "email": "minji@example.com", "phone": "+82 2 555 0100"}


def test_a_customers_address_and_phone_are_for_those_who_work_for_them(small_world: World) -> None:
    item = small_world.feedback(customer=CUSTOMER)
    small_world.give(item=item, assignees=[{"user": "alice@example.com"}])
    for name in ("alice", "sam", "ada"):
        seen = small_world.people[name.capitalize()].get(f"/feedback/{item['id']}")["customer"]
        assert (seen["email"], seen["phone"]) == (CUSTOMER["email"], CUSTOMER["phone"])
    for path in (f"/feedback/{item['id']}", f"/customers/{item['customer']['id']}", "/feedback", "/customers"):
        text = small_world.mallory.ask("GET", path).text
        assert "Minji" in text and "minji@" not in text and "555" not in text


def test_the_team_of_an_action_may_reach_the_customer_too(small_world: World) -> None:
    item = small_world.feedback(customer=CUSTOMER)
    path = f"/customers/{item['customer']['id']}"
    assert small_world.bob.get(path)["email"] != CUSTOMER["email"]
    small_world.pool_action(item=item)
    assert small_world.bob.get(path)["email"] == CUSTOMER["email"]
    assert small_world.mallory.get(path)["email"] != CUSTOMER["email"]


def test_an_integration_needs_the_scope_to_see_how_to_reach_a_customer(small_world: World) -> None:
    item = small_world.feedback(customer=CUSTOMER)
    shown = []
    for scopes in (["feedback:read"], ["feedback:read", "customers:read"]):
        token = small_world.ada.post("/integrations", {"name": "CRM", "scopes": scopes})["token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = small_world.app.test_client().get(f"/api/v1/feedback/{item['id']}", headers=headers)
        shown.append(answer.json["customer"]["phone"])
    assert shown == ["***00", CUSTOMER["phone"]]


def test_searching_by_an_address_tells_nothing_to_those_who_may_not_see_it(small_world: World) -> None:
    small_world.feedback(customer=CUSTOMER)
    assert small_world.mallory.get("/customers", email=CUSTOMER["email"])["items"] == []
    assert len(small_world.sam.get("/customers", email="MINJI@example.com")["items"]) == 1
    assert small_world.sam.get("/feedback", q="minji@example.com")["items"] == []


def test_events_name_a_customer_and_nothing_more(small_world: World) -> None:
    small_world.action(item=small_world.feedback(customer=CUSTOMER))
    told = small_world.events(types="*")
    assert "Minji" in str(told) and "minji@" not in str(told) and "555" not in str(told)


def test_the_last_administrator_cannot_be_switched_off_demoted_or_deleted(world: World) -> None:
    path = f"/users/{world.ada.id}"
    world.ada.expect(409, "PATCH", path, {"active": False})
    world.ada.expect(409, "PATCH", path, {"role": "agent"})
    world.ada.expect(409, "DELETE", path)
    second = world.person("Ann", "admin")
    world.ada.expect(200, "PATCH", path, {"role": "agent"})
    second.expect(409, "DELETE", f"/users/{second.id}")


@pytest.mark.parametrize("how", ["PATCH", "DELETE"])
def test_switching_a_person_off_ends_their_tokens_at_once_and_for_good(small_world: World, how: str) -> None:
    bob = small_world.bob
    second = bob.post("/me/tokens", {"name": "second"})
    small_world.ada.ask(how, f"/users/{bob.id}", {"active": False} if how == "PATCH" else None)
    for token in (bob.token, second["token"]):
        headers = {"Authorization": f"Bearer {token}"}
        assert small_world.app.test_client().get("/api/v1/me", headers=headers).status_code == 401
    small_world.ada.expect(200, "PATCH", f"/users/{bob.id}", {"active": True})
    bob.expect(401, "GET", "/me")
    assert small_world.ada.get(f"/users/{bob.id}/tokens")["items"] == []


def test_the_open_work_of_a_person_who_left_is_found_by_the_lead(small_world: World) -> None:
    action = small_world.action("Bob")
    small_world.ada.expect(204, "DELETE", f"/users/{small_world.bob.id}")
    assert _ids(small_world.lea.get("/actions", orphaned="true")) == [action["id"]]


def test_changes_of_rights_hold_from_the_next_request_on(small_world: World) -> None:
    small_world.mallory.expect(403, "POST", "/actions/bulk", {"ids": [1], "transition": "accept"})
    small_world.ada.expect(200, "PATCH", f"/users/{small_world.mallory.id}", {"role": "supervisor"})
    small_world.mallory.expect(207, "POST", "/actions/bulk", {"ids": [1], "transition": "accept"})


def _ids(page: dict[str, Any]) -> list[int]:
    return [each["id"] for each in page["items"]]
