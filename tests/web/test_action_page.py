"""Claims about the page of one action, the inbox and reminders: what they say, and what can be done on them."""

from datetime import timedelta

from cfm_workflow import clock
from tests.web.browsing import HTMX, signed_in
from tests.world import World


def test_the_page_of_an_action_says_what_can_be_done_and_why_the_rest_cannot(world: World) -> None:
    group = world.give("Alice", "Bob", description="All <b>of</b> them", goal="No miles lost", due_in="P2D")
    action, sibling = group["actions"]
    world.bob.fire(sibling, "complete", through=True, outcome="fixed")
    alice = signed_in(world, world.alice)

    text = alice.open(f"/actions/{action['id']}").text

    assert "All &lt;b&gt;of&lt;/b&gt; them" in text and "No miles lost" in text
    assert 'value="accept"' in text and "?do=decline" in text
    assert "<b>Resume</b>" in text and "<b>Accept</b>" not in text
    assert f'href="/actions/{sibling["id"]}"' in text and "1 of 2 done" in text
    assert "That is 2 days from" in text
    assert f'href="/feedback/{action["feedback_id"]}"' in text
    alice.open("/actions/99999", 404)


def test_a_step_on_the_page_asks_for_what_it_requires(world: World) -> None:
    action = world.action("Alice")
    alice = signed_in(world, world.alice)
    path = f"/actions/{action['id']}"
    form = alice.form(f"{path}?do=complete", f"{path}/transitions")
    with_fields = {**form.fields, "transition": "complete"}
    form.fields = with_fields

    missing = alice.send(form, 422)
    assert "aria-invalid" in missing.text
    alice.send(form, outcome="fixed", resolution="All of them")

    assert "All of them" in alice.open(path).text
    assert world.history(action)[-3:] == ["action.accepted", "action.started", "action.completed"]


def test_comments_watching_reminders_and_quiet_are_on_the_page(world: World) -> None:
    action = world.action("Alice", due_in="P2D")
    path = f"/actions/{action['id']}"
    alice = signed_in(world, world.alice)

    alice.send(alice.form(path, f"{path}/comments"), 422, comment=" ")
    alice.send(alice.form(path, f"{path}/comments"), comment="She <i>called</i> again")
    alice.send(alice.form(path, f"{path}/watch"), watch="yes")
    alice.send(alice.form(path, f"{path}/acknowledge"))
    alice.send(alice.form(path, f"{path}/reminders"), 422, remind_at="17:00", text="Call back")
    alice.send(alice.form(path, f"{path}/reminders"), text="Call back")

    text = alice.open(path).text
    assert "She &lt;i&gt;called&lt;/i&gt; again" in text and "Call back" in text and "Do not watch" in text
    assert world.alice.get("/reminders")["items"][0]["action"] == action["id"]
    alice.send(alice.form(path, f"{path}/watch"), watch="no")
    assert "Nobody watches it." in alice.open(path).text


def test_each_changes_the_fields_they_may(world: World) -> None:
    action = world.action("Alice", due_in="P2D")
    path = f"/actions/{action['id']}"
    alice, olga, mallory = (signed_in(world, who) for who in (world.alice, world.olga, world.mallory))
    assert "?do=edit" not in mallory.open(path).text

    own = alice.form(f"{path}?do=edit", f"{path}/fields")
    assert "priority" not in own.fields
    alice.send(own, title="Restore all miles")
    full = olga.form(f"{path}?do=edit", f"{path}/fields")
    olga.send(full, 422, due_at="2099-01-02T09:00", reason="")
    olga.send(full, due_at="2099-01-02T09:00", reason="She is on holiday", priority="urgent")

    seen = world.olga.get(f"/actions/{action['id']}")
    assert (seen["title"], seen["priority"], seen["due_at"]) == ("Restore all miles", "urgent", "2099-01-02T09:00:00Z")
    alice.send(own, 409, title="Something else")


def test_the_inbox_holds_what_concerns_me_and_knows_what_is_new(world: World) -> None:
    action = world.action("Alice")
    alice, olga = signed_in(world, world.alice), signed_in(world, world.olga)
    first = alice.open("/inbox").text
    assert f'href="/actions/{action["id"]}"' in first and 'class="is-new"' in first
    assert ">1<" in alice.part("/inbox/bell").text

    alice.send(alice.form("/inbox", "/inbox/read"))
    read = alice.open("/inbox").text
    assert f'href="/actions/{action["id"]}"' in read and 'class="is-new"' not in read
    assert "desk-count" not in alice.part("/inbox/bell").text

    world.alice.fire(action, "decline", reason="Not for us")
    assert "Not for us" in olga.open("/inbox").text
    assert "<li" not in alice.part("/inbox?only=mentions").text
    assert alice.open("/inbox?cursor=nonsense", 422)


def test_the_inbox_goes_on_where_a_page_ends(small_world: World) -> None:
    world = small_world
    world.give("Alice", item=world.feedback())
    for _ in range(50):
        world.action("Alice")
    alice = signed_in(world, world.alice)
    text = alice.open("/inbox").text
    further = next(part for part in text.split('"') if part.startswith("/inbox?cursor="))

    assert text.count("<li id=") == 50
    assert alice.open(further).text.count("<li id=") == 1


def test_reminders_are_snoozed_changed_and_dropped(world: World) -> None:
    action = world.action("Alice")
    made = world.alice.post(
        "/reminders",
        {"action": action["id"], "text": "Call back", "remind_at": (clock.now() + timedelta(days=1)).isoformat()},
    )
    path = f"/reminders/{made['id']}"
    alice = signed_in(world, world.alice)
    assert "Call back" in alice.open("/reminders").text
    form = alice.form(path, path)

    alice.send(form, by="three_days")
    snoozed = world.alice.get(path)["remind_at"]
    assert snoozed > made["remind_at"]
    del form.fields["_key"]
    alice.send(form, 422, text=" ")
    alice.send(form, text="Call her back", remind_at="2099-01-02T09:00", every="P7D")
    changed = world.alice.get(path)
    assert (changed["text"], changed["remind_at"], changed["every"]) == ("Call her back", "2099-01-02T09:00:00Z", "P7D")

    alice.send(alice.form(path, f"{path}/cancel"))
    assert "Call her back" not in alice.open("/reminders").text
    assert "Call her back" in alice.open("/reminders?state=cancelled").text
    signed_in(world, world.mallory).open(path, 404)


def test_what_is_offered_can_be_taken_or_passed_over(small_world: World) -> None:
    world = small_world
    one, other = world.pool_action(), world.pool_action()
    alice = signed_in(world, world.alice)

    alice.send(alice.form("/work", f"/work/{one['id']}"), 200, headers=HTMX, transition="start")
    alice.send(alice.form(f"/actions/{other['id']}", f"/actions/{other['id']}/pass-over"))

    assert world.alice.get(f"/actions/{one['id']}")["assignee"]["name"] == "Alice"
    assert f'id="action-{other["id"]}"' not in alice.open("/work").text
