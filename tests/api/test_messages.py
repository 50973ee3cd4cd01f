"""Messages over the API: written, recorded, taken back, refused; templates, wishes of customers, many at once."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from cfm_workflow import clock, limits
from cfm_workflow.ledger import postbag
from cfm_workflow.operations.messages import consent
from cfm_workflow.operations.messages.telling import Untold, tell_customer
from cfm_workflow.queries import callers
from cfm_workflow.queries import messages as messages_query
from tests.api.statements import counted
from tests.plans import plan
from tests.world import Person, World

MINJI = {"name": "Kim Minji", "email": "minji@example.com", "phone": "+82 2 555 0100"}


def item_of(world: World, **customer: Any) -> dict[str, Any]:
    return world.feedback(customer=MINJI | customer)


def at(item: dict[str, Any]) -> str:
    return f"/feedback/{item['id']}/messages"


def write(person: Person, item: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The one message that a request makes."""
    [made] = person.expect(201, "POST", at(item), fields)["items"]
    return dict(made)


def unsubscribe(world: World, item: dict[str, Any], *, wanted: bool = False) -> None:
    customer, now = item["customer"]["id"], clock.now()
    world.service.database.transaction(lambda session: consent.subscribe(session, customer, wanted=wanted, now=now))


def test_a_mail_to_the_customer_waits_and_can_be_taken_back(world: World, noon: datetime) -> None:
    item = item_of(world)
    made = write(world.bob, item, to="customer", body="Your miles are back.")
    assert (made["state"], made["kind"], made["channel"]) == ("queued", "reply", "email")
    assert datetime.fromisoformat(made["leaves_at"]) == noon + timedelta(seconds=30)
    assert made["to"] == "m***@e***" and world.sam.get(f"/messages/{made['id']}")["to"] == MINJI["email"]
    world.mallory.expect(403, "DELETE", f"/messages/{made['id']}")
    world.bob.expect(204, "DELETE", f"/messages/{made['id']}")
    world.bob.expect(409, "DELETE", f"/messages/{made['id']}")
    assert [each["state"] for each in world.bob.get(at(item))["items"]] == ["cancelled"]
    timeline = world.bob.get(f"/feedback/{item['id']}/timeline")["items"]
    assert [entry["type"] for entry in timeline][-2:] == ["feedback.received", "message.queued"]
    assert timeline[-1]["message"]["state"] == "cancelled"  # a message has one entry, which shows it as it is now


def test_an_event_of_a_message_does_not_tell_how_to_reach_the_customer(small_world: World) -> None:
    write(small_world.bob, item_of(small_world), to="customer", body="Your miles are back.")
    [event] = small_world.events(types="message.queued")
    assert event["data"]["message"]["body"] == "Your miles are back."
    assert MINJI["email"] not in str(event)


def test_a_word_of_the_customer_lets_waiting_work_go_on_and_cancels_reminders(world: World, noon: datetime) -> None:
    item = item_of(world)
    action = world.give("Alice", item=item)["actions"][0]
    world.alice.fire(action, "accept")
    world.alice.fire(action, "wait", until_answer=True, reason="Which flight?")
    about = {"feedback": item["id"], "remind_at": "2026-11-24T17:00:00Z", "text": "No answer yet"}
    reminder = world.alice.post("/reminders", about | {"if_answered": "drop"})
    said = (noon - timedelta(hours=1)).isoformat()
    made = write(world.bob, item, channel="phone", direction="in", body="It was KE017.", made_at=said)
    assert (made["state"], made["kind"], made["to"]) == ("recorded", "contact", None)
    assert world.alice.get(f"/actions/{action['id']}")["category"] != "waiting"
    assert world.alice.get(f"/reminders/{reminder['id']}")["state"] == "cancelled"
    seen = world.bob.get(f"/feedback/{item['id']}")
    assert datetime.fromisoformat(seen["heard_at"]) == noon - timedelta(hours=1) and seen["told_at"] is None


def test_a_call_to_the_customer_counts_as_told(small_world: World, noon: datetime) -> None:
    item = item_of(small_world)
    write(small_world.bob, item, channel="phone", direction="out", body="Told her.")
    assert datetime.fromisoformat(small_world.bob.get(f"/feedback/{item['id']}")["told_at"]) == noon


def test_whoever_did_not_see_the_last_message_is_asked_first(world: World) -> None:
    item = item_of(world)
    mail = {"to": "customer", "body": "Your miles are back."}
    first = write(world.bob, item, **mail, last_message=None)
    refused = world.alice.expect(409, "POST", at(item), mail | {"last_message": None})
    assert refused["message"]["id"] == first["id"] and refused["message"]["body"] == mail["body"]
    write(world.alice, item, **mail, last_message=None, anyway=True)
    refused = world.bob.expect(409, "POST", at(item), mail | {"last_message": first["id"]})
    world.alice.expect(204, "DELETE", f"/messages/{refused['message']['id']}")
    write(world.bob, item, **mail, last_message=first["id"])


def test_one_bad_address_is_named_and_nothing_is_sent(small_world: World) -> None:
    item = item_of(small_world)
    body = {"to": ["ceo@example.com", "nobody", "cto@example.com"], "body": "Look."}
    assert list(small_world.bob.expect(422, "POST", at(item), body)["errors"]) == ["to.1"]
    assert small_world.bob.get(at(item))["items"] == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"body", "channel", "direction"}),
        ({"to": "customer"}, {"body"}),
        ({"to": "everybody", "body": "Hi"}, {"to"}),
        ({"to": [], "body": "Hi"}, {"to"}),
        ({"to": "customer", "body": "Hi", "days": 3}, {"days"}),
        ({"to": "customer", "body": "Hi", "made_at": "2026-11-23T10:00:00Z"}, {"made_at"}),
        ({"to": ["a@example.com"], "body": "Hi", "days": limits.SHARE_DAYS + 1}, {"days"}),
        ({"to": ["a@example.com"], "body": "Hi", "anyway": True}, {"anyway"}),
        ({"to": "customer", "template": 99}, {"template"}),
        ({"to": "customer", "template": 5}, {"template"}),  # a check has a link of its own
        ({"channel": "phone", "direction": "up", "body": "Hi"}, {"direction"}),
        ({"channel": "phone", "direction": "in", "body": "Hi", "made_at": "2026-11-23T12:01:00Z"}, {"made_at"}),
    ],
)
def test_what_is_wrong_with_a_message_is_named(
    small_world: World, noon: datetime, body: dict[str, Any], fields: set[str]
) -> None:
    item = item_of(small_world)
    assert set(small_world.bob.expect(422, "POST", at(item), body)["errors"]) == fields


def test_no_mail_goes_to_whoever_said_no(world: World) -> None:
    item, mail = item_of(world), {"to": "customer", "body": "Hello"}
    path = f"/customers/{item['customer']['id']}/do-not-contact"
    assert (
        world.bob.expect(200, "PUT", path, {"reason": "Asked for it."})["do_not_contact"]["reason"] == "Asked for it."
    )
    assert "Asked for it." in world.bob.expect(409, "POST", at(item), mail)["detail"]
    assert [each["id"] for each in world.bob.get("/customers", do_not_contact="true")["items"]] == [
        item["customer"]["id"]
    ]
    shared = {"to": ["ceo@example.com", "Minji@Example.com"], "body": "Hello"}
    assert list(world.bob.expect(422, "POST", at(item), shared)["errors"]) == ["to.1"]
    world.bob.expect(403, "DELETE", path)
    world.sam.expect(204, "DELETE", path)
    world.sam.expect(404, "DELETE", path)
    write(world.bob, item, **mail)


def test_unsubscribing_ends_what_was_not_asked_for_and_answers_still_come(world: World) -> None:
    item = item_of(world)
    unsubscribe(world, item)
    unsubscribe(world, item)
    world.bob.expect(409, "POST", at(item), {"to": "customer", "kind": "unasked", "body": "News"})
    write(world.bob, item, to="customer", body="You asked: here it is.")
    unsubscribe(world, item, wanted=True)
    write(world.bob, item, to="customer", kind="unasked", body="News")
    assert [e["type"] for e in world.events(types="customer.unsubscribed,customer.resubscribed")] == [
        "customer.unsubscribed",
        "customer.resubscribed",
    ]


def test_at_most_one_unasked_mail_in_seven_days(world: World, noon: datetime) -> None:
    item, news = item_of(world), {"to": "customer", "kind": "unasked", "body": "News"}
    first = write(world.bob, item, **news)
    world.bob.expect(409, "POST", at(item), news)
    for kind in ("reply", "thank_you"):
        write(world.bob, item, to="customer", kind=kind, body="Yours")
    world.bob.expect(204, "DELETE", f"/messages/{first['id']}")
    write(world.bob, item, **news)
    clock.freeze(noon + timedelta(days=7))
    write(world.bob, item, **news)


def test_a_bulk_says_first_who_would_be_left_out_and_then_does_the_same(world: World) -> None:
    items = [item_of(world, email=f"kim{n}@example.com") for n in range(3)]
    items.append(world.feedback(customer={"email": "kim0@example.com"}))
    items.append(world.feedback())
    unsubscribe(world, items[1])
    body = {"feedback": [*(item["id"] for item in items), 999], "subject": "News", "body": "All is repaired."}
    weighed = world.sam.expect(200, "POST", "/messages/bulk?preview=true", body)
    assert (weighed["sent"], weighed["left_out"]) == (2, 4)
    assert weighed["reasons"] == {"unsubscribed": 1, "same_customer": 1, "no_customer": 1, "not_found": 1}
    assert world.sam.get(at(items[0]))["items"] == []
    sent = world.sam.expect(200, "POST", "/messages/bulk", body)
    assert [row["left_out"] for row in sent["items"]] == [row["left_out"] for row in weighed["items"]]
    assert [bool(row["message"]) for row in sent["items"]] == [True, False, True, False, False, False]
    assert world.sam.expect(200, "POST", "/messages/bulk?preview=true", body)["reasons"]["too_soon"] == 3


def test_a_bulk_takes_as_many_statements_for_many_as_for_one(small_world: World) -> None:
    ids = [item_of(small_world, email=f"kim{n}@example.com")["id"] for n in range(7)]
    small_world.sam.get("/me")  # now it is known when the token was used
    found = []
    for some in (ids[:1], ids[1:]):
        body = {"feedback": some, "subject": "News", "body": "All is repaired."}
        with counted(small_world.service) as statements:
            assert small_world.sam.expect(200, "POST", "/messages/bulk", body)["sent"] == len(some)
        found.append(statements)
    assert found[0] == found[1]


def test_a_bulk_calls_nothing_solved_that_is_not(world: World) -> None:
    still_open, solved, useless = (item_of(world, email=f"kim{n}@example.com") for n in range(3))
    world.give("Alice", item=still_open)
    for item, outcome in ((solved, "fixed"), (useless, "duplicate")):
        world.alice.fire(world.give("Alice", item=item)["actions"][0], "complete", through=True, outcome=outcome)
    ids = [item["id"] for item in (still_open, solved, useless)]
    body = {"feedback": ids, "kind": "solved", "subject": "Solved", "body": "It is solved."}
    first, again = (world.sam.expect(200, "POST", "/messages/bulk", body) for _ in range(2))
    assert first["reasons"] == {"not_resolved": 1, "no_benefit": 1} and first["items"][1]["message"] is not None
    assert again["reasons"] == {"not_resolved": 1, "no_benefit": 1, "being_told": 1}


def test_a_template_with_an_unknown_variable_is_refused_and_the_known_ones_are_named(small_world: World) -> None:
    template = {"name": "Miles", "kind": "reply", "language": "en", "subject": "Yours", "body": "{{ customer.nam }}"}
    [sentence] = small_world.sam.expect(422, "POST", "/templates", template)["errors"]["body"]
    assert "customer.nam" in sentence and "customer.name" in sentence
    for body in ("{{ customer.name", "{{ 7*7 }}", "{{ customer.__class__ }}", "{{ link }}"):
        small_world.sam.expect(422, "POST", "/templates", template | {"body": body})
    small_world.sam.expect(422, "POST", "/templates", template | {"kind": "check", "body": "No link"})
    made = small_world.sam.post("/templates", template | {"body": "{{ customer.greeting }}, {{sender.name}}"})
    small_world.sam.expect(422, "PATCH", f"/templates/{made['id']}", {"subject": "{{ nothing }}"})


def test_a_template_is_tried_out_on_a_real_item_and_what_is_put_in_is_text(small_world: World) -> None:
    item = item_of(small_world, name="{{ sender.name }}\nBcc: all@example.com")
    body = {
        "feedback": item["id"],
        "subject": "For {{ customer.name }}",
        "body": "{{ customer.greeting }}: {{ feedback.text }}",
    }
    shown = small_world.bob.expect(200, "POST", "/templates/preview", body)
    assert shown["subject"] == "For {{ sender.name }} Bcc: all@example.com"
    assert shown["body"] == "Dear {{ sender.name }} Bcc: all@example.com: My miles are missing."
    [korean] = [t["id"] for t in small_world.bob.get("/templates", kind="solved", language="ko")["items"]]
    shown = small_world.bob.expect(
        200, "POST", f"/templates/{korean}/preview", {"feedback": small_world.feedback()["id"]}
    )
    assert shown["body"].startswith("고객님, 안녕하십니까.")


def test_the_service_writes_in_the_language_of_the_customer_and_by_the_teams_own_template(world: World) -> None:
    item = item_of(world, language="ko-KR")
    now = clock.now()

    def told(kind: str) -> Any:
        def work(session: Any) -> Any:
            caller = callers.by_id(session, world.mallory.id)
            assert caller is not None
            return tell_customer(session, caller, item["id"], kind=kind, now=now)

        return world.service.database.transaction(work)

    assert world.sam.get(f"/messages/{told('thank_you')}")["body"].startswith("Kim Minji님, 안녕하십니까.")
    own = {
        "name": "Care",
        "kind": "thank_you",
        "language": "ko",
        "team": "care",
        "subject": "해결",
        "body": "해결되었습니다.",
    }
    world.sam.post("/templates", own)
    assert world.sam.get(f"/messages/{told('thank_you')}")["subject"] != "해결"
    world.give(assignees=[{"team": "care", "mode": "pool"}], item=item)
    assert world.sam.get(f"/messages/{told('thank_you')}")["subject"] == "해결"
    world.bob.expect(200, "PUT", f"/customers/{item['customer']['id']}/do-not-contact", {"reason": "No."})
    assert isinstance(told("thank_you"), Untold)


def test_contacts_are_all_words_to_and_from_a_customer(small_world: World) -> None:
    first, second = item_of(small_world), item_of(small_world)
    write(small_world.bob, first, channel="chat", direction="in", body="Hello?")
    write(small_world.bob, second, to="customer", body="Yes?")
    write(small_world.bob, second, to=["ceo@example.com"], body="Look.")
    path = f"/customers/{first['customer']['id']}/contacts"
    page = small_world.sam.get(path, limit=1)
    assert [each["body"] for each in page["items"]] == ["Yes?"]
    assert [each["body"] for each in small_world.sam.get(path, cursor=page["next_cursor"])["items"]] == ["Hello?"]
    assert [each["body"] for each in small_world.sam.get(path, direction="in")["items"]] == ["Hello?"]


def test_erasing_a_customer_erases_what_was_said_and_ends_shares(world: World) -> None:
    item = item_of(world)
    write(world.bob, item, channel="phone", direction="in", body="My name is Minji.", subject="Minji")
    waiting = write(world.bob, item, to="customer", body="Dear Minji")
    write(world.bob, item, to=["ceo@example.com"], body="Minji writes.")
    world.ada.expect(204, "DELETE", f"/customers/{item['customer']['id']}")
    messages = world.ada.get(at(item))["items"]
    assert {each["body"] for each in messages} == {"[erased]"} and {each["to"] for each in messages} == {None}
    assert world.ada.get(f"/messages/{waiting['id']}")["state"] == "cancelled"
    [share] = world.ada.get(f"/feedback/{item['id']}/shares")["items"]
    assert share["revoked_at"] is not None and share["address"] == "[erased]"
    assert "Minji" not in str(world.events()) and "ceo@" not in str(world.events())
    world.bob.expect(409, "POST", at(item), {"channel": "phone", "direction": "in", "body": "Again"})


def test_what_is_asked_all_the_time_is_found_by_index(world: World) -> None:
    item, now = item_of(world), clock.now()
    write(world.bob, item, to="customer", body="Hello")
    customers = [item["customer"]["id"]]
    assert "ix_messages_due" in plan(world, lambda session: postbag.due(session, now=now))
    assert "ix_messages_to_customer" in plan(world, lambda session: messages_query.last_outgoing(session, item["id"]))
    assert "ix_messages_unasked" in plan(world, lambda session: messages_query.last_unasked(session, customers))
