"""Work that ends at the same instant: whatever follows from it follows once."""

from collections import Counter
from typing import Any

from tests import invariants
from tests.concurrency.at_once import asking, at_once, completing, firing, statuses
from tests.world import World


def told(world: World, event_type: str) -> Counter[int]:
    """How often each subject has an event of this type."""
    return Counter(event["data"]["subject"]["id"] for event in world.events(types=event_type))


def test_the_last_two_actions_finishing_at_once_resolve_their_item_once(world: World, rounds: int) -> None:
    items, groups = set(), set()
    for _ in range(rounds):
        made = world.give("Alice", "Bob")
        mine, his = made["actions"]
        answers = at_once([completing(world, world.alice, mine), completing(world, world.bob, his)])
        assert statuses(answers) == [200, 200]
        items.add(mine["feedback_id"])
        groups.add(made["group"]["id"])
    assert told(world, "feedback.resolved") == dict.fromkeys(items, 1)
    assert told(world, "action_group.completed") == dict.fromkeys(groups, 1)
    invariants.check(world.service.database)


def test_of_two_winners_of_an_any_group_one_completes_it_and_the_rest_is_cancelled_once(
    world: World, rounds: int
) -> None:
    items, groups, left = set(), set(), set()
    for _ in range(rounds):
        made = world.give("Alice", "Bob", "Lea", completion="any")
        mine, his, hers = made["actions"]
        answers = at_once([completing(world, world.alice, mine), completing(world, world.bob, his)])
        assert statuses(answers) == [200, 409]
        items.add(mine["feedback_id"])
        groups.add(made["group"]["id"])
        left |= {hers["id"], his["id"] if answers[0].status_code == 200 else mine["id"]}
    assert told(world, "action_group.completed") == dict.fromkeys(groups, 1)
    assert told(world, "action.cancelled") == dict.fromkeys(left, 1)
    assert told(world, "feedback.resolved") == dict.fromkeys(items, 1)
    invariants.check(world.service.database)


def test_two_actions_for_the_same_two_items_finish_while_a_third_item_is_linked(world: World, rounds: int) -> None:
    items = set()
    third = world.feedback("A third one.")
    for _ in range(rounds):
        mine, his = world.action("Alice"), world.action("Bob")
        link(world, mine, his["feedback_id"])
        link(world, his, mine["feedback_id"])
        answers = at_once(
            [
                completing(world, world.alice, mine),
                completing(world, world.bob, his),
                asking(world, world.olga, "PUT", f"/actions/{mine['id']}/feedback/{third['id']}"),
            ]
        )
        assert statuses(answers) == [200, 200, 200]
        items |= {mine["feedback_id"], his["feedback_id"]}
    resolved = told(world, "feedback.resolved")
    assert {item: resolved[item] for item in items} == dict.fromkeys(items, 1)
    assert world.olga.get(f"/feedback/{third['id']}")["status"] == "resolved"
    invariants.check(world.service.database)


def link(world: World, action: Any, feedback_id: int) -> None:
    world.olga.expect(200, "PUT", f"/actions/{action['id']}/feedback/{feedback_id}")


def test_work_given_while_the_last_action_ends_leaves_the_item_open(world: World, rounds: int) -> None:
    for _ in range(rounds):
        mine = world.action("Alice")
        body = {"title": "One more thing", "assignees": [{"user": world.bob.email}]}
        item = mine["feedback_id"]
        answers = at_once(
            [
                completing(world, world.alice, mine),
                asking(world, world.olga, "POST", f"/feedback/{item}/actions", body),
                asking(world, world.sam, "POST", f"/feedback/{item}/close", {"reason": "Done."}),
            ]
        )
        assert [answer.status_code for answer in answers[:2]] == [200, 201]
        statuses(answers)
        assert world.olga.get(f"/feedback/{item}")["status"] == "open"
    invariants.check(world.service.database)


def test_bulks_in_opposite_order_and_single_requests_never_block_each_other(world: World, rounds: int) -> None:
    actions = [action for _ in range(3) for action in world.give("Alice", "Bob", completion="any")["actions"]]
    ids = [action["id"] for action in actions]
    cancel, again = {"transition": "cancel", "reason": "Not now."}, {"transition": "reopen", "reason": "Now."}
    for _ in range(rounds):
        answers = at_once(
            [
                asking(world, world.sam, "POST", "/actions/bulk", {"ids": ids, **cancel}),
                asking(world, world.ada, "POST", "/actions/bulk", {"ids": ids[::-1], **cancel}),
                asking(world, world.sam, "POST", "/actions/bulk", {"ids": ids[::-1], "changes": {"priority": "high"}}),
                completing(world, world.alice, actions[2]),
                firing(world, world.bob, actions[1], "accept"),
            ]
        )
        statuses(answers)
        ended = [one["status"] for answer in answers[:2] for one in answer.json["items"]]
        assert set(ended) <= {200, 409}
        assert statuses(
            at_once(
                [
                    asking(world, world.sam, "POST", "/actions/bulk", {"ids": ids[1:] + ids[:1], **again}),
                    asking(world, world.ada, "POST", "/actions/bulk", {"ids": ids, **again}),
                ]
            )
        ) == [207, 207]
    invariants.check(world.service.database)
