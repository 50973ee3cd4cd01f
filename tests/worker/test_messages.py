"""From a word typed to the customer's mailbox: when it leaves, what it looks like, once; and what never leaves."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cfm_workflow import clock
from cfm_workflow.ledger import postbag
from cfm_workflow.models import DeadAddress
from cfm_workflow.worker.messages import Messages
from tests.mailing import Post, send_all
from tests.world import World

MINJI = {"name": "Kim Minji", "email": "minji@example.com", "phone": "+82 2 555 0100"}
UNDO = timedelta(seconds=30)


def write(world: World, item: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return dict(world.bob.expect(201, "POST", f"/feedback/{item['id']}/messages", fields)["items"][0])


def state_of(world: World, message: dict[str, Any]) -> str:
    return str(world.bob.get(f"/messages/{message['id']}")["state"])


def link(text: str, kind: str) -> str:
    """The path of the link of a kind in a mail."""
    found = re.search(rf"https?://[^/]+(/{kind}/\S+)", text)
    assert found, text
    return found[1]


def test_a_message_leaves_once_nobody_can_take_it_back(post: Post) -> None:
    item = post.world.feedback(customer=MINJI)
    made = write(post.world, item, to="customer", subject="Your miles", body="They are back.\nBob")
    assert post.send() == []
    [taken] = post.later(UNDO)
    assert (taken.recipient, taken.message["Subject"]) == ("minji@example.com", "Your miles")
    assert taken.part("plain").replace("\r\n", "\n").startswith("They are back.\nBob\n")
    assert "List-Unsubscribe" not in taken.message and "Auto-Submitted" not in taken.message
    assert state_of(post.world, made) == "sent" and post.later(timedelta(days=1)) == []
    post.world.bob.expect(409, "DELETE", f"/messages/{made['id']}")
    assert post.world.bob.get(f"/feedback/{item['id']}")["told_at"] is not None
    assert [e["type"] for e in post.world.events(types="message.*")] == ["message.queued", "message.sent"]


def test_what_was_taken_back_never_leaves(small_post: Post) -> None:
    item = small_post.world.feedback(customer=MINJI)
    made = write(small_post.world, item, to="customer", body="Oops")
    small_post.world.bob.expect(204, "DELETE", f"/messages/{made['id']}")
    assert small_post.later(UNDO) == []


def test_what_is_written_about_one_item_is_one_thread(small_post: Post) -> None:
    item = small_post.world.feedback(customer=MINJI)
    write(small_post.world, item, to="customer", body="First")
    [first] = small_post.later(UNDO)
    write(small_post.world, item, to="customer", body="Second")
    write(small_post.world, item, to=["ceo@example.com"], body="Look")
    second, shared = small_post.later(UNDO)
    assert second.message["In-Reply-To"] == first.message["Message-ID"]
    assert first.message["References"] in second.message["References"]
    assert first.message["References"] != shared.message["References"]


def test_whoever_finds_the_lease_of_a_dead_worker_sends_the_same_message(post: Post) -> None:
    item = post.world.feedback(customer=MINJI)
    made = write(post.world, item, to="customer", body="Hello")
    clock.freeze(clock.now() + UNDO)
    database, now = post.service.database, clock.now()
    [claimed] = database.transaction(lambda session: postbag.claim(session, made["id"], worker="dead", now=now))
    post.world.bob.expect(409, "DELETE", f"/messages/{made['id']}")
    assert post.send() == []
    clock.freeze(now + postbag.LEASE + timedelta(seconds=1))
    [taken] = post.send()
    post.messages.deliver(claimed)  # the one that was thought dead goes on, and settles nothing
    assert {each.message["Message-ID"] for each in post.sink.taken} == {taken.message["Message-ID"]}
    assert [e["type"] for e in post.world.events(types="message.sent")] == ["message.sent"]


def test_what_a_dead_worker_held_can_be_freed_at_once(small_post: Post) -> None:
    made = write(small_post.world, small_post.world.feedback(customer=MINJI), to="customer", body="Hello")
    clock.freeze(clock.now() + UNDO)
    database, now = small_post.service.database, clock.now()
    database.transaction(lambda session: postbag.claim(session, made["id"], worker="dead", now=now))
    assert database.transaction(lambda session: postbag.give_back_of_dead(session, "dead")) == 1
    assert len(small_post.send()) == 1


@pytest.mark.parametrize(("said", "state"), [("550 5.1.1 No such user", "failed"), ("451 Try later", "queued")])
def test_a_refusal_for_good_is_told_to_whoever_wrote(small_post: Post, said: str, state: str) -> None:
    small_post.sink.faults["RCPT"] = said
    made = write(small_post.world, small_post.world.feedback(customer=MINJI), to="customer", body="Hello")
    small_post.later(UNDO)
    assert state_of(small_post.world, made) == state
    refused = small_post.world.bob.expect(409, "DELETE", f"/messages/{made['id']}")
    del small_post.sink.faults["RCPT"]
    taken = small_post.later(timedelta(minutes=5))
    assert [each.recipient for each in taken] == (["bob@example.com"] if state == "failed" else [MINJI["email"]])
    if state == "queued":  # has left by now, which is another reason
        assert small_post.world.bob.expect(409, "DELETE", f"/messages/{made['id']}")["detail"] != refused["detail"]


def test_a_server_that_names_the_address_tells_it_to_nobody_who_may_not_see_it(small_post: Post) -> None:
    world, item = small_post.world, small_post.world.feedback(customer=MINJI)
    small_post.sink.faults["RCPT"] = "550 5.1.1 <Minji@example.com>: there is no minji here"
    made = write(world, item, to="customer", body="Hello")
    small_post.later(UNDO)
    del small_post.sink.faults["RCPT"]
    [told] = small_post.later(timedelta(minutes=5))
    refused = world.bob.expect(409, "POST", f"/feedback/{item['id']}/messages", {"to": "customer", "body": "Again"})
    seen = (world.events(types="message.failed"), told.part("plain"), refused, world.bob.get(f"/messages/{made['id']}"))
    assert [each for each in seen if "minji@" in str(each).lower() or "no minji" in str(each)] == []
    assert "5.1.1" in told.part("plain") and "5.1.1" in refused["detail"]
    assert "<Minji@example.com>" in world.sam.get(f"/messages/{made['id']}")["answer"]


def test_erasing_a_customer_forgets_that_their_address_was_dead(small_post: Post) -> None:
    world, item = small_post.world, small_post.world.feedback(customer=MINJI)
    small_post.sink.faults["RCPT"] = "550 5.1.1 <minji@example.com>: no such user"
    write(world, item, to="customer", body="Hello")
    small_post.later(UNDO)
    assert len(small_post.rows(select(DeadAddress))) == 1
    world.ada.expect(204, "DELETE", f"/customers/{item['customer']['id']}")
    assert small_post.rows(select(DeadAddress)) == []


def test_without_a_mail_server_a_message_is_kept_and_nobody_was_told(small_world: World) -> None:
    item = small_world.feedback(customer=MINJI)
    made = write(small_world, item, to="customer", body="Hello")
    clock.freeze(clock.now() + UNDO)
    send_all(small_world.service, Messages(small_world.service))
    assert state_of(small_world, made) == "kept"
    assert small_world.bob.get(f"/feedback/{item['id']}")["told_at"] is None
    [kept] = (small_world.service.settings.instance / "outbox").glob("*.eml")
    assert kept.name == f"message-{made['id']}.eml"


def test_who_says_no_before_it_leaves_gets_nothing(small_post: Post) -> None:
    item = small_post.world.feedback(customer=MINJI)
    made = write(small_post.world, item, to="customer", body="Hello")
    shared = write(small_post.world, item, to=[MINJI["email"]], body="Hello")
    path = f"/customers/{item['customer']['id']}/do-not-contact"
    small_post.world.bob.expect(200, "PUT", path, {"reason": "Asked for it."})
    small_post.later(UNDO)
    assert state_of(small_post.world, made) == state_of(small_post.world, shared) == "failed"
    assert {each.recipient for each in small_post.later()} == {"bob@example.com"}


def test_one_click_unsubscribes_from_what_was_not_asked_for(post: Post) -> None:
    item = post.world.feedback(customer=MINJI)
    write(post.world, item, to="customer", kind="unasked", body="News")
    [taken] = post.later(UNDO)
    assert taken.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = link(taken.message["List-Unsubscribe"].strip("<>"), "u")
    assert path in taken.part("plain").replace("=\r\n", "") and path in taken.part("html")
    browser, seen = post.world.app.test_client(), f"/customers/{item['customer']['id']}"
    assert browser.get(path).status_code == 200
    assert post.world.sam.get(seen)["unsubscribed_at"] is None  # scanners open every link
    assert browser.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert post.world.sam.get(seen)["unsubscribed_at"] is not None
    assert browser.post(path, data={"again": "yes"}).status_code == 200
    assert post.world.sam.get(seen)["unsubscribed_at"] is None
    assert browser.get(f"{path}x").status_code == 404 and browser.get(path.replace("/u/", "/s/")).status_code == 404


def test_a_shared_item_is_read_without_an_account_until_it_ends(post: Post) -> None:
    item = post.world.feedback("<b>My</b> miles are missing.", customer=MINJI, metric="nps", score=2)
    post.world.give("Alice", item=item, title="Restore <i>miles</i>")
    write(post.world, item, to=["ceo@example.com"], body="Please read.", language="ko")
    taken = next(each for each in post.later(UNDO) if each.recipient == "ceo@example.com")
    path, browser = link(taken.part("plain"), "s"), post.world.app.test_client()
    page = browser.get(path)
    assert page.status_code == 200 and page.headers["Referrer-Policy"] == "no-referrer"
    assert 'lang="ko"' in page.text and "&lt;b&gt;My&lt;/b&gt;" in page.text and "Restore &lt;i&gt;" in page.text
    assert "Kim Minji" in page.text and "minji@" not in page.text and "555 0100" not in page.text
    assert "<script" not in page.text and path.removeprefix("/s/") not in page.text
    [share] = post.world.mallory.get(f"/feedback/{item['id']}/shares")["items"]
    assert share["openings"] == 1 and len(share["last_openings"]) == 1
    post.world.mallory.expect(403, "DELETE", f"/shares/{share['id']}")
    post.world.bob.expect(204, "DELETE", f"/shares/{share['id']}")
    assert browser.get(path).status_code == 410 and "miles" not in browser.get(path).text


def test_a_share_expires(small_post: Post) -> None:
    item = small_post.world.feedback(customer=MINJI)
    write(small_post.world, item, to=["ceo@example.com"], body="Please read.", days=1)
    [taken] = small_post.later(UNDO)
    path, browser = link(taken.part("plain"), "s"), small_post.world.app.test_client()
    clock.freeze(clock.now() + timedelta(days=1))
    assert browser.get(path).status_code == 410


def test_how_to_reach_the_customer_is_shared_by_those_who_see_it(small_post: Post) -> None:
    item = small_post.world.feedback(customer=MINJI)
    body = {"to": ["ceo@example.com"], "body": "Please call.", "include_contact": True}
    small_post.world.mallory.expect(403, "POST", f"/feedback/{item['id']}/messages", body)
    small_post.world.sam.expect(201, "POST", f"/feedback/{item['id']}/messages", body)
    [taken] = small_post.later(UNDO)
    assert "minji@example.com" in small_post.world.app.test_client().get(link(taken.part("plain"), "s")).text


def test_a_share_shows_what_its_sharer_sees_and_ends_with_their_account(small_post: Post) -> None:
    world = small_post.world
    vera = world.person("Vera", "agent")
    world.ada.post("/teams", {"key": "legal", "name": "Legal", "restricted": True, "members": [vera.email]})
    item = world.bob.post("/feedback", {"text": "A complaint."})
    open_work = {"title": "Call her", "assignees": [{"user": world.alice.email}]}
    world.bob.post(f"/feedback/{item['id']}/actions", open_work)
    secret = {"title": "Answer the letter", "assignees": [{"team": "legal", "mode": "pool"}]}
    vera.post(f"/feedback/{item['id']}/actions", secret)
    write(world, item, to=["ceo@example.com"], body="Look.")
    [taken] = [each for each in small_post.later(UNDO) if each.recipient == "ceo@example.com"]
    path, browser = link(taken.part("plain"), "s"), world.app.test_client()
    page = browser.get(path).text
    assert "Call her" in page and "Answer the letter" not in page
    world.ada.expect(204, "DELETE", f"/users/{world.bob.id}")
    assert browser.get(path).status_code == 410


def test_a_share_that_is_revoked_while_its_mail_is_under_way_is_not_mailed_again(small_post: Post) -> None:
    world, item = small_post.world, small_post.world.feedback()
    made = write(world, item, to=["ceo@example.com"], body="Look.")
    clock.freeze(clock.now() + UNDO)
    database, now = small_post.service.database, clock.now()
    claimed = database.transaction(lambda session: postbag.claim(session, made["id"], worker="w", now=now))
    world.bob.expect(204, "DELETE", f"/shares/{made['share']}")
    small_post.messages.deliver(*claimed)
    assert "ceo@example.com" not in [each.recipient for each in small_post.later(timedelta(days=1))]


@pytest.mark.parametrize(
    "name", ["Kim\x07Minji", "Kim\x1b[31m", "Kim\r\nBcc: all@example.com", "Kim\x85\u2028", "\u202eKim"]
)
def test_a_name_that_no_header_holds_still_gets_its_mail(small_post: Post, name: str) -> None:
    world, item = small_post.world, small_post.world.feedback(customer=MINJI | {"name": name})
    template = {"name": "Miles", "kind": "reply", "language": "en", "body": "{{ customer.greeting }}"}
    made = world.sam.post("/templates", template | {"subject": "For {{ customer.name }}"})
    write(world, item, to="customer", template=made["id"])
    [taken] = small_post.later(UNDO)
    assert taken.recipient == MINJI["email"] and taken.message["Bcc"] is None
    assert taken.message["Subject"].startswith("For Kim") and "\u202e" not in taken.message["Subject"]
