"""Editing an action, versions and If-Match, and letting it serve several items."""

from datetime import datetime
from typing import Any

import pytest

from cfm_workflow import clock
from tests.world import World


def test_the_assignee_describes_and_the_assigner_changes_everything(world: World) -> None:
    action = world.action()
    path = f"/actions/{action['id']}"
    assert world.alice.expect(200, "PATCH", path, {"title": "Find the miles"})["title"] == "Find the miles"
    problem = world.alice.expect(403, "PATCH", path, {"title": "Mine", "priority": "low"})
    assert problem["missing_right"] == "action.change"
    world.mallory.expect(403, "PATCH", path, {"title": "Mine"})
    fields = {"priority": "urgent", "goal": "Calm", "benefit": "Stays", "external_ref": "X-1", "attributes": {"a": [1]}}
    seen = world.olga.expect(200, "PATCH", path, fields)
    assert {name: seen[name] for name in fields} == fields
    assert world.lea.expect(200, "PATCH", path, {"goal": None})["goal"] is None


def test_a_change_tells_old_and_new_values(world: World) -> None:
    action = world.action(priority="low")
    world.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"priority": "high", "title": "New", "goal": None})
    [event] = world.events(types="action.changed")
    assert event["data"]["changes"] == {
        "priority": {"from": "low", "to": "high"},
        "title": {"from": "Restore the miles", "to": "New"},
    }
    assert event["data"]["action"]["priority"] == "high"


def test_what_changes_nothing_is_no_change(small_world: World) -> None:
    action = small_world.action()
    path = f"/actions/{action['id']}"
    for body in ({}, {"title": action["title"]}, {"priority": "normal", "attributes": {}}):
        assert small_world.olga.expect(200, "PATCH", path, body) == action
    assert small_world.history(action) == ["action.assigned"]


def test_a_new_due_date_needs_a_reason_and_the_first_one_is_kept(world: World, noon: datetime) -> None:
    action = world.action(due_at="2026-12-01T16:00:00Z")
    path = f"/actions/{action['id']}"
    problem = world.olga.expect(422, "PATCH", path, {"due_at": "2026-12-03T16:00:00Z"})
    assert list(problem["errors"]) == ["reason"]
    world.alice.expect(403, "PATCH", path, {"due_at": "2026-12-03T16:00:00Z", "reason": "Ill."})
    seen = world.olga.expect(200, "PATCH", path, {"due_at": "2026-12-03T16:00:00Z", "reason": "She asked."})
    assert (seen["due_at"], seen["first_due_at"]) == ("2026-12-03T16:00:00Z", "2026-12-01T16:00:00Z")
    [event] = world.events(types="action.changed")
    assert event["data"]["reason"] == "She asked."
    assert event["data"]["changes"]["due_at"] == {"from": "2026-12-01T16:00:00Z", "to": "2026-12-03T16:00:00Z"}
    assert world.olga.expect(200, "PATCH", path, {"due_at": None, "reason": "No hurry."})["due_at"] is None


def test_a_first_due_date_that_comes_later_is_the_first(small_world: World) -> None:
    action = small_world.action()
    body = {"due_at": "2026-12-03T16:00:00Z", "reason": "She asked."}
    seen = small_world.olga.expect(200, "PATCH", f"/actions/{action['id']}", body)
    assert seen["first_due_at"] == "2026-12-03T16:00:00Z"


@pytest.mark.parametrize("field", ["state", "assignee", "version", "id", "outcome", "created_at", "team", "category"])
def test_what_is_not_to_be_edited_is_refused(small_world: World, field: str) -> None:
    action = small_world.action()
    problem = small_world.ada.expect(422, "PATCH", f"/actions/{action['id']}", {field: 1})
    assert list(problem["errors"]) == [field]


def test_every_change_that_shows_makes_the_version_grow(world: World) -> None:
    action = world.action()
    path = f"/actions/{action['id']}"
    other = world.feedback()
    steps = [
        lambda: world.alice.ask("POST", f"{path}/transitions", {"transition": "accept"}),
        lambda: world.olga.ask("PATCH", path, {"priority": "high"}),
        lambda: world.olga.ask("PUT", f"{path}/feedback/{other['id']}"),
        lambda: world.olga.ask("DELETE", f"{path}/feedback/{other['id']}"),
    ]
    tags = [world.olga.ask("GET", path).headers["ETag"]]
    for step in steps:
        response = step()
        assert response.headers["ETag"] == f'"{response.json["version"]}"'
        tags.append(response.headers["ETag"])
    assert tags == ['"1"', '"2"', '"3"', '"4"', '"5"']


def _unsafe(world: World) -> list[tuple[str, str, Any]]:
    action, other = world.action(), world.feedback()
    path = f"/actions/{action['id']}"
    return [
        ("PATCH", path, {"title": "New"}),
        ("POST", f"{path}/transitions", {"transition": "cancel", "reason": "No."}),
        ("PUT", f"{path}/feedback/{other['id']}", None),
        ("DELETE", f"{path}/feedback/{other['id']}", None),
    ]


@pytest.mark.parametrize("tag", ['"2"', '"0"', '"999999999999999999"', "1", "nonsense", 'W/"1"', '""', '"-1"'])
def test_if_match_with_another_version_stops_every_unsafe_call(small_world: World, tag: str) -> None:
    for method, path, body in _unsafe(small_world):
        problem = small_world.olga.expect(412, method, path, body, headers={"If-Match": tag})
        assert problem["current_version"] == 1
    assert small_world.events(types="action.*")[-1]["type"] == "action.assigned"


@pytest.mark.parametrize("tag", ['"1"', "*", ' "1" '])
def test_if_match_with_this_version_or_any_lets_it_pass(small_world: World, tag: str) -> None:
    method, path, body = _unsafe(small_world)[0]
    small_world.olga.expect(200, method, path, body, headers={"If-Match": tag})


def test_without_if_match_only_the_state_decides(small_world: World) -> None:
    action = small_world.action()
    small_world.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"title": "New"})
    small_world.alice.fire(action, "accept")
    small_world.alice.refused(409, action, "accept")


# several items


def test_one_action_serves_many_items_and_resolves_them_all(world: World) -> None:
    first, second = world.feedback(), world.feedback("Mine too.")
    action = world.action(item=first)
    path = f"/actions/{action['id']}/feedback/{second['id']}"
    seen = world.olga.expect(200, "PUT", path)
    assert (seen["feedback_id"], seen["feedback_ids"]) == (first["id"], [first["id"], second["id"]])
    assert world.olga.get(f"/feedback/{second['id']}")["status"] == "open"
    assert [a["id"] for a in world.olga.get(f"/feedback/{second['id']}/actions")["items"]] == [action["id"]]
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    assert [world.olga.get(f"/feedback/{each['id']}")["status"] for each in (first, second)] == ["resolved"] * 2
    assert [e["data"]["subject"]["id"] for e in world.events(types="feedback.resolved")] == [first["id"], second["id"]]


def test_linking_twice_changes_nothing(small_world: World) -> None:
    action, other = small_world.action(), small_world.feedback()
    path = f"/actions/{action['id']}/feedback/{other['id']}"
    once = small_world.olga.expect(200, "PUT", path)
    assert small_world.olga.expect(200, "PUT", path) == once
    assert small_world.history(action) == ["action.assigned", "action.linked"]


def test_unlinking_takes_the_item_out_and_the_first_one_stays(world: World) -> None:
    action, other = world.action(), world.feedback()
    path = f"/actions/{action['id']}/feedback"
    world.olga.expect(404, "DELETE", f"{path}/{other['id']}")
    world.olga.expect(200, "PUT", f"{path}/{other['id']}")
    assert world.olga.expect(200, "DELETE", f"{path}/{other['id']}")["feedback_ids"] == [action["feedback_id"]]
    assert world.olga.get(f"/feedback/{other['id']}")["status"] == "new"
    world.olga.expect(409, "DELETE", f"{path}/{action['feedback_id']}")
    told = world.events(types="action.linked,action.unlinked")
    assert [event["data"]["feedback_id"] for event in told] == [other["id"]] * 2


def test_linking_names_an_item_that_exists(small_world: World) -> None:
    small_world.olga.expect(404, "PUT", f"/actions/{small_world.action()['id']}/feedback/999999")


# lists and history


def test_lists_of_actions_can_be_narrowed_and_sorted(world: World, noon: datetime) -> None:
    a = world.action("Alice", due_at="2026-11-30T00:00:00Z", priority="low", kind="external", external_ref="R-1")
    b = world.action("Bob", due_at="2026-11-25T00:00:00Z", priority="urgent")
    c = world.pool_action()
    d = world.action("Alice", by="Alice", workflow="callback", due_at="2026-11-20T00:00:00Z", priority="high")
    world.olga.fire(b, "cancel", reason="No.")
    wanted: list[tuple[dict[str, Any], list[Any]]] = [
        ({}, [d, c, b, a]),
        ({"sort": "created_at"}, [a, b, c, d]),
        ({"sort": "due_at"}, [d, b, a, c]),
        ({"sort": "-due_at"}, [c, a, b, d]),
        ({"sort": "priority"}, [a, c, d, b]),
        ({"sort": "-priority"}, [b, d, c, a]),
        ({"assignee": "alice@example.com"}, [d, a]),
        ({"assignee": world.alice.id}, [d, a]),
        ({"assigner": "alice@example.com"}, [d]),
        ({"team": "care"}, [c]),
        ({"state": "assigned,cancelled"}, [c, b, a]),
        ({"category": "active"}, [d]),
        ({"kind": "external"}, [a]),
        ({"priority": "urgent,high"}, [d, b]),
        ({"finished": "true"}, [b]),
        ({"finished": "false"}, [d, c, a]),
        ({"overdue": "true"}, [d]),
        ({"overdue": "false"}, [c, b, a]),
        ({"due_before": "2026-11-25T00:00:01Z"}, [d, b]),
        ({"due_after": "2026-11-25T00:00:00Z"}, [a]),
        ({"feedback": a["feedback_id"]}, [a]),
        ({"group": c["group_id"]}, [c]),
        ({"workflow": "callback"}, [d]),
        ({"external_ref": "R-1"}, [a]),
        ({"assignee": "alice@example.com", "kind": "internal", "priority": "high"}, [d]),
    ]
    for query, expected in wanted:
        seen = world.olga.get("/actions", count="true", **query)
        assert [action["id"] for action in seen["items"]] == [action["id"] for action in expected], query
        assert (seen["total"], seen["total_is_capped"]) == (len(expected), False)
    assert [action["id"] for action in world.alice.get("/actions", assignee="me")["items"]] == [d["id"], a["id"]]
    assert [action["id"] for action in world.alice.get("/me/actions")["items"]] == [d["id"], a["id"]]


@pytest.mark.parametrize("query", [{"assignee": "nobody@example.com"}, {"team": "nothing"}, {"sort": "title"}])
def test_a_filter_that_names_nobody_is_refused_not_empty(small_world: World, query: dict[str, str]) -> None:
    problem = small_world.olga.expect(422, "GET", "/actions", query_string=query)
    assert list(problem["errors"]) == list(query)


def test_the_history_counts_from_one_without_gaps(world: World) -> None:
    action = world.action()
    world.alice.fire(action, "accept")
    world.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"priority": "high"})
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    first = world.olga.get(f"/actions/{action['id']}/events", limit=2)
    rest = world.olga.get(f"/actions/{action['id']}/events", cursor=first["next_cursor"])
    events = first["items"] + rest["items"]
    assert [event["data"]["sequence"] for event in events] == [1, 2, 3, 4, 5]
    assert [event["data"]["action"]["version"] for event in events] == [1, 2, 3, 4, 5]
    assert rest["next_cursor"] is None
    assert events == world.events(action=action["id"])


def test_a_timeline_tells_of_the_item_and_of_all_actions_that_serve_it(world: World) -> None:
    item = world.feedback()
    action = world.action()
    world.olga.expect(200, "PUT", f"/actions/{action['id']}/feedback/{item['id']}")
    world.alice.fire(action, "complete", through=True, outcome="fixed", comment="Paid.")
    entries = world.mallory.get(f"/feedback/{item['id']}/timeline")["items"]
    assert [entry["type"] for entry in entries] == [
        "feedback.received",
        "action.assigned",
        "action.linked",
        "action.accepted",
        "action.started",
        "action.completed",
        "feedback.resolved",
    ]
    assert entries[-2]["comment"] == "Paid." and entries[-2]["action"]["id"] == action["id"]
    page = world.mallory.get(f"/feedback/{item['id']}/timeline", limit=3)
    rest = world.mallory.get(f"/feedback/{item['id']}/timeline", cursor=page["next_cursor"])
    assert page["items"] + rest["items"] == entries


def test_events_stay_as_they_were(small_world: World, noon: datetime) -> None:
    action = small_world.action()
    before = small_world.events()
    clock.freeze(datetime.fromisoformat("2026-11-24T12:00:00Z"))
    small_world.alice.fire(action, "accept")
    small_world.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"title": "New"})
    assert small_world.events()[: len(before)] == before
