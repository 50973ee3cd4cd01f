"""Many actions at once: a result for each, one transaction, few statements."""

import pytest

from tests.api.statements import counted
from tests.world import World


def test_each_action_of_a_bulk_request_has_a_result_of_its_own(world: World) -> None:
    ready, other, finished = world.action(), world.action("Bob"), world.action()
    world.olga.fire(finished, "cancel", reason="No.")
    body = {"ids": [other["id"], 10**12, finished["id"], ready["id"]], "transition": "cancel", "reason": "Release 7."}
    answer = world.sam.expect(207, "POST", "/actions/bulk", body)
    assert [(result["id"], result["status"]) for result in answer["items"]] == [
        (other["id"], 200),
        (10**12, 404),
        (finished["id"], 409),
        (ready["id"], 200),
    ]
    assert answer["items"][0]["action"]["state"] == "cancelled"
    assert answer["items"][2]["problem"]["current_state"] == "cancelled"
    assert world.olga.get(f"/actions/{ready['id']}")["state"] == "cancelled"
    assert len(world.events(types="action.cancelled")) == 3


def test_changes_in_bulk_are_made_for_each_action_that_may_be_changed(world: World) -> None:
    mine, theirs = world.action(), world.action("Mallory")
    tom = world.person("Tom", "supervisor", supervises=["care"])
    answer = tom.expect(
        207, "POST", "/actions/bulk", {"ids": [mine["id"], theirs["id"]], "changes": {"priority": "low"}}
    )
    assert [result["status"] for result in answer["items"]] == [200, 403]
    assert answer["items"][0]["action"]["priority"] == "low"
    no_reason = {"ids": [mine["id"]], "changes": {"due_at": "2027-01-01T00:00:00Z"}}
    assert tom.expect(207, "POST", "/actions/bulk", no_reason)["items"][0]["status"] == 422
    assert tom.expect(207, "POST", "/actions/bulk", no_reason | {"reason": "Ill."})["items"][0]["status"] == 200


def test_a_bulk_request_may_finish_whole_groups_and_items(small_world: World) -> None:
    item = small_world.feedback()
    made = small_world.give("Alice", "Bob", item=item)
    body = {"ids": [a["id"] for a in made["actions"]], "transition": "complete", "outcome": "fixed", "through": True}
    answer = small_world.ada.expect(207, "POST", "/actions/bulk", body)
    assert [result["status"] for result in answer["items"]] == [200, 200]
    assert small_world.olga.get(f"/feedback/{item['id']}")["status"] == "resolved"
    types = [event["type"] for event in small_world.events(types="action_group.*,feedback.*")]
    assert types == ["feedback.received", "action_group.completed", "feedback.resolved"]


def test_many_are_escalated_each_to_those_above_its_assignee(world: World) -> None:
    mine, ended = world.action("Alice"), world.action("Bob")
    world.bob.fire(ended, "decline", reason="Not mine.")
    body = {"ids": [mine["id"], ended["id"], 999], "escalate": True, "reason": "The customer threatens to leave."}
    answer = world.sam.expect(207, "POST", "/actions/bulk", body)

    assert [each["status"] for each in answer["items"]] == [200, 409, 404]
    [event] = world.events(types="action.raised")
    assert event["data"]["reason"] == "The customer threatens to leave."
    assert {(each["name"], each["as"]) for each in event["data"]["told"]} == {("Alice", "assignee"), ("Lea", "lead")}
    assert answer["items"][0]["action"]["state"] == "assigned"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ids": [], "transition": "accept"}, "ids"),
        ({"ids": [1, 1], "transition": "accept"}, "ids"),
        ({"ids": list(range(1, 1002)), "transition": "accept"}, "ids"),
        ({"ids": [True], "transition": "accept"}, "ids.0"),
        ({"ids": [1]}, "transition"),
        ({"ids": [1], "transition": "accept", "changes": {"title": "X"}}, "transition"),
        ({"ids": [1], "changes": {}}, "changes"),
        ({"ids": [1], "changes": {"state": "done"}}, "changes.state"),
        ({"ids": [1], "changes": {"title": "X"}, "outcome": "fixed"}, "outcome"),
    ],
)
def test_a_wrong_bulk_request_names_the_field(small_world: World, body: dict[str, object], field: str) -> None:
    assert field in small_world.sam.expect(422, "POST", "/actions/bulk", body)["errors"]


def test_three_hundred_transitions_take_as_many_statements_as_three(world: World) -> None:
    ids = [action["id"] for _ in range(3) for action in world.give("Alice")["actions"]]
    item = world.feedback()
    who = [{"user": world.people[name].email} for name in ("Alice", "Bob", "Lea", "Mallory", "Olga", "Sam")]
    for _ in range(50):
        body = {"title": "Work", "assignees": who}
        ids += [action["id"] for action in world.olga.post(f"/feedback/{item['id']}/actions", body)["actions"]]
    few, many = ids[:3], ids[3:]
    world.sam.get("/me")
    for transition, fields in (("cancel", {"reason": "Enough."}), ("reopen", {"reason": "Needed."})):
        seen = []
        for some in (few, many):
            with counted(world.service) as statements:
                body = {"ids": some, "transition": transition, **fields}
                answer = world.sam.expect(207, "POST", "/actions/bulk", body)
            assert {result["status"] for result in answer["items"]} == {200}
            seen.append(sum(statements.values()))
        assert abs(seen[1] - seen[0]) <= 5, seen


def test_three_hundred_changes_take_as_many_statements_as_three(world: World) -> None:
    item = world.feedback()
    who = [{"user": world.people[name].email} for name in ("Alice", "Bob", "Lea", "Mallory", "Olga", "Sam")]
    body = {"title": "Work", "assignees": who}
    path = f"/feedback/{item['id']}/actions"
    ids = [action["id"] for _ in range(50) for action in world.olga.post(path, body)["actions"]]
    world.sam.get("/me")
    seen = []
    for some, priority in ((ids[:3], "high"), (ids, "urgent")):
        with counted(world.service) as statements:
            world.sam.expect(207, "POST", "/actions/bulk", {"ids": some, "changes": {"priority": priority}})
        seen.append(sum(statements.values()))
        assert statements["UPDATE actions"] == statements["INSERT events"] == 1
    assert seen[0] == seen[1]
