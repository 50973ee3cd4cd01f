"""The closed loop: what is resolved is told to the customer and closes, they are asked, and a "no" opens it again."""

import dataclasses
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.ledger import postbag
from cfm_workflow.models import Check, Feedback, Message
from cfm_workflow.models.feedback import SILENT
from cfm_workflow.operations import asking, closing, definitions, silence
from cfm_workflow.policy.closing import NOT_SOLVED, UNDELIVERABLE, UNWANTED, WROTE_AGAIN
from cfm_workflow.security.letter_links import LetterPurpose, LetterSigner
from cfm_workflow.setting_values import TellCustomer
from cfm_workflow.worker.closing import ask_customers, assume_answers, raise_silence, settle_items
from cfm_workflow.worker.messages import Messages
from cfm_workflow.workflow import load_text
from tests import invariants
from tests.concurrency.at_once import at_once, completing, statuses
from tests.mailing import Post, send_all
from tests.plans import plan
from tests.smtp import Taken
from tests.web.sent_links import get, post
from tests.workflow.work import FOLDER
from tests.world import World

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
UNDO = 10 * MINUTE
KIM = {"name": "Kim Minji", "email": "minji@example.com", "language": "en"}


@pytest.fixture
def mailbox(post: Post) -> Post:
    return post


def automatic(world: World) -> None:
    settings = dataclasses.replace(world.service.settings, tell_customer=TellCustomer.AUTOMATIC)
    world.service.settings = settings


def later(world: World, wait: timedelta = timedelta(0)) -> None:
    """Let the clock do what is due after a while."""
    clock.freeze(clock.now() + wait)
    for job in (settle_items, ask_customers, assume_answers, raise_silence):
        job(world.service)


def done(world: World, item: Any, **end: Any) -> Any:
    """The only action on an item, done by Alice."""
    action = world.give("Alice", item=item, kind="external")["actions"][0]
    world.alice.fire(action, "complete", **({"through": True, "outcome": "fixed"} | end))
    return action


def seen(world: World, item: Any) -> Any:
    return world.ada.get(f"/feedback/{item['id']}")


def types(world: World, item: Any) -> list[str]:
    events = world.events(feedback=item["id"])
    return [event["type"] for event in events if event["data"]["subject"]["type"] == "feedback"]


def leave(world: World) -> list[str]:
    """What may leave does, into the outbox; the kinds."""
    query = select(Message.id, Message.kind).where(Message.state == "queued").order_by(Message.id)
    with world.service.database.reading() as session:
        before = session.execute(query).all()
    send_all(world.service, Messages(world.service))
    with world.service.database.reading() as session:
        still = {row.id for row in session.execute(query)}
    return [row.kind for row in before if row.id not in still]


def link(world: World, item: Any) -> str:
    """The path of the link of the last check of an item."""
    with world.service.database.reading() as session:
        ident = session.scalars(
            select(Check.message_id).where(Check.feedback_id == item["id"]).order_by(Check.id.desc()).limit(1)
        ).one()
    signer = LetterSigner(world.service.ring)
    return "/c/" + signer.sign(LetterPurpose.CHECK, ident, expires_at=clock.now() + 60 * DAY)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_opens_it_again_and_once_it_is_done_yes_confirms_it(mailbox: Post, noon: datetime, language: str) -> None:
    world = mailbox.world
    automatic(world)
    item = world.feedback(customer=KIM | {"language": language})
    action = done(world, item)
    later(world, UNDO - MINUTE)
    assert to_kim(mailbox) == [] and seen(world, item)["status"] == "resolved"
    later(world, MINUTE)
    clock.freeze(clock.now() + MINUTE)
    assert len(to_kim(mailbox)) == 1
    later(world)
    closed = seen(world, item)
    assert (closed["status"], closed["confirmation"]) == ("closed", None)
    [event] = world.events(types="feedback.closed")
    assert event["data"]["actor"] == {"type": "system", "name": "closed loop"} and event["data"]["customer_told"]

    later(world, 14 * DAY - 2 * MINUTE)
    assert to_kim(mailbox) == []
    later(world, 2 * MINUTE)
    clock.freeze(clock.now() + MINUTE)
    [asked] = to_kim(mailbox)
    [first] = set(re.findall(r"/c/\S+", asked.part("plain")))
    page = get(world, first)
    assert page.status_code == 200 and f'lang="{language}"' in page.text
    answer = post(world, first, solved="no", score="2", word="They are <still> missing.")
    assert answer.status_code == 200, answer.text
    again = world.ada.get(f"/actions/{action['id']}")
    assert (again["state"], again["assignee"]["name"], again["reopened_count"]) == ("assigned", "Alice", 1)
    opened = seen(world, item)
    assert (opened["status"], opened["confirmation"], opened["closed_at"]) == ("open", "denied", None)
    [checked] = world.events(types="feedback.checked")
    said = checked["data"]["check"]
    assert (said["answer"], said["score"], said["word"]) == ("denied", 2, "They are <still> missing.")
    assert checked["data"]["actor"] == {"type": "system", "name": "customer's answer"}
    [reopened] = world.events(types="action.reopened")
    assert reopened["data"]["comment"] == "They are <still> missing."
    [check] = world.ada.get(f"/feedback/{item['id']}/checks")["items"]
    assert (check["state"], check["action"]) == ("answered", action["id"])
    told = {taken.recipient: taken.part("plain") for taken in mailbox.later()}
    assert set(told) == {"alice@example.com", "olga@example.com"}
    assert all("They are <still> missing." in text for text in told.values())

    world.alice.fire(action, "complete", through=True, outcome="fixed")
    assert seen(world, item)["confirmation"] is None
    later(world, UNDO)
    clock.freeze(clock.now() + MINUTE)
    assert len(to_kim(mailbox)) == 1
    later(world)
    later(world, 14 * DAY)
    clock.freeze(clock.now() + MINUTE)
    assert get(world, first).status_code == 410
    [asked] = to_kim(mailbox)
    [second] = set(re.findall(r"/c/\S+", asked.part("plain")))
    assert post(world, second, solved="yes").status_code == 200
    assert (seen(world, item)["status"], seen(world, item)["confirmation"]) == ("closed", "confirmed")
    once = ["feedback.resolved", "feedback.closed", "feedback.checked"]
    assert types(world, item) == ["feedback.received", *once, "feedback.reopened", *once]
    invariants.check(world.service.database)


def to_kim(mailbox: Post) -> list[Taken]:
    """What the customer is sent now."""
    return [taken for taken in mailbox.send() if taken.recipient == KIM["email"]]


def test_a_later_answer_takes_the_place_of_an_earlier_one_until_the_link_expires(world: World, noon: datetime) -> None:
    automatic(world)
    item = closed_and_asked(world)
    address = link(world, item)
    page = get(world, address)
    assert page.status_code == 200 and "Alice" not in page.text
    assert types(world, item)[-1] == "feedback.closed"  # to look changes nothing
    for _ in range(2):
        assert post(world, address, solved="yes", score="5").status_code == 200
    assert types(world, item).count("feedback.checked") == 1
    assert post(world, address, solved="no", word="Not any more.").status_code == 200
    assert (seen(world, item)["status"], seen(world, item)["confirmation"]) == ("open", "denied")
    clock.freeze(clock.now() + 14 * DAY)
    assert post(world, address, solved="yes").status_code == 410
    later(world)
    assert seen(world, item)["confirmation"] == "denied"
    invariants.check(world.service.database)


def closed_and_asked(world: World, **customer: Any) -> Any:
    item = world.feedback(customer=KIM | customer)
    done(world, item)
    later(world, UNDO)
    clock.freeze(clock.now() + MINUTE)
    leave(world)
    later(world)
    later(world, 14 * DAY)
    clock.freeze(clock.now() + MINUTE)
    leave(world)
    return item


def test_no_answer_is_assumed_and_tells_nobody(world: World, noon: datetime) -> None:
    automatic(world)
    item = closed_and_asked(world)
    later(world, 14 * DAY)
    later(world)
    assert seen(world, item)["confirmation"] == "assumed"
    [event] = world.events(types="feedback.checked")
    assert (event["data"]["check"]["answer"], event["data"]["told"]) == ("assumed", [])


@pytest.mark.parametrize("is_closed_again", [False, True])
def test_nothing_is_assumed_of_what_was_opened_again_since_it_was_asked(
    world: World, noon: datetime, is_closed_again: bool
) -> None:
    automatic(world)
    item = closed_and_asked(world)
    [action] = world.ada.get("/actions", feedback=item["id"])["items"]
    world.olga.fire(action, "reopen", reason="It came back.")
    if is_closed_again:
        world.alice.fire(action, "complete", through=True, outcome="fixed")
        world.sam.post(f"/feedback/{item['id']}/close", {"reason": "All said."})
    later(world, 14 * DAY)
    assert seen(world, item)["confirmation"] is None and world.events(types="feedback.checked") == []
    [check] = world.ada.get(f"/feedback/{item['id']}/checks")["items"]
    assert check["state"] == "cancelled"


def test_nothing_is_assumed_when_the_question_never_reached_anybody(world: World, noon: datetime) -> None:
    automatic(world)
    item = world.feedback(customer=KIM)
    done(world, item)
    later(world, UNDO)
    clock.freeze(clock.now() + MINUTE)
    leave(world)
    later(world)
    later(world, 14 * DAY)
    [question] = world.ada.get(f"/feedback/{item['id']}/messages", state="queued")["items"]
    world.sam.expect(204, "DELETE", f"/messages/{question['id']}")
    later(world, 14 * DAY)
    assert seen(world, item)["confirmation"] is None and world.events(types="feedback.checked") == []


@pytest.mark.parametrize(
    ("customer", "reason"), [(None, "No customer is known."), ({"name": "Kim"}, "The customer has no e-mail address.")]
)
def test_what_has_nobody_to_be_told_closes_by_itself_once_it_cannot_be_undone(
    world: World, noon: datetime, customer: Any, reason: str
) -> None:
    item = world.feedback(customer=customer)
    action = done(world, item)
    later(world, UNDO - MINUTE)
    world.alice.fire(action, "undo")
    later(world, 2 * MINUTE)
    assert seen(world, item)["status"] == "open"
    world.alice.fire(action, "complete", outcome="fixed")
    later(world)
    later(world, UNDO)
    later(world, MINUTE)
    assert seen(world, item)["status"] == "closed"
    [event] = world.events(types="feedback.closed")
    assert (event["data"]["reason"], event["data"]["customer_told"]) == (reason, False)
    assert world.ada.get(f"/feedback/{item['id']}/checks")["items"] == []


@pytest.mark.parametrize("why", ["dead address", "said no"])
def test_what_turns_out_to_have_nobody_to_be_told_closes_by_itself(mailbox: Post, noon: datetime, why: str) -> None:
    world = mailbox.world
    automatic(world)
    item = world.feedback(customer=KIM)
    done(world, item)
    later(world, UNDO)
    if why == "said no":
        path = f"/customers/{item['customer']['id']}/do-not-contact"
        world.olga.expect(200, "PUT", path, {"reason": "She asked for it."})
    mailbox.sink.faults["RCPT"] = "550 5.1.1 No such user"
    clock.freeze(clock.now() + MINUTE)
    mailbox.send()
    later(world)
    assert seen(world, item)["status"] == "closed"
    [event] = world.events(types="feedback.closed")
    reasons = {"dead address": UNDELIVERABLE, "said no": UNWANTED}
    assert (event["data"]["reason"], event["data"]["customer_told"]) == (reasons[why], False)


def test_the_last_two_actions_finishing_at_once_close_their_item_once(world: World, noon: datetime) -> None:
    automatic(world)
    item = world.feedback(customer=KIM)
    mine, his = world.give("Alice", "Bob", item=item)["actions"]
    assert statuses(at_once([completing(world, world.alice, mine), completing(world, world.bob, his)])) == [200, 200]
    clock.freeze(noon + UNDO)
    at_once([lambda: settle_items(world.service)] * 4)
    settle_items(world.service)
    clock.freeze(noon + UNDO + MINUTE)
    assert leave(world) == ["solved"]
    at_once([lambda: settle_items(world.service)] * 4)
    settle_items(world.service)
    assert types(world, item) == ["feedback.received", "feedback.resolved", "feedback.closed"]
    invariants.check(world.service.database)


def test_only_what_benefits_the_customer_is_called_solved(world: World, noon: datetime) -> None:
    automatic(world)
    item = world.feedback(customer=KIM)
    done(world, item, outcome="duplicate")
    later(world, UNDO)
    assert seen(world, item)["status"] == "resolved"
    world.olga.expect(409, "POST", f"/feedback/{item['id']}/tell-solved")
    assert world.ada.get(f"/feedback/{item['id']}/messages")["items"] == []


def test_by_a_click_the_customer_is_told_once_and_not_before_the_end_is_final(world: World, noon: datetime) -> None:
    item = world.feedback(customer=KIM)
    action = world.give("Alice", item=item)["actions"][0]
    world.olga.expect(409, "POST", f"/feedback/{item['id']}/tell-solved")
    world.alice.fire(action, "complete", through=True, outcome="fixed")
    later(world, MINUTE)
    message = world.olga.expect(201, "POST", f"/feedback/{item['id']}/tell-solved")
    assert (message["kind"], message["leaves_at"]) == ("solved", "2026-11-23T12:10:00Z")
    world.olga.expect(409, "POST", f"/feedback/{item['id']}/tell-solved")
    world.alice.fire(action, "undo")
    assert world.ada.get(f"/messages/{message['id']}")["state"] == "cancelled"
    assert len(world.events(types="message.cancelled")) == 1
    world.alice.fire(action, "complete", outcome="fixed")
    world.olga.expect(201, "POST", f"/feedback/{item['id']}/tell-solved")
    later(world, UNDO)
    clock.freeze(clock.now() + MINUTE)
    assert leave(world) == ["solved"]
    later(world)
    assert seen(world, item)["status"] == "closed"


@pytest.mark.parametrize("under_way", [False, True])
def test_what_was_tried_in_vain_is_not_said_once_it_is_untrue(mailbox: Post, noon: datetime, under_way: bool) -> None:
    world = mailbox.world
    automatic(world)
    item = world.feedback(customer=KIM)
    done(world, item)
    later(world, UNDO)
    clock.freeze(clock.now() + MINUTE)
    mailbox.sink.faults["RCPT"] = "451 Try later"
    word = {"channel": "phone", "direction": "in", "body": "They are still missing."}
    if under_way:
        [message], now = world.ada.get(f"/feedback/{item['id']}/messages")["items"], clock.now()
        database = world.service.database
        claimed = database.transaction(lambda session: postbag.claim(session, message["id"], worker="w", now=now))
        world.olga.expect(201, "POST", f"/feedback/{item['id']}/messages", word)
        mailbox.messages.deliver(*claimed)
    else:
        mailbox.send()
        world.olga.expect(201, "POST", f"/feedback/{item['id']}/messages", word)
    del mailbox.sink.faults["RCPT"]
    clock.freeze(clock.now() + DAY)
    assert seen(world, item)["status"] == "open" and to_kim(mailbox) == []
    [told] = world.ada.get(f"/feedback/{item['id']}/messages", direction="out")["items"]
    assert told["state"] in ("cancelled", "failed")


def test_by_the_setting_nobody_is_told(world: World, noon: datetime) -> None:
    world.service.settings = dataclasses.replace(world.service.settings, tell_customer=TellCustomer.NEVER)
    item = world.feedback(customer=KIM)
    done(world, item)
    later(world, UNDO)
    world.olga.expect(409, "POST", f"/feedback/{item['id']}/tell-solved")
    path, mail = f"/feedback/{item['id']}/messages", {"subject": "Miles", "body": "They are back."}
    [template] = world.ada.get("/templates", kind="solved", language="en")["items"]
    wrong = world.olga.expect(422, "POST", path, mail | {"to": "customer", "kind": "solved"})
    assert list(wrong["errors"]) == ["kind"]
    wrong = world.olga.expect(422, "POST", path, {"to": "customer", "template": template["id"]})
    assert list(wrong["errors"]) == ["template"]
    many = mail | {"feedback": [item["id"]], "kind": "solved"}
    for query in ({}, {"preview": "true"}):
        world.sam.expect(422, "POST", "/messages/bulk", many, query_string=query)
    world.olga.expect(201, "POST", path, mail | {"to": "customer"})  # what they write themselves is theirs
    assert seen(world, item)["status"] == "resolved"


def test_closing_needs_a_word_to_the_customer_or_a_reason(world: World, noon: datetime) -> None:
    item = world.feedback(customer=KIM)
    call = {"channel": "phone", "direction": "out", "body": "Told her.", "made_at": (noon - MINUTE).isoformat()}
    world.olga.expect(201, "POST", f"/feedback/{item['id']}/messages", call)
    done(world, item)
    problem = world.sam.expect(422, "POST", f"/feedback/{item['id']}/close", {})
    assert list(problem["errors"]) == ["reason"]
    clock.freeze(noon + MINUTE)
    world.olga.expect(201, "POST", f"/feedback/{item['id']}/messages", call | {"made_at": clock.now().isoformat()})
    assert world.sam.post(f"/feedback/{item['id']}/close", {})["status"] == "closed"
    [event] = world.events(types="feedback.closed")
    assert event["data"]["customer_told"] is True and "reason" not in event["data"]
    [check] = world.ada.get(f"/feedback/{item['id']}/checks")["items"]
    assert (check["state"], check["ask_at"]) == ("planned", "2026-12-07T12:01:00Z")
    world.olga.post(f"/feedback/{item['id']}/actions", {"title": "More", "assignees": [{"user": world.bob.email}]})
    [check] = world.ada.get(f"/feedback/{item['id']}/checks")["items"]
    assert check["state"] == "cancelled"
    later(world, 14 * DAY)
    assert [event["type"] for event in world.events(types="message.queued")] == []


def test_a_word_of_the_customer_opens_again_what_was_closed_and_later_begins_anew(world: World, noon: datetime) -> None:
    item = world.feedback(customer=KIM)
    action = done(world, item)
    clock.freeze(noon + UNDO)
    world.sam.post(f"/feedback/{item['id']}/close", {"reason": "All said."})
    closed_at = clock.now()
    word = {"channel": "email", "direction": "in", "body": "They are missing again."}
    clock.freeze(closed_at + DAY)
    early = word | {"made_at": (closed_at - MINUTE).isoformat()}
    world.olga.expect(201, "POST", f"/feedback/{item['id']}/messages", early)
    assert seen(world, item)["status"] == "closed"  # it was said before
    world.olga.expect(201, "POST", f"/feedback/{item['id']}/messages", word)
    assert seen(world, item)["status"] == "open"
    assert world.ada.get(f"/actions/{action['id']}")["state"] == "assigned"

    world.alice.fire(action, "complete", through=True, outcome="fixed")
    world.sam.post(f"/feedback/{item['id']}/close", {"reason": "All said."})
    clock.freeze(clock.now() + 14 * DAY)
    made = world.olga.expect(201, "POST", f"/feedback/{item['id']}/messages", word)["items"][0]
    assert seen(world, item)["status"] == "closed" and made["feedback"] != item["id"]
    new = world.ada.get(f"/feedback/{made['feedback']}")
    assert (new["status"], new["follows"], new["text"]) == ("new", item["id"], "They are missing again.")
    assert new["customer"]["name"] == "Kim Minji"
    invariants.check(world.service.database)


def test_a_word_opens_again_what_was_closed_without_any_work(world: World, noon: datetime) -> None:
    item = world.feedback(customer=KIM)
    world.sam.post(f"/feedback/{item['id']}/close", {"reason": "Praise."})
    word = {"channel": "email", "direction": "in", "body": "It was no praise."}
    world.olga.expect(201, "POST", f"/feedback/{item['id']}/messages", word)
    assert (seen(world, item)["status"], seen(world, item)["closed_at"]) == ("new", None)
    assert types(world, item)[-1] == "feedback.reopened"
    invariants.check(world.service.database)


def test_when_whoever_did_it_is_gone_somebody_else_has_it(world: World, noon: datetime) -> None:
    automatic(world)
    item = closed_and_asked(world)
    world.ada.expect(204, "DELETE", f"/users/{world.alice.id}")
    assert post(world, link(world, item), solved="no").status_code == 200
    [event] = world.events(types="action.reopened")
    assert event["data"]["action"]["assignee"]["name"] == "Olga"


def test_erasing_ends_the_question_and_takes_away_what_was_said(world: World, noon: datetime) -> None:
    automatic(world)
    item = closed_and_asked(world)
    address = link(world, item)
    post(world, address, solved="no", word="I am Kim Minji.")
    assert "I am Kim Minji" in str(world.events())
    world.ada.expect(204, "DELETE", f"/feedback/{item['id']}")
    assert get(world, address).status_code == post(world, address, solved="yes").status_code == 410
    assert "I am Kim Minji" not in str(world.events())
    assert world.ada.get(f"/feedback/{item['id']}/checks")["items"][0]["word"] == "[erased]"


def test_silence_is_told_once_until_there_is_a_word(world: World, noon: datetime) -> None:
    item = world.feedback(customer=KIM)
    world.feedback(customer=KIM)  # nobody works on it: nobody is told
    world.give("Alice", "Bob", item=item, kind="external")
    later(world, 7 * DAY - MINUTE)
    assert world.ada.get("/feedback", silent="true")["items"] == []
    later(world, MINUTE)
    later(world, DAY)
    [event] = world.events(types="feedback.silent")
    told = {(person["name"], person["as"]) for person in event["data"]["told"]}
    assert told == {("Alice", "assignee"), ("Bob", "assignee"), ("Olga", "assigner"), ("Lea", "lead")}
    assert [each["id"] for each in world.ada.get("/feedback", silent="true")["items"]] == [item["id"]]
    call = {"channel": "phone", "direction": "out", "body": "Told her."}
    world.olga.expect(201, "POST", f"/feedback/{item['id']}/messages", call)
    assert world.ada.get("/feedback", silent="true")["items"] == []
    later(world, 7 * DAY - MINUTE)
    assert len(world.events(types="feedback.silent")) == 1
    later(world, MINUTE)
    assert len(world.events(types="feedback.silent")) == 2
    invariants.check(world.service.database)


def test_nobody_is_told_of_the_silence_of_whom_nobody_may_or_can_contact(world: World, noon: datetime) -> None:
    reachable = world.feedback(customer={"name": "Lee", "phone": "+82 2 123"})
    unwilling, unknown = world.feedback(customer=KIM), world.feedback(customer={"name": "Han"})
    for item in (reachable, unwilling, unknown):
        world.give("Alice", item=item)
    later(world, 7 * DAY)
    first = {event["data"]["subject"]["id"] for event in world.events(types="feedback.silent")}
    assert first == {reachable["id"], unwilling["id"]}
    path = f"/customers/{unwilling['customer']['id']}/do-not-contact"
    world.olga.expect(200, "PUT", path, {"reason": "She asked for it."})
    later(world, 7 * DAY)
    assert [each["id"] for each in world.ada.get("/feedback", silent="true")["items"]] == [reachable["id"]]
    assert len(world.events(types="feedback.silent")) == 2
    world.ada.expect(204, "DELETE", path)
    later(world)
    assert len(world.events(types="feedback.silent")) == 3


def test_what_waits_until_the_customer_is_told_closes_when_they_are_not_to_be(world: World, noon: datetime) -> None:
    item = world.feedback(customer=KIM)
    done(world, item)
    later(world, UNDO)
    later(world, DAY)
    assert seen(world, item)["status"] == "resolved"
    path = f"/customers/{item['customer']['id']}/do-not-contact"
    world.olga.expect(200, "PUT", path, {"reason": "She asked for it."})
    later(world)
    assert seen(world, item)["status"] == "closed"
    [event] = world.events(types="feedback.closed")
    assert event["data"]["reason"] == UNWANTED


@pytest.mark.parametrize("how", ["no", "word"])
def test_a_no_where_only_people_can_open_again_needs_a_decision(world: World, noon: datetime, how: str) -> None:
    text = (FOLDER / "standard.yaml").read_text(encoding="utf-8")
    before, rest = text.split("  reopen:")
    only_people = load_text(f"{before}  reopen:{rest.replace(', system]', ']', 1)}", "standard.yaml")
    database = world.service.database
    database.transaction(lambda session: definitions.publish(session, [only_people], now=clock.now()))
    automatic(world)
    if how == "no":
        item = closed_and_asked(world)
        assert post(world, link(world, item), solved="no", word="Still missing.").status_code == 200
    else:
        item = world.feedback(customer=KIM)
        done(world, item)
        world.olga.expect(201, "POST", f"/feedback/{item['id']}/tell-solved")
        word = {"channel": "email", "direction": "in", "body": "Still missing."}
        world.olga.expect(201, "POST", f"/feedback/{item['id']}/messages", word)
        assert [event["data"]["message"]["kind"] for event in world.events(types="message.cancelled")] == ["solved"]
    opened = seen(world, item)
    assert (opened["status"], opened["needs_decision"], opened["closed_at"]) == ("open", True, None)
    [event] = world.events(types="feedback.undecided")
    assert event["data"]["reason"] in (NOT_SOLVED, WROTE_AGAIN)
    invariants.check(database)
    later(world, 30 * DAY)
    assert seen(world, item)["status"] == "open"
    world.give("Bob", item=item)
    assert (seen(world, item)["status"], seen(world, item)["needs_decision"]) == ("open", False)


def test_what_is_due_and_what_is_silent_is_found_by_index(world: World, noon: datetime) -> None:
    found = [
        plan(world, lambda session: silence.raise_due(session, before=noon, now=noon)),
        plan(world, lambda session: asking.ask_due(session, now=noon)),
        plan(world, lambda session: asking.assume_unanswered(session, now=noon)),
        plan(world, lambda session: closing.settle_due(session, wish=TellCustomer.ASK, check_after=None, now=noon)),
        plan(world, lambda session: session.execute(select(Feedback.id).where(SILENT).order_by(Feedback.received_at))),
    ]
    indexes = ("feedback_told_before", "checks_due", "checks_expiring", "feedback_settling", "feedback_silent")
    assert [name for name, how in zip(indexes, found, strict=True) if f"ix_{name}" not in how] == []


def test_nobody_is_asked_who_does_not_want_to_be_contacted(world: World, noon: datetime) -> None:
    automatic(world)
    item = world.feedback(customer=KIM)
    done(world, item)
    later(world, UNDO)
    clock.freeze(clock.now() + MINUTE)
    leave(world)
    later(world)
    path = f"/customers/{item['customer']['id']}/do-not-contact"
    world.ada.expect(200, "PUT", path, {"reason": "She asked for it."})
    [check] = world.ada.get(f"/feedback/{item['id']}/checks")["items"]
    assert check["state"] == "cancelled"
    other = world.feedback(customer={"id": item["customer"]["id"]})
    done(world, other)
    later(world, UNDO)
    [_, closed] = world.events(types="feedback.closed")
    assert closed["data"]["reason"] == "The customer does not want to be contacted."


@pytest.mark.parametrize(
    ("form", "wrong"),
    [({}, "solved"), ({"solved": "maybe"}, "solved"), ({"solved": "yes", "score": "6"}, "score"),
     ({"solved": "yes", "word": "x" * 2001}, "word"), ({"solved": "no", "word": "\0"}, "word")],
)  # fmt: skip
def test_what_is_wrong_is_marked_and_changes_nothing(
    small_world: World, noon: datetime, form: dict[str, str], wrong: str
) -> None:
    automatic(small_world)
    item = closed_and_asked(small_world)
    answer = post(small_world, link(small_world, item), **form)
    assert answer.status_code == 422
    assert re.findall(r'aria-describedby="(\w+)-mistake"', answer.text) == [wrong]
    assert seen(small_world, item)["confirmation"] is None
