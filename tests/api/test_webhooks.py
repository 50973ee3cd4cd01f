"""Keeping endpoints through the API: what is shown, what is never shown again, and what is refused with which words."""

import logging
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from cfm_workflow import clock, limits
from cfm_workflow.models import Delivery, Webhook
from cfm_workflow.queries import webhooks as webhooks_query
from cfm_workflow.security.sealing import unseal, unseal_headers
from cfm_workflow.worker.webhooks import Webhooks
from tests.plans import plan
from tests.posting import allow_loopback, listen, log_of, post_all
from tests.security.test_addresses import HOSTILE_URLS
from tests.sinks import answering, sentinel, sink
from tests.world import World

URL = "https://hooks.example.com/cfm?key=path-secret"
BODY = {"url": URL, "event_types": ["action.*"]}


def test_an_endpoint_is_made_changed_listed_and_deleted(world: World) -> None:
    made = world.ada.expect(201, "POST", "/webhooks", BODY | {"teams": ["care"], "workflows": ["standard"]})
    assert made["teams"] == [{"id": world.care["id"], "key": "care", "name": "Customer care"}]
    assert (made["state"], made["payload"], made["owner_id"], made["version"]) == ("active", "full", world.ada.id, 1)
    path = f"/webhooks/{made['id']}"
    assert world.ada.get(path) == {name: value for name, value in made.items() if name != "secret"}
    changed = world.ada.expect(200, "PATCH", path, {"teams": None, "event_types": ["*"], "description": "CRM"})
    assert (changed["teams"], changed["event_types"], changed["version"]) == (None, ["*"], 2)
    assert world.ada.expect(200, "PATCH", path, {"description": "CRM"})["version"] == 2  # nothing changed
    other = world.ada.expect(201, "POST", "/webhooks", BODY)
    page = world.ada.get("/webhooks", limit=1)
    assert [item["id"] for item in page["items"]] == [other["id"]]
    assert [item["id"] for item in world.ada.get("/webhooks", cursor=page["next_cursor"])["items"]] == [made["id"]]
    world.ada.expect(204, "DELETE", path)
    for method, where in (("GET", path), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/test")):
        world.ada.expect(404, method, where, {} if method == "PATCH" else None)
    told = [event["type"] for event in world.events(types="webhook.*")]
    assert told == ["webhook.created", "webhook.changed", "webhook.created", "webhook.deleted"]


def test_secrets_are_never_shown_again_nor_stored_readable_nor_logged(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with sink(answering(500)) as receiver:
        allow_loopback(world)
        made = listen(world.ada, receiver, headers={"Authorization": "Bearer header-secret"})
        path = f"/webhooks/{made['id']}"
        second = world.ada.expect(200, "POST", f"{path}/rotate-secret", {})["secret"]
        world.ada.expect(200, "PATCH", path, {"headers": {"X-Key": "header-secret-2"}})
        world.feedback()
        post_all(world.service, Webhooks(world.service))
    hidden = (made["secret"], second, "header-secret")
    assert made["secret"].startswith("whsec_") and second != made["secret"]
    seen = [world.ada.ask("GET", place).text for place in (path, "/webhooks", f"{path}/deliveries", "/events")]
    with world.service.database.reading() as session:
        row = session.get_one(Webhook, made["id"])
        stored = [row.secret, row.previous_secret or "", row.headers or ""]
    captured = capfd.readouterr()
    for text in (*seen, *stored, caplog.text, captured.out, captured.err):
        assert not [secret for secret in hidden if secret in text]
    assert world.ada.get(path)["headers"] == {"X-Key": "***"}
    ring = world.service.ring
    assert unseal(ring, row.id, "secret", row.secret) == second
    assert unseal_headers(ring, row.id, row.headers) == {"X-Key": "header-secret-2"}


def test_a_repeated_request_gets_the_same_secret_and_makes_nothing_twice(world: World) -> None:
    again = {"headers": {"Idempotency-Key": "once"}}
    first = world.ada.expect(201, "POST", "/webhooks", BODY, **again)
    assert world.ada.expect(201, "POST", "/webhooks", BODY, **again) == first
    assert len(world.ada.get("/webhooks")["items"]) == 1


def test_events_name_the_host_of_an_endpoint_and_not_its_path(world: World) -> None:
    made = world.ada.expect(201, "POST", "/webhooks", BODY)
    world.ada.expect(200, "PATCH", f"/webhooks/{made['id']}", {"url": "https://other.example.com/path-secret"})
    feed = world.ada.ask("GET", "/events").text
    assert "path-secret" not in feed and "https://other.example.com" in feed


def test_one_may_bring_a_secret_of_ones_own(world: World) -> None:
    secret = "whsec_" + "QUJD" * 10
    assert world.ada.expect(201, "POST", "/webhooks", BODY | {"secret": secret})["secret"] == secret


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"url": None}, "url"),
    ({"url": 5}, "url"),
    ({"event_types": []}, "event_types"),
    ({"event_types": "action.*"}, "event_types"),
    ({"event_types": ["action.exploded"]}, "event_types.0"),
    ({"event_types": ["action.*", "nothing.*"]}, "event_types.1"),
    ({"event_types": ["action.acc*"]}, "event_types.0"),
    ({"event_types": ["*.*"]}, "event_types.0"),
    ({"event_types": ["action.*"] * (limits.EVENT_TYPE_PATTERNS + 1)}, "event_types"),
    ({"teams": []}, "teams"),
    ({"teams": ["nobody"]}, "teams.0"),
    ({"workflows": ["nothing"]}, "workflows.0"),
    ({"payload": "fat"}, "payload"),
    ({"state": "disabled"}, "state"),
    ({"secret": "hunter2"}, "secret"),
    ({"headers": {"Host": "x"}}, "headers.Host"),
    ({"headers": {"content-type": "x"}}, "headers.content-type"),
    ({"headers": {"Webhook-Id": "x"}}, "headers.Webhook-Id"),
    ({"headers": {"Transfer-Encoding": "chunked"}}, "headers.Transfer-Encoding"),
    ({"headers": {"User-Agent": "x"}}, "headers.User-Agent"),
    ({"headers": {"X Y": "x"}}, "headers.X Y"),
    ({"headers": {"X-Own": "a\r\nX-Other: b"}}, "headers.X-Own"),
    ({"headers": {"X-Own": "a\nb"}}, "headers.X-Own"),
    ({"headers": {"X-Own": "한국"}}, "headers.X-Own"),
    ({"headers": {"X-Own": ""}}, "headers.X-Own"),
    ({"headers": {"X-Own": 5}}, "headers.X-Own"),
    ({"headers": {"X-Own": "a", "x-own": "b"}}, "headers"),
    ({"headers": {f"X-{n}": "a" for n in range(limits.OWN_HEADERS + 1)}}, "headers"),
    ({"headers": ["X-Own"]}, "headers"),
    ({"include_customer": "yes"}, "include_customer"),
    ({"colour": "red"}, "colour"),
]


@pytest.mark.parametrize(("wrong", "field"), REFUSED, ids=lambda value: repr(value)[:50])
def test_what_is_wrong_is_refused_by_its_name(small_world: World, wrong: dict[str, Any], field: str) -> None:
    made = small_world.ada.expect(201, "POST", "/webhooks", BODY)
    problem = small_world.ada.expect(422, "POST", "/webhooks", BODY | wrong)
    assert list(problem["errors"]) == [field] and problem["errors"][field][0]
    if "secret" not in wrong:
        small_world.ada.expect(422, "PATCH", f"/webhooks/{made['id']}", wrong)
    assert len(small_world.ada.get("/webhooks")["items"]) == 1


def test_an_unknown_pattern_is_named(small_world: World) -> None:
    problem = small_world.ada.expect(422, "POST", "/webhooks", BODY | {"event_types": ["action.exploded"]})
    assert "action.exploded" in problem["errors"]["event_types.0"][0]


def test_no_hostile_url_is_taken_and_no_connection_is_made(small_world: World, names: dict[str, list[str]]) -> None:
    made = small_world.ada.expect(201, "POST", "/webhooks", BODY)
    with sentinel() as count:
        names["inside.example.com"] = ["8.8.8.8", "127.0.0.1"]
        inside = f"http://inside.example.com:{count.port}/"  # type: ignore[attr-defined]
        for url in (*HOSTILE_URLS, inside):
            for method, path in (("POST", "/webhooks"), ("PATCH", f"/webhooks/{made['id']}")):
                body = BODY | {"url": url} if method == "POST" else {"url": url}
                assert "url" in small_world.ada.expect(422, method, path, body)["errors"], url
        assert count() == 0
    with small_world.service.database.reading() as session:
        assert session.execute(select(func.count()).select_from(Webhook)).scalar_one() == 1


def test_a_name_that_has_no_address_yet_is_taken(small_world: World) -> None:
    assert small_world.ada.expect(201, "POST", "/webhooks", BODY | {"url": "https://soon.example.com"})["url"] == (
        "https://soon.example.com/"
    )


def test_nobody_without_the_right_lets_a_name_be_looked_up(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: asked.append(args) or [])
    small_world.mallory.expect(403, "POST", "/webhooks", BODY)
    assert asked == []
    small_world.ada.expect(201, "POST", "/webhooks", BODY)
    assert len(asked) == 1


def program(world: World, *scopes: str) -> dict[str, Any]:
    made = world.ada.post("/integrations", {"name": "CRM", "scopes": ["webhooks:manage", *scopes]})
    return {"headers": {"Authorization": f"Bearer {made['token']}"}}


def test_an_integration_keeps_its_own_endpoints_and_sees_no_others(world: World) -> None:
    hers = world.ada.expect(201, "POST", "/webhooks", BODY)
    delivery = world.ada.expect(202, "POST", f"/webhooks/{hers['id']}/test")
    as_program = program(world)
    mine = world.ada.expect(201, "POST", "/webhooks", BODY, **as_program)
    listed = world.ada.expect(200, "GET", "/webhooks", **as_program)["items"]
    assert [item["id"] for item in listed] == [mine["id"]]
    for method, path, body in (
        ("GET", f"/webhooks/{hers['id']}", None),
        ("PATCH", f"/webhooks/{hers['id']}", {"url": "https://mallory.example.com/"}),
        ("POST", f"/webhooks/{hers['id']}/replay", {"after": 0}),
        ("GET", f"/webhooks/{hers['id']}/deliveries", None),
        ("GET", f"/deliveries/{delivery['id']}", None),
        ("POST", f"/deliveries/{delivery['id']}/redeliver", None),
    ):
        world.ada.expect(404, method, path, body, **as_program)


def test_an_integration_gets_no_audit_events_and_contacts_only_with_their_scope(world: World) -> None:
    as_program = program(world)
    for pattern in ("user.created", "token.*"):
        problem = world.ada.expect(422, "POST", "/webhooks", BODY | {"event_types": [pattern]}, **as_program)
        assert "administrators" in problem["errors"]["event_types.0"][0]
    world.ada.expect(403, "POST", "/webhooks", BODY | {"include_customer": True}, **as_program)
    made = world.ada.expect(201, "POST", "/webhooks", BODY, **as_program)
    world.ada.expect(403, "PATCH", f"/webhooks/{made['id']}", {"include_customer": True}, **as_program)
    # Nor does an administrator give an endpoint that is not theirs what its owner may not have.
    world.ada.expect(422, "PATCH", f"/webhooks/{made['id']}", {"event_types": ["user.*"]})
    allowed = program(world, "customers:read")
    world.ada.expect(201, "POST", "/webhooks", BODY | {"include_customer": True}, **allowed)


def test_what_cannot_be_done_now_says_so(world: World) -> None:
    made = world.ada.expect(201, "POST", "/webhooks", BODY)
    path = f"/webhooks/{made['id']}"
    delivery = world.ada.expect(202, "POST", f"{path}/test")
    world.service.database.transaction(lambda session: set_state(session, made["id"]))
    for where, body in ((f"{path}/test", None), (f"{path}/replay", {"after": 0})):
        world.ada.expect(409, "POST", where, body)
    world.ada.expect(409, "POST", f"/deliveries/{delivery['id']}/redeliver")
    for body in ({}, {"dead": False}, {"after": -1}, {"after": 5, "until": 5}, {"dead": True, "after": 0}):
        world.ada.expect(422, "POST", f"{path}/replay", body)
    assert world.ada.expect(200, "PATCH", path, {"state": "active"})["state"] == "active"
    assert "webhook.enabled" in [event["type"] for event in world.events(types="webhook.*")]


def test_no_test_is_sent_for_an_owner_who_is_gone(world: World) -> None:
    made = world.ada.post("/integrations", {"name": "CRM", "scopes": ["webhooks:manage"]})
    as_program = {"headers": {"Authorization": f"Bearer {made['token']}"}}
    hers = world.ada.expect(201, "POST", "/webhooks", BODY, **as_program)
    world.ada.expect(202, "POST", f"/webhooks/{hers['id']}/test")
    world.ada.expect(204, "DELETE", f"/integrations/{made['id']}")
    world.ada.expect(409, "POST", f"/webhooks/{hers['id']}/test")
    tests = world.ada.get(f"/webhooks/{hers['id']}/deliveries", count="true")
    assert tests["total"] == 1


def set_state(session: Any, webhook_id: int) -> None:
    row = session.get(Webhook, webhook_id)
    row.state, row.disabled_reason = "disabled", "test"


def test_the_log_can_be_filtered_and_counted(world: World) -> None:
    with sink() as receiver:
        allow_loopback(world)
        made = listen(world.ada, receiver, "feedback.received")
        world.feedback()
        post_all(world.service, Webhooks(world.service))
        world.feedback()
    assert [delivery["state"] for delivery in log_of(world.ada, made)] == ["delivered", "pending"]
    assert len(log_of(world.ada, made, state="pending")) == 1
    page = world.ada.get(f"/webhooks/{made['id']}/deliveries", count="true", limit=1)
    assert (page["total"], len(page["items"])) == (2, 1)
    world.ada.expect(422, "GET", f"/webhooks/{made['id']}/deliveries", query_string={"state": "lost"})


@pytest.mark.parametrize("state", ["delivered", "cancelled", "dead"])
def test_a_rare_state_is_found_in_a_long_log_by_its_index(state: str, world: World) -> None:
    made = world.ada.expect(201, "POST", "/webhooks", BODY)
    others = [other for other in ("pending", "delivered", "cancelled", "dead") if other != state]
    rows = [delivery(made["id"], n, others[n % 3] if n % 500 else state) for n in range(1, 3001)]
    with world.service.database.writer.begin() as connection:
        connection.execute(insert(Delivery.__table__), rows)  # type: ignore[arg-type]
        connection.exec_driver_sql("ANALYZE deliveries")
    wanted = {"state": state, "limit": 50}
    assert f"ix_deliveries_{state}" in plan(world, lambda s: webhooks_query.deliveries(s, made["id"], wanted))
    assert f"ix_deliveries_{state}" in plan(
        world, lambda s: webhooks_query.deliveries(s, made["id"], wanted | {"count": True})
    )


def delivery(webhook_id: int, position: int, state: str) -> dict[str, Any]:
    at = clock.now()
    row = {"webhook_id": webhook_id, "position": position, "state": state, "tries": 1, "tries_before": 0}
    return {**row, "next_at": at, "created_at": at}
