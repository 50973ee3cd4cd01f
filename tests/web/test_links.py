"""Links in mails: GET shows, POST acts once and as the one it was sent to, also when many come at once."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cfm_workflow import clock
from cfm_workflow.policy.audiences import KINDS
from cfm_workflow.web.kinds import SECTIONS
from tests.concurrency.at_once import at_once
from tests.web.sent_links import END, get, post, sent, state
from tests.world import World


def test_a_link_shows_what_it_is_about_and_accepts_once(world: World, noon: datetime) -> None:
    item = world.feedback("My miles are <missing>.")
    action = world.give("Alice", item=item, due_at="2026-12-01T16:00:00Z")["actions"][0]
    link = sent(world, world.alice, "accept", action)
    page = get(world, link)
    assert page.status_code == 200
    for told in ("Restore the miles", "My miles are &lt;missing&gt;.", "Tue 1 Dec 2026, 16:00", "Olga", "Assigned"):
        assert told in page.text
    assert state(world, action) == "assigned"

    done = post(world, link)
    assert (done.status_code, state(world, action)) == (200, "accepted")
    *_, event = world.events(types="action.accepted")
    assert event["data"]["actor"] == {"type": "user", "id": world.alice.id, "name": "Alice"}
    for again in (post(world, link), get(world, link)):
        assert again.status_code == 410
        assert "used already" in again.text and "Accepted" in again.text and "<form" not in again.text
    assert world.history(action) == ["action.assigned", "action.accepted"]


def test_a_link_completes_from_whatever_state_with_what_was_typed(world: World) -> None:
    action = world.action("Alice")
    link = sent(world, world.alice, "complete", action)
    form = {"outcome": "fixed", "resolution": "Restored.\r\nAll of them.", "reason": "", "root_cause": " Sync "}
    assert post(world, link, **form).status_code == 200
    shown = world.ada.get(f"/actions/{action['id']}")
    assert (shown["state"], shown["outcome"]) == ("done", "fixed")
    assert (shown["resolution"], shown["root_cause"]) == ("Restored.\nAll of them.", "Sync")
    assert world.history(action)[-3:] == ["action.accepted", "action.started", "action.completed"]
    assert post(world, link, **form).status_code == 410


def test_to_complete_is_to_hand_in_where_work_is_approved(small_world: World) -> None:
    action = small_world.action("Alice", workflow="callback")
    link = sent(small_world, small_world.alice, "complete", action)
    assert "Submit for approval" in get(small_world, link).text
    assert post(small_world, link, **END).status_code == 200
    assert state(small_world, action) == "awaiting_approval"


def test_a_link_leaves_one_comment(world: World) -> None:
    action = world.action("Alice")
    link = sent(world, world.alice, "comment", action)
    assert post(world, link, comment="내일 다시 전화합니다.").status_code == 200
    assert post(world, link, comment="Once more.").status_code == 410
    comments = [event["data"]["comment"] for event in world.events(types="action.commented")]
    assert comments == ["내일 다시 전화합니다."]


def test_the_link_to_the_preferences_is_good_until_it_expires(world: World, noon: datetime) -> None:
    link = sent(world, world.alice, "preferences")
    for level in ("never", "at_once", ""):
        answer = post(world, link, **{"action.accepted": level, "no.such.kind": "never"})
        assert answer.status_code == 200 and "Saved." in answer.text
        shown = world.alice.get("/me/preferences")["notices"]
        assert (shown["action.accepted"]["level"], shown["action.accepted"]["source"]) == (
            level or "digest",
            "own" if level else "built_in",
        )
    assert {kind for kind, held in shown.items() if held["source"] != "built_in"} == set()
    actors = {event["data"]["actor"]["id"] for event in world.events(types="user.changed")}
    assert actors == {world.alice.id}
    clock.freeze(noon + timedelta(days=14))
    assert post(world, link, siblings="never").status_code == 410


def test_every_kind_of_notice_can_be_chosen_by_name(small_world: World) -> None:
    assert {kind for section in SECTIONS.values() for kind in section} == set(KINDS)
    page = get(small_world, sent(small_world, small_world.alice, "preferences")).text
    assert set(re.findall(r'<select id="([^"]+)" name="\1"', page)) == set(KINDS)


def test_of_those_whom_a_pool_is_offered_the_first_has_it(world: World) -> None:
    action = world.pool_action()
    alice, bob = (sent(world, person, "accept", action) for person in (world.alice, world.bob))
    assert post(world, sent(world, world.mallory, "accept", action)).status_code == 410  # is no member
    assert post(world, bob).status_code == 200
    late = post(world, alice)
    assert late.status_code == 410 and "Bob" in late.text
    assert world.ada.get(f"/actions/{action['id']}")["assignee"]["name"] == "Bob"


def test_a_link_used_twice_at_once_acts_once(world: World) -> None:
    for _ in range(10):
        action = world.action("Alice")
        link = sent(world, world.alice, "comment", action)
        answers = at_once([lambda: post(world, link, comment="Once.") for _ in range(2)])  # noqa: B023
        assert sorted(answer.status_code for answer in answers) == [200, 410]
        assert world.history(action) == ["action.assigned", "action.commented"]


def test_a_link_and_a_reassignment_at_once_never_move_what_is_somebody_elses(world: World) -> None:
    for _ in range(10):
        action = world.action("Ada")
        link = sent(world, world.ada, "accept", action)
        give: Callable[[], Any] = lambda: world.olga.ask(  # noqa: E731
            "POST",
            f"/actions/{action['id']}/transitions",  # noqa: B023
            {"transition": "reassign", "assignee": "bob@example.com", "reason": "Away."},
        )
        at_once([give, lambda: post(world, link)])  # noqa: B023
        history = world.events(action=action["id"])
        by_assignee = [
            event["data"]["action"]["assignee"]["id"] == world.ada.id
            for event in history
            if event["type"] == "action.accepted"
        ]
        assert all(by_assignee)
