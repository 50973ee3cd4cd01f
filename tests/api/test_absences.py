"""Absences: who gets the work of somebody who is away, and what comes back."""

from datetime import datetime
from typing import Any

import pytest

from cfm_workflow import clock
from cfm_workflow.worker.absences import turn_absences
from tests.api.away import DAY, HOUR, be_away, now_has, path, plan, who_got
from tests.api.statements import counted
from tests.world import World


def watchers(world: World, action: Any) -> list[str]:
    return [row["user"]["name"] for row in world.ada.get(f"/actions/{action['id']}/watchers")["items"]]


# -- what is there ---------------------------------------------------------------------------------------------------


def test_an_absence_says_everything_it_was_planned_with(world: World, noon: datetime) -> None:
    made = plan(world, "Alice", noon + DAY, noon + 3 * DAY, deputy="bob@example.com", note="On holiday.")
    assert made["state"] == "planned" and made["note"] == "On holiday."
    assert (made["from"], made["to"]) == ("2026-11-24T12:00:00Z", "2026-11-26T12:00:00Z")
    assert made["deputy"] == {"id": world.bob.id, "name": "Bob", "email": "bob@example.com"}
    assert world.mallory.get(path(world.alice))["items"] == [made]


def test_absences_are_listed_with_the_latest_first_page_by_page(world: World, noon: datetime) -> None:
    made = [plan(world, "Alice", noon + n * DAY, noon + n * DAY + HOUR)["id"] for n in (3, 1, 5, 2)]
    plan(world, "Bob", noon + DAY, noon + 2 * DAY)
    first = world.olga.get(path(world.alice), limit=3)
    rest = world.olga.get(path(world.alice), limit=3, cursor=first["next_cursor"])
    ids = [item["id"] for item in first["items"] + rest["items"]]
    assert ids == [made[2], made[0], made[3], made[1]] and rest["next_cursor"] is None


def test_a_person_shows_until_when_they_are_away_and_who_stands_in(world: World, noon: datetime) -> None:
    assert (world.olga.get(f"/users/{world.alice.id}")["away_until"]) is None
    be_away(world, "Alice", "Bob")
    seen = world.olga.get(f"/users/{world.alice.id}")
    assert (seen["away_until"], seen["deputy"]["name"]) == ("2026-11-30T12:00:00Z", "Bob")
    clock.freeze(noon + 7 * DAY)
    seen = world.olga.get(f"/users/{world.alice.id}")
    assert (seen["away_until"], seen["deputy"]) == (None, None)


# -- who gets what is given ------------------------------------------------------------------------------------------


def test_what_is_given_to_somebody_who_is_away_is_their_deputys(world: World, noon: datetime) -> None:
    be_away(world, "Alice", "Bob")
    made = world.give("Alice")
    assert who_got(made) == [("Bob", "Alice")]
    [action] = made["actions"]
    assert watchers(world, action) == ["Alice"]
    [event] = world.events(types="action.assigned", action=action["id"])
    assert event["data"]["on_behalf_of"] == {"id": world.alice.id, "name": "Alice"}
    world.bob.fire(action, "accept")
    assert now_has(world, action) == ("Bob", "Alice")


def test_it_is_the_deputys_from_the_instant_on_however_late_the_clock_is(world: World, noon: datetime) -> None:
    plan(world, "Alice", noon + HOUR, noon + DAY, deputy="bob@example.com")
    assert who_got(world.give("Alice")) == [("Alice", None)]
    clock.freeze(noon + HOUR)
    assert who_got(world.give("Alice")) == [("Bob", "Alice")]
    clock.freeze(noon + DAY)
    assert who_got(world.give("Alice")) == [("Alice", None)]


def test_without_a_deputy_it_is_the_leads_and_without_a_lead_it_stays(world: World, noon: datetime) -> None:
    for name in ("Alice", "Mallory"):
        be_away(world, name)
    assert who_got(world.give("Alice", "Mallory")) == [("Lea", "Alice"), ("Mallory", None)]


def test_the_lead_of_the_team_that_the_work_is_given_to_comes_first(world: World, noon: datetime) -> None:
    body = {"key": "it", "name": "IT", "lead": "olga@example.com", "members": ["alice@example.com"]}
    world.ada.post("/teams", body)
    be_away(world, "Alice")
    assert who_got(world.give(assignees=[{"team": "it", "mode": "everyone"}])) == [("Olga", "Alice")]


def test_everyone_of_a_team_is_each_once_and_a_deputy_has_no_second_share(world: World, noon: datetime) -> None:
    be_away(world, "Alice", "Bob")
    made = world.give(assignees=[{"team": "care", "mode": "everyone"}])
    assert who_got(made) == [("Lea", None), ("Bob", None)]
    made = world.give(assignees=[{"user": "alice@example.com"}, {"user": "bob@example.com"}])
    assert who_got(made) == [("Bob", None)]


@pytest.mark.parametrize("mode", ["round_robin", "least_busy"])
def test_a_turn_passes_people_who_are_away(world: World, noon: datetime, mode: str) -> None:
    be_away(world, "Alice", "Mallory")
    turns = [who_got(world.give(assignees=[{"team": "care", "mode": mode}]))[0] for _ in range(4)]
    assert turns == [("Lea", None), ("Bob", None)] * 2


def test_when_all_are_away_the_turn_is_somebodys_deputys(world: World, noon: datetime) -> None:
    for name in ("Lea", "Alice", "Bob"):
        be_away(world, name, "Mallory")
    assert who_got(world.give(assignees=[{"team": "care", "mode": "round_robin"}])) == [("Mallory", "Lea")]


def test_reassigned_to_somebody_who_is_away_it_is_their_deputys(world: World, noon: datetime) -> None:
    action = world.action("Mallory")
    be_away(world, "Alice", "Bob")
    seen = world.olga.fire(action, "reassign", assignee="alice@example.com", reason="She knows the customer.")
    assert (seen["assignee"]["name"], seen["on_behalf_of"]["name"]) == ("Bob", "Alice")
    event = world.events(types="action.reassigned", action=action["id"])[-1]["data"]
    assert event["on_behalf_of"] == {"id": world.alice.id, "name": "Alice"}
    assert watchers(world, action) == ["Alice"]
    seen = world.olga.fire(action, "reassign", assignee="mallory@example.com", reason="Back to her.")
    assert (seen["assignee"]["name"], seen["on_behalf_of"]) == ("Mallory", None)


def test_what_is_reopened_is_the_deputys_of_whoever_had_it(world: World, noon: datetime) -> None:
    done = world.alice.fire(world.action(), "complete", through=True, outcome="fixed")
    absence = be_away(world, "Alice", "Bob")
    assert now_has(world, done) == ("Alice", None)
    world.olga.fire(done, "reopen", reason="Not solved.")
    assert now_has(world, done) == ("Bob", "Alice")

    world.bob.fire(done, "complete", through=True, outcome="fixed")
    world.olga.fire(done, "reopen", reason="Still not.")
    assert now_has(world, done) == ("Bob", "Alice")

    world.bob.fire(done, "complete", through=True, outcome="fixed")
    world.alice.expect(204, "DELETE", path(world.alice, absence))
    world.olga.fire(done, "reopen", reason="And again.")
    assert now_has(world, done) == ("Bob", None)


def test_when_the_deputy_is_away_as_well_it_is_the_leads(world: World, noon: datetime) -> None:
    be_away(world, "Alice", "Bob")
    mine, his = world.action("Alice"), world.action("Bob")
    assert now_has(world, mine) == ("Bob", "Alice")
    be_away(world, "Bob", "Mallory")  # falls ill
    assert now_has(world, mine) == ("Lea", "Alice")
    assert now_has(world, his) == ("Mallory", "Bob")
    assert who_got(world.give("Alice")) == [("Lea", "Alice")]


def test_accepting_and_doing_work_asks_nothing_about_absences(world: World, noon: datetime) -> None:
    action = world.action()
    world.alice.get("/me")
    with counted(world.service) as statements:
        for transition in ("accept", "start"):
            world.alice.fire(action, transition)
        world.alice.fire(action, "complete", outcome="fixed")
    assert not [statement for statement in statements if "absences" in statement]
    with counted(world.service) as statements:
        world.give("Alice", "Bob")
    assert statements["SELECT absences"] == 1


# -- beginning, changing, coming back --------------------------------------------------------------------------------


def test_what_is_due_before_they_are_back_or_not_accepted_goes_to_the_deputy(world: World, noon: datetime) -> None:
    new, later = world.action(), world.action(due_at=(noon + 20 * DAY).isoformat())
    soon, overdue = (world.action(due_at=(noon + n * DAY).isoformat()) for n in (3, -1))
    handed_in = world.action(workflow="callback", due_at=(noon + DAY).isoformat())
    for action in (later, soon, overdue):
        world.alice.fire(action, "start", through=True)
    world.alice.fire(handed_in, "submit", through=True, outcome="fixed")
    theirs = world.action("Bob")

    be_away(world, "Alice", "Bob")

    for action in (new, soon, overdue):
        assert now_has(world, action) == ("Bob", "Alice")
        assert world.ada.get(f"/actions/{action['id']}")["state"] == "assigned"
        assert watchers(world, action) == ["Alice"]
    assert now_has(world, later) == now_has(world, handed_in) == ("Alice", None)
    assert now_has(world, theirs) == ("Bob", None)
    event = world.events(types="action.reassigned", action=new["id"])[-1]["data"]
    assert event["actor"] == {"type": "system", "name": "absence"}
    assert event["on_behalf_of"] == {"id": world.alice.id, "name": "Alice"}
    assert event["former_assignee"] == {"id": world.alice.id, "name": "Alice"}


def test_what_is_still_open_comes_back_when_the_absence_is_ended(world: World, noon: datetime) -> None:
    action, done, given_on = world.action(), world.action(), world.action()
    absence = be_away(world, "Alice", "Bob")
    world.bob.fire(action, "start", through=True)
    world.bob.fire(done, "complete", through=True, outcome="fixed")
    world.olga.fire(given_on, "reassign", assignee="mallory@example.com", reason="She has time.")

    world.alice.expect(204, "DELETE", path(world.alice, absence))

    assert now_has(world, action) == ("Alice", None)
    assert watchers(world, action) == []
    assert now_has(world, done) == ("Bob", "Alice")
    assert now_has(world, given_on) == ("Mallory", None)
    [seen] = world.alice.get(path(world.alice))["items"]
    assert (seen["state"], seen["to"]) == ("ended", "2026-11-23T12:00:00Z")
    assert [event["type"] for event in world.events(types="user.away,user.back")] == ["user.away", "user.back"]
    world.alice.expect(409, "DELETE", path(world.alice, absence))
    world.alice.expect(409, "PATCH", path(world.alice, absence), {"note": "Late."})


def test_who_watched_before_still_does_afterwards(world: World, noon: datetime) -> None:
    action = world.action()
    world.alice.expect(200, "PUT", f"/actions/{action['id']}/watchers/{world.alice.id}")
    absence = be_away(world, "Alice", "Bob")
    world.alice.expect(204, "DELETE", path(world.alice, absence))
    assert watchers(world, action) == ["Alice"]


def test_an_end_that_has_passed_ends_the_absence(world: World, noon: datetime) -> None:
    action = world.action()
    absence = be_away(world, "Alice", "Bob")
    clock.freeze(noon + 2 * HOUR)
    seen = world.alice.expect(200, "PATCH", path(world.alice, absence), {"to": (noon + HOUR).isoformat()})
    assert seen["state"] == "ended" and now_has(world, action) == ("Alice", None)


def test_a_new_deputy_takes_over_from_the_old_one(world: World, noon: datetime) -> None:
    action = world.action()
    absence = be_away(world, "Alice", "Bob")
    seen = world.sam.expect(200, "PATCH", path(world.alice, absence), {"deputy": "mallory@example.com"})
    assert seen["deputy"]["name"] == "Mallory" and seen["version"] > absence["version"]
    assert now_has(world, action) == ("Mallory", "Alice")
    world.sam.expect(200, "PATCH", path(world.alice, absence), {"deputy": None})
    assert now_has(world, action) == ("Lea", "Alice")


def test_staying_longer_hands_over_what_is_due_meanwhile(world: World, noon: datetime) -> None:
    action = world.action(due_at=(noon + 9 * DAY).isoformat())
    world.alice.fire(action, "accept")
    absence = be_away(world, "Alice", "Bob", days=7)
    assert now_has(world, action) == ("Alice", None)
    world.alice.expect(200, "PATCH", path(world.alice, absence), {"to": (noon + 14 * DAY).isoformat()})
    assert now_has(world, action) == ("Bob", "Alice")


def test_what_becomes_due_meanwhile_goes_to_the_deputy_with_the_clock(world: World, noon: datetime) -> None:
    action = world.action()
    world.alice.fire(action, "accept")
    be_away(world, "Alice", "Bob")
    assert now_has(world, action) == ("Alice", None)
    changes = {"due_at": (noon + DAY).isoformat(), "reason": "It is urgent now."}
    world.olga.expect(200, "PATCH", f"/actions/{action['id']}", changes)
    turn_absences(world.service)
    assert now_has(world, action) == ("Bob", "Alice")


def test_an_absence_that_has_not_begun_can_be_changed_and_forgotten(world: World, noon: datetime) -> None:
    absence = plan(world, "Alice", noon + DAY, noon + 2 * DAY, deputy="bob@example.com")
    changes = {"from": (noon + 3 * DAY).isoformat(), "to": (noon + 4 * DAY).isoformat(), "deputy": None, "note": "Ill."}
    seen = world.alice.expect(200, "PATCH", path(world.alice, absence), changes)
    assert (seen["from"], seen["deputy"], seen["note"], seen["version"]) == ("2026-11-26T12:00:00Z", None, "Ill.", 2)
    assert world.alice.expect(200, "PATCH", path(world.alice, absence), {"note": "Ill."})["version"] == 2
    world.alice.expect(204, "DELETE", path(world.alice, absence))
    world.alice.expect(404, "DELETE", path(world.alice, absence))
    assert world.alice.get(path(world.alice))["items"] == []


def test_an_absence_that_is_moved_forward_begins_at_once(world: World, noon: datetime) -> None:
    action = world.action()
    absence = plan(world, "Alice", noon + DAY, noon + 2 * DAY, deputy="bob@example.com")
    seen = world.alice.expect(200, "PATCH", path(world.alice, absence), {"from": (noon - HOUR).isoformat()})
    assert seen["state"] == "begun" and now_has(world, action) == ("Bob", "Alice")


def test_what_waits_for_approval_stays_with_whoever_handed_it_in(world: World, noon: datetime) -> None:
    absence = be_away(world, "Alice", "Bob")
    action = world.action(workflow="callback")
    world.bob.fire(action, "submit", through=True, outcome="fixed")
    world.alice.expect(204, "DELETE", path(world.alice, absence))
    assert now_has(world, action) == ("Bob", "Alice")
    assert world.olga.fire(action, "approve")["state"] == "done"


def test_the_deputy_gets_one_mail_for_everything(world: World, noon: datetime) -> None:
    for _ in range(3):
        world.action()
    clock.freeze(noon + HOUR)
    be_away(world, "Alice", "Bob")
    mails = world.sam.get("/mails", limit=200)["items"]
    new = [mail["person"]["name"] for mail in mails if mail["created_at"] == "2026-11-23T13:00:00Z"]
    assert sorted(new) == ["Alice", "Bob"]


# -- deputies who go -------------------------------------------------------------------------------------------------


def test_a_deputy_who_is_switched_off_is_none_any_more(world: World, noon: datetime) -> None:
    action = world.action()
    be_away(world, "Alice", "Bob")
    later = plan(world, "Lea", noon + DAY, noon + 2 * DAY, deputy="bob@example.com")
    world.ada.expect(200, "PATCH", f"/users/{world.bob.id}", {"active": False})
    assert world.lea.get(path(world.lea))["items"] == [later | {"deputy": None, "version": 2}]
    turn_absences(world.service)
    assert now_has(world, action) == ("Lea", "Alice")


def test_who_is_switched_off_is_not_away_any_more(world: World, noon: datetime) -> None:
    action = world.action()
    be_away(world, "Alice", "Bob")
    plan(world, "Alice", noon + 20 * DAY, noon + 21 * DAY)
    world.ada.expect(204, "DELETE", f"/users/{world.alice.id}")
    clock.freeze(noon + 30 * DAY)
    turn_absences(world.service)
    assert [item["state"] for item in world.ada.get(path(world.alice))["items"]] == ["ended"]
    assert now_has(world, action) == ("Bob", "Alice")
    world.ada.expect(
        409, "POST", path(world.alice), {"from": clock.now().isoformat(), "to": (clock.now() + DAY).isoformat()}
    )


# -- who may ---------------------------------------------------------------------------------------------------------


def test_people_plan_their_own_absences_and_supervisors_those_of_others(world: World, noon: datetime) -> None:
    world.person("Tom", "supervisor", supervises=["care"])
    world.ada.post("/teams", {"key": "it", "name": "IT", "members": ["mallory@example.com"]})
    world.person("Sid", "supervisor", supervises=["it"])
    made = [plan(world, "Alice", noon + n * DAY, noon + (n + 1) * DAY, by=who)
            for n, who in enumerate(("Alice", "Sam", "Tom", "Ada"), 1)]  # fmt: skip
    body = {"from": (noon + 9 * DAY).isoformat(), "to": (noon + 10 * DAY).isoformat()}
    for name in ("Bob", "Lea", "Olga", "Sid"):
        person = world.people[name]
        assert person.expect(403, "POST", path(world.alice), body)["missing_right"] == "absences.manage"
        person.expect(403, "PATCH", path(world.alice, made[0]), {"note": "No."})
        person.expect(403, "DELETE", path(world.alice, made[0]))
    world.bob.expect(404, "DELETE", path(world.bob, made[0]))
    world.ada.expect(404, "PATCH", path(world.bob, made[0]), {"note": "Not his."})


def test_a_deputy_sees_the_work_they_have_of_a_restricted_team_and_nothing_else(world: World, noon: datetime) -> None:
    legal = {"key": "legal", "name": "Legal", "restricted": True, "members": ["alice@example.com"]}
    world.ada.post("/teams", legal)
    secret, other = (world.alice.post("/feedback", {"text": text}) for text in ("Sealed.", "Sealed too."))
    to_legal = {"title": "Answer", "assignees": [{"team": "legal", "mode": "everyone"}]}
    [action] = world.alice.post(f"/feedback/{secret['id']}/actions", to_legal)["actions"]
    [kept] = world.alice.post(f"/feedback/{other['id']}/actions", to_legal)["actions"]
    assert kept["state"] == "accepted"  # she gave it to herself
    world.alice.fire(action, "release")
    world.mallory.expect(404, "GET", f"/actions/{action['id']}")

    absence = be_away(world, "Alice", "Mallory")

    assert now_has(world, action) == ("Mallory", "Alice")
    world.mallory.get(f"/actions/{action['id']}")
    world.mallory.get(f"/feedback/{secret['id']}")
    world.mallory.fire(action, "accept")
    for hidden in (f"/feedback/{other['id']}", f"/actions/{kept['id']}"):
        world.mallory.expect(404, "GET", hidden)
    listed = world.mallory.get("/actions", limit=200)["items"]
    assert kept["id"] not in {each["id"] for each in listed}

    world.alice.expect(204, "DELETE", path(world.alice, absence))
    world.mallory.expect(404, "GET", f"/feedback/{secret['id']}")


def test_who_is_away_still_sees_what_others_do_in_their_place(world: World, noon: datetime) -> None:
    legal = {"key": "legal", "name": "Legal", "restricted": True, "members": ["olga@example.com"]}
    world.ada.post("/teams", legal)
    item = world.olga.post("/feedback", {"text": "Sealed."})
    action = world.give(item=item, assignees=[{"team": "legal", "mode": "everyone"}])["actions"][0]
    world.olga.fire(action, "reassign", assignee="mallory@example.com", reason="An expert from outside.")
    be_away(world, "Mallory", "Bob")
    assert now_has(world, action) == ("Bob", "Mallory")
    world.mallory.get(f"/actions/{action['id']}")
    world.mallory.get(f"/feedback/{item['id']}")
