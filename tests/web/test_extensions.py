"""Claims about more time on the pages: asked for from a row or the page of the action, answered where it is seen."""

from datetime import datetime, timedelta
from typing import Any

from cfm_workflow import clock
from tests.web.browsing import HTMX, Browser, Markup, signed_in
from tests.web.sent_links import get, post, sent
from tests.world import World

DUE, LATER, WHY = "2026-12-01T16:00:00Z", "2026-12-03T16:00:00Z", "The <b>part</b> arrives on Thursday."


def asked(world: World) -> Any:
    action = world.action(due_at=DUE)
    return world.alice.post(f"/actions/{action['id']}/extension", {"due_at": LATER, "reason": WHY})


def now_asked(world: World, action: Any) -> Any:
    return world.olga.get(f"/actions/{action['id']}")["extension_request"]


def answering(browser: Browser, action: Any, at: str) -> Any:
    """The form of the answer in a row, or on the page of the action."""
    path = f"{at}/{action['id']}"
    text = browser.part(f"{path}?do=answer-time").text
    return next(form for form in Markup(text).forms if form.fields.get("due_asked"))


def test_time_is_asked_for_in_the_row_and_taken_back_there(small_world: World, noon: datetime) -> None:
    world = small_world
    action = world.action(due_at=DUE)
    alice = signed_in(world, world.alice)
    form = next(
        each for each in Markup(alice.part(f"/work/{action['id']}?do=ask-time").text).forms if "reason" in each.fields
    )
    assert form.fields["due_at"] == "2026-12-02T16:00"

    for typed in ({}, {"due_at": "2026-12-01T15:00", "reason": WHY}, {"due_at": "", "reason": WHY}):
        assert "aria-invalid" in alice.send(form, 422, HTMX, **typed).text
    said = alice.send(form, 200, HTMX, due_at="2026-12-03T16:00", reason=WHY).text

    assert "&lt;b&gt;part" in said and "withdraw-time" in said
    assert now_asked(world, action)["due_at"] == LATER
    steps = alice.form("/work", f"/work/{action['id']}")
    alice.send(steps, 200, HTMX, transition="withdraw-time")
    assert now_asked(world, action) is None


def test_whoever_gave_the_work_answers_from_my_work_and_nobody_else_is_asked(world: World, noon: datetime) -> None:
    action = asked(world)
    olga = signed_in(world, world.olga)
    for person, sees in ((world.lea, True), (world.alice, False), (world.sam, False), (world.bob, False)):
        assert ("is-asked" in signed_in(world, person).open("/work").text) == sees
    assert "is-asked" in olga.open("/work").text

    form = answering(olga, action, "/work")
    assert form.fields["due_at"] == "2026-12-03T16:00"
    assert "aria-invalid" in olga.send(form, 422, HTMX, answer="refuse").text
    olga.send(form, 200, HTMX, answer="grant", due_at="2026-12-04T16:00")

    assert world.alice.get(f"/actions/{action['id']}")["due_at"] == "2026-12-04T16:00:00Z"
    assert "is-asked" not in olga.open("/work").text


def test_the_page_of_the_action_shows_the_request_with_its_answer(world: World, noon: datetime) -> None:
    action = asked(world)
    path = f"/actions/{action['id']}"
    lea, sam, bob = (signed_in(world, person) for person in (world.lea, world.sam, world.bob))
    assert "&lt;b&gt;part" in bob.open(path).text and "answer-time" not in bob.open(path).text
    assert "answer-time" in lea.open(f"/feedback/{action['feedback_id']}").text

    stale = answering(lea, action, "/actions")
    clock.freeze(noon + timedelta(minutes=1))
    world.alice.post(f"{path}/extension", {"due_at": "2026-12-05T16:00:00Z", "reason": "Friday."})
    lea.send(stale, 409, answer="grant")
    sam.send(next(form for form in Markup(sam.open(path).text).forms if "asked_at" in form.fields), answer="grant")

    seen = world.alice.get(path)
    assert (seen["due_at"], seen["extension_request"]) == ("2026-12-05T16:00:00Z", None)
    text = bob.open(path).text
    assert "Sam gave more time" in text and "Alice asks for more time" in text


def test_who_may_not_ask_or_answer_is_told_so(small_world: World) -> None:
    action = asked(small_world)
    mallory = signed_in(small_world, small_world.mallory)
    page = Markup(mallory.open(f"/actions/{action['id']}").text)
    form = next(each for each in page.forms if each.action.endswith("/transitions"))
    mallory.send(form, 403, transition="answer-time", answer="grant")
    mallory.send(form, 403, transition="ask-time", due_at="2026-12-09T10:00", reason="Mine.")
    assert now_asked(small_world, action)["due_at"] == LATER


def test_a_link_grants_once_what_its_page_shows(world: World, noon: datetime) -> None:
    action = asked(world)
    link = sent(world, world.olga, "grant", action)
    page = get(world, link)
    assert "Thu 3 Dec 2026, 16:00" in page.text and "&lt;b&gt;part" in page.text
    form = Markup(page.text).forms[0].fields
    clock.freeze(noon + timedelta(minutes=1))
    world.alice.post(f"/actions/{action['id']}/extension", {"due_at": "2026-12-05T16:00:00Z", "reason": "Friday."})
    for seen in (form, {}, {"asked_at": "2026-11-23T12:01:00"}):
        assert post(world, link, **seen).status_code == 409

    assert post(world, link, **Markup(get(world, link).text).forms[0].fields).status_code == 200

    assert world.alice.get(f"/actions/{action['id']}")["due_at"] == "2026-12-05T16:00:00Z"
    assert (get(world, link).status_code, post(world, link).status_code) == (410, 410)
    assert get(world, sent(world, world.alice, "grant", action)).status_code == 410  # it is not for her to grant
    assert "<form" not in get(world, sent(world, world.lea, "grant", action)).text


def test_supervision_lists_what_is_asked_for(small_world: World) -> None:
    action = asked(small_world)
    other = small_world.action(due_at=DUE)
    text = signed_in(small_world, small_world.sam).open("/supervision/actions?extension_requested=true").text
    assert f'id="action-{action["id"]}"' in text and f'id="action-{other["id"]}"' not in text
