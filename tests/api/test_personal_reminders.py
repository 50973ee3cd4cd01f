"""Personal reminders over the API: set, snoozed, changed, cancelled, listed; who may, and what is refused."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from cfm_workflow import clock, limits
from cfm_workflow.operations import personal_reminders
from cfm_workflow.queries import callers
from cfm_workflow.queries import personal_reminders as reminders_query
from cfm_workflow.worker.reminders import tell_reminders
from tests.plans import plan
from tests.world import Person, World

TOMORROW = "2026-11-24T17:00:00Z"  # `noon` is that of 2026-11-23


def remind(person: Person, about: Any, **fields: Any) -> Any:
    """A reminder on an item, or on an action."""
    noun = "action" if "assignee" in about else "feedback"
    body = {noun: about["id"], "remind_at": TOMORROW, "text": "Call back"} | fields
    return person.expect(201, "POST", "/reminders", body)


def reminders(person: Person, **query: Any) -> list[int]:
    return [found["id"] for found in person.get("/reminders", **query)["items"]]


def at(path: Any) -> str:
    return f"/reminders/{path['id']}"


def test_somebody_is_reminded_of_an_item_for_themselves(world: World, noon: datetime) -> None:
    item = world.feedback()
    made = remind(world.mallory, item, remind_at="2026-11-25T02:00:00+09:00")
    assert made == {
        "id": made["id"],
        "feedback": item["id"],
        "action": None,
        "remind_at": TOMORROW,
        "text": "Call back",
        "for": ["mallory@example.com"],
        "state": "planned",
        "every": None,
        "if_answered": "keep",
        "occurrence": 0,
        "created_by": {"id": world.mallory.id, "name": "Mallory", "email": "mallory@example.com"},
        "created_at": "2026-11-23T12:00:00Z",
        "version": 1,
    }
    assert world.mallory.get(at(made)) == made
    [event] = world.events(types="reminder.set", feedback=item["id"])
    assert event["data"]["reminder"] == made
    assert event["data"]["subject"] == {"type": "reminder", "id": made["id"]}
    assert event["data"]["told"] == [{"id": world.mallory.id, "name": "Mallory", "as": "receiver"}]
    timeline = world.bob.get(f"/feedback/{item['id']}/timeline")["items"]
    assert [entry["type"] for entry in timeline] == ["feedback.received", "reminder.set"]


def test_others_are_reminded_of_an_action_each_once(world: World, noon: datetime) -> None:
    action = world.action("Alice")
    people = [world.alice.email, world.bob.id, "BOB@example.com"]
    made = remind(world.olga, action, **{"for": people}, every="P7D", if_answered="drop")
    assert (made["action"], made["feedback"]) == (action["id"], action["feedback_id"])
    assert made["for"] == ["alice@example.com", "bob@example.com"]
    assert (made["every"], made["if_answered"]) == ("P7D", "drop")
    [event] = world.events(types="reminder.set", action=action["id"])
    assert event["data"]["action"]["title"] == "Restore the miles" and event["data"]["sequence"] is None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"remind_at": "2026-11-23T11:59:59Z"}, "remind_at"),
    ({"remind_at": "2026-11-24T17:00:00"}, "remind_at"),
    ({"remind_at": "tomorrow"}, "remind_at"),
    ({"remind_at": "2200-01-01T00:00:00Z"}, "remind_at"),
    ({"remind_at": None}, "remind_at"),
    ({"text": " "}, "text"),
    ({"text": "x" * (limits.REMINDER + 1)}, "text"),
    ({"text": "\0"}, "text"),
    ({"every": "PT1H"}, "every"),
    ({"every": "P0D"}, "every"),
    ({"every": "-P1D"}, "every"),
    ({"every": "P1M"}, "every"),
    ({"every": "P99999D"}, "every"),
    ({"every": 1}, "every"),
    ({"if_answered": "perhaps"}, "if_answered"),
    ({"for": []}, "for"),
    ({"for": ["nobody@example.com"]}, "for"),
    ({"for": [True]}, "for"),
    ({"for": ["olga@example.com"] * (limits.REMINDER_RECEIVERS + 1)}, "for"),
    ({"for": None}, "for"),
    ({"feedback": 99_999}, "feedback"),
    ({"feedback": 2**63}, "feedback"),
    ({"action": 1}, "feedback"),
    ({"now": "yes"}, "now"),
    ({"state": "fired"}, "state"),
]


@pytest.mark.parametrize(
    ("fields", "name"), WRONG, ids=lambda value: str(value)[:40].encode("ascii", "replace").decode()
)
def test_what_is_wrong_is_named_and_nothing_is_set(
    small_world: World, noon: datetime, fields: dict[str, Any], name: str
) -> None:
    item = small_world.feedback()
    body = {"feedback": item["id"], "remind_at": TOMORROW, "text": "Call back"} | fields
    problem = small_world.olga.expect(422, "POST", "/reminders", body)
    assert {place.split(".")[0] for place in problem["errors"]} == {name}
    assert reminders(small_world.olga) == []


def test_an_action_that_is_not_there_and_neither_of_both_are_refused(small_world: World, noon: datetime) -> None:
    for about, name in (({"action": 99_999}, "action"), ({}, "feedback")):
        body = {"remind_at": TOMORROW, "text": "Call back", **about}
        assert list(small_world.olga.expect(422, "POST", "/reminders", body)["errors"]) == [name]


def test_the_past_is_told_at_once_if_that_is_meant(world: World, noon: datetime) -> None:
    made = remind(world.olga, world.feedback(), remind_at="2020-01-01T00:00:00Z", now=True)
    assert made["remind_at"] == "2026-11-23T12:00:00Z"
    tell_reminders(world.service)
    [event] = world.events(types="reminder.fired")
    assert event["data"]["late"] is False
    world.olga.expect(422, "PATCH", at(made), {"remind_at": "2020-01-01T00:00:00Z"})
    assert world.olga.expect(200, "PATCH", at(made), {"remind_at": "2020-01-01T00:00:00Z", "now": True})


def test_nobody_is_reminded_of_what_they_may_not_see_or_after_they_are_gone(world: World, noon: datetime) -> None:
    world.ada.post("/teams", {"key": "legal", "name": "Legal", "restricted": True, "members": [world.lea.email]})
    item = world.feedback()
    world.give(item=item, by="Sam", assignees=[{"team": "legal", "mode": "pool"}])
    body = {"feedback": item["id"], "remind_at": TOMORROW, "text": "Call back"}
    problem = world.sam.expect(422, "POST", "/reminders", body | {"for": [world.lea.email, world.bob.email]})
    assert list(problem["errors"]) == ["for.1"]
    assert list(world.bob.expect(422, "POST", "/reminders", body)["errors"]) == ["feedback"]
    world.ada.expect(200, "PATCH", f"/users/{world.lea.id}", {"active": False})
    problem = world.sam.expect(422, "POST", "/reminders", body | {"for": [world.lea.email]})
    assert "switched off" in problem["errors"]["for.0"][0]


def test_what_became_restricted_is_not_there_any_more(world: World, noon: datetime) -> None:
    item = world.feedback()
    made = remind(world.bob, item)
    world.ada.post("/teams", {"key": "legal", "name": "Legal", "restricted": True, "members": [world.lea.email]})
    world.give(item=item, by="Sam", assignees=[{"team": "legal", "mode": "pool"}])
    world.bob.expect(404, "GET", at(made))
    world.bob.expect(404, "PATCH", at(made), {"text": "Call"})
    assert reminders(world.bob) == []
    assert world.sam.get(at(made))["id"] == made["id"]


def test_a_program_reminds_people_but_not_itself(world: World, noon: datetime) -> None:
    item = world.feedback()
    made = world.ada.post("/integrations", {"name": "CRM", "scopes": ["feedback:read", "feedback:write"]})
    crm = Person("CRM", made["id"], "", made["token"], world.app.test_client())
    body = {"feedback": item["id"], "remind_at": TOMORROW, "text": "Call back"}
    assert list(crm.expect(422, "POST", "/reminders", body)["errors"]) == ["for"]
    reminder = crm.expect(201, "POST", "/reminders", body | {"for": [world.alice.id]})
    assert reminder["created_by"] == {"id": made["id"], "name": "CRM", "email": None}
    assert reminders(crm) == reminders(world.alice) == [reminder["id"]]


def test_who_set_it_whom_it_is_for_and_supervisors_see_and_change_it(world: World, noon: datetime) -> None:
    made = remind(world.olga, world.feedback(), **{"for": [world.alice.email]})
    for n, person in enumerate((world.olga, world.alice, world.sam, world.ada)):
        seen = person.expect(200, "PATCH", at(made), {"text": f"Call {n}"})
        assert (seen["text"], seen["version"]) == (f"Call {n}", 2 + n)
        assert person.get(at(made)) == seen
    for method, body in (("GET", None), ("PATCH", {"text": "Mine"}), ("DELETE", None)):
        world.mallory.expect(404, method, at(made), body)
    world.alice.expect(204, "DELETE", at(made))
    assert world.olga.get(at(made))["state"] == "cancelled"
    kinds = [event["type"] for event in world.events(types="reminder.*")]
    assert kinds == ["reminder.set", *["reminder.changed"] * 4, "reminder.cancelled"]


def test_a_list_holds_ones_own_and_supervisors_may_ask_for_others(world: World, noon: datetime) -> None:
    item, action = world.feedback(), world.action("Alice")
    later = remind(world.olga, item, remind_at="2026-11-25T12:00:00Z")
    first = remind(world.olga, action, **{"for": [world.alice.email]})
    other = remind(world.bob, item)
    gone = remind(world.bob, item)
    world.bob.expect(204, "DELETE", at(gone))
    assert reminders(world.olga) == [first["id"], later["id"]]
    assert reminders(world.olga, sort="-remind_at") == [later["id"], first["id"]]
    assert reminders(world.alice) == [first["id"]]
    assert reminders(world.bob) == [other["id"], gone["id"]]
    assert reminders(world.bob, state="planned,fired") == [other["id"]]
    assert reminders(world.bob, state="cancelled") == [gone["id"]]
    assert reminders(world.olga, feedback=item["id"]) == [later["id"]]
    assert reminders(world.olga, action=action["id"]) == [first["id"]]
    assert reminders(world.sam) == []
    assert reminders(world.sam, **{"for": world.bob.email}) == [other["id"], gone["id"]]
    assert reminders(world.ada, **{"for": world.alice.id}) == [first["id"]]
    assert reminders(world.olga, **{"for": world.alice.id}) == [first["id"]]
    assert reminders(world.olga, **{"for": world.bob.id}) == reminders(world.sam, **{"for": "nobody"}) == []


def test_a_long_list_is_read_page_by_page(world: World, noon: datetime) -> None:
    item = world.feedback()
    made = [remind(world.olga, item, remind_at=f"2026-12-{1 + n % 3:02}T12:00:00Z") for n in range(7)]
    found, cursor = [], None
    while True:
        page = world.olga.get("/reminders", limit=2, **({"cursor": cursor} if cursor else {}))
        found += [each["id"] for each in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == [each["id"] for each in sorted(made, key=lambda each: (each["remind_at"], each["id"]))]


def test_it_is_snoozed_and_told_ones_are_planned_again(world: World, noon: datetime) -> None:
    made = remind(world.olga, world.feedback())
    seen = world.olga.expect(200, "PATCH", at(made), {"remind_at": "2026-11-24T18:00:00Z"})
    assert (seen["remind_at"], seen["version"]) == ("2026-11-24T18:00:00Z", 2)
    [event] = world.events(types="reminder.changed")
    assert event["data"]["changes"] == {"remind_at": {"from": TOMORROW, "to": "2026-11-24T18:00:00Z"}}
    clock.freeze(noon + timedelta(days=2))
    tell_reminders(world.service)
    told = world.olga.get(at(made))
    assert (told["state"], told["occurrence"], told["version"]) == ("fired", 1, 3)
    world.olga.expect(409, "PATCH", at(made), {"text": "Call"})
    world.olga.expect(409, "DELETE", at(made))
    again = world.olga.expect(200, "PATCH", at(made), {"remind_at": "2026-11-26T09:00:00Z"})
    assert again["state"] == "planned"
    world.olga.expect(204, "DELETE", at(made))
    world.olga.expect(409, "DELETE", at(made))
    world.olga.expect(409, "PATCH", at(made), {"remind_at": "2026-11-27T09:00:00Z"})


def test_what_changes_nothing_is_no_event_and_a_stale_version_is_refused(world: World, noon: datetime) -> None:
    made = remind(world.olga, world.feedback())
    for body in ({}, {"text": "Call back"}, {"remind_at": TOMORROW}, {"now": True}):
        assert world.olga.expect(200, "PATCH", at(made), body) == made
    assert world.events(types="reminder.changed") == []
    answer = world.olga.ask("GET", at(made))
    assert answer.headers["ETag"] == '"1"'
    world.olga.expect(412, "PATCH", at(made), {"text": "Call"}, headers={"If-Match": '"2"'})
    world.olga.expect(200, "PATCH", at(made), {"text": "Call"}, headers={"If-Match": '"1"'})


def test_what_was_to_be_dropped_goes_when_the_customer_answers(world: World, noon: datetime) -> None:
    item, other = world.feedback(), world.feedback()
    action = world.give("Alice", item=other)["actions"][0]
    world.olga.expect(200, "PUT", f"/actions/{action['id']}/feedback/{item['id']}")
    dropped = [remind(world.olga, item, if_answered="drop"), remind(world.olga, action, if_answered="drop")]
    kept = [remind(world.olga, item), remind(world.olga, other, if_answered="drop")]

    def answer(session: Any) -> int:
        return personal_reminders.customer_answered(session, item["id"], now=clock.now())

    assert world.service.database.transaction(answer) == 2
    assert reminders(world.olga, state="cancelled") == [each["id"] for each in dropped]
    assert reminders(world.olga, state="planned") == [each["id"] for each in kept]
    events = world.events(types="reminder.cancelled")
    assert {event["data"]["reason"] for event in events} == {"The customer has answered."}
    assert events[0]["data"]["actor"] == {"type": "system", "name": "customer's answer"}
    assert world.service.database.transaction(answer) == 0


def test_who_is_switched_off_is_left_out_and_what_is_for_nobody_else_is_cancelled(world: World, noon: datetime) -> None:
    item = world.feedback()
    alone = remind(world.bob, item)
    shared = remind(world.olga, item, **{"for": [world.bob.email, world.alice.email]})
    world.ada.expect(200, "PATCH", f"/users/{world.bob.id}", {"active": False})
    assert world.sam.get(at(alone))["state"] == "cancelled"
    seen = world.olga.get(at(shared))
    assert (seen["state"], seen["for"], seen["version"]) == ("planned", ["alice@example.com"], 2)
    [event] = world.events(types="reminder.changed")
    assert event["data"]["changes"] == {
        "for": {"from": ["alice@example.com", "bob@example.com"], "to": ["alice@example.com"]}
    }
    [event] = world.events(types="reminder.cancelled")
    assert event["data"]["reason"] == "Nobody is left whom it is for."
    world.ada.expect(204, "DELETE", f"/users/{world.alice.id}")
    assert world.olga.get(at(shared))["state"] == "cancelled"


@pytest.mark.parametrize("with_customer", [False, True])
def test_what_a_reminder_says_is_forgotten_with_its_item(world: World, noon: datetime, with_customer: bool) -> None:
    item = world.feedback(customer={"name": "Minji"})
    action = world.give("Alice", item=item)["actions"][0]
    told = remind(world.olga, item, text="Call Minji", remind_at="2026-11-23T12:00:01Z")
    planned = remind(world.olga, action, text="Ask Minji")
    world.olga.expect(200, "PATCH", at(planned), {"text": "Ask Minji again"})
    clock.freeze(noon + timedelta(minutes=1))
    tell_reminders(world.service)
    gone = f"/customers/{item['customer']['id']}" if with_customer else f"/feedback/{item['id']}"
    world.ada.expect(204, "DELETE", gone)
    for made, state in ((told, "fired"), (planned, "cancelled")):
        seen = world.olga.get(at(made))
        assert (seen["text"], seen["state"]) == ("[erased]", state)
        world.olga.expect(409, "PATCH", at(made), {"remind_at": TOMORROW, "text": "Call Minji"})
    assert "Minji" not in str(world.events(types="reminder.*"))
    assert world.events()[-1]["type"] == "reminder.cancelled" or with_customer
    world.olga.expect(409, "POST", "/reminders", {"feedback": item["id"], "remind_at": TOMORROW, "text": "Call back"})


def test_what_is_due_and_what_is_ones_own_are_found_by_index(world: World, noon: datetime) -> None:
    due = plan(world, lambda session: personal_reminders.fire_due(session, now=noon))
    assert "ix_personal_reminders_due" in due
    with world.service.database.reading() as session:
        bob = callers.by_id(session, world.bob.id)
    assert bob is not None
    own = plan(world, lambda session: reminders_query.page(session, bob, {}))
    for index in ("ix_personal_reminders_created_by", "ix_personal_reminder_receivers_account_id"):
        assert index in own
