"""How far a fan-out is, and what that means for the feedback items it serves."""

from typing import Any

import pytest

from tests.world import World


def group(world: World, made: Any) -> Any:
    return world.mallory.get(f"/action-groups/{made['group']['id']}")


def finish(world: World, action: Any, outcome: str = "fixed") -> Any:
    return world.ada.fire(action, "complete", through=True, outcome=outcome)


def drop(world: World, action: Any) -> Any:
    return world.olga.fire(action, "cancel", reason="Not needed.")


@pytest.mark.parametrize(
    ("completion", "ends", "states"),
    [
        ("all",           "dd",  ["open", "completed"]),
        ("all",           "dx",  ["open", "completed"]),
        ("all",           "xd",  ["open", "completed"]),
        ("all",           "xx",  ["open", "failed"]),
        ("any",           "d",   ["completed"]),
        ("any",           "xx",  ["open", "failed"]),
        ({"at_least": 2}, "ddd", ["open", "completed"]),
        ({"at_least": 2}, "xdd", ["open", "open", "completed"]),
        ({"at_least": 2}, "dxx", ["open", "open", "failed"]),
        ({"at_least": 3}, "x",   ["failed"]),
    ],
)  # fmt: skip
def test_a_group_is_as_far_as_its_completion_says(
    small_world: World, completion: Any, ends: str, states: list[str]
) -> None:
    people = ["Alice", "Bob", "Lea"] if isinstance(completion, dict) else ["Alice", "Bob"]
    made = small_world.give(*people, completion=completion)
    assert group(small_world, made)["completion"] == completion
    seen = []
    for end, action in zip(ends, made["actions"], strict=False):
        if len(seen) < len(states):
            (finish if end == "d" else drop)(small_world, action)
            seen.append(group(small_world, made)["state"])
    assert seen == states


def test_a_group_is_as_far_as_its_slowest_action(world: World) -> None:
    made = world.give("Alice", "Bob")
    finish(world, made["actions"][0])
    seen = group(world, made)
    assert (seen["state"], seen["done"], seen["unfinished"], seen["total"]) == ("open", 1, 1, 2)
    finish(world, made["actions"][1])
    assert group(world, made)["state"] == "completed"


def test_the_rest_of_a_completed_group_is_cancelled_by_the_service(world: World) -> None:
    made = world.give("Alice", "Bob", "Lea", completion="any")
    first, *rest = made["actions"]
    finish(world, first)
    seen = group(world, made)
    assert (seen["state"], seen["done"], seen["unfinished"]) == ("completed", 1, 0)
    for action in rest:
        last = world.ada.get(f"/actions/{action['id']}/events")["items"][-1]
        assert last["type"] == "action.cancelled"
        assert last["data"]["actor"] == {"type": "system", "name": "group policy"}
    told = [event["type"] for event in world.events(types="action_group.*,feedback.*")]
    assert told == ["feedback.received", "action_group.completed", "feedback.resolved"]


def test_reopening_a_done_action_opens_the_group_and_leaves_its_cancelled_siblings(world: World) -> None:
    made = world.give("Alice", "Bob", completion="any")
    first, second = made["actions"]
    finish(world, first)
    world.olga.fire(first, "reopen", reason="It came back.")
    assert group(world, made)["state"] == "open"
    assert world.olga.get(f"/actions/{second['id']}")["state"] == "cancelled"
    assert world.events(types="action_group.*")[-1]["type"] == "action_group.reopened"
    finish(world, first)
    assert group(world, made)["state"] == "completed"


def test_a_failed_group_says_so_once(world: World) -> None:
    made = world.give("Alice", "Bob", "Lea", completion={"at_least": 3})
    world.alice.fire(made["actions"][0], "decline", reason="Not mine.")
    drop(world, made["actions"][1])
    assert group(world, made)["state"] == "failed"
    assert [event["type"] for event in world.events(types="action_group.*")] == ["action_group.failed"]


def test_an_item_is_new_then_open_then_resolved(world: World) -> None:
    item = world.feedback()
    assert item["status"] == "new"
    made = world.give("Alice", "Bob", item=item)
    status = []
    for action in made["actions"]:
        status.append(world.olga.get(f"/feedback/{item['id']}")["status"])
        finish(world, action)
    assert [*status, world.olga.get(f"/feedback/{item['id']}")["status"]] == ["open", "open", "resolved"]
    assert [e["type"] for e in world.events(types="feedback.resolved")] == ["feedback.resolved"]


def test_an_item_on_which_everything_was_dropped_needs_a_decision(world: World) -> None:
    item = world.feedback()
    action = world.action(item=item)
    world.alice.fire(action, "decline", reason="Not mine.")
    seen = world.olga.get(f"/feedback/{item['id']}")
    assert (seen["status"], seen["needs_decision"]) == ("open", True)
    assert [e["type"] for e in world.events(types="feedback.*")] == ["feedback.received", "feedback.undecided"]
    assert [i["id"] for i in world.olga.get("/feedback", needs_decision="true")["items"]] == [item["id"]]
    world.action(item=item)
    assert world.olga.get(f"/feedback/{item['id']}")["needs_decision"] is False


def test_one_done_action_is_enough_to_resolve_an_item(small_world: World) -> None:
    item = small_world.feedback()
    made = small_world.give("Alice", "Bob", item=item)
    finish(small_world, made["actions"][0])
    drop(small_world, made["actions"][1])
    assert small_world.olga.get(f"/feedback/{item['id']}")["status"] == "resolved"


def test_an_item_is_closed_with_a_reason_by_a_supervisor(world: World) -> None:
    item = world.feedback()
    seen = world.sam.post(f"/feedback/{item['id']}/close", {"reason": "Praise."})
    assert seen["status"] == "closed" and seen["closed_at"] is not None
    [event] = world.events(types="feedback.closed")
    assert (event["data"]["from"], event["data"]["to"], event["data"]["reason"]) == ("new", "closed", "Praise.")
    world.sam.expect(409, "POST", f"/feedback/{item['id']}/close", {"reason": "Again."})
    world.sam.expect(422, "POST", f"/feedback/{item['id']}/close", {})


def test_an_item_with_unfinished_work_cannot_be_closed(small_world: World) -> None:
    item = small_world.feedback()
    action = small_world.action(item=item)
    small_world.sam.expect(409, "POST", f"/feedback/{item['id']}/close", {"reason": "Enough."})
    drop(small_world, action)
    assert small_world.sam.post(f"/feedback/{item['id']}/close", {"reason": "Enough."})["needs_decision"] is False


@pytest.mark.parametrize("how", ["give", "link", "reopen"])
def test_new_work_opens_a_closed_item_again(world: World, how: str) -> None:
    item, elsewhere = world.feedback(), world.action()
    old = world.action(item=item)
    finish(world, old)
    world.sam.post(f"/feedback/{item['id']}/close", {"reason": "Told by phone."})
    if how == "give":
        world.action(item=item)
    elif how == "link":
        world.olga.expect(200, "PUT", f"/actions/{elsewhere['id']}/feedback/{item['id']}")
    else:
        world.olga.fire(old, "reopen", reason="It came back.")
    seen = world.olga.get(f"/feedback/{item['id']}")
    assert (seen["status"], seen["closed_at"]) == ("open", None)
    assert world.events(types="feedback.*")[-1]["type"] == "feedback.reopened"


def test_undoing_the_last_action_opens_the_item_again(small_world: World) -> None:
    item = small_world.feedback()
    action = small_world.action(item=item)
    small_world.alice.fire(action, "complete", through=True, outcome="fixed")
    small_world.alice.fire(action, "undo")
    assert small_world.olga.get(f"/feedback/{item['id']}")["status"] == "open"
