"""The story of the product, told through the API from the first feedback to the resolved item."""

from tests.world import World


def test_feedback_becomes_work_that_is_accepted_done_and_resolved(world: World) -> None:
    item = world.feedback(customer={"name": "Minji", "email": "minji@example.com"})
    assert item["status"] == "new"
    made = world.give("Alice", "Bob", item=item, due_in="P2D")
    assert [action["state"] for action in made["actions"]] == ["assigned", "assigned"]
    mine, his = made["actions"]

    assert world.alice.fire(mine, "accept")["state"] == "accepted"
    assert world.alice.fire(mine, "start")["state"] == "in_progress"
    assert world.alice.fire(mine, "complete", outcome="fixed")["state"] == "done"
    assert world.olga.get(f"/feedback/{item['id']}")["status"] == "open"
    done = world.bob.fire(his, "complete", through=True, outcome="fixed")
    assert (done["state"], done["category"], done["outcome"]) == ("done", "done", "fixed")

    assert world.olga.get(f"/feedback/{item['id']}")["status"] == "resolved"
    assert world.history(his) == ["action.assigned", "action.accepted", "action.started", "action.completed"]
    assert [event["type"] for event in world.events(types="feedback.*,action_group.*")] == [
        "feedback.received",
        "action_group.completed",
        "feedback.resolved",
    ]
