"""Claims about the pages of feedback in a real browser: both languages, phone and desk, light and dark; by keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import check
from tests.web.desks import LOOKS, Desk, Look

if TYPE_CHECKING:
    pass

ODD = "‮김\"'<b>& 🦄 " + "길다" * 40


OPEN = """() => {
  for (const each of document.querySelectorAll("main details:not([data-menu])")) each.open = true;
  const last = [...document.querySelectorAll("main details[data-menu]")].at(-1);
  if (last) last.open = true;
}"""
"""Unfolds all there is to see; of menus, which lie over what is below them, people have one open at a time."""


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_of_feedback_is_sound(desk: Desk, look: Look) -> None:
    world = desk.world
    world.ada.expect(200, "PATCH", "/me", {"language": look.language})
    item = world.feedback(
        "x" * 300 + " <script>alert(1)</script> 아직도 안 됩니다 🦄",
        metric="nps",
        score=2,
        customer={"name": ODD, "email": "kim@example.com"},
    )
    path = f"/feedback/{item['id']}"
    world.give("Ada", "Bob", "Alice", item=item, title=ODD)
    world.give("Ada", item=item, priority="urgent")
    for label in ("miles", "금" * 40):
        world.olga.expect(200, "PUT", f"{path}/labels/{label}")
    note = world.ada.post(
        f"{path}/notes", {"body": f"# Heading\n\n```\n{'long ' * 60}\n```\n@Bob [x](https://example.com)"}
    )
    world.olga.post(f"{path}/messages", {"to": "customer", "body": "We are on it.\n" * 3})
    world.olga.post(f"{path}/messages", {"to": ["ceo@example.com"], "body": "Look."})
    world.olga.post(f"{path}/messages", {"channel": "phone", "direction": "in", "body": "Still not solved!"})
    pages = (
        "/feedback",
        "/feedback?label=miles&needs_decision=yes&q=nothing",
        "/feedback?score_min=x",
        "/feedback/new",
        path,
        f"{path}?write=reply",
        f"{path}?write=call",
        f"{path}?write=share",
        f"{path}/story",
        f"/feedback/give?ids={item['id']}",
        f"/notes/{note['id']}",
        f"/customers/{item['customer']['id']}",
        "/imports",
    )
    with desk.open(world.ada, pages[0], **look.window) as visited:
        for number, each in enumerate(pages):
            visited.page.goto(desk.origin + each)
            visited.page.evaluate(OPEN)
            no_place = ("422", "503")  # wrong on purpose; no place for one more stream
            visited.said[:] = [line for line in visited.said if not any(code in line for code in no_place)]
            check(visited, origin=desk.origin, axe=look.examines(number))


def test_rows_are_picked_and_labelled_by_keyboard(desk: Desk) -> None:
    items = [desk.world.feedback(f"Item {n}") for n in range(3)]
    with desk.open(desk.world.alice, "/feedback") as visited:
        page = visited.page
        for key in ("j", "x", "j", "x", "l"):
            page.keyboard.press(key)
        page.keyboard.type("billing")
        page.keyboard.press("Enter")
        page.locator(".desk-said").wait_for()
        assert page.locator(".feedback-table .feedback-label").all_inner_texts() == ["billing", "billing"]
        page.keyboard.press("/")
        page.keyboard.type("Item 0")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=Item+0*")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/feedback/{items[0]['id']}")


def test_a_mention_is_chosen_from_a_list(desk: Desk) -> None:
    world = desk.world
    path = f"/feedback/{world.feedback()['id']}"
    with desk.open(world.alice, path) as visited:
        page = visited.page
        body = page.locator("#body")
        body.fill("Please call, ")
        body.press_sequentially("@Bo")
        page.locator("#mentions li").first.wait_for()
        check(visited, origin=desk.origin)
        page.keyboard.press("Enter")
        assert body.input_value() == f"Please call, @[Bob](user:{world.bob.id}) "
        page.get_by_role("button", name="Preview").click()
        page.locator("#look .mention").wait_for()
        page.get_by_role("button", name="Add the note").click()
        page.locator(".feedback-entry .mention").wait_for()
        assert page.locator("#body").input_value() == ""
    assert world.bob.get("/me/mentions")["items"]


def test_what_is_too_long_is_said_where_it_was_typed_and_kept(desk: Desk) -> None:
    path = f"/feedback/{desk.world.feedback()['id']}"
    with desk.open(desk.world.alice, path) as visited:
        page = visited.page
        page.evaluate(
            "() => { const body = document.querySelector('#body'); body.value = '가'.repeat(100_000);"
            " body.dispatchEvent(new Event('input', {bubbles: true})); }"
        )
        page.locator("#write .btn-primary").click()
        page.locator(".feedback-most").wait_for()
        assert page.locator("#body").evaluate("area => area.value.length") == 100_000
        check(visited, origin=desk.origin)
        page.locator("#body").fill("Short.")
        assert page.locator(".feedback-most").count() == 0
        page.get_by_role("button", name="Add the note").click()
        page.get_by_text("Short.", exact=True).first.wait_for()


def test_the_due_date_is_told_while_the_form_is_filled_in(desk: Desk) -> None:
    item = desk.world.feedback()
    with desk.open(desk.world.olga, f"/feedback/give?ids={item['id']}") as visited:
        page = visited.page
        page.locator("#due").select_option("hours")
        page.locator("#due-words b").wait_for()
        before = page.locator("#due-words b").inner_text()
        page.locator("#due_in").fill("400")
        page.wait_for_function("was => document.querySelector('#due-words b')?.innerText !== was", arg=before)
        page.locator("#title").fill("Call back")
        page.get_by_role("checkbox", name="Alice").check()
        page.get_by_role("button", name="Give work").click()
        page.wait_for_url(f"**/feedback/{item['id']}")
        page.locator(".feedback-action").wait_for()


def test_a_word_of_somebody_else_appears_by_itself(desk: Desk) -> None:
    world = desk.world
    path = f"/feedback/{world.feedback()['id']}"
    with desk.open(world.alice, path) as visited:
        visited.page.locator("#body").fill("I am typing")
        world.bob.post(f"{path}/notes", {"body": "News from Bob"})
        visited.page.get_by_text("News from Bob").wait_for()
        assert visited.page.locator("#body").input_value() == "I am typing"
