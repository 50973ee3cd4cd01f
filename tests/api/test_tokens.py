"""Tokens and integrations: seen once, stored as a hash, refused cheaply, ended at once."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.models import Token
from cfm_workflow.security.failures import FAILURES
from cfm_workflow.security.tokens import new_token
from tests.api.statements import counted
from tests.world import World


def me(world: World, token: str, path: str = "/api/v1/me", **more: Any) -> Any:
    return world.app.test_client().get(path, headers={"Authorization": f"Bearer {token}"}, **more)


def rows(world: World) -> list[Any]:
    with world.service.database.reading() as session:
        return list(session.execute(select(Token.__table__)))


def test_the_secret_is_shown_once_and_only_a_hash_is_stored(world: World) -> None:
    made = world.alice.post("/me/tokens", {"name": "laptop"})
    secret = made["token"]
    assert secret.startswith("cfm_") and secret.endswith(made["hint"])
    assert me(world, secret).json["name"] == "Alice"
    listed = world.alice.get("/me/tokens")
    assert secret not in str(listed) and secret not in str(rows(world)) and secret not in str(world.events())
    assert [token["name"] for token in listed["items"]] == ["test", "laptop"]


def test_two_secrets_are_never_the_same(small_world: World) -> None:
    assert len({small_world.alice.post("/me/tokens")["token"] for _ in range(5)}) == 5


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t[:-1] + "!", lambda t: "xyz_" + t[4:], lambda t: t[:9]]
)
def test_a_token_with_a_typing_error_is_refused_without_asking_the_database(small_world: World, change: Any) -> None:
    with counted(small_world.service) as statements:
        assert me(small_world, change(new_token())).status_code == 401
    assert not statements


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "cfm_x", "Bearer a b", "Bearer \u00e9", "Token cfm_1"]
)
def test_anything_but_a_bearer_token_is_401(small_world: World, header: str) -> None:
    response = small_world.app.test_client().get("/api/v1/me", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.content_type == "application/problem+json"


def test_a_token_ends_when_it_says_so(small_world: World, noon: datetime) -> None:
    made = small_world.alice.post("/me/tokens", {"expires_at": "2026-11-23T13:00:00Z"})
    assert me(small_world, made["token"]).status_code == 200
    clock.freeze(noon + timedelta(hours=1))
    assert me(small_world, made["token"]).status_code == 401


def test_a_token_cannot_end_before_it_begins(small_world: World, noon: datetime) -> None:
    problem = small_world.alice.expect(422, "POST", "/me/tokens", {"expires_at": "2026-11-23T12:00:00Z"})
    assert list(problem["errors"]) == ["expires_at"]


def test_a_deleted_token_is_refused_from_then_on(world: World) -> None:
    made = world.alice.post("/me/tokens")
    world.bob.expect(404, "DELETE", f"/me/tokens/{made['id']}")
    world.bob.expect(403, "DELETE", f"/users/{world.alice.id}/tokens/{made['id']}")
    world.alice.expect(204, "DELETE", f"/me/tokens/{made['id']}")
    assert me(world, made["token"]).status_code == 401
    world.alice.expect(404, "DELETE", f"/me/tokens/{made['id']}")


def test_the_last_use_is_written_at_most_once_a_minute(world: World, noon: datetime) -> None:
    token = world.alice.post("/me/tokens")["token"]
    seen = []
    for second in (0, 30, 59, 60, 61):
        clock.freeze(noon + timedelta(seconds=second))
        with counted(world.service) as statements:
            me(world, token)
        seen.append(statements["UPDATE tokens"])
    assert seen == [1, 0, 0, 1, 0]
    assert "2026-11-23T12:01:00Z" in [each["last_used_at"] for each in world.alice.get("/me/tokens")["items"]]


def test_a_token_cannot_make_a_wider_one(small_world: World) -> None:
    narrow = small_world.ada.post("/me/tokens", {"scopes": ["users:manage", "actions:read"]})["token"]
    headers = {"Authorization": f"Bearer {narrow}"}
    client = small_world.app.test_client()
    for body, status in (
        ({}, 403),
        ({"scopes": ["actions:write"]}, 403),
        ({"scopes": ["actions:read", "events:read"]}, 403),
        ({"scopes": ["actions:read"]}, 201),
    ):
        assert client.post("/api/v1/me/tokens", json=body, headers=headers).status_code == status
    wide = {"name": "Wide", "scopes": ["events:read"]}
    assert client.post("/api/v1/integrations", json=wide, headers=headers).status_code == 403


@pytest.mark.parametrize("scopes", [[], ["everything"], ["actions:read", 7], "actions:read"])
def test_scopes_are_among_those_there_are(small_world: World, scopes: Any) -> None:
    problem = small_world.alice.expect(422, "POST", "/me/tokens", {"scopes": scopes})
    assert next(iter(problem["errors"])).startswith("scopes")


def test_an_integration_acts_under_its_own_name_and_ends_at_once(world: World) -> None:
    made = world.ada.post("/integrations", {"name": "CRM", "scopes": ["feedback:write", "feedback:read"]})
    headers = {"Authorization": f"Bearer {made['token']}"}
    item = world.app.test_client().post("/api/v1/feedback", json={"text": "Hello"}, headers=headers).json
    [event] = world.events(types="feedback.received")
    assert event["data"]["actor"] == {"type": "integration", "id": made["id"], "name": "CRM"}
    assert me(world, made["token"]).json["scopes"] == ["feedback:read", "feedback:write"]
    assert "token" not in world.ada.get(f"/integrations/{made['id']}")
    world.ada.expect(204, "DELETE", f"/integrations/{made['id']}")
    assert me(world, made["token"]).status_code == 401
    assert world.ada.get(f"/integrations/{made['id']}")["active"] is False
    world.ada.expect(409, "POST", f"/integrations/{made['id']}/tokens", {})
    assert world.olga.get(f"/feedback/{item['id']}")["text"] == "Hello"


def test_a_token_of_an_integration_has_no_more_scopes_than_it(small_world: World) -> None:
    made = small_world.ada.post("/integrations", {"name": "CRM", "scopes": ["feedback:read", "actions:read"]})
    path = f"/integrations/{made['id']}/tokens"
    small_world.ada.expect(422, "POST", path, {"scopes": ["events:read"]})
    narrow = small_world.ada.post(path, {"scopes": ["actions:read"]})["token"]
    assert me(small_world, narrow, "/api/v1/actions").status_code == 200
    assert me(small_world, narrow, "/api/v1/feedback").status_code == 403


def test_an_integration_is_nobody_who_can_be_given_work(small_world: World) -> None:
    made = small_world.ada.post("/integrations", {"name": "CRM", "scopes": ["feedback:read"]})
    item = small_world.feedback()
    body = {"title": "Work", "assignees": [{"user": made["id"]}]}
    small_world.olga.expect(422, "POST", f"/feedback/{item['id']}/actions", body)
    small_world.ada.expect(404, "GET", f"/users/{made['id']}")


def test_guessing_tokens_is_slowed_down_and_nobody_else_is(small_world: World, noon: datetime) -> None:
    origin = {"REMOTE_ADDR": "203.0.113.7"}
    for _ in range(FAILURES):
        assert me(small_world, "wrong", environ_overrides=origin).status_code == 401
    slowed = me(small_world, "wrong", environ_overrides=origin)
    assert slowed.status_code == 429 and 1 <= int(slowed.headers["Retry-After"]) <= 61
    assert me(small_world, "wrong").status_code == 401
    assert me(small_world, small_world.alice.token, environ_overrides=origin).status_code == 200
    clock.freeze(noon + timedelta(minutes=1))
    assert me(small_world, "wrong", environ_overrides=origin).status_code == 401
