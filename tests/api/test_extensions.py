"""More time: asked for by the assignee, granted, refused or withdrawn, and what ends a request without an answer."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cfm_workflow import clock
from cfm_workflow.queries import actions as actions_query
from cfm_workflow.queries import callers, my_work
from cfm_workflow.worker.reminders import tell_reminders
from tests.concurrency.at_once import asking, at_once, statuses
from tests.plans import plan
from tests.world import World

DUE, LATER, LATEST = "2026-12-01T16:00:00Z", "2026-12-03T16:00:00Z", "2026-12-05T16:00:00Z"
WHY = "The part arrives on Thursday."


def asked(world: World, *, due_at: str = DUE, **fields: Any) -> Any:
    """An action of Alice who asks for more time."""
    action = world.action(due_at=due_at)
    wanted = {"due_at": LATER, "reason": WHY} | fields
    return world.alice.post(f"/actions/{action['id']}/extension", wanted)


def path(action: Any, what: str = "") -> str:
    return f"/actions/{action['id']}/extension{what}"


def latest(world: World, action: Any) -> dict[str, Any]:
    """The data of the last event of an action."""
    history = world.ada.get(f"/actions/{action['id']}/events", limit=200)
    data: dict[str, Any] = history["items"][-1]["data"]
    return data


def test_what_is_asked_for_stands_in_the_action_until_it_is_granted(world: World, noon: datetime) -> None:
    action = asked(world)
    request = {"due_at": LATER, "reason": WHY, "asked_at": "2026-11-23T12:00:00Z"}
    assert action["extension_request"] == request and action["due_at"] == DUE
    assert [one["id"] for one in world.bob.get("/actions", extension_requested="true")["items"]] == [action["id"]]
    granted = world.olga.post(path(action, "/grant"), {})
    assert (granted["due_at"], granted["first_due_at"]) == (LATER, DUE)
    assert granted["extension_request"] is None
    assert world.history(action)[1:] == ["action.extension_requested", "action.extension_granted"]
    told = latest(world, action)
    assert told["changes"]["due_at"] == {"from": DUE, "to": LATER}
    assert (told["extension_request"], told["reason"]) == (request, WHY)
    [moved] = world.alice.get(f"/actions/{action['id']}/due")["changes"]
    assert (moved["to"], moved["reason"], moved["actor"]["name"]) == (LATER, WHY, "Olga")
    assert world.bob.get("/actions", extension_requested="true")["items"] == []


def test_another_date_can_be_granted_and_a_refusal_says_why(world: World) -> None:
    action = asked(world)
    assert world.lea.post(path(action, "/grant"), {"due_at": LATEST, "reason": "Take your time."})["due_at"] == LATEST
    assert latest(world, action)["reason"] == "Take your time."
    action = asked(world)
    assert list(world.sam.expect(422, "POST", path(action, "/refuse"), {})["errors"]) == ["reason"]
    refused = world.sam.post(path(action, "/refuse"), {"reason": "She leaves on the 2nd."})
    assert (refused["due_at"], refused["extension_request"]) == (DUE, None)
    assert latest(world, action)["reason"] == "She leaves on the 2nd."
    world.alice.post(path(action), {"due_at": LATER, "reason": WHY})
    assert world.alice.expect(200, "DELETE", path(action))["extension_request"] is None
    assert world.history(action)[-1] == "action.extension_withdrawn"
    for who, method, what in ((world.olga, "POST", "/grant"), (world.alice, "DELETE", "")):
        who.expect(409, method, path(action, what), {} if what else None)


def test_asking_again_replaces_what_was_asked_for(small_world: World) -> None:
    action = asked(small_world)
    again = small_world.alice.post(path(action), {"due_at": LATEST, "reason": "Friday."})
    assert again["extension_request"]["due_at"] == LATEST
    assert small_world.alice.post(path(action), {"due_at": LATEST, "reason": "Friday."}) == again
    assert small_world.history(action).count("action.extension_requested") == 2


def test_days_and_spans_keep_their_rule(world: World, noon: datetime) -> None:
    action = world.action(due_in="PT3H")
    world.alice.post(path(action), {"due_in": {"business_days": 2}, "reason": WHY})
    world.alice.fire(action, "accept")
    world.alice.fire(action, "wait", reason="The customer is asked.", until_answer=True)
    clock.freeze(noon + timedelta(days=3))
    went_on = world.alice.fire(action, "resume")
    granted = world.olga.post(path(action, "/grant"), {})
    explained = world.olga.get(f"/actions/{action['id']}/due")
    assert explained["rule"] == {"in": {"business_days": 2}}
    assert granted["due_at"] == explained["due_at"] == "2026-11-30T12:00:00Z"  # three of the days it waited
    assert went_on["extension_request"]["due_at"] == granted["due_at"]
    world.alice.post(path(action), {"due_on": "2026-12-04", "reason": WHY})
    assert world.olga.post(path(action, "/grant"), {})["due_at"] == "2026-12-04T18:00:00Z"
    assert world.olga.get(f"/actions/{action['id']}/due")["rule"] == {"on": "2026-12-04"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"due_at": DUE}, "due_at"),
        ({"due_at": "2026-11-30T16:00:00Z"}, "due_at"),
        ({"due_in": "PT1H"}, "due_in"),
        ({"due_on": "2026-11-30"}, "due_on"),
        ({"due_on": "2026-12-06"}, "due_on"),
        ({"due_at": LATER, "due_on": "2026-12-04"}, "due_on"),
        ({"due_in": {"business_days": 2, "calendar": 1}}, "due_in"),
        ({}, "due_at"),
        ({"due_at": None}, "due_at"),
    ],
)
def test_only_a_later_date_can_be_asked_for_and_given(
    small_world: World, noon: datetime, body: dict[str, Any], field: str
) -> None:
    action = asked(small_world)
    problem = small_world.alice.expect(422, "POST", path(action), body | {"reason": WHY})
    assert list(problem["errors"]) == [field]
    if body:
        assert list(small_world.olga.expect(422, "POST", path(action, "/grant"), body)["errors"]) == [field]
    assert small_world.olga.get(f"/actions/{action['id']}") == action


def test_what_has_passed_meanwhile_is_not_granted(small_world: World, noon: datetime) -> None:
    action = asked(small_world)
    clock.freeze(noon + timedelta(days=30))
    assert list(small_world.olga.expect(422, "POST", path(action, "/grant"), {})["errors"]) == ["due_at"]
    assert small_world.olga.post(path(action, "/grant"), {"due_in": "P1D"})["extension_request"] is None


def test_whoever_may_move_the_date_need_not_ask(small_world: World) -> None:
    own = small_world.give("Olga", due_at=DUE)["actions"][0]
    wanted = {"due_at": LATER, "reason": WHY}
    small_world.olga.expect(409, "POST", path(own), wanted)
    small_world.ada.expect(409, "POST", path(own), wanted)
    action = small_world.action(due_at=DUE)
    for person in (small_world.lea, small_world.olga, small_world.mallory):
        assert person.expect(403, "POST", path(action), wanted)["missing_right"] == "action.ask_extension"
    small_world.alice.expect(409, "POST", path(small_world.action()), wanted)  # it has no due date
    small_world.alice.fire(action, "decline", reason="Not mine.")
    small_world.alice.expect(409, "POST", path(action), wanted)


def test_the_deputy_asks_for_what_is_theirs_meanwhile(small_world: World, noon: datetime) -> None:
    away = {"from": "2026-11-20T11:00:00Z", "to": "2026-11-30T12:00:00Z", "deputy": small_world.bob.email}
    small_world.alice.post(f"/users/{small_world.alice.id}/absences", away)
    action = small_world.action(due_at=DUE)
    small_world.alice.expect(403, "POST", path(action), {"due_at": LATER, "reason": WHY})
    assert small_world.bob.post(path(action), {"due_at": LATER, "reason": WHY})["extension_request"]


@pytest.mark.parametrize("end", ["done", "handed on", "moved", "no longer due", "cancelled by its group"])
def test_a_request_ends_with_what_it_was_about(world: World, end: str) -> None:
    group = world.give("Alice", "Bob", due_at=DUE, completion="any")
    action, other = group["actions"]
    world.alice.post(path(action), {"due_at": LATER, "reason": WHY})
    if end == "done":
        world.alice.fire(action, "complete", outcome="fixed", through=True)
    elif end == "handed on":
        world.olga.fire(action, "reassign", assignee=world.lea.email, reason="She knows it.")
    elif end == "moved":
        world.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"due_at": LATEST, "reason": "No hurry."})
    elif end == "no longer due":
        world.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"due_at": None, "reason": "No hurry."})
    else:
        world.bob.fire(other, "complete", outcome="fixed", through=True)
    assert world.olga.get(f"/actions/{action['id']}")["extension_request"] is None
    told = latest(world, action)
    assert world.history(action)[-1] == "action.extension_withdrawn"
    assert told["actor"] == {"type": "system", "name": "extension"} and told["reason"]
    assert told["extension_request"]["due_at"] == LATER
    world.olga.expect(409, "POST", path(action, "/grant"), {})
    resolved = [
        event["data"]["actor"]["name"] for event in world.events(types="feedback.resolved,action_group.completed")
    ]
    assert "extension" not in resolved


def test_what_touches_neither_person_nor_date_leaves_a_request(small_world: World) -> None:
    action = asked(small_world)
    small_world.alice.fire(action, "accept")
    small_world.alice.fire(action, "start")
    small_world.olga.expect(200, "PATCH", f"/actions/{action['id']}", {"priority": "high"})
    assert small_world.olga.get(f"/actions/{action['id']}")["extension_request"]["due_at"] == LATER


def test_undoing_the_end_takes_the_end_back_and_not_the_words_about_time(small_world: World) -> None:
    action = asked(small_world)
    small_world.alice.fire(action, "complete", outcome="fixed", through=True)
    undone = small_world.alice.fire(action, "undo")
    assert undone["state"] == "in_progress" and undone["extension_request"] is None
    small_world.alice.post(path(action), {"due_at": LATER, "reason": WHY})


def test_those_who_gave_the_work_or_lead_find_what_waits_for_their_answer(world: World) -> None:
    action = asked(world)
    for person in (world.olga, world.lea):
        found = person.get("/me/actions", extension_requests="true", count="true")
        assert ([one["id"] for one in found["items"]], found["total"]) == ([action["id"]], 1)
    for person in (world.alice, world.bob, world.sam, world.mallory):
        assert person.get("/me/actions", extension_requests="true")["items"] == []
    problem = world.olga.expect(
        422, "GET", "/me/actions", query_string={"extension_requests": "true", "offered": "true"}
    )
    assert list(problem["errors"]) == ["extension_requests"]


def test_what_is_asked_for_is_found_by_its_index(world: World, noon: datetime) -> None:
    with world.service.database.reading() as session:
        lea, olga = (callers.by_id(session, person.id) for person in (world.lea, world.olga))
    assert lea is not None and olga is not None
    for sort in ("due_at", "-created_at"):
        for wanted in ({"extension_requested": True}, {"answerable_by": lea}, {"answerable_by": olga}):
            how = plan(
                world,
                lambda session: actions_query.page(session, lea, wanted | {"sort": sort}, now=noon),  # noqa: B023
            )
            assert "ix_actions_extension" in how, (sort, wanted, how)
    between = my_work.borders(noon, ZoneInfo("UTC"))
    assert "ix_actions_extension" in plan(world, lambda session: my_work.counts(session, lea, between, {}))


def test_an_answer_to_what_was_changed_meanwhile_is_refused(small_world: World) -> None:
    action = asked(small_world)
    small_world.alice.post(path(action), {"due_at": LATEST, "reason": WHY})
    for what, body in (("/grant", {}), ("/refuse", {"reason": "No."})):
        headers = {"If-Match": f'"{action["version"]}"'}
        small_world.olga.expect(412, "POST", path(action, what), body, headers=headers)


def test_a_restricted_team_is_asked_and_answers_unseen(small_world: World) -> None:
    small_world.ada.expect(200, "PATCH", f"/teams/{small_world.care['id']}", {"restricted": True})
    given = small_world.give(assignees=[{"team": "care", "mode": "pool"}], due_at=DUE)["actions"][0]
    action = small_world.alice.fire(given, "accept")
    small_world.alice.post(path(action), {"due_at": LATER, "reason": WHY})
    assert small_world.mallory.get("/actions", extension_requested="true")["items"] == []
    small_world.mallory.expect(404, "POST", path(action, "/grant"), {})
    small_world.mallory.expect(404, "POST", path(action), {"due_at": LATER, "reason": WHY})
    assert small_world.lea.post(path(action, "/grant"), {})["due_at"] == LATER


def test_reminders_follow_the_date_that_was_granted(world: World, noon: datetime) -> None:
    action = asked(world, due_at="2026-11-23T16:00:00Z")
    world.olga.post(path(action, "/grant"), {})
    clock.freeze(noon + timedelta(days=1))
    tell_reminders(world.service)
    assert "action.overdue" not in world.history(action)
    clock.freeze(noon + timedelta(days=12))
    tell_reminders(world.service)
    assert "action.overdue" in world.history(action)


def test_of_two_who_answer_at_once_one_is_heard(world: World) -> None:
    action = asked(world)
    calls = [
        asking(world, world.olga, "POST", path(action, "/grant"), {}),
        asking(world, world.lea, "POST", path(action, "/refuse"), {"reason": "No."}),
        asking(world, world.sam, "POST", path(action, "/grant"), {"due_at": LATEST}),
    ]
    assert statuses(at_once(calls)) == [200, 409, 409]
    assert len(world.history(action)) == 3
