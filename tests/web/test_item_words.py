"""Claims about what is written on an item from its page: notes, mails, calls, shares; and about its customer."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

from cfm_workflow import clock
from tests.web.browsing import HTMX, Markup, signed_in
from tests.world import World

KIM = {"name": "Kim Minji", "email": "minji@example.com", "language": "en"}


def test_a_note_is_safe_markdown_and_reminds_its_writer(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback()['id']}"
    browser = signed_in(small_world, small_world.alice)
    tomorrow = f"{clock.now() + timedelta(days=1):%Y-%m-%dT17:00}"
    assert tomorrow.partition("T")[0][:4] in browser.part("/feedback/remind?remind_in_words=tomorrow 17:00").text
    body = f"**Call** @[Bob](user:{small_world.bob.id}) <script>alert(1)</script> [x](javascript:alert(2))"
    browser.fill(path, f"{path}/notes", body=body, remind_in_words="tomorrow 17:00")

    page = browser.open(path).text
    assert "<strong>Call</strong>" in page and "<script>alert" not in page and 'href="javascript' not in page
    assert 'class="mention"' in page
    assert small_world.bob.get("/me/mentions")["items"]
    [reminder] = small_world.alice.get("/reminders")["items"]
    assert reminder["remind_at"].startswith(tomorrow)


def test_words_of_time_that_mean_nothing_are_named_and_nothing_typed_is_lost(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback()['id']}"
    browser = signed_in(small_world, small_world.alice)

    browser.part("/feedback/remind?remind_in_words=" + "soon " * 50)
    page = browser.fill(path, f"{path}/notes", 422, body="Call her", remind_in_words="one <b>day</b>").text

    assert "Call her" in page and "one &lt;b&gt;day" in page and 'id="remind-error"' in page
    assert not small_world.alice.get(f"{path}/notes")["items"]


def test_a_note_is_looked_at_before_it_is_written(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback()['id']}"
    browser = signed_in(small_world, small_world.alice)
    form = browser.form(path, f"{path}/notes")
    form.action = f"{path}/notes/look"
    for _ in range(2):
        part = browser.send(form, 200, HTMX, body="*soon*").text
        assert "<em>soon</em>" in part and "<html" not in part
    assert "*soon*" in browser.send(form, 200, body="*soon*").text
    assert not small_world.alice.get(f"{path}/notes")["items"]


def test_a_note_is_written_anew_by_its_writer_unless_somebody_was_faster(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback()['id']}"
    note = small_world.alice.post(f"{path}/notes", {"body": "First"})
    alice, bob = (signed_in(small_world, each) for each in (small_world.alice, small_world.bob))
    stale = alice.form(f"/notes/{note['id']}", f"/notes/{note['id']}")
    alice.fill(f"/notes/{note['id']}", body="Second")

    assert "Third" in alice.send(stale, 409, body="Third").text
    assert f"/notes/{note['id']}/delete" not in bob.open(path).text
    bob.send(stale, 403, body="Mine")
    alice.fill(path, f"/notes/{note['id']}/delete")
    page = alice.open(path).text
    assert "Second" not in page and "Alice deleted this note." in page


def test_a_mail_to_the_customer_can_be_taken_back(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback(customer=KIM)['id']}"
    browser = signed_in(small_world, small_world.alice)
    browser.fill(f"{path}?write=reply", f"{path}/reply", body="Your miles are back.", subject="Miles")
    page = browser.open(path).text
    [cancel] = set(re.findall(r'action="(/messages/\d+/cancel)"', page))
    browser.fill(path, cancel)

    [message] = small_world.alice.get(f"{path}/messages")["items"]
    assert message["state"] == "cancelled" and message["subject"] == "Miles"
    browser.fill(f"{path}?write=reply", f"{path}/reply", 422, body=" ")


def test_a_second_mail_is_asked_for_when_another_went_out_meanwhile(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback(customer=KIM)['id']}"
    alice, bob = (signed_in(small_world, each) for each in (small_world.alice, small_world.bob))
    form = alice.form(f"{path}?write=reply", f"{path}/reply")
    bob.fill(f"{path}?write=reply", f"{path}/reply", body="I am on it.")

    page = alice.send(form, 409, body="So am I.").text
    assert "I am on it." in page and "So am I." in page
    [asked] = [each for each in Markup(page).forms if each.action == form.action]
    alice.send(asked)
    assert len(small_world.alice.get(f"{path}/messages")["items"]) == 2


def test_a_template_fills_the_mail_and_the_preview_shows_what_leaves(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback(customer=KIM)['id']}"
    words = {
        "name": "Miles",
        "kind": "reply",
        "language": "en",
        "subject": "Your miles",
        "body": "Dear {{customer.name}}",
    }
    template = small_world.sam.ask("POST", "/templates", words).json
    if "id" not in template:
        words["body"] = "Dear {customer_name}"
        template = small_world.sam.post("/templates", words)
    browser = signed_in(small_world, small_world.alice)
    part = browser.part(f"{path}/reply/form?template={template['id']}").text
    assert "Kim Minji" in part and "<html" not in part
    form = browser.form(f"{path}?write=reply", f"{path}/reply")
    form.action = f"{path}/reply/look"
    assert "Good news" in browser.send(form, 200, HTMX, body="Good news").text
    assert not small_world.alice.get(f"{path}/messages")["items"]


def test_a_customer_without_an_address_gets_no_form_but_a_reason(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback()['id']}"
    page = signed_in(small_world, small_world.alice).open(f"{path}?write=reply").text
    assert f'action="{path}/reply"' not in page


def test_a_call_is_recorded_in_two_steps(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback(customer=KIM)['id']}"
    browser = signed_in(small_world, small_world.alice)
    browser.fill(f"{path}?write=call", f"{path}/calls", body="She is content.", direction="out")
    [message] = small_world.alice.get(f"{path}/messages")["items"]
    assert (message["state"], message["channel"]) == ("recorded", "phone")
    assert "She is content." in browser.open(path).text
    later = f"{clock.now() + timedelta(days=1):%Y-%m-%dT%H:%M}"
    browser.fill(f"{path}?write=call", f"{path}/calls", 422, body="x", direction="in", made_at=later)


def test_an_item_is_shared_and_the_share_ended(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback(customer=KIM)['id']}"
    browser = signed_in(small_world, small_world.alice)
    wrong = browser.fill(f"{path}?write=share", f"{path}/shares", 422, to="ceo@example.com, nobody", body="Look.")
    assert "nobody" in unescape(wrong.text)
    assert not small_world.alice.get(f"{path}/shares")["items"]
    browser.fill(f"{path}?write=share", f"{path}/shares", to="ceo@example.com, cfo@example.com", body="Look.")

    assert len(small_world.alice.get(f"{path}/shares")["items"]) == 2
    [first, _] = sorted(set(re.findall(r'action="(/shares/\d+/end)"', browser.open(path).text)))
    browser.fill(path, first)
    assert sum(share["revoked_at"] is not None for share in small_world.alice.get(f"{path}/shares")["items"]) == 1


def test_the_customer_is_told_that_it_is_solved_by_a_click(small_world: World) -> None:
    item = small_world.feedback(customer=KIM)
    path = f"/feedback/{item['id']}"
    [action] = small_world.give("Alice", item=item)["actions"]
    browser = signed_in(small_world, small_world.alice)
    assert "/tell-solved" not in browser.open(path).text
    outcome = next(each["key"] for each in small_world.alice.get("/outcomes")["items"] if each["benefits_customer"])
    small_world.alice.fire(action, "complete", outcome=outcome, through=True)
    browser.fill(path, f"{path}/tell-solved")
    [message] = small_world.alice.get(f"{path}/messages")["items"]
    assert message["kind"] == "solved"


def test_a_customer_is_put_on_the_list_of_those_nobody_writes_to(small_world: World) -> None:
    item = small_world.feedback(customer=KIM)
    path = f"/customers/{item['customer']['id']}"
    browser = signed_in(small_world, small_world.alice)
    browser.fill(path, f"{path}/exclude", 422, reason="")
    browser.fill(path, f"{path}/exclude", reason="Asked us to stop.")
    assert "Asked us to stop." in browser.open(path).text
    assert f"{path}/include" not in browser.open(path).text
    sam = signed_in(small_world, small_world.sam)
    sam.fill(path, f"{path}/include")
    assert small_world.sam.get(path)["do_not_contact"] is None
    browser.open("/customers/999", 404)


def test_far_too_much_is_refused_in_words(small_world: World) -> None:
    path = f"/feedback/{small_world.feedback()['id']}"
    browser = signed_in(small_world, small_world.alice)
    form = browser.form(path, f"{path}/notes")
    assert "20,000" not in browser.send(form, 413, body="x" * 10_000_000).text
    again = browser.send(form, 422, body="y" * 20_001).text
    assert "y" * 20_001 in again
