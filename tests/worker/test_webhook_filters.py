"""Which events come to an endpoint: by pattern, team and workflow, history, and tests."""

from typing import Any

import pytest

from cfm_workflow.worker.importing import run_imports
from cfm_workflow.worker.webhooks import Webhooks
from tests.posting import allow_loopback, listen, post_all, walk
from tests.sinks import Sink, sink
from tests.world import World


def types_for(world: World, receiver: Sink, *patterns: str, **fields: Any) -> set[str]:
    listen(world.ada, receiver, *patterns, **fields)
    walk(world)
    world.person("Eve", "agent")
    csv = {"data": "text\nhello\n", "content_type": "text/csv", "query_string": {"map.text": "text"}}
    world.sam.expect(202, "POST", "/imports", **csv)
    run_imports(world.service)
    post_all(world.service, Webhooks(world.service))
    return set(receiver.types)


@pytest.mark.parametrize(
    ("patterns", "there", "not_there"),
    [
        (["*"], {"feedback.received", "action.accepted"}, {"user.created", "webhook.created"}),
        (["action.*"], {"action.accepted", "action.completed"}, {"feedback.received", "action_group.completed"}),
        (["action.accepted", "user.*"], {"action.accepted", "user.created"}, {"action.started"}),
    ],
)
def test_patterns_choose(
    small_world: World, receiver: Sink, patterns: list[str], there: set[str], not_there: set[str]
) -> None:
    allow_loopback(small_world)
    found = types_for(small_world, receiver, *patterns)
    assert there <= found and not not_there & found


def test_with_a_filter_only_events_about_actions_come(small_world: World, receiver: Sink) -> None:
    allow_loopback(small_world)
    it = small_world.ada.post("/teams", {"key": "it", "name": "IT", "members": ["olga@example.com"]})
    with sink() as nobody, sink() as callbacks:
        listen(small_world.ada, receiver, teams=["care"])
        listen(small_world.ada, nobody, teams=[it["id"]])
        listen(small_world.ada, callbacks, workflows=["callback"])
        walk(small_world)
        post_all(small_world.service, Webhooks(small_world.service))
        assert {kind.split(".")[0] for kind in receiver.types} == {"action"}
        assert (nobody.received, callbacks.received) == ([], [])


def test_history_comes_only_where_it_was_asked_for(small_world: World, receiver: Sink) -> None:
    allow_loopback(small_world)
    with sink() as other:
        listen(small_world.ada, receiver, "feedback.*", include_imported=True)
        listen(small_world.ada, other, "feedback.*")
        csv = {"data": "text\nhello\n", "content_type": "text/csv", "query_string": {"map.text": "text"}}
        small_world.sam.expect(202, "POST", "/imports", **csv)
        run_imports(small_world.service)
        post_all(small_world.service, Webhooks(small_world.service))
        assert (receiver.types, other.types) == (["feedback.received"], [])


def test_a_test_goes_to_its_endpoint_alone(world: World, channel: Webhooks, receiver: Sink) -> None:
    with sink() as other:
        made = listen(world.ada, receiver, "action.completed", workflows=["callback"])
        listen(world.ada, other)
        delivery = world.ada.expect(202, "POST", f"/webhooks/{made['id']}/test")
        assert (delivery["type"], delivery["state"], delivery["attempts"]) == ("webhook.test", "pending", [])
        post_all(world.service, channel)
        assert (receiver.types, other.types) == (["webhook.test"], [])
        assert receiver.received[0].event["data"]["webhook"]["id"] == made["id"]
    assert world.ada.get(f"/deliveries/{delivery['id']}")["attempts"][0]["status"] == 204
