"""One action through its states: what is possible, what is refused, and what the answer says then."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from cfm_workflow import clock
from cfm_workflow.worker.waiting import resume_due
from tests.world import World


def test_through_walks_the_missing_steps_with_one_event_each(world: World) -> None:
    action = world.action()
    done = world.alice.fire(action, "complete", through=True, outcome="answered", comment="Called her.")
    assert (done["state"], done["outcome"], done["version"]) == ("done", "answered", 4)
    assert done["accepted_at"] and done["started_at"] and done["finished_at"]
    events = world.ada.get(f"/actions/{action['id']}/events")["items"]
    assert [event["type"] for event in events][1:] == ["action.accepted", "action.started", "action.completed"]
    assert [event["data"]["comment"] for event in events] == [None, None, None, "Called her."]


def test_through_that_is_refused_at_the_end_leaves_everything_as_it_was(world: World) -> None:
    action = world.action()
    world.alice.refused(422, action, "complete", through=True)
    world.alice.refused(422, action, "complete", through=True, outcome="nonsense")
    assert world.alice.get(f"/actions/{action['id']}") == action
    assert world.history(action) == ["action.assigned"]


def test_without_through_a_step_cannot_be_skipped(small_world: World) -> None:
    small_world.alice.refused(409, small_world.action(), "complete", outcome="fixed")


def test_the_end_keeps_outcome_root_cause_and_resolution(small_world: World) -> None:
    action = small_world.action()
    small_world.alice.fire(action, "accept")
    small_world.alice.fire(action, "start")
    fields = {"outcome": "fixed", "root_cause": "Wrong tariff", "resolution": "Paid back."}
    done = small_world.alice.fire(action, "complete", **fields)
    assert {name: done[name] for name in fields} == fields


def test_some_outcomes_require_a_reason(small_world: World) -> None:
    action = small_world.action()
    problem = small_world.alice.refused(422, action, "complete", through=True, outcome="wont_fix")
    assert list(problem["errors"]) == ["reason"]
    small_world.alice.fire(action, "complete", through=True, outcome="wont_fix", reason="Too late.")


def test_an_outcome_out_of_use_cannot_be_chosen(small_world: World) -> None:
    [fixed] = [each for each in small_world.ada.get("/outcomes")["items"] if each["key"] == "fixed"]
    small_world.ada.expect(200, "PATCH", f"/outcomes/{fixed['id']}", {"active": False})
    problem = small_world.alice.refused(422, small_world.action(), "complete", through=True, outcome="fixed")
    assert list(problem["errors"]) == ["outcome"]


# undo


def test_undo_within_ten_minutes_restores_state_and_forgets_the_outcome(world: World, noon: datetime) -> None:
    action = world.action()
    world.alice.fire(action, "complete", through=True, outcome="fixed", resolution="Paid.")
    clock.freeze(noon + timedelta(minutes=10))
    seen = world.alice.fire(action, "undo")
    assert (seen["state"], seen["outcome"], seen["resolution"], seen["finished_at"]) == (
        "in_progress",
        None,
        None,
        None,
    )
    assert seen["started_at"] == "2026-11-23T12:00:00Z"
    assert seen["reopened_count"] == 0
    assert world.history(action)[-1] == "action.undone"


def test_undo_is_over_after_ten_minutes(world: World, noon: datetime) -> None:
    action = world.action()
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    clock.freeze(noon + timedelta(minutes=10, seconds=1))
    problem = world.alice.refused(409, action, "undo")
    assert problem["blocked"]["undo"]["code"] == "too_late"


def test_only_the_one_who_finished_it_can_undo_it(small_world: World) -> None:
    action = small_world.action()
    small_world.alice.fire(action, "decline", reason="Not mine.")
    for person in (small_world.olga, small_world.sam, small_world.mallory):
        person.refused(403, action, "undo")
    assert small_world.alice.fire(action, "undo")["state"] == "assigned"


def test_undo_goes_back_to_waiting_with_its_end(world: World, noon: datetime) -> None:
    action = world.action()
    world.alice.fire(action, "accept")
    world.alice.fire(action, "start")
    world.alice.fire(action, "wait", reason="Parts.", until="2026-11-24T09:00:00Z")
    world.alice.fire(action, "complete", outcome="fixed")
    seen = world.alice.fire(action, "undo")
    assert (seen["state"], seen["waiting_until"]) == ("waiting", "2026-11-24T09:00:00Z")
    assert world.alice.fire(action, "resume")["state"] == "in_progress"


def test_what_was_undone_cannot_be_undone_again(small_world: World) -> None:
    action = small_world.action()
    small_world.alice.fire(action, "complete", through=True, outcome="fixed")
    small_world.alice.fire(action, "undo")
    small_world.alice.expect(403, "POST", f"/actions/{action['id']}/transitions", {"transition": "undo"})


def test_an_undone_approval_keeps_the_outcome_the_work_was_handed_in_with(small_world: World) -> None:
    action = small_world.action(workflow="callback")
    small_world.alice.fire(action, "accept")
    small_world.alice.fire(action, "start")
    assert small_world.alice.fire(action, "submit", outcome="answered")["state"] == "awaiting_approval"
    assert small_world.olga.fire(action, "approve")["state"] == "done"
    seen = small_world.olga.fire(action, "undo")
    assert (seen["state"], seen["outcome"]) == ("awaiting_approval", "answered")


# waiting


def test_the_clock_ends_waiting_at_the_instant_that_was_named(world: World, noon: datetime) -> None:
    action = world.action()
    world.alice.fire(action, "accept")
    seen = world.alice.fire(action, "wait", reason="She is away.", until="2026-11-24T09:00:00Z")
    assert (seen["state"], seen["category"], seen["waiting_until"]) == ("waiting", "waiting", "2026-11-24T09:00:00Z")
    clock.freeze(datetime.fromisoformat("2026-11-24T08:59:59Z"))
    resume_due(world.service)
    assert world.alice.get(f"/actions/{action['id']}")["state"] == "waiting"
    clock.freeze(datetime.fromisoformat("2026-11-24T09:00:00Z"))
    resume_due(world.service)
    resume_due(world.service)
    seen = world.alice.get(f"/actions/{action['id']}")
    assert (seen["state"], seen["waiting_until"]) == ("accepted", None)
    [resumed] = world.events(types="action.resumed")
    assert resumed["data"]["actor"] == {"type": "system", "name": "clock"}


def test_waiting_for_an_answer_ends_after_fourteen_days_at_the_latest(world: World, noon: datetime) -> None:
    action = world.action()
    world.alice.fire(action, "accept")
    world.alice.fire(action, "start")
    seen = world.alice.fire(action, "wait", reason="Asked her.", until_answer=True)
    assert seen["waiting_for_answer"] is True
    assert seen["waiting_until"] == "2026-12-07T12:00:00Z"
    clock.freeze(noon + timedelta(days=14))
    resume_due(world.service)
    seen = world.alice.get(f"/actions/{action['id']}")
    assert (seen["state"], seen["waiting_for_answer"]) == ("in_progress", False)


@pytest.mark.parametrize("fields", [{}, {"until_answer": False}, {"until": None}])
def test_waiting_needs_an_end(small_world: World, fields: dict[str, Any]) -> None:
    action = small_world.action("Alice", by="Alice")
    problem = small_world.alice.refused(422, action, "wait", reason="Asked.", **fields)
    assert list(problem["errors"]) == ["until"]


def test_waiting_cannot_end_in_the_past(small_world: World, noon: datetime) -> None:
    action = small_world.action("Alice", by="Alice")
    problem = small_world.alice.refused(422, action, "wait", reason="Asked.", until="2026-11-23T12:00:00Z")
    assert list(problem["errors"]) == ["until"]


def test_finished_while_waiting_is_not_resumed_by_the_clock(small_world: World, noon: datetime) -> None:
    action = small_world.action("Alice", by="Alice")
    small_world.alice.fire(action, "wait", reason="Parts.", until="2026-11-24T09:00:00Z")
    small_world.alice.fire(action, "complete", outcome="fixed")
    clock.freeze(noon + timedelta(days=3))
    resume_due(small_world.service)
    assert small_world.alice.get(f"/actions/{action['id']}")["state"] == "done"


# whose it is


def test_whoever_is_in_charge_reassigns_to_anybody(world: World) -> None:
    action = world.action()
    world.alice.fire(action, "accept")
    seen = world.olga.fire(action, "reassign", assignee="mallory@example.com", reason="She knows them.")
    assert (seen["state"], seen["assignee"]["name"], seen["accepted_at"]) == ("assigned", "Mallory", None)
    [event] = world.events(types="action.reassigned")
    assert event["data"]["former_assignee"]["name"] == "Alice"
    assert event["data"]["reason"] == "She knows them."
    world.alice.refused(403, action, "accept")
    world.mallory.fire(action, "accept")


def test_the_assignee_hands_on_to_a_colleague_of_the_same_team_only(world: World) -> None:
    action = world.action()
    problem = world.alice.refused(422, action, "reassign", assignee="mallory@example.com", reason="Busy.")
    assert list(problem["errors"]) == ["assignee"]
    assert world.alice.fire(action, "reassign", assignee="bob@example.com", reason="Busy.")["assignee"]["name"] == "Bob"


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"reason": "Busy."}, ["assignee"]),
        ({"assignee": "bob@example.com"}, ["reason"]),
        ({}, ["assignee", "reason"]),
        ({"assignee": "gone@example.com", "reason": "Busy."}, ["assignee"]),
        ({"assignee": "nobody@example.com", "reason": "Busy."}, ["assignee"]),
    ],
)
def test_reassigning_needs_somebody_who_is_there_and_a_reason(
    small_world: World, fields: dict[str, Any], missing: list[str]
) -> None:
    gone = small_world.person("Gone", "agent")
    small_world.ada.expect(204, "DELETE", f"/users/{gone.id}")
    problem = small_world.olga.refused(422, small_world.action(), "reassign", **fields)
    assert list(problem["errors"]) == missing


def test_released_work_of_ones_own_is_assigned_again(small_world: World) -> None:
    action = small_world.action()
    small_world.alice.fire(action, "accept")
    seen = small_world.alice.fire(action, "release")
    assert (seen["state"], seen["assignee"]["name"]) == ("assigned", "Alice")


def test_the_first_member_of_a_pool_to_accept_owns_the_action(world: World) -> None:
    action = world.pool_action()
    assert [a["id"] for a in world.bob.get("/me/actions", offered="true")["items"]] == [action["id"]]
    assert world.bob.fire(action, "accept")["assignee"]["name"] == "Bob"
    problem = world.alice.refused(403, action, "start")
    problem = world.alice.refused(409, action, "accept")
    assert problem["blocked"]["accept"]["code"] == "taken"
    assert "Bob" in problem["detail"]
    world.mallory.refused(403, action, "accept")
    assert world.alice.get("/me/actions", offered="true")["items"] == []


def test_released_work_of_a_pool_is_nobodys_again(world: World) -> None:
    action = world.pool_action()
    world.bob.fire(action, "accept")
    seen = world.bob.fire(action, "release")
    assert (seen["state"], seen["assignee"]) == ("assigned", None)
    assert world.alice.fire(action, "accept")["assignee"]["name"] == "Alice"


def test_through_takes_a_pool_action_on_the_way(small_world: World) -> None:
    done = small_world.bob.fire(small_world.pool_action(), "complete", through=True, outcome="fixed")
    assert (done["state"], done["assignee"]["name"]) == ("done", "Bob")


def test_nobody_declines_what_a_team_was_offered(small_world: World) -> None:
    small_world.bob.refused(403, small_world.pool_action(), "decline", reason="Not me.")


def test_passing_over_takes_it_from_ones_own_list_only(world: World) -> None:
    action = world.pool_action()
    for _ in range(2):
        world.bob.post(f"/actions/{action['id']}/pass-over")
    assert world.bob.get("/me/actions", offered="true")["items"] == []
    assert len(world.alice.get("/me/actions", offered="true")["items"]) == 1
    assert world.history(action) == ["action.assigned", "action.passed_over"]
    world.bob.fire(action, "accept")
    world.alice.expect(409, "POST", f"/actions/{action['id']}/pass-over", {})


def test_a_stale_no_is_not_taken(small_world: World) -> None:
    action = small_world.pool_action()
    path = f"/actions/{action['id']}/pass-over"
    small_world.alice.expect(200, "POST", path)
    small_world.bob.expect(412, "POST", path, headers={"If-Match": '"1"'})
    small_world.bob.expect(200, "POST", path, headers={"If-Match": '"2"'})


def test_reopened_work_goes_to_whoever_had_it(world: World) -> None:
    action = world.action()
    world.alice.fire(action, "complete", through=True, outcome="fixed", root_cause="Tariff")
    seen = world.olga.fire(action, "reopen", reason="It came back.")
    assert (seen["state"], seen["assignee"]["name"], seen["reopened_count"]) == ("assigned", "Alice", 1)
    assert seen["outcome"] is seen["root_cause"] is seen["finished_at"] is None
    world.alice.refused(403, action, "undo")


def test_reopened_work_goes_to_the_one_who_is_named(small_world: World) -> None:
    action = small_world.action()
    small_world.olga.fire(action, "cancel", reason="Not needed.")
    assert (
        small_world.olga.fire(action, "reopen", reason="Needed.", assignee="bob@example.com")["assignee"]["name"]
        == "Bob"
    )


def test_reopened_work_of_somebody_who_left_goes_to_the_lead(world: World) -> None:
    action = world.pool_action()
    world.bob.fire(action, "complete", through=True, outcome="fixed")
    world.ada.expect(204, "DELETE", f"/users/{world.bob.id}")
    assert world.olga.fire(action, "reopen", reason="It came back.")["assignee"]["name"] == "Lea"


def test_without_a_lead_somebody_must_be_named(small_world: World) -> None:
    gone = small_world.person("Gone", "agent")
    action = small_world.action("Gone")
    gone.fire(action, "complete", through=True, outcome="fixed")
    small_world.ada.expect(204, "DELETE", f"/users/{gone.id}")
    problem = small_world.olga.refused(422, action, "reopen", reason="It came back.")
    assert list(problem["errors"]) == ["assignee"]
    small_world.olga.fire(action, "reopen", reason="It came back.", assignee="bob@example.com")


# refusals


def test_a_refusal_says_the_state_what_is_allowed_and_why_the_rest_is_not(world: World) -> None:
    action = world.action()
    problem = world.alice.refused(409, action, "start")
    assert problem["current_state"] == "assigned"
    assert problem["allowed"] == ["accept", "decline", "reassign"]
    assert problem["blocked"]["start"]["code"] == "wrong_state"
    assert problem["blocked"]["cancel"]["code"] == "not_permitted"
    assert all(why["reason"] for why in problem["blocked"].values())
    assert set(problem["allowed"]) | set(problem["blocked"]) == set(_transitions(world))
    choices = world.alice.get(f"/actions/{action['id']}/transitions")
    assert choices == {name: problem[name] for name in ("current_state", "allowed", "blocked")}


def _transitions(world: World) -> list[str]:
    return [each["name"] for each in world.ada.get("/workflows/standard")["transitions"]]


def test_a_refused_transition_changes_nothing_and_tells_nobody(small_world: World) -> None:
    action = small_world.action()
    before = len(small_world.events())
    small_world.mallory.refused(403, action, "accept")
    small_world.alice.refused(409, action, "complete", outcome="fixed")
    assert small_world.alice.get(f"/actions/{action['id']}") == action
    assert len(small_world.events()) == before


def test_an_administrator_may_fire_everything(small_world: World) -> None:
    action = small_world.action()
    small_world.ada.fire(action, "accept")
    small_world.ada.fire(action, "start")
    assert small_world.ada.fire(action, "complete", outcome="fixed")["assignee"]["name"] == "Alice"


STALE = {"If-Match": '"7"'}


@pytest.mark.parametrize(
    ("who", "path", "body", "headers", "status"),
    [
        # each row is wrong in this way and in every later one: the first is what is said
        (None,      "9999", b"{",                                        STALE, 401),
        ("mallory", "9999", b"{",                                        STALE, 404),
        ("mallory", "own",  b"{",                                        STALE, 400),
        ("mallory", "own",  b'{"transition": "complete", "what": 1}',    STALE, 422),
        ("mallory", "own",  b'{"transition": "fly"}',                    STALE, 422),
        ("mallory", "own",  b'{"transition": "complete"}',               STALE, 412),
        ("mallory", "own",  b'{"transition": "complete"}',               {},    403),
        ("alice",   "own",  b'{"transition": "complete"}',               {},    409),
        ("alice",   "ready", b'{"transition": "complete"}',              {},    422),
    ],
)  # fmt: skip
def test_of_several_reasons_the_first_in_order_is_given(
    small_world: World, who: str | None, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    action = small_world.action()
    if path == "ready":
        small_world.alice.fire(action, "accept")
        small_world.alice.fire(action, "start")
    ident = path if path.isdigit() else action["id"]
    token = small_world.people[who.capitalize()].token if who else None
    response = small_world.app.test_client().post(
        f"/api/v1/actions/{ident}/transitions",
        data=body,
        content_type="application/json",
        headers=headers | ({"Authorization": f"Bearer {token}"} if token else {}),
    )
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize("fields", [{"assignee": "bob@example.com"}, {"until_answer": True}, {"outcome": "fixed"}])
def test_a_field_that_a_transition_does_not_know_is_refused(small_world: World, fields: dict[str, Any]) -> None:
    problem = small_world.alice.refused(422, small_world.action(), "accept", **fields)
    assert list(problem["errors"]) == list(fields)
