"""Users, teams, oneself, outcomes, workflows, limits and the health pages."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from cfm_workflow import clock, limits
from cfm_workflow.worker.reminders import tell_reminders
from cfm_workflow.worker.upkeep import beat, beat_of_worker
from tests.world import World

NEW = {"email": "New@Example.com", "name": "New", "role": "agent"}


def test_a_user_is_made_found_changed_and_switched_off(world: World) -> None:
    made = world.ada.expect(
        201, "POST", "/users", NEW | {"teams": ["care"], "language": "ko", "time_zone": "Asia/Seoul"}
    )
    assert (made["email"], made["active"], made["version"]) == ("new@example.com", True, 1)
    assert [team["key"] for team in made["teams"]] == ["care"]
    path = f"/users/{made['id']}"
    assert world.mallory.get(path) == made | {"away_until": None, "deputy": None}
    assert world.ada.expect(200, "PATCH", path, {"role": "supervisor", "supervises": ["care"]})["version"] == 2
    assert [user["id"] for user in world.mallory.get("/users", q="EW@EX")["items"]] == [made["id"]]
    world.ada.expect(204, "DELETE", path)
    assert world.mallory.get(path)["active"] is False
    assert [user["id"] for user in world.mallory.get("/users", active="false")["items"]] == [made["id"]]
    audit = [event["type"] for event in world.events(types="user.*")]
    assert audit[-3:] == ["user.created", "user.changed", "user.deleted"]


def test_an_address_belongs_to_one_user(world: World) -> None:
    world.ada.expect(409, "POST", "/users", NEW | {"email": "ALICE@example.com"})
    world.ada.expect(409, "PATCH", f"/users/{world.bob.id}", {"email": "alice@example.com"})


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"email": "nobody"}, "email"), ({"email": "a@b@c.de"}, "email"), ({"email": "a b@example.com"}, "email"),
        ({"email": "x" * 250 + "@example.com"}, "email"), ({"name": ""}, "name"), ({"name": "x" * 201}, "name"),
        ({"role": "king"}, "role"), ({"teams": ["nothing"]}, "teams"), ({"supervises": [10**12]}, "supervises"),
        ({"time_zone": "Mars/Phobos"}, "time_zone"), ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"language": "tlh"}, "language"), ({"active": True}, "active"), ({"password": "x"}, "password"),
    ],
)  # fmt: skip
def test_a_wrong_user_names_the_field(small_world: World, fields: dict[str, Any], named: str) -> None:
    problem = small_world.ada.expect(422, "POST", "/users", NEW | fields)
    assert [name.split(".")[0] for name in problem["errors"]] == [named]


def test_parts_of_names_are_looked_for_as_they_are(small_world: World) -> None:
    small_world.person("Per_cent", "agent")
    assert [u["name"] for u in small_world.mallory.get("/users", q="_")["items"]] == ["Per_cent"]
    assert small_world.mallory.get("/users", q="%")["items"] == []
    assert [u["name"] for u in small_world.mallory.get("/users", role="supervisor")["items"]] == ["Sam"]
    members = small_world.mallory.get("/users", team=small_world.care["id"])["items"]
    assert {u["name"] for u in members} == {"Alice", "Bob", "Lea"}


def test_a_team_keeps_its_members_until_they_are_replaced(world: World) -> None:
    path = f"/teams/{world.care['id']}"
    assert world.ada.expect(200, "PATCH", path, {"name": "Care"})["members"] == world.care["members"]
    seen = world.ada.expect(200, "PATCH", path, {"members": ["mallory@example.com", world.bob.id], "lead": None})
    assert ({member["name"] for member in seen["members"]}, seen["lead"]) == ({"Mallory", "Bob"}, None)
    world.mallory.fire(world.pool_action(), "accept")
    world.alice.refused(403, world.pool_action(), "accept")
    world.ada.expect(409, "POST", "/teams", {"key": "care", "name": "Twice"})
    world.ada.expect(422, "PATCH", path, {"lead": "nobody@example.com"})


def test_a_team_that_had_work_stays(world: World) -> None:
    spare = world.ada.post("/teams", {"key": "spare", "name": "Spare", "members": ["bob@example.com"]})
    world.ada.expect(204, "DELETE", f"/teams/{spare['id']}")
    world.ada.expect(404, "GET", f"/teams/{spare['id']}")
    world.pool_action()
    world.ada.expect(409, "DELETE", f"/teams/{world.care['id']}")


def test_everybody_sees_and_changes_themselves(world: World) -> None:
    seen = world.lea.get("/me")
    assert (seen["type"], seen["name"], seen["scopes"]) == ("user", "Lea", None)
    assert [team["key"] for team in seen["teams"]] == [team["key"] for team in seen["leads"]] == ["care"]
    assert world.lea.expect(200, "PATCH", "/me", {"language": "ko", "time_zone": "Asia/Seoul"})["language"] == "ko"
    problem = world.lea.expect(422, "PATCH", "/me", {"role": "admin"})
    assert list(problem["errors"]) == ["role"]


def test_outcomes_are_kept_by_administrators(world: World) -> None:
    body = {"key": "refunded", "label": {"en": "Refunded", "ko": "환불됨"}, "requires_reason": True}
    made = world.ada.expect(201, "POST", "/outcomes", body)
    path = f"/outcomes/{made['id']}"
    world.ada.expect(409, "POST", "/outcomes", body)
    world.ada.expect(409, "PATCH", path, {"key": "fixed"})
    world.alice.refused(422, world.action(), "complete", through=True, outcome="refunded")
    world.alice.fire(world.action(), "complete", through=True, outcome="refunded", reason="Paid twice.")
    world.ada.expect(409, "DELETE", path)
    world.ada.expect(200, "PATCH", path, {"active": False})
    assert "refunded" not in [o["key"] for o in world.alice.get("/outcomes", active="true")["items"]]
    spare = world.ada.post("/outcomes", body | {"key": "spare"})
    world.ada.expect(204, "DELETE", f"/outcomes/{spare['id']}")
    world.ada.expect(404, "GET", f"/outcomes/{spare['id']}")


@pytest.mark.parametrize("label", [{"en": "X"}, {}, {"en": "X", "ko": ""}, {"en": "X", "ko": "Y", "de": "Z"}, "X"])
def test_an_outcome_has_a_label_in_every_language(small_world: World, label: Any) -> None:
    small_world.ada.expect(422, "POST", "/outcomes", {"key": "x", "label": label})


def test_workflows_show_their_table_and_a_diagram(small_world: World) -> None:
    assert [each["key"] for each in small_world.mallory.get("/workflows")["items"]] == ["callback", "standard"]
    standard = small_world.mallory.get("/workflows/standard")
    assert standard["initial"] == "assigned" and standard["version"] == 1
    assert standard["mermaid"].startswith("stateDiagram-v2")
    [complete] = [each for each in standard["transitions"] if each["name"] == "complete"]
    assert (complete["from"], complete["to"], complete["requires"]) == (["in_progress", "waiting"], "done", ["outcome"])
    small_world.mallory.expect(404, "GET", "/workflows/nothing")


def test_the_limits_are_told(small_world: World) -> None:
    told = small_world.mallory.get("/limits")
    assert told == limits.TABLE
    assert (told["fan_out"], told["bulk"], told["text"], told["title"]) == (1000, 1000, 20_000, 200)


def test_every_event_type_has_a_schema_and_a_sample(small_world: World) -> None:
    types = {each["type"]: each for each in small_world.mallory.get("/event-types")["items"]}
    assert {"action.assigned", "feedback.received", "action_group.failed", "action.submitted"} <= set(types)
    assert all(each["json_schema"] and each["sample"]["type"] == name for name, each in types.items())


def test_health_pages_tell_what_is_wrong(world: World) -> None:
    client = world.app.test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    beat(world.service)
    world.feedback()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["status"]) == (200, "ok")
    text = client.get("/metrics").text
    assert 'cfm_requests_total{method="POST",operation="api.createFeedback",status="201"} 1.0' in text
    assert "cfm_clock_age_seconds" in text
    assert abs(ready.json["clock_drift_seconds"]) < 60  # of a database on this machine


def test_how_late_reminders_are_is_shown(world: World, noon: datetime) -> None:
    world.give("Alice", due_at=(noon + timedelta(hours=4)).isoformat())
    client = world.app.test_client()
    assert client.get("/readyz").json["reminders_lag_seconds"] == 0
    clock.freeze(noon + timedelta(hours=3, minutes=15, seconds=7))  # 75 % of three working hours are over
    assert client.get("/readyz").json["reminders_lag_seconds"] == 7
    assert "cfm_reminders_lag_seconds 7.0" in client.get("/metrics").text
    tell_reminders(world.service)
    assert client.get("/readyz").json["reminders_lag_seconds"] == 0


def test_what_is_due_and_for_how_long_is_shown(world: World, noon: datetime) -> None:
    world.action("Alice")
    client = world.app.test_client()
    assert client.get("/readyz").json["deliveries_waiting"] == 0  # it waits for an undo
    clock.freeze(noon + timedelta(seconds=world.service.settings.mail_undo_seconds + 5))
    beat_of_worker(world.service)
    ready = client.get("/readyz").json
    assert (ready["deliveries_waiting"], ready["oldest_delivery_seconds"]) == (1, 5.0)
    assert ready["worker_at"] == "2026-11-23T12:01:05Z"
    assert "cfm_deliveries_waiting 1.0" in client.get("/metrics").text


def test_a_clock_that_stands_still_is_noticed(world: World) -> None:
    beat(world.service)
    clock.freeze(clock.now() + timedelta(seconds=29))
    assert world.app.test_client().get("/readyz").status_code == 200
    clock.freeze(clock.now() + timedelta(seconds=10))
    assert world.app.test_client().get("/readyz").status_code == 503
